/** examples/harness as a user runs it: agreement, a broken implementation, and one that has no kind of case. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { temporaryFile } from '../support/cli.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const NODE_CRYPTO = `${ROOT}examples/harness/node-crypto.mjs`;

function harness(implementation: string, ...files: string[]) {
  const args = ['examples/harness/harness.mjs', implementation, ...files.map((name) => `fixtures/${name}.json`)];
  return spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
}

/** node-crypto.mjs with a mistake in it. */
function broken(before: string, after: string): string {
  const text = readFileSync(NODE_CRYPTO, 'utf8');
  expect(text).toContain(before);
  const file = temporaryFile('broken.mjs');
  writeFileSync(file, text.replaceAll(before, after));
  return file;
}

describe('examples/harness', () => {
  it('has 30 lines', () => {
    const lines = readFileSync(`${ROOT}examples/harness/harness.mjs`, 'utf8').trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(30);
  });

  it('node:crypto agrees with every case of its kinds', () => {
    const { status, stdout, stderr } = harness(NODE_CRYPTO, 'sp800-38d', 'rfc5869', 'headers');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe('35 cases agree, 0 differ, 10 are of kinds that it does not have\n');
  });

  it.each([
    ['sp800-38d', 'setAAD(bytes(aad))', 'setAAD(bytes(""))'],
    ['sp800-38d', "return 'BAD_TAG'", "return ''"],
    ['rfc5869', 'bytes(salt)', 'bytes(info)'],
  ])('finds a mistake with %s: %s', (file, before, after) => {
    const { status, stdout } = harness(broken(before, after), file);
    expect(status).toBe(1);
    expect(stdout).toMatch(/: expected \w*, got \w*\n/);
  });

  it('nothing that ran is no success', () => {
    expect(harness(NODE_CRYPTO, 'headers').status).toBe(2);
  });
});
