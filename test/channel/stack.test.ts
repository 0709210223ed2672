/**
 * Fail closed at the end of the stack, where an exception can come out of any call: test/support/stack.mjs calls the build at
 * every depth from there on. Runs in a child, because what is compiled, and so how much stack it takes, is a process's own.
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { ENGINES } from '../support/engines.js';

const script = new URL('../support/stack.mjs', import.meta.url).pathname;
/** A short stack, in KiB: its end is reached sooner. */
const STACK = '--stack-size=200';

interface Report {
  readonly counts: Readonly<Record<string, { readonly calls: number; readonly thrown: number; readonly calm: number }>>;
  readonly wrong: Readonly<Record<string, number>>;
}

describe.each(ENGINES)('%s', (engine) => {
  test.each(['rtp', 'frame'])('%s: any exception at any depth', (framing) => {
    const { stdout, stderr } = spawnSync(process.execPath, [STACK, script, engine, framing], { encoding: 'utf8' });
    expect(stderr).toBe('');
    const { counts, wrong }: Report = JSON.parse(stdout);
    expect(wrong).toEqual({});
    const calls = ['seal', 'sealBatch', 'open', 'openBatch', 'createSealer', 'close', 'rotate'];
    expect(Object.keys(counts)).toEqual(calls);
    for (const [name, { thrown, calm }] of Object.entries(counts)) {
      expect(thrown, name).toBeGreaterThan(50);
      expect(calm, `${name} ends with calls that throw nothing`).toBe(24);
    }
  });
});
