/** Fuzzers of several targets, in turns, until the time is up. */
import { Random } from '../../../src/cli/random.js';
import type { Code } from './code.js';
import { type Finding, Fuzzer } from './fuzzer.js';
import { makeTargets } from './targets/index.js';

const TURN_MS = 1000;
/** Targets with longer turns, because their inputs do more work. */
const TURNS: Readonly<Record<string, number>> = { open: 4, channel: 3 };

export interface CampaignOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** Names of targets. */
  readonly targets: readonly string[];
  /** First inputs, beside the target's own. */
  readonly kept: (target: string) => readonly Uint8Array[];
  /** Called after each turn. */
  readonly progress?: (fuzzers: readonly Fuzzer[], leftMs: number) => void;
  /** Ends the campaign with the first finding. */
  readonly untilFound?: boolean;
}

/** Runs the targets. Returns their fuzzers, with corpus and findings. */
export function runCampaign(code: Code, options: CampaignOptions): Fuzzer[] {
  const { seed, durationMs, untilFound = false } = options;
  const start = performance.now();
  const leftMs = () => durationMs - (performance.now() - start);
  const fuzzers = makeTargets(code, options.targets).map(
    (target) => new Fuzzer(target, code.coverage, new Random(seed), options.kept(target.name)),
  );
  const found = () => untilFound && findingsOf(fuzzers).length > 0;
  const turnMs = Math.min(TURN_MS, durationMs / fuzzers.length);
  for (let turn = 0; leftMs() > 0 && !found(); turn++) {
    const fuzzer = fuzzers[turn % fuzzers.length]!;
    const longMs = turnMs * (TURNS[fuzzer.target.name] ?? 1);
    fuzzer.run(Math.min(longMs, leftMs()), () => untilFound && fuzzer.findings.length > 0);
    options.progress?.(fuzzers, leftMs());
  }
  return fuzzers;
}

export function findingsOf(fuzzers: readonly Fuzzer[]): Finding[] {
  return fuzzers.flatMap(({ findings }) => findings);
}
