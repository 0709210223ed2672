/** SM4 of the SIMD engine from inside: its tables, batches, pieces of long frames, and what stays in memory. */

import { createCipheriv } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { EngineError, FrameJob } from '../../../src/engine/engine.js';
import { SM4_SBOX } from '../../../src/engine/portable/sm4.js';
import { BEFORE_SBOX, TABLES } from '../../../src/engine/simd/kernel/sm4.js';
import { QUOTIENT_TABLES } from '../../../src/engine/simd/kernel/tower.js';
import {
  HASH_STATE,
  KEY_INPUT,
  MOST_FRAMES,
  SCRATCH_END,
  SLOTS,
  SM4_BATCH_BLOCKS,
  SM4_SHARED_BYTES,
  SM4_STATES,
  SM4_STATES_END,
  SM4_STREAMS,
  TEXT,
} from '../../../src/engine/simd/layout.js';
import { SimdMemory } from '../../../src/engine/simd/memory.js';
import { compileModule } from '../../../src/engine/simd/simd.js';
import { SimdSm4Key } from '../../../src/engine/simd/sm4.js';
import { BATCH_BLOCKS, Sm4Blocks } from '../../../src/engine/simd/sm4-blocks.js';
import { Guarded } from '../../support/arrays.js';
import { sample } from '../../support/engines.js';
import { AVAILABLE_FORMS, FORMS } from '../../support/simd-forms.js';

const KEY = sample('sm4 key', 16);

function openssl(plaintext: Uint8Array, padded: boolean): Buffer {
  const cipher = createCipheriv('sm4-ecb', KEY, null).setAutoPadding(padded);
  return Buffer.concat([cipher.update(plaintext), cipher.final()]);
}

/** Ciphertext whose padding is wrong. */
function refusable(length: number): Buffer {
  return openssl(sample('no padding', length).fill(0x11, length - 1), false);
}

function jobOf(input: Uint8Array, output: Uint8Array, inputAt = 0, length = input.length - inputAt): FrameJob {
  return Object.assign(new FrameJob(), { input, inputAt, length, output });
}

/** Reproducible numbers below a limit. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
}

describe('the tables of the S-box and of L (GB/T 32907 sections 6.2 and 7.3), on integers', () => {
  const lookUp = (table: readonly number[], index: number) => (index & 0x80 ? 0 : table[index]!);
  const { inverse, aOver } = QUOTIENT_TABLES;
  const rotateLeft = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));

  /** The quotients' nibbles for a byte before the S-box. */
  function quotientsOf(x: number): { u: number; v: number } {
    const state = TABLES.intoHigh[x >>> 4]! ^ TABLES.intoLow[x & 15]! ^ (BEFORE_SBOX & 0xff);
    const [high, low] = [state >>> 4, state & 15];
    const ratio = lookUp(aOver, low);
    return {
      u: lookUp(inverse, lookUp(inverse, high) ^ ratio) ^ high ^ low,
      v: lookUp(inverse, lookUp(inverse, high ^ low) ^ ratio) ^ high,
    };
  }

  function mapped(x: number, map: { u: number[]; v: number[] }): number {
    const { u, v } = quotientsOf(x);
    const state = lookUp(map.u, u) ^ lookUp(map.v, v);
    return TABLES.outHigh[state >>> 4]! ^ TABLES.outLow[state & 15]!;
  }

  it('give all 256 values of the S-box', () => {
    // L' leaves the first byte as it is.
    const values = Array.from(SM4_SBOX, (_, x) => mapped(x, TABLES.key[0]!) ^ 0xd3);
    expect(values).toEqual([...SM4_SBOX]);
  });

  it.each([
    ['L', (x: number) => x ^ rotateLeft(x, 2) ^ rotateLeft(x, 10) ^ rotateLeft(x, 18) ^ rotateLeft(x, 24)],
    ["L'", (x: number) => x ^ rotateLeft(x, 13) ^ rotateLeft(x, 23)],
  ] as const)('give %s of it', (name, linear) => {
    for (let x = 0; x < 256; x++) {
      const [m0, m1, m2, m3] =
        name === 'L'
          ? [0, 1, 1, 2].map((i) => (i < 2 ? mapped(x, TABLES.round[i]!) : 0))
          : TABLES.key.map((map) => mapped(x, map));
      const last = name === 'L' ? m0! ^ m1! : m3!;
      const expected = linear((SM4_SBOX[x]! ^ 0xd3) << 24);
      expect((m0! << 24) | (last << 16) | (m2! << 8) | m1!, `${x}`).toBe(expected);
    }
  });
});

