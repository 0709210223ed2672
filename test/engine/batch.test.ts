/** Frames that the SIMD engine puts through its kernels together, against node:crypto; in every form that the platform has. */
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameJob, TAG_BYTES } from '../../src/engine/engine.js';
import { pickEngine } from '../../src/engine/pick.js';
import { SimdBatch } from '../../src/engine/simd/batch.js';
import { SimdGcmKey } from '../../src/engine/simd/gcm.js';
import {
  AAD_BYTES,
  HASH_STATE,
  MOST_FRAMES,
  SHARED_HEADER_BYTES,
  SHARED_TEXT_BYTES,
  SLOTS,
} from '../../src/engine/simd/layout.js';
import { SimdMemory } from '../../src/engine/simd/memory.js';
import { hasSimd } from '../../src/engine/simd/simd.js';
import { Guarded } from '../support/arrays.js';
import { sample } from '../support/engines.js';

const FORMS = (['plain', 'relaxed'] as const).filter(hasSimd);
const SECRETS = [16, 32, 16, 16, 32].map((length, i) => sample(`key ${i}`, length));
const NOISE = sample('frames', 4 * SHARED_TEXT_BYTES);
/** Long enough that it does not stand anywhere by chance. */
const TRACE_BYTES = 8;

interface Frame {
  readonly key: number;
  readonly length: number;
  readonly aadLength: number;
  /** Where the input begins in its array. */
  readonly inputAt: number;
  /** Bytes of the array after the input. */
  readonly spare: number;
}

interface Made extends Frame {
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Buffer;
  /** What OpenSSL makes of it: ciphertext || tag. */
  readonly sealed: Uint8Array;
}

let made = 0;

/** A frame with a nonce of its own. */
function make(frame: Frame, text = NOISE): Made {
  const start = made++ % 3000;
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, made);
  const [aad, plaintext] = [NOISE.subarray(start, start + frame.aadLength), text.subarray(start, start + frame.length)];
  const secret = SECRETS[frame.key]!;
  const cipher = createCipheriv(secret.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', secret, nonce).setAAD(aad);
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return { ...frame, nonce, aad, plaintext, sealed };
}

const plain = (length: number, key = 0): Frame => ({ key, length, aadLength: 13, inputAt: 0, spare: 0 });

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >>> 3]! ^= 0x80 >>> (bit & 7);
  return copy;
}

