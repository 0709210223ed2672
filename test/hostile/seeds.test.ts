/**
 * The fuzzer in short (test/hostile/fuzz/): every committed seed, each target for EXECUTIONS inputs of a fixed seed, and the
 * planted bugs. It runs on the built code, as the command does; `npm test` builds it.
 */
import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../src/cli/random.js';
import { findingsOf, runCampaign } from './fuzz/campaign.js';
import { loadCode } from './fuzz/code.js';
import { readSeeds } from './fuzz/files.js';
import { Fuzzer, runInput } from './fuzz/fuzzer.js';
import { PLANTED_BUGS } from './fuzz/planted.js';
import { makeTargets, TARGET_NAMES } from './fuzz/targets/index.js';

const ROOT = new URL('../../', import.meta.url).pathname;
const MOST_MS = 30_000;
/** Inputs of each target; targets with more work for an input run fewer. */
const EXECUTIONS = 5000;
const FEWER: Readonly<Record<string, number>> = { config: 1000, vectors: 500, open: 80, channel: 150, srtp: 300 };

// SM4 channels warn once.
vi.spyOn(console, 'warn').mockImplementation(() => {});
const code = await loadCode(`${ROOT}dist`, `${ROOT}build/fuzz/test`);
const targets = new Map(makeTargets(code).map((target) => [target.name, target]));

describe('seeds: inputs that once broke an invariant', () => {
  test.each(readSeeds(`${ROOT}fixtures/seeds`))('$target: $invariant', ({ target, input }) => {
    expect(runInput(targets.get(target)!, Buffer.from(input, 'hex'))).toBeTypeOf('string');
  });
});

describe('the fuzzer, briefly', () => {
  test.each(TARGET_NAMES)('%s', (name) => {
    const fuzzer = new Fuzzer(targets.get(name)!, code.coverage, new Random(1), []);
    fuzzer.run(MOST_MS, () => fuzzer.executions >= (FEWER[name] ?? EXECUTIONS));
    expect(fuzzer.findings.map(({ message }) => message)).toEqual([]);
  });

  test('what it runs reaches every branch of the parsers, and most of the channel', () => {
    const share = (room: string) => {
      const files = code.coverage.files([room]);
      const reached = files.reduce((sum, file) => sum + file.reached, 0);
      return reached / files.reduce((sum, file) => sum + file.total, 0);
    };
    expect(share('wire/')).toBe(1);
    expect(share('channel/')).toBeGreaterThan(0.85);
    expect(share('srtp/')).toBeGreaterThan(0.65);
  });

  test.each(PLANTED_BUGS.map((bug, i) => ({ ...bug, i })))('finds a planted bug: $name', async ({ i, ...bug }) => {
    const planted = await loadCode(`${ROOT}dist`, `${ROOT}build/fuzz/test-planted-${i}`, bug);
    const options = { seed: 1, durationMs: MOST_MS, targets: ['sframe', 'open'], kept: () => [], untilFound: true };
    expect(findingsOf(runCampaign(planted, options))).toHaveLength(1);
  });
});