describe.each(AVAILABLE_FORMS)('the %s module', (form) => {
  const registry = new FinalizationRegistry(() => {});
  let memory: SimdMemory;
  let blocks: Sm4Blocks;
  let key: SimdSm4Key;
  beforeEach(() => {
    memory = new SimdMemory(compileModule(FORMS[form]));
    blocks = new Sm4Blocks(memory);
    key = new SimdSm4Key(memory, blocks, registry);
    key.setKey(KEY);
  });

  it('works on any number of blocks, wherever they lie, and leaves the others', () => {
    const slot = memory.takeSlot();
    memory.heap.set(KEY, KEY_INPUT);
    memory.kernels.sm4Keys(slot);
    const list = new Int32Array(memory.kernels.memory.buffer, SM4_BATCH_BLOCKS, 256);
    for (let count = 1; count <= 4 * (2 * SM4_STREAMS + 1); count++) {
      const text = sample(`scattered ${count}`, 16 * 256);
      memory.heap.set(text, TEXT);
      // 37 has no divisor in common with 256; the last three are for filling up.
      for (let i = 0; i < 256; i++) list[i] = TEXT + 16 * (i < count ? (37 * i) % 252 : 252 + (i & 3));
      memory.kernels.sm4(slot, SM4_BATCH_BLOCKS, count);
      const expected = Buffer.from(text);
      for (let i = 0; i < count; i++) {
        const at = 16 * ((37 * i) % 252);
        openssl(text.subarray(at, at + 16), false).copy(expected, at);
      }
      const after = memory.heap.slice(TEXT, TEXT + 16 * 252);
      expect(Buffer.compare(after, expected.subarray(0, 16 * 252)), `${count} blocks`).toBe(0);
    }
  });

  it.each([16_367, 16_368, 16_383, 16_384, 16_385, 16_400, 32_768, 32_769, 1_000_000, 16_777_215])(
    'takes a frame of %i bytes',
    (length) => {
      const plaintext = sample('long', length);
      const sealed = openssl(plaintext, true);
      const out = new Uint8Array(sealed.length);
      expect(key.encrypt(jobOf(plaintext, out))).toBe(sealed.length);
      expect(sealed.equals(out)).toBe(true);
      expect(key.decrypt(jobOf(out, out))).toBe(length);
      expect(plaintext.equals(out.subarray(0, length))).toBe(true);
      const wrong = refusable(sealed.length);
      out.fill(0xa5);
      expect(key.decrypt(jobOf(wrong, out))).toBe(-1);
      expect(out.every((byte) => byte === 0xa5)).toBe(true);
    },
  );

  it('does batches as it does single frames: any lengths, places, paddings and sizes', () => {
    const below = numbers(form.length);
    for (let turn = 0; turn < 60; turn++) {
      const count = below(40);
      const frames = Array.from({ length: count }, (_, i) => {
        const plaintext = sample(`batch ${turn} ${i}`, below(8) === 0 ? below(2500) : below(1900));
        return { plaintext, sealed: openssl(plaintext, true), before: below(6) === 0 ? below(1500) : below(40) };
      });
      const rooms = frames.map(({ sealed }) => new Guarded(sealed.length, below(8)));
      const seals = frames.map(({ plaintext, before }, i) => {
        const input = Buffer.concat([Buffer.alloc(before), plaintext, Buffer.alloc(below(700))]);
        return jobOf(input, rooms[i]!.bytes, before, plaintext.length);
      });
      key.encryptAll(seals, count);
      const wrong = frames.filter(({ sealed }, i) => !rooms[i]!.holds(sealed));
      expect(wrong.length, `encrypted in turn ${turn}`).toBe(0);

      const kinds = frames.map(() => below(5));
      const inputs = frames.map(({ sealed }, i) => {
        if (kinds[i] === 0) return refusable(sealed.length);
        if (kinds[i] === 1) return sealed.subarray(0, sealed.length - 1 - below(15));
        return sealed;
      });
      const outputs = inputs.map((input) => new Guarded(input.length, below(8)));
      const opens = inputs.map((input, i) => jobOf(input, outputs[i]!.bytes));
      key.decryptAll(opens, count);
      for (const [i, { plaintext }] of frames.entries()) {
        const refused = kinds[i]! < 2;
        expect(opens[i]!.written, `frame ${i} of turn ${turn}`).toBe(refused ? -1 : plaintext.length);
        expect(refused ? outputs[i]!.untouched : outputs[i]!.holds(plaintext)).toBe(true);
      }
    }
  });

  it('does batches in place, and after the memory has grown', () => {
    const plaintexts = Array.from({ length: 20 }, (_, i) => sample(`place ${i}`, 77 * i));
    const jobs = plaintexts.map((plaintext) => {
      const memory = new Uint8Array(plaintext.length + 16);
      memory.set(plaintext);
      return jobOf(memory, memory, 0, plaintext.length);
    });
    for (let turn = 0; turn < 2; turn++) {
      key.encryptAll(jobs, 20);
      for (const [i, job] of jobs.entries()) {
        const sealed = openssl(plaintexts[i]!, true);
        expect(sealed.equals(job.output.subarray(0, sealed.length)), `frame ${i}`).toBe(true);
        job.length = sealed.length;
      }
      key.decryptAll(jobs, 20);
      for (const [i, job] of jobs.entries()) {
        expect(plaintexts[i]!.equals(job.output.subarray(0, job.written)), `frame ${i}`).toBe(true);
        job.length = job.written;
      }
      const { heap } = memory;
      while (memory.heap === heap) memory.takeSlot();
    }
  });

  it('has nothing of refused frames in its memory', () => {
    const plaintext = sample('refused', 480);
    plaintext.fill(0x11, 479);
    const sealed = openssl(plaintext, false);
    const jobs = Array.from({ length: 5 }, () => jobOf(sealed, new Uint8Array(480)));
    key.decryptAll(jobs, 5);
    expect(jobs.map(({ written }) => written)).toEqual(new Array(5).fill(-1));
    // The words of all rounds are not plaintext as it was, but can be turned back.
    const words = () => memory.heap.subarray(SM4_STATES, SM4_STATES_END);
    expect(words().every((byte) => byte === 0)).toBe(true);
    expect(key.decrypt(jobs[0]!)).toBe(-1);
    expect(words().every((byte) => byte === 0)).toBe(true);
    const heap = Buffer.from(memory.heap.slice(0x800));
    for (let at = 0; at < 480; at += 16) expect(heap.includes(plaintext.subarray(at, at + 16)), `${at}`).toBe(false);
  });

  it('has nothing of the key and of the frames in its memory after a wipe', () => {
    const slot = memory.takeSlot() - memory.slotBytes;
    const jobs = [jobOf(sample('text', 300), new Uint8Array(304)), jobOf(sample('long', 5000), new Uint8Array(5008))];
    key.encryptAll(jobs, 2);
    expect(memory.heap.subarray(slot, slot + 1024).some((byte) => byte !== 0)).toBe(true);
    expect(memory.heap.subarray(HASH_STATE, SCRATCH_END).some((byte) => byte !== 0)).toBe(true);
    key.wipe();
    key.wipe();
    expect(memory.heap.subarray(HASH_STATE, SCRATCH_END).every((byte) => byte === 0)).toBe(true);
    expect(memory.heap.subarray(slot, slot + memory.slotBytes).every((byte) => byte === 0)).toBe(true);
    expect(memory.takeSlot()).toBe(slot);
  });

  it('has room for the list of a full batch before the slots', () => {
    expect(SM4_BATCH_BLOCKS + 4 * BATCH_BLOCKS).toBeLessThanOrEqual(SLOTS);
    const longest = SM4_SHARED_BYTES - 1;
    const jobs = Array.from({ length: MOST_FRAMES }, (_, i) =>
      jobOf(sample(`full ${i}`, longest), new Uint8Array(longest + 1)),
    );
    const before = memory.heap.slice(SLOTS, SLOTS + 1024);
    key.encryptAll(jobs, MOST_FRAMES);
    expect(memory.heap.slice(SLOTS, SLOTS + 1024)).toEqual(before);
    for (const { input, output } of jobs) expect(openssl(input, true).equals(output)).toBe(true);
  });

  it('does nothing without a key', () => {
    const none = new SimdSm4Key(memory, blocks, registry);
    const job = jobOf(openssl(sample('text', 30), true), new Uint8Array(48));
    for (const call of ['encrypt', 'encryptBlocks', 'decryptBlocks'] as const) {
      expect(() => none[call](job), call).toThrow(EngineError);
    }
    expect(() => none.encryptAll([job], 1)).toThrow(EngineError);
    none.decryptAll([job], 1);
    expect(job.written).toBe(-1);
    expect(none.decrypt(job)).toBe(-1);
    expect(job.output.every((byte) => byte === 0)).toBe(true);
    key.wipe();
    expect(() => key.encrypt(job)).toThrow(EngineError);
  });

  it('keeps the round keys of a key that is set again apart from the old ones', () => {
    key.setKey(sample('another', 16));
    key.setKey(KEY);
    const out = new Uint8Array(48);
    key.encrypt(jobOf(sample('text', 40), out));
    expect(openssl(sample('text', 40), true).equals(out)).toBe(true);
  });
});
