/** Frames that an engine takes together, against node:crypto: on each engine, and each form of the module that the platform has. */
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineError, FrameJob, REFUSED, TAG_BYTES } from '../../src/engine/engine.js';
import { portableEngine } from '../../src/engine/portable/portable.js';
import { AAD_BYTES, MOST_FRAMES, SHARED_HEADER_BYTES, SHARED_TEXT_BYTES } from '../../src/engine/simd/layout.js';
import { compileModule, createSimdEngine } from '../../src/engine/simd/simd.js';
import { Guarded } from '../support/arrays.js';
import { sample } from '../support/engines.js';
import { AVAILABLE_FORMS, FORMS } from '../support/simd-forms.js';

const ENGINES = [
  ['portable', portableEngine],
  ...AVAILABLE_FORMS.map((form) => [form, createSimdEngine(compileModule(FORMS[form]))] as const),
] as const;
const SECRETS = [16, 32, 16, 16, 32].map((length, i) => sample(`key ${i}`, length));
const NOISE = sample('frames', 4 * SHARED_TEXT_BYTES);

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

/** What stands before the text in each out. */
const HEAD_BYTES = 7;

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

describe.each(ENGINES)('frames together, %s', (name, engine) => {
  const keys = SECRETS.map((secret) => {
    const key = engine.createGcmKey(secret.length as 16 | 32);
    key.setKey(secret);
    return key;
  });

  /** The job of a frame: its text amid other bytes, and an out with watched surroundings. */
  function jobOf({ key, nonce, aad, inputAt, spare, length }: Made, text: Uint8Array, output: Uint8Array): FrameJob {
    const input = new Uint8Array(inputAt + text.length + spare).fill(0x5a);
    input.set(text, inputAt);
    const head = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
    const place = { output, outputAt: HEAD_BYTES, head, headLength: HEAD_BYTES };
    return Object.assign(new FrameJob(), {
      key: keys[key],
      nonce,
      aad,
      aadLength: aad.length,
      input,
      inputAt,
      length,
      ...place,
    });
  }

  const withHead = (text: Uint8Array) => Buffer.concat([Buffer.of(1, 2, 3, 4, 5, 6, 7), text]);

  /** The frames that were not sealed as OpenSSL does. */
  function sealAll(frames: readonly Made[]): Made[] {
    const outs = frames.map(({ length }, i) => new Guarded(HEAD_BYTES + length + TAG_BYTES, i & 7));
    const jobs = frames.map((frame, i) => jobOf(frame, frame.plaintext, outs[i]!.bytes));
    engine.sealAll(jobs, frames.length);
    expect(jobs.map(({ written }) => written)).toEqual(frames.map(({ length }) => length + TAG_BYTES));
    return frames.filter(({ sealed }, i) => !outs[i]!.holds(withHead(sealed)));
  }

  /** Opens the frames, whose texts may differ from what was sealed. Returns what is genuine. */
  function openAll(frames: readonly Made[], texts: readonly Uint8Array[]): boolean[] {
    const outs = frames.map(({ length }, i) => new Guarded(HEAD_BYTES + length, i & 7));
    const jobs = frames.map((frame, i) => jobOf(frame, texts[i]!, outs[i]!.bytes));
    engine.openAll(jobs, frames.length);
    const genuine = jobs.map(({ written }) => written >= 0);
    expect(jobs.filter(({ written, length }) => written >= 0 && written !== length)).toEqual([]);
    const wrong = frames.filter(
      ({ plaintext }, i) => !(genuine[i] ? outs[i]!.holds(withHead(plaintext)) : outs[i]!.untouched),
    );
    expect(wrong).toEqual([]);
    return genuine;
  }

  function sealAndOpen(frames: readonly Made[]): void {
    expect(sealAll(frames)).toEqual([]);
    const texts = frames.map(({ sealed }) => sealed);
    expect(openAll(frames, texts)).toEqual(texts.map(() => true));
  }

  it('takes every length, sixteen at a time', () => {
    const batches = 113;
    for (let first = 0; first < batches; first++) {
      const lengths = Array.from({ length: MOST_FRAMES }, (_, i) => Math.min(first + batches * i, SHARED_TEXT_BYTES));
      sealAndOpen(lengths.map((length, i) => make(plain(length, first % 3 === 0 ? 0 : (i * first) % 5))));
    }
  });

  it.skipIf(name === 'portable')(
    'takes every three frames by what they leave after whole groups of eight blocks',
    () => {
      for (let i = 0; i < 512; i++) {
        // Blocks modulo 8 of each; the bytes of the last block change from turn to turn.
        const lengths = [i >>> 6, (i >>> 3) & 7, i & 7].map(
          (blocks, j) => 16 * blocks + ((i * 7 + j * 5) & 15) + 128 * ((i + j) % 3),
        );
        sealAndOpen(lengths.map((length) => make(plain(length, i & 1))));
      }
    },
  );

  const frame: fc.Arbitrary<Frame> = fc.record({
    key: fc.nat(SECRETS.length - 1),
    length: fc.oneof(
      fc.nat(300),
      fc.nat(SHARED_TEXT_BYTES),
      fc.constantFrom(0, 1, 16, 112, 128, SHARED_TEXT_BYTES, SHARED_TEXT_BYTES + 1, 4000),
    ),
    aadLength: fc.oneof(fc.nat(AAD_BYTES), fc.constantFrom(0, 16, 17, 112, AAD_BYTES, AAD_BYTES + 1, 1500)),
    inputAt: fc.oneof(fc.nat(SHARED_HEADER_BYTES), fc.constantFrom(SHARED_HEADER_BYTES, SHARED_HEADER_BYTES + 1)),
    spare: fc.constantFrom(0, 0, 0, 1, 500, 600),
  });
  const frames = fc.array(frame, { minLength: 1, maxLength: 2 * MOST_FRAMES + 3, size: 'max' });

  it('seals and opens random mixes of keys and lengths as OpenSSL does, those that go one by one among them', () => {
    fc.assert(
      fc.property(frames, (list) => {
        sealAndOpen(list.map((one) => make(one)));
      }),
      { numRuns: 150 },
    );
  });

  it('finds forged frames among others, wherever a bit was changed', () => {
    const forgeries = fc.array(fc.option(fc.nat(), { freq: 2 }), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(frames, forgeries, (list, bits) => {
        const all = list.map((one) => make(one));
        const texts = all.map(({ sealed }, i) => {
          const bit = bits[i] ?? null;
          return bit === null ? sealed : flipped(sealed, bit % (8 * sealed.length));
        });
        expect(openAll(all, texts)).toEqual(all.map((_, i) => bits[i] === null));
      }),
      { numRuns: 100 },
    );
  });

  it('is of the nonce and the AAD, too', () => {
    const all = Array.from({ length: 9 }, (_, i) => make(plain(50 * i)));
    const changed = all.map((one, i) => {
      if (i % 3 === 1) return { ...one, nonce: flipped(one.nonce, 11 * i) };
      return i % 3 === 2 ? { ...one, aad: flipped(one.aad, 12 * i) } : one;
    });
    const texts = all.map(({ sealed }) => sealed);
    expect(openAll(changed, texts)).toEqual(all.map((_, i) => i % 3 === 0));
  });

  it('throws for a key that was wiped, opens nothing with it, and does the others before it', () => {
    const wiped = engine.createGcmKey(16);
    const one = make(plain(40));
    const outs = [new Guarded(40 + HEAD_BYTES + TAG_BYTES), new Guarded(40 + HEAD_BYTES + TAG_BYTES)];
    const jobs = outs.map(({ bytes }) => jobOf(one, one.plaintext, bytes));
    jobs[1]!.key = wiped;
    expect(() => engine.sealAll(jobs, 2)).toThrow(EngineError);
    expect(outs[0]!.holds(withHead(one.sealed))).toBe(true);
    expect(outs[1]!.untouched).toBe(true);
    const opens = outs.map(({ bytes }) => jobOf(one, one.sealed, bytes.subarray(0, HEAD_BYTES + 40)));
    opens[1]!.key = wiped;
    engine.openAll(opens, 2);
    expect(opens.map(({ written }) => written)).toEqual([40, REFUSED]);
    expect(outs[1]!.untouched).toBe(true);
  });

  it('may write where the input was read, further on or not', () => {
    const all = [10, 200, 1500].map((length) => make(plain(length)));
    const packets = all.map(({ plaintext }) => Buffer.concat([new Uint8Array(20), plaintext, new Uint8Array(40)]));
    const jobs = (inputAt: number, outputAt: number) =>
      all.map(({ nonce, aad, length }, i) => {
        const memory = { input: packets[i]!, output: packets[i]!, inputAt, outputAt };
        return Object.assign(new FrameJob(), { key: keys[0], nonce, aad, aadLength: 13, length, ...memory });
      });
    engine.sealAll(jobs(20, 31), 3);
    all.forEach(({ sealed }, i) => {
      expect(packets[i]!.subarray(31, 31 + sealed.length).equals(sealed)).toBe(true);
    });
    engine.openAll(jobs(31, 20), 3);
    all.forEach(({ plaintext, length }, i) => {
      expect(packets[i]!.subarray(20, 20 + length).equals(plaintext)).toBe(true);
    });
  });
});
