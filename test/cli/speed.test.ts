/** `frameseal speed`. What it measures is not asserted. */
import { expect, it } from 'vitest';
import { frameseal } from '../support/cli.js';

it('measures every mode, operation and size', () => {
  const { status, stdout } = frameseal(['speed', '--json']);
  expect(status).toBe(0);
  const { unit, engine, node, results } = JSON.parse(stdout);
  expect([unit, engine, node]).toEqual(['frames/s', 'simd', process.versions.node]);
  const expected = ['AES_128_GCM2', 'AES_256_GCM2', 'SM4_128_ECB'].flatMap((mode) =>
    ['seal', 'open'].flatMap((operation) => [20, 160, 500, 1200].map((bytes) => ({ mode, operation, bytes }))),
  );
  expect(results).toEqual(expected.map((row) => ({ ...row, framesPerSecond: expect.any(Number) })));
  for (const { framesPerSecond } of results) expect(framesPerSecond).toBeGreaterThan(0);
});

it('prints a table', () => {
  const { status, stdout } = frameseal(['speed']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ +20 +160 +500 +1200$/m);
  for (const operation of ['seal', 'open']) {
    expect(stdout).toMatch(new RegExp(`^ +AES_128_GCM2 ${operation}( +[\\d,]+){4}$`, 'm'));
  }
});
