/** The SIMD engine's memory: slots for thousands of keys, growth, wiping, and pieces of long frames. */
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { EngineError, FrameJob, type GcmKey, NO_MEMORY } from '../../../src/engine/engine.js';
import { plainForm } from '../../../src/engine/simd/forms.js';
import { SimdGcmKey } from '../../../src/engine/simd/gcm.js';
import {
  GUARD,
  GUARD_BYTES,
  HASH_STATE,
  PIECE_BYTES,
  SCRATCH_END,
  SLOT_BYTES,
  SLOTS,
  TEXT,
} from '../../../src/engine/simd/layout.js';
import { SimdMemory } from '../../../src/engine/simd/memory.js';
import { compileModule, createSimdEngine } from '../../../src/engine/simd/simd.js';
import { SPARE_BYTES } from '../../../src/engine/text-area.js';
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
    const engine = createSimdEngine(compileModule(plainForm));
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
    const memory = new SimdMemory(compileModule(plainForm));
    const first = memory.takeSlot();
    const second = memory.takeSlot();
    memory.giveSlot(first);
    expect(memory.takeSlot()).toBe(first);
    expect(second - first).toBe(SLOT_BYTES);
  });

  it('do not run out under keys that come and go', () => {
    const engine = createSimdEngine(compileModule(plainForm));
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
    const memory = new SimdMemory(compileModule(plainForm));
    const slot = memory.takeSlot();
    memory.heap.fill(0xee, slot, slot + SLOT_BYTES);
    memory.heap.fill(0xee, HASH_STATE, SCRATCH_END);
    memory.eraseSlot(slot);
    memory.wipeScratch();
    const constants = memory.heap.subarray(0, HASH_STATE);
    expect(constants.some((byte) => byte !== 0)).toBe(true);
    expect(memory.heap.subarray(HASH_STATE, SCRATCH_END).every((byte) => byte === 0)).toBe(true);
    expect(memory.heap.subarray(slot, slot + SLOT_BYTES).every((byte) => byte === 0)).toBe(true);
  });

  it('name the remedy when none is left', () => {
    const memory = new SimdMemory(compileModule(plainForm));
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

describe('guards between texts and keys', () => {
  const newEngine = () => {
    const module = compileModule(plainForm);
    const memory = new SimdMemory(module);
    const key = new SimdGcmKey(memory, 16, { register() {}, unregister() {} });
    key.setKey(sample('guarded', 16));
    return { memory, key };
  };

  it.each([0, GUARD_BYTES - 4])('an overwritten word, %i bytes in or further, ends the engine for good', (at) => {
    const { memory, key } = newEngine();
    const text = sample('text', 300);
    expect(sealed(key, text).equals(expected(sample('guarded', 16), text))).toBe(true);
    // What a copy without bounds would do: everything from the text up to the guard.
    memory.heap.fill(0, TEXT, GUARD + at + 4);
    const job = new FrameJob();
    Object.assign(job, { input: Buffer.alloc(400, 1), length: 300, output: Buffer.alloc(400, 0xa5) });
    for (let i = 0; i < 3; i++) {
      expect(() => key.seal(job)).toThrow(/written over/);
      expect(() => key.open(job)).toThrow(EngineError);
    }
    expect(job.output.every((byte) => byte === 0xa5)).toBe(true);
  });

  it('the same behind a long text', () => {
    const { memory, key } = newEngine();
    const text = sample('long text', 40_000);
    expect(sealed(key, text).equals(expected(sample('guarded', 16), text))).toBe(true);
    const { at } = memory.longText(40_016);
    memory.heap.fill(0, at, at + 40_016 + SPARE_BYTES + 4);
    expect(() => sealed(key, text)).toThrow(/written over/);
    expect(() => sealed(key, text.subarray(0, 50))).toThrow(/written over/);
  });

  it('arrays longer than their frame do not come near one', () => {
    const { memory, key } = newEngine();
    for (const [length, spare] of [
      [0, SPARE_BYTES],
      [1800, SPARE_BYTES],
      [PIECE_BYTES, SPARE_BYTES],
      [PIECE_BYTES, 100_000],
      [PIECE_BYTES + 1, SPARE_BYTES],
      [60_000, 100_000],
    ] as const) {
      const job = new FrameJob();
      const input = sample('much', length + spare);
      Object.assign(job, { input, length, output: Buffer.alloc(length + 16) });
      key.seal(job);
      const box = expected(sample('guarded', 16), input.subarray(0, length));
      expect(box.subarray(0, length).equals(job.output.subarray(0, length)), `${length} and ${spare}`).toBe(true);
      memory.checkGuards();
    }
  });
});

describe('a long text', () => {
  it('has a tag of sixteen bytes: each of its bits counts', () => {
    const engine = createSimdEngine(compileModule(plainForm));
    const key = engine.createGcmKey(16);
    key.setKey(sample('tag', 16));
    const text = sample('long', PIECE_BYTES + 5);
    const box = sealed(key, text);
    for (let bit = 0; bit < 128; bit++) {
      const job = new FrameJob();
      const forged = Buffer.from(box);
      forged[text.length + (bit >>> 3)]! ^= 1 << (bit & 7);
      Object.assign(job, {
        aad: AAD,
        aadLength: AAD.length,
        input: forged,
        length: text.length,
        output: Buffer.alloc(text.length),
      });
      expect(key.open(job), `bit ${bit}`).toBe(false);
    }
  });

  it('makes room by what was there before: slots of keys', () => {
    const memory = new SimdMemory(compileModule(plainForm));
    const { at } = memory.longText(100_000);
    const before = memory.takeSlot();
    memory.longText(200_000);
    const slots = Array.from({ length: 5 }, () => memory.takeSlot());
    expect(slots.every((slot) => slot > at - 200 && slot < before)).toBe(true);
    memory.checkGuards();
  });

  it('leaves nothing after a wipe, nor when a longer one takes its place', () => {
    const memory = new SimdMemory(compileModule(plainForm));
    const key = new SimdGcmKey(memory, 16, { register() {}, unregister() {} });
    key.setKey(sample('wiped', 16));
    const lengths = [100_000, 50_000, PIECE_BYTES + 1];
    const { at } = memory.longText(100_016);
    const leftBytes = () => memory.heap.subarray(at - 128, at + 100_016).filter((byte) => byte !== 0).length;
    for (const length of lengths) sealed(key, sample('text', length));
    expect(leftBytes()).toBeGreaterThan(90_000);
    memory.wipeScratch();
    expect(leftBytes()).toBe(0);

    for (const length of lengths) sealed(key, sample('text', length));
    sealed(key, sample('text', 200_000));
    expect(leftBytes()).toBe(0);
    const slots = [memory.takeSlot(), memory.takeSlot()];
    for (const slot of slots) {
      expect(slot).toBeLessThan(at + 100_016);
      expect(memory.heap.subarray(slot, slot + SLOT_BYTES).every((byte) => byte === 0)).toBe(true);
    }
    expect(slots[0]).not.toBe(slots[1]);
    // What was behind the text was a guard: of that nothing is left either.
    expect(memory.heap.subarray(at + 100_016, memory.longText(200_016).at - 128).every((byte) => byte === 0)).toBe(
      true,
    );
  });

  it('keeps working when the memory grows under it, as short texts do', () => {
    const memory = new SimdMemory(compileModule(plainForm));
    const key = new SimdGcmKey(memory, 16, { register() {}, unregister() {} });
    key.setKey(sample('grown', 16));
    const texts = [sample('short', 100), sample('long', 40_000)];
    const before = texts.map((text) => sealed(key, text));
    const { heap } = memory;
    while (memory.heap === heap) memory.takeSlot();
    for (const [i, text] of texts.entries()) expect(sealed(key, text).equals(before[i]!)).toBe(true);
  });

  it('that finds no memory is refused: NO_MEMORY where it came from a network, an error where it is ours', () => {
    const memory = new SimdMemory(compileModule(plainForm));
    const key = new SimdGcmKey(memory, 16, { register() {}, unregister() {} });
    key.setKey(sample('none', 16));
    memory.kernels.memory.grow = () => {
      throw new RangeError('the system has no more');
    };
    const job = new FrameJob();
    Object.assign(job, { input: Buffer.alloc(9_000_016), length: 9_000_000, output: Buffer.alloc(9_000_016) });
    expect(key.open(job)).toBe(false);
    expect(job.written).toBe(NO_MEMORY);
    expect(() => key.seal(job)).toThrow(EngineError);
    expect(sealed(key, sample('short', 9)).equals(expected(sample('none', 16), sample('short', 9)))).toBe(true);
  });
});

describe('what a forged frame leaves', () => {
  it.each([20, 160, 1800, PIECE_BYTES, 40_000])('of %i bytes: nothing of its plaintext in the memory', (length) => {
    const memory = new SimdMemory(compileModule(plainForm));
    const key = new SimdGcmKey(memory, 16, { register() {}, unregister() {} });
    key.setKey(sample('forged', 16));
    const text = sample(`secret ${length}`, length);
    const box = sealed(key, text);
    box[box.length - 1]! ^= 1;
    const job = new FrameJob();
    Object.assign(job, { aad: AAD, aadLength: AAD.length, input: box, length, output: Buffer.alloc(length) });
    memory.wipeScratch();
    expect(key.open(job)).toBe(false);
    const left = Buffer.from(memory.heap.slice(HASH_STATE));
    for (let at = 0; at + 16 <= length; at += 16)
      expect(left.includes(text.subarray(at, at + 16)), `${at}`).toBe(false);
  });
});

describe.each([16, 32] as const)('long frames, %i-byte keys', (keyBytes) => {
  const bytes = sample('long', keyBytes);
  const engine = createSimdEngine(compileModule(plainForm));
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
