/**
 * The fuzzer of one target: changes an input of the corpus, runs it, and keeps it where it reached a new branch. An
 * input that breaks an invariant is minimised and kept as a finding, one for each invariant.
 */
import type { Random } from '../../../src/cli/random.js';
import type { Coverage } from './coverage.js';
import { Violation } from './invariants.js';
import { minimise } from './minimise.js';
import { mutate } from './mutate.js';
import type { Target } from './targets/target.js';

/** Work between two readings of the clock. */
const RUNS_PER_LOOK = 8;
/** Every second input is drawn from this many newest ones: they lead to new coverage. */
const NEWEST = 20;

/** An input that breaks an invariant. */
export interface Finding {
  readonly target: string;
  readonly invariant: string;
  readonly message: string;
  readonly input: Uint8Array;
}

/** The finding of an error that a target threw: an error of the code itself breaks the invariant that it throws none. */
function findingOf(target: Target, input: Uint8Array, error: unknown): Finding {
  const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof Violation) return { target: target.name, invariant: error.invariant, message, input };
  const place =
    /\n\s+at ([^\n]*)/
      .exec(stack)?.[1]
      ?.replace(/\(?file:.*\//, '')
      .replace(/:\d+\)?$/, '') ?? '';
  const invariant = `nothing throws that is not documented: ${name} at ${place}`;
  return { target: target.name, invariant, message: `${name}: ${message}`, input };
}

/** The result of an input: how it ended, or the invariant that it breaks. */
export function runInput(target: Target, input: Uint8Array): string | Finding {
  try {
    return target.run(input);
  } catch (error) {
    return findingOf(target, input, error);
  }
}

export class Fuzzer {
  readonly target: Target;
  readonly corpus: Uint8Array[] = [];
  readonly findings: Finding[] = [];
  executions = 0;
  violations = 0;
  elapsedMs = 0;
  readonly #coverage: Coverage;
  readonly #random: Random;
  /** Branches by how often an input reached them, and how inputs ended. */
  readonly #seen: Uint8Array;
  readonly #outcomes = new Set<string>();

  constructor(target: Target, coverage: Coverage, random: Random, kept: readonly Uint8Array[]) {
    this.target = target;
    this.#coverage = coverage;
    this.#random = random;
    this.#seen = coverage.emptyMap();
    for (const input of [...target.seeds, ...kept]) this.#execute(input);
    if (this.corpus.length === 0) this.corpus.push(new Uint8Array(0));
  }

  /** Runs for a time; stops early where `until` is true. */
  run(durationMs: number, until: () => boolean = () => false): void {
    const start = performance.now();
    let elapsedMs = 0;
    while (elapsedMs < durationMs && !until()) {
      for (let i = 0; i < RUNS_PER_LOOK; i++) this.#execute(this.#next());
      elapsedMs = performance.now() - start;
    }
    this.elapsedMs += elapsedMs;
  }

  #next(): Uint8Array {
    return mutate(this.#choose(), this.#choose(), this.#random, this.target.maxBytes);
  }

  #choose(): Uint8Array {
    const { length } = this.corpus;
    const newest = Math.min(length, NEWEST);
    const at = this.#random.below(2) === 0 ? this.#random.below(length) : length - 1 - this.#random.below(newest);
    return this.corpus[at]!;
  }

  #execute(input: Uint8Array): void {
    this.executions++;
    const outcome = runInput(this.target, input);
    const isNew = this.#coverage.take(this.#seen);
    if (typeof outcome !== 'string') {
      this.#report(outcome);
    } else if (isNew || !this.#outcomes.has(outcome)) {
      this.#outcomes.add(outcome);
      this.corpus.push(input);
    }
  }

  #report(finding: Finding): void {
    this.violations++;
    if (this.findings.some(({ invariant }) => invariant === finding.invariant)) return;
    const breaks = (input: Uint8Array) => {
      const outcome = runInput(this.target, input);
      return typeof outcome !== 'string' && outcome.invariant === finding.invariant;
    };
    this.findings.push({ ...finding, input: minimise(finding.input, breaks) });
  }
}
