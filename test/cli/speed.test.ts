/** `frameseal speed`. What it measures is not asserted. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { CLI } from '../support/cli.js';

const speed = async (...args: string[]) =>
  (await promisify(execFile)(process.execPath, [CLI, 'speed', ...args], { encoding: 'utf8' })).stdout;

it('measures every mode, operation and size, for machines and for people', async () => {
  const [json, text] = await Promise.all([speed('--json'), speed()]);
  const { unit, engine, form, node, results } = JSON.parse(json);
  expect(['wide', 'relaxed', 'plain']).toContain(form);
  expect([unit, engine, node]).toEqual(['frames/s', 'simd', process.versions.node]);
  const expected = ['AES_128_GCM2', 'AES_256_GCM2', 'SM4_128_ECB'].flatMap((mode) =>
    ['seal', 'open'].flatMap((operation) => [20, 160, 500, 1200].map((bytes) => ({ mode, operation, bytes }))),
  );
  expect(results).toEqual(expected.map((row) => ({ ...row, framesPerSecond: expect.any(Number) })));
  for (const { framesPerSecond } of results) expect(framesPerSecond).toBeGreaterThan(0);

  expect(text).toMatch(/^ +20 +160 +500 +1200$/m);
  for (const { mode, operation } of expected) {
    expect(text).toMatch(new RegExp(`^ +${mode} ${operation}( +[\\d,]+){4}$`, 'm'));
  }
});