describe.each(FORMS)('a batch of the SIMD engine, %s', (form) => {
  const memory = new SimdMemory(form);
  const registry = new FinalizationRegistry<number>(() => {});
  const keys = SECRETS.map((secret) => {
    const key = new SimdGcmKey(memory, secret.length as 16 | 32, registry);
    key.setKey(secret);
    return key;
  });
  const batch = new SimdBatch(memory);
  const job = new FrameJob();

  /** The order for a frame: its text amid other bytes, and an out with watched surroundings. */
  function order({ nonce, aad, inputAt, spare, length }: Made, text: Uint8Array, out: Uint8Array): FrameJob {
    const input = new Uint8Array(inputAt + text.length + spare).fill(0x5a);
    input.set(text, inputAt);
    return Object.assign(job, { nonce, aad, aadLength: aad.length, input, inputAt, length, output: out, outputAt: 0 });
  }

  /** Frames that an empty batch takes: whether one with all the AAD that there is room for is among them is its affair. */
  function takenOf(frames: readonly Frame[]): Made[] {
    return frames
      .map((one) => make(one))
      .filter((one) => {
        const taken = batch.addToSeal(
          keys[one.key]!,
          order(one, one.plaintext, new Uint8Array(one.length + TAG_BYTES)),
        );
        batch.clear();
        return taken || one.aadLength < AAD_BYTES;
      });
  }

  /** The frames that were not sealed as OpenSSL does. */
  function sealAll(frames: readonly Made[]): Made[] {
    const outs = frames.map(({ length }, i) => new Guarded(length + TAG_BYTES, i & 7));
    batch.clear();
    frames.forEach((frame, i) => {
      expect(batch.addToSeal(keys[frame.key]!, order(frame, frame.plaintext, outs[i]!.bytes))).toBe(true);
      job.input.fill(0);
    });
    expect(batch.count).toBe(frames.length);
    batch.seal();
    expect(batch.count).toBe(0);
    return frames.filter(({ sealed }, i) => !outs[i]!.holds(sealed));
  }

  /** Opens the frames, whose texts may differ from what was sealed; writes those in `written`. Returns what is genuine. */
  function openAll(frames: readonly Made[], texts: readonly Uint8Array[], written: (i: number) => boolean): boolean[] {
    const outs = frames.map(({ length }, i) => new Guarded(length, i & 7));
    batch.clear();
    frames.forEach((frame, i) => {
      expect(batch.addToOpen(keys[frame.key]!, order(frame, texts[i]!, outs[i]!.bytes))).toBe(true);
      job.input.fill(0);
    });
    batch.open();
    expect(outs.every(({ untouched }) => untouched)).toBe(true);
    const genuine = frames.map((_, i) => batch.isGenuine(i));
    frames.forEach((_, i) => {
      if (genuine[i] && written(i)) batch.write(i);
    });
    batch.clear();
    expect(batch.count).toBe(0);
    expect(
      frames.filter((frame, i) => !(genuine[i] && written(i) ? outs[i]!.holds(frame.plaintext) : outs[i]!.untouched)),
    ).toEqual([]);
    return genuine;
  }

  function sealAndOpen(frames: readonly Made[]): void {
    expect(sealAll(frames)).toEqual([]);
    const texts = frames.map(({ sealed }) => sealed);
    expect(openAll(frames, texts, () => true)).toEqual(texts.map(() => true));
  }

  it('takes every length, sixteen at a time', () => {
    const batches = 113;
    for (let first = 0; first < batches; first++) {
      const lengths = Array.from({ length: MOST_FRAMES }, (_, i) => Math.min(first + batches * i, SHARED_TEXT_BYTES));
      sealAndOpen(lengths.map((length, i) => make(plain(length, first % 3 === 0 ? 0 : (i * first) % 5))));
    }
  });

  it('takes every three frames by what they leave after whole groups of eight blocks', () => {
    for (let i = 0; i < 512; i++) {
      // Blocks modulo 8 of each; the bytes of the last block change from turn to turn.
      const lengths = [i >>> 6, (i >>> 3) & 7, i & 7].map(
        (blocks, j) => 16 * blocks + ((i * 7 + j * 5) & 15) + 128 * ((i + j) % 3),
      );
      sealAndOpen(lengths.map((length) => make(plain(length, i & 1))));
    }
  });

  const frame: fc.Arbitrary<Frame> = fc.record({
    key: fc.nat(SECRETS.length - 1),
    length: fc.oneof(fc.nat(300), fc.nat(SHARED_TEXT_BYTES), fc.constantFrom(0, 1, 16, 112, 128, SHARED_TEXT_BYTES)),
    aadLength: fc.oneof(fc.nat(AAD_BYTES), fc.constantFrom(0, 16, 17, 112, AAD_BYTES)),
    inputAt: fc.oneof(fc.nat(SHARED_HEADER_BYTES), fc.constant(SHARED_HEADER_BYTES)),
    spare: fc.constantFrom(0, 0, 0, 1, 500, 600),
  });
  const frames = fc.array(frame, { minLength: 1, maxLength: MOST_FRAMES, size: 'max' });

  it('seals and opens random mixes of keys and lengths as OpenSSL does', () => {
    fc.assert(
      fc.property(frames, (list) => {
        sealAndOpen(takenOf(list));
      }),
      { numRuns: 200 },
    );
  });

  it('finds forged frames among others, wherever a bit was changed', () => {
    const forgeries = fc.array(fc.option(fc.nat(), { freq: 2 }), { minLength: MOST_FRAMES, maxLength: MOST_FRAMES });
    fc.assert(
      fc.property(frames, forgeries, (list, bits) => {
        const all = takenOf(list);
        const texts = all.map(({ sealed }, i) => {
          const bit = bits[i] ?? null;
          return bit === null ? sealed : flipped(sealed, bit % (8 * sealed.length));
        });
        expect(openAll(all, texts, () => true)).toEqual(all.map((_, i) => bits[i] === null));
      }),
      { numRuns: 150 },
    );
  });

  it('is of the nonce and the AAD, too', () => {
    const all = Array.from({ length: 9 }, (_, i) => make(plain(50 * i)));
    const changed = all.map((one, i) => {
      if (i % 3 === 1) return { ...one, nonce: flipped(one.nonce, 11 * i) };
      return i % 3 === 2 ? { ...one, aad: flipped(one.aad, 12 * i) } : one;
    });
    const texts = all.map(({ sealed }) => sealed);
    expect(openAll(changed, texts, () => true)).toEqual(all.map((_, i) => i % 3 === 0));
  });

  it('leaves nothing of frames that were refused, forged or not, after clear', () => {
    for (let round = 0; round < 4; round++) {
      memory.wipeScratch();
      const all = Array.from({ length: MOST_FRAMES }, (_, i) => {
        const length = round === 3 ? SHARED_TEXT_BYTES : 31 * i + 400 * round;
        return make(plain(length, i % (round + 1)), sample(`text ${round} ${i}`, NOISE.length));
      });
      const forged = (i: number) => i % 4 === 1;
      const texts = all.map(({ sealed }, i) => (forged(i) ? flipped(sealed, 8 * sealed.length - 1 - i) : sealed));
      expect(openAll(all, texts, (i) => i % 2 === 0)).toEqual(all.map((_, i) => !forged(i)));
      const left = Buffer.from(memory.heap.subarray(HASH_STATE, SLOTS));
      const traces = all.map(({ plaintext }) => {
        let count = 0;
        for (let at = 0; at + TRACE_BYTES <= plaintext.length; at += TRACE_BYTES)
          if (left.includes(plaintext.subarray(at, at + TRACE_BYTES))) count++;
        return count;
      });
      expect(traces.filter((count, i) => i % 2 === 1 && count > 0)).toEqual([]);
    }
  });

  it('refuses what must go alone, and does nothing then', () => {
    const wiped = new SimdGcmKey(memory, 16, registry);
    const [one, out] = [make(plain(40)), new Guarded(40 + TAG_BYTES)];
    const alone: [SimdGcmKey, Made][] = [
      [keys[0]!, make(plain(SHARED_TEXT_BYTES + 1))],
      [keys[0]!, make({ ...plain(5), aadLength: AAD_BYTES + 1 })],
      [keys[0]!, make({ ...plain(5), inputAt: SHARED_HEADER_BYTES + 1 })],
      [wiped, one],
    ];
    const refuse = (cases: typeof alone) => {
      const count = batch.count;
      for (const [key, made] of cases) {
        const room = new Guarded(made.length + TAG_BYTES);
        expect(batch.addToSeal(key, order(made, made.plaintext, room.bytes))).toBe(false);
        expect(batch.addToOpen(key, order(made, made.sealed, room.bytes))).toBe(false);
        expect(batch.count).toBe(count);
      }
    };
    refuse(alone);
    expect(batch.addToSeal(keys[0]!, order(one, one.plaintext, out.bytes))).toBe(true);
    refuse(alone);
    const rest = Array.from({ length: MOST_FRAMES - 1 }, () => new Guarded(40 + TAG_BYTES));
    for (const { bytes } of rest) expect(batch.addToSeal(keys[0]!, order(one, one.plaintext, bytes))).toBe(true);
    refuse([...alone, [keys[0]!, one]]);
    batch.seal();
    expect([out, ...rest].every((each) => each.holds(one.sealed))).toBe(true);
  });

  it('is empty after each turn: nothing to seal, open or clear', () => {
    for (let i = 0; i < 3; i++) {
      batch.seal();
      batch.open();
      batch.clear();
      sealAndOpen([make(plain(77 * i))]);
    }
  });

  it('may write where the input was read, further on or not', () => {
    const all = [10, 200, 1500].map((length) => make(plain(length)));
    const packets = all.map(({ plaintext }) => Buffer.concat([new Uint8Array(20), plaintext, new Uint8Array(40)]));
    const run = (add: (key: SimdGcmKey, job: FrameJob) => boolean, inputAt: number, outputAt: number) => {
      all.forEach(({ nonce, aad, length }, i) => {
        const [input, output] = [packets[i]!, packets[i]!];
        add(keys[0]!, Object.assign(job, { nonce, aad, aadLength: 13, input, inputAt, length, output, outputAt }));
      });
    };
    run((key, one) => batch.addToSeal(key, one), 20, 31);
    batch.seal();
    all.forEach(({ sealed }, i) => {
      expect(packets[i]!.subarray(31, 31 + sealed.length).equals(sealed)).toBe(true);
    });
    run((key, one) => batch.addToOpen(key, one), 31, 20);
    batch.open();
    for (let i = 0; i < 3; i++) batch.write(i);
    batch.clear();
    all.forEach(({ plaintext, length }, i) => {
      expect(packets[i]!.subarray(20, 20 + length).equals(plaintext)).toBe(true);
    });
  });
});

it('the portable engine has none: one frame at a time is as good there', () => {
  expect(pickEngine('portable').batch).toBeUndefined();
});
