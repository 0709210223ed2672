/** The SIMD engine's memory: slots for thousands of keys, growth, wiping, and pieces of long frames. */
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { EngineError, FrameJob, type GcmKey } from '../../../src/engine/engine.js';
import { GUARD, SLOT_BYTES, SLOTS } from '../../../src/engine/simd/layout.js';
import { SimdMemory } from '../../../src/engine/simd/memory.js';
import { compileModule, createSimdEngine } from '../../../src/engine/simd/simd.js';
import { sample } from '../../support/engines.js';

const AAD = sample('aad', 12);

function sealed(key: GcmKey, text: Uint8Array): Buffer {
  const job = new FrameJob();
  job.aad = AAD;
  job.aadLength = AAD.length;
  job.input = text;
  job.length = text.length;
  job.output = Buffer.alloc(text.length + 16);
  key.seal(job);
  return job.output as Buffer;
}

function expected(key: Uint8Array, text: Uint8Array): Buffer {
  const cipher = createCipheriv(key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', key, Buffer.alloc(12));
  cipher.setAAD(AAD);
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

describe('slots', () => {
  it('are enough for 2,000 live keys; memory grows under them, and every one keeps working', () => {
    const engine = createSimdEngine(compileModule('plain'));
    const text = sample('text', 333);
    const keys = Array.from({ length: 2000 }, (_, i) => {
      const bytes = sample(`key ${i}`, i % 2 === 0 ? 16 : 32);
      const key = engine.createGcmKey(bytes.length as 16 | 32);
      key.setKey(bytes);
      if (i % 97 === 0) expect(sealed(key, text).equals(expected(bytes, text)), `key ${i} when it is new`).toBe(true);
      return { bytes, key };
    });
    for (const [i, { bytes, key }] of keys.entries()) {
      expect(sealed(key, text).equals(expected(bytes, text)), `key ${i}`).toBe(true);
    }
    for (const { key } of keys) key.wipe();
  });

  it('are used again after a wipe', () => {
    const memory = new SimdMemory(compileModule('plain'));
    const first = memory.takeSlot();
    const second = memory.takeSlot();
    memory.giveSlot(first);
    expect(memory.takeSlot()).toBe(first);
    expect(second - first).toBe(SLOT_BYTES);
  });

  it('do not run out under keys that come and go', () => {
    const engine = createSimdEngine(compileModule('plain'));
    const text = sample('text', 20);
    for (let i = 0; i < 3000; i++) {
      const bytes = sample(`passing ${i}`, 16);
      const key = engine.createGcmKey(16);
      key.setKey(bytes);
      if (i % 100 === 0) expect(sealed(key, text).equals(expected(bytes, text))).toBe(true);
      key.wipe();
      key.wipe();
    }
  });

  it('hold nothing after a wipe, nor does what lies before them', () => {
    const memory = new SimdMemory(compileModule('plain'));
    const slot = memory.takeSlot();
    memory.heap.fill(0xee, slot, slot + SLOT_BYTES);
    memory.eraseSlot(slot);
    memory.wipeScratch();
    const constants = memory.heap.subarray(0, 0x800);
    expect(constants.some((byte) => byte !== 0)).toBe(true);
    expect(memory.heap.subarray(0x800, GUARD).every((byte) => byte === 0)).toBe(true);
    expect(memory.heap.subarray(slot, slot + SLOT_BYTES).every((byte) => byte === 0)).toBe(true);
  });

  it('tell people what to do when there are no more', () => {
    const memory = new SimdMemory(compileModule('plain'));
    const { memory: wasm } = memory.kernels;
    wasm.grow = () => {
      throw new RangeError('the system has no more');
    };
    const take = () => {
      for (let i = 0; i < 1000; i++) memory.takeSlot();
    };
    expect(take).toThrow(EngineError);
    expect(take).toThrow(/no memory for another key or a long text beside about \d+ keys: close/);
    expect(memory.heap.length).toBeGreaterThan(SLOTS);
  });
});

describe.each([16, 32] as const)('long frames, %i-byte keys', (keyBytes) => {
  const bytes = sample('long', keyBytes);
  const engine = createSimdEngine(compileModule('plain'));
  const key = engine.createGcmKey(keyBytes);
  key.setKey(bytes);
  it.each([16_383, 16_384, 16_385, 32_768, 32_769, 65_535, 1_000_000, 16_777_215])(
    'of %i bytes have an area of their own',
    (length) => {
      const text = sample('long text', length);
      const box = sealed(key, text);
      expect(box.equals(expected(bytes, text))).toBe(true);
      const job = new FrameJob();
      job.aad = AAD;
      job.aadLength = AAD.length;
      job.input = box;
      job.length = length;
      job.output = Buffer.alloc(length, 0xa5);
      expect(key.open(job)).toBe(true);
      expect(text.equals(job.output)).toBe(true);
      job.output.fill(0xa5);
      box[length >>> 1]! ^= 4;
      expect(key.open(job)).toBe(false);
      expect(job.output.every((byte) => byte === 0xa5)).toBe(true);
    },
  );
});
