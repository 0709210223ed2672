/** The wide form, which a program selects itself: every length, alone and in batches, against node:crypto. */
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Engine, FrameJob, type GcmKey } from '../../../src/engine/engine.js';
import { hasSimd, plainForm } from '../../../src/engine/simd/forms.js';
import { compileModule, createSimdEngine } from '../../../src/engine/simd/simd.js';
import { wideForm } from '../../../src/engine/simd/wide.js';
import { sample } from '../../support/engines.js';

const AAD = sample('wide aad', 12);
/** Those that end at, before and after a pair of groups whose counters carry, and in the next one. */
const LONG = [
  3800, 4047, 4048, 4063, 4064, 4079, 4080, 4081, 4096, 4100, 4300, 8143, 8160, 8176, 16_384, 16_385, 70_000,
];

function jobOf(text: Uint8Array, i: number): FrameJob {
  const job = new FrameJob();
  job.nonce = sample(`wide nonce ${i}`, 12);
  job.aad = AAD;
  job.aadLength = AAD.length;
  job.input = text;
  job.length = text.length;
  job.output = Buffer.alloc(text.length + 16);
  return job;
}

function expected(key: Uint8Array, { input, nonce }: FrameJob): Buffer {
  const cipher = createCipheriv(key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', key, nonce);
  cipher.setAAD(AAD);
  return Buffer.concat([cipher.update(input), cipher.final(), cipher.getAuthTag()]);
}

function keyOf(engine: Engine, bytes: Uint8Array): GcmKey {
  const key = engine.createGcmKey(bytes.length as 16 | 32);
  key.setKey(bytes);
  return key;
}

// Node 20 has relaxed SIMD by a flag alone.
describe.skipIf(!hasSimd(wideForm)).each([16, 32])('the wide form, a key of %i bytes', (keyBytes) => {
  const bytes = sample(`wide key ${keyBytes}`, keyBytes);
  const wideKey = () => keyOf(createSimdEngine(compileModule(wideForm)), bytes);

  it('seals and opens every length as node:crypto does', () => {
    const key = wideKey();
    const text = sample('wide text', Math.max(...LONG));
    for (const length of [...Array(1501).keys(), ...LONG]) {
      const job = jobOf(text.subarray(0, length), length);
      key.seal(job);
      expect((job.output as Buffer).equals(expected(bytes, job)), `seal ${length}`).toBe(true);
      const back = jobOf(job.output, length);
      back.length = length;
      back.output = Buffer.alloc(length);
      expect(key.open(back), `open ${length}`).toBe(true);
      expect((back.output as Buffer).equals(job.input), `text of ${length}`).toBe(true);
    }
  });

  it('seals the same bytes alone as the plain form', () => {
    const plain = keyOf(createSimdEngine(compileModule(plainForm)), bytes);
    const [a, b] = [jobOf(sample('text', 777), 1), jobOf(sample('text', 777), 1)];
    wideKey().seal(a);
    plain.seal(b);
    expect(a.output).toEqual(b.output);
  });
});
