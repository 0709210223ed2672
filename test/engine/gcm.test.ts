/** AES-GCM, the contract of every engine: compared with node:crypto and @noble/ciphers, and refusals that leave no trace. */
import { type CipherGCMTypes, createCipheriv } from 'node:crypto';
import { gcm as nobleGcm } from '@noble/ciphers/aes.js';
import { describe, expect, it } from 'vitest';
import { AesGcm, BAD_TAG, NO_ROOM } from '../../src/aead.js';
import { FrameJob } from '../../src/engine/engine.js';
import { pickEngine } from '../../src/engine/pick.js';
import { Guarded } from '../support/arrays.js';
import { ARRAY_KINDS, ENGINES, mistyped, NOT_BYTES, sample } from '../support/engines.js';

const AAD_LENGTHS = [0, 1, 12, 13, 16, 20, 29, 64, 100];
const TAG_BYTES = 16;
const EMPTY = new Uint8Array(0);

interface Message {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  /** What OpenSSL makes of it: ciphertext || tag. */
  readonly sealed: Uint8Array;
}

function message(keyBytes: 16 | 32, length: number, aadLength: number, label = ''): Message {
  const name = `${label} ${keyBytes} ${length} ${aadLength}`;
  const [key, nonce] = [sample(`key ${name}`, keyBytes), sample(`nonce ${name}`, 12)];
  const [aad, plaintext] = [sample(`aad ${name}`, aadLength), sample(`plaintext ${name}`, length)];
  const algorithm: CipherGCMTypes = keyBytes === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(aad);
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return { key, nonce, aad, plaintext, sealed };
}

/** The array with one bit changed. */
function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >>> 3]! ^= 0x80 >>> (bit & 7);
  return copy;
}

describe.each(ENGINES)('%s engine', (engine) => {
  describe.each([16, 32] as const)('AES-GCM with a key of %i bytes', (keyBytes) => {
    const short = message(keyBytes, 21, 13, 'short');
    const cipher = new AesGcm(short.key, { engine });

    it('seals and opens every length from 0 to 1,500 as OpenSSL does, at odd offsets', () => {
      const wrong: string[] = [];
      for (let length = 0; length <= 1500; length++) {
        const aadLength = AAD_LENGTHS[length % AAD_LENGTHS.length]!;
        const { key, nonce, aad, plaintext, sealed } = message(keyBytes, length, aadLength);
        const gcm = new AesGcm(key, { engine });
        const out = new Guarded(length + TAG_BYTES, (length >>> 3) & 7);
        const input = new Guarded(plaintext, length & 7);
        const written = gcm.seal(nonce, new Guarded(aad, 3).bytes, input.bytes, out.bytes);
        if (written !== length + TAG_BYTES || !out.holds(sealed)) wrong.push(`seal ${length}, aad ${aadLength}`);

        const opened = new Guarded(length, length & 7);
        const from = new Guarded(sealed, (length >>> 3) & 7);
        if (gcm.open(nonce, aad, from.bytes, opened.bytes) !== length || !opened.holds(plaintext)) {
          wrong.push(`open ${length}, aad ${aadLength}`);
        }
        if (!input.holds(plaintext) || !from.holds(sealed)) wrong.push(`input of ${length} changed`);
        gcm.destroy();
      }
      expect(wrong).toEqual([]);
    });

    it('agrees with @noble/ciphers', () => {
      for (const [length, aadLength] of [
        [0, 0],
        [1, 300],
        [15, 16],
        [16, 15],
        [160, 29],
        [1200, 20],
        [4097, 1],
      ] as const) {
        const { key, nonce, aad, plaintext } = message(keyBytes, length, aadLength, 'noble');
        const sealed = nobleGcm(key, nonce, aad).encrypt(plaintext);
        const gcm = new AesGcm(key, { engine });
        const out = new Uint8Array(length + TAG_BYTES);
        expect(gcm.seal(nonce, aad, plaintext, out)).toBe(length + TAG_BYTES);
        expect(Buffer.compare(out, sealed), `${length} bytes`).toBe(0);
        expect(gcm.open(nonce, aad, sealed, out)).toBe(length);
        expect(Buffer.compare(out.subarray(0, length), plaintext), `${length} bytes`).toBe(0);
      }
    });

    it.each([4064, 4080, 4096, 5000, 65_535, 70_000, (1 << 20) + 5])(
      'carries its block counter over in %i bytes',
      (length) => {
        const { key, nonce, aad, plaintext, sealed } = message(keyBytes, length, 12);
        const gcm = new AesGcm(key, { engine });
        const out = new Guarded(length + TAG_BYTES, 1);
        expect(gcm.seal(nonce, aad, plaintext, out.bytes)).toBe(length + TAG_BYTES);
        expect(out.holds(sealed)).toBe(true);
        const opened = new Guarded(length, 5);
        expect(gcm.open(nonce, aad, sealed, opened.bytes)).toBe(length);
        expect(opened.holds(plaintext)).toBe(true);
        expect(gcm.open(nonce, aad, flipped(sealed, 8 * length - 1), opened.bytes)).toBe(BAD_TAG);
      },
    );

    it('authenticates long additional data', () => {
      const { key, nonce, aad, plaintext, sealed } = message(keyBytes, 33, 70_001);
      const gcm = new AesGcm(key, { engine });
      const out = new Uint8Array(33);
      expect(gcm.open(nonce, aad, sealed, out)).toBe(33);
      expect(Buffer.compare(out, plaintext)).toBe(0);
      expect(gcm.open(nonce, flipped(aad, 8 * 70_001 - 1), sealed, out)).toBe(BAD_TAG);
    });

    it('refuses every single changed bit and leaves out untouched', () => {
      const { nonce, aad, sealed } = short;
      const out = new Guarded(sealed.length);
      const refused: number[] = [0, 0, 0];
      const trials: [name: string, bits: number, open: (bit: number) => number][] = [
        ['ciphertext and tag', 8 * sealed.length, (bit) => cipher.open(nonce, aad, flipped(sealed, bit), out.bytes)],
        ['aad', 8 * aad.length, (bit) => cipher.open(nonce, flipped(aad, bit), sealed, out.bytes)],
        ['nonce', 8 * nonce.length, (bit) => cipher.open(flipped(nonce, bit), aad, sealed, out.bytes)],
      ];
      trials.forEach(([name, bits, open], i) => {
        for (let bit = 0; bit < bits; bit++) {
          expect(open(bit), `${name}, bit ${bit}`).toBe(BAD_TAG);
          if (out.untouched) refused[i]!++;
        }
      });
      expect(refused).toEqual(trials.map(([, bits]) => bits));
      expect(cipher.open(nonce, aad, sealed, out.bytes)).toBe(21);
    });

    it('refuses a forgery in place and leaves it as it was', () => {
      for (const bit of [0, 8 * 21 - 1, 8 * 21, 8 * 37 - 1]) {
        const forged = flipped(short.sealed, bit);
        const memory = new Guarded(forged, 3);
        expect(cipher.open(short.nonce, short.aad, memory.bytes, memory.bytes)).toBe(BAD_TAG);
        expect(memory.holds(forged)).toBe(true);
      }
    });

    it('refuses data that moved between aad and ciphertext, or zeros added to either', () => {
      const { nonce, aad, sealed } = message(keyBytes, 32, 16, 'moved');
      const gcm = new AesGcm(sample(`key moved ${keyBytes} 32 16`, keyBytes), { engine });
      const out = new Guarded(64);
      const join = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts);
      const trials: [aad: Uint8Array, sealed: Uint8Array][] = [
        [join(aad, sealed.subarray(0, 16)), sealed.subarray(16)],
        [EMPTY, join(aad, sealed)],
        [join(aad, Buffer.alloc(1)), sealed],
        [aad, join(sealed.subarray(0, 32), Buffer.alloc(1), sealed.subarray(32))],
        [aad.subarray(0, 15), sealed],
      ];
      for (const [otherAad, otherSealed] of trials)
        expect(gcm.open(nonce, otherAad, otherSealed, out.bytes)).toBe(BAD_TAG);
      expect(out.untouched).toBe(true);
      expect(gcm.open(nonce, aad, sealed, out.bytes)).toBe(32);
    });

    it('answers BAD_TAG to less than a tag', () => {
      const out = new Guarded(64);
      for (let length = 0; length < TAG_BYTES; length++) {
        expect(cipher.open(short.nonce, short.aad, short.sealed.subarray(0, length), out.bytes)).toBe(BAD_TAG);
      }
      expect(out.untouched).toBe(true);
    });

    it('answers NO_ROOM to one byte too few, and writes nothing', () => {
      for (const length of [0, 1, 15, 16, 17, 160]) {
        const { key, nonce, aad, plaintext, sealed } = message(keyBytes, length, 20, 'room');
        const gcm = new AesGcm(key, { engine });
        const tight = new Guarded(sealed.length - 1);
        expect(gcm.seal(nonce, aad, plaintext, tight.bytes)).toBe(NO_ROOM);
        expect(tight.untouched).toBe(true);
        const exact = new Guarded(sealed.length);
        expect(gcm.seal(nonce, aad, plaintext, exact.bytes)).toBe(sealed.length);
        expect(exact.holds(sealed)).toBe(true);
        if (length > 0) {
          const tightOpen = new Guarded(length - 1);
          expect(gcm.open(nonce, aad, sealed, tightOpen.bytes)).toBe(NO_ROOM);
          expect(tightOpen.untouched).toBe(true);
        }
        const exactOpen = new Guarded(length);
        expect(gcm.open(nonce, aad, sealed, exactOpen.bytes)).toBe(length);
        expect(exactOpen.holds(plaintext)).toBe(true);
      }
    });

    it('works in place', () => {
      for (const length of [0, 1, 15, 16, 17, 31, 160, 1200, 5000]) {
        const { key, nonce, aad, plaintext, sealed } = message(keyBytes, length, 13, 'in place');
        const gcm = new AesGcm(key, { engine });
        const memory = new Guarded(length + TAG_BYTES, 5);
        memory.bytes.set(plaintext);
        expect(gcm.seal(nonce, aad, memory.bytes.subarray(0, length), memory.bytes)).toBe(length + TAG_BYTES);
        expect(memory.holds(sealed)).toBe(true);
        expect(gcm.open(nonce, aad, memory.bytes, memory.bytes)).toBe(length);
        expect(memory.holds(Buffer.concat([plaintext, sealed.subarray(length)]))).toBe(true);
      }
    });

    it('works in two parts of one buffer that touch', () => {
      const { key, nonce, aad, plaintext, sealed } = message(keyBytes, 100, 20, 'touching');
      const gcm = new AesGcm(key, { engine });
      const buffer = new Uint8Array(116 + 100 + 116);
      buffer.set(plaintext, 116);
      const input = buffer.subarray(116, 216);
      const after = buffer.subarray(216);
      expect(gcm.seal(nonce, aad, input, after)).toBe(116);
      expect(Buffer.compare(after, sealed)).toBe(0);
      const before = buffer.subarray(0, 116);
      expect(gcm.seal(nonce, aad, input, before)).toBe(116);
      expect(Buffer.compare(before, sealed)).toBe(0);
      for (const from of [before, after]) {
        input.fill(0);
        expect(gcm.open(nonce, aad, from, input)).toBe(100);
        expect(Buffer.compare(input, plaintext)).toBe(0);
        expect(Buffer.compare(from, sealed)).toBe(0);
      }
    });

    it('throws RangeError where out overlaps the input in part, and writes nothing', () => {
      const { nonce, aad } = short;
      const memory = sample('overlap', 200);
      const before = Uint8Array.from(memory);
      const at = (from: number, length: number): Uint8Array => memory.subarray(from, from + length);
      for (const shift of [1, 2, 16, 39]) {
        expect(() => cipher.seal(nonce, aad, at(60, 40), at(60 + shift, 56)), `after by ${shift}`).toThrow(RangeError);
        expect(() => cipher.open(nonce, aad, at(60, 40), at(60 + shift, 40)), `after by ${shift}`).toThrow(RangeError);
      }
      for (const shift of [1, 2, 16, 55]) {
        expect(() => cipher.seal(nonce, aad, at(60, 40), at(60 - shift, 56)), `before by ${shift}`).toThrow(RangeError);
      }
      for (const shift of [1, 16, 23]) {
        expect(() => cipher.open(nonce, aad, at(60, 40), at(60 - shift, 40)), `before by ${shift}`).toThrow(RangeError);
      }
      expect(Buffer.compare(memory, before)).toBe(0);
    });

    it('throws TypeError for what is not a Uint8Array', () => {
      const { nonce, aad, plaintext } = short;
      const out = new Uint8Array(64);
      for (const value of NOT_BYTES) {
        const wrong = mistyped<Uint8Array>(value);
        expect(() => new AesGcm(wrong, { engine })).toThrow(TypeError);
        for (const call of ['seal', 'open'] as const) {
          expect(() => cipher[call](wrong, aad, plaintext, out)).toThrow(TypeError);
          expect(() => cipher[call](nonce, wrong, plaintext, out)).toThrow(TypeError);
          expect(() => cipher[call](nonce, aad, wrong, out)).toThrow(TypeError);
          expect(() => cipher[call](nonce, aad, plaintext, wrong)).toThrow(TypeError);
        }
      }
    });

    it('throws RangeError for a nonce that is not 12 bytes', () => {
      for (const length of [0, 1, 8, 11, 13, 16]) {
        const nonce = new Uint8Array(length);
        expect(() => cipher.seal(nonce, EMPTY, EMPTY, new Uint8Array(16))).toThrow(RangeError);
        expect(() => cipher.open(nonce, EMPTY, new Uint8Array(16), EMPTY)).toThrow(RangeError);
      }
    });

    it.each(ARRAY_KINDS)('takes %s', (_, copy) => {
      const { nonce, aad, plaintext, sealed } = short;
      const gcm = new AesGcm(copy(short.key), { engine });
      const out = copy(new Uint8Array(sealed.length));
      expect(gcm.seal(copy(nonce), copy(aad), copy(plaintext), out)).toBe(sealed.length);
      expect(Buffer.compare(Uint8Array.from(out), sealed)).toBe(0);
      expect(gcm.open(copy(nonce), copy(aad), out, out)).toBe(plaintext.length);
      expect(Buffer.compare(Uint8Array.from(out).subarray(0, plaintext.length), plaintext)).toBe(0);
    });

    it('keeps neither the key nor the nonce that it was given', () => {
      const { aad, plaintext, sealed } = short;
      const [key, nonce] = [Uint8Array.from(short.key), Uint8Array.from(short.nonce)];
      const gcm = new AesGcm(key, { engine });
      key.fill(0);
      const out = new Uint8Array(sealed.length);
      gcm.seal(nonce, aad, plaintext, out);
      nonce.fill(0);
      expect(Buffer.compare(out, sealed)).toBe(0);
      gcm.seal(short.nonce, aad, plaintext, out);
      expect(Buffer.compare(out, sealed)).toBe(0);
    });

    it('throws after destroy, which may be called twice', () => {
      const gcm = new AesGcm(short.key, { engine });
      gcm.destroy();
      gcm.destroy();
      const { nonce, aad, plaintext, sealed } = short;
      expect(() => gcm.seal(nonce, aad, plaintext, new Uint8Array(64))).toThrow(/destroyed/);
      expect(() => gcm.open(nonce, aad, sealed, new Uint8Array(64))).toThrow(/destroyed/);
    });

    describe('in slots', () => {
      it('opens towards the start of the same memory by any distance', () => {
        const slot = pickEngine(engine).createGcmKey(keyBytes);
        const job = new FrameJob();
        const wrong: string[] = [];
        for (let distance = 0; distance <= 40; distance++) {
          for (const length of [0, 1, 7, 16, 17, 48, 100, 257]) {
            const { key, nonce, aad, plaintext, sealed } = message(keyBytes, length, 29, 'distance');
            slot.setKey(key);
            const memory = new Guarded(distance + sealed.length, distance & 7);
            memory.bytes.set(sealed, distance);
            fillJob(job, nonce, aad, length);
            job.input = job.output = memory.bytes;
            job.inputAt = distance;
            if (!slot.open(job) || Buffer.compare(memory.bytes.subarray(0, length), plaintext) !== 0) {
              wrong.push(`open ${length} bytes by ${distance}`);
            }
            memory.bytes.set(plaintext, distance);
            slot.seal(job);
            if (Buffer.compare(memory.bytes.subarray(0, sealed.length), sealed) !== 0) {
              wrong.push(`seal ${length} bytes by ${distance}`);
            }
            if (!memory.keepsAllBut(memory.bytes.length)) wrong.push(`beside ${length} bytes by ${distance}`);
          }
        }
        expect(wrong).toEqual([]);
      });

      it('reads and writes only what the job names', () => {
        const { key, nonce, aad, plaintext, sealed } = message(keyBytes, 45, 20, 'job');
        const slot = pickEngine(engine).createGcmKey(keyBytes);
        slot.setKey(key);
        const job = new FrameJob();
        fillJob(job, nonce, Buffer.concat([aad, sample('more aad', 9)]), 45);
        job.aadLength = 20;
        job.input = Buffer.concat([sample('before', 5), plaintext, sample('after', 50)]);
        job.inputAt = 5;
        const out = new Guarded(sealed.length, 7);
        job.output = new Uint8Array(out.bytes.buffer);
        job.outputAt = out.bytes.byteOffset;
        slot.seal(job);
        expect(out.holds(sealed)).toBe(true);
      });

      it('forgets a key at the next one', () => {
        const slot = pickEngine(engine).createGcmKey(keyBytes);
        const job = new FrameJob();
        for (const round of [0, 1, 2, 0]) {
          const { key, nonce, aad, sealed } = message(keyBytes, 33, 12, `round ${round}`);
          slot.setKey(key);
          fillJob(job, nonce, aad, 33);
          job.input = sealed;
          job.output = new Uint8Array(33);
          expect(slot.open(job)).toBe(true);
          slot.wipe();
          expect(slot.open(job)).toBe(false);
          expect(() => slot.seal(job)).toThrow('this key was never set, or it was wiped');
        }
      });
    });
  });

  it('keeps keys of both lengths apart when their calls alternate', () => {
    const messages = Array.from({ length: 8 }, (_, i) =>
      message(i % 2 ? 32 : 16, 40 + 31 * i, 5 * i, `interleaved ${i}`),
    );
    const ciphers = messages.map(({ key }) => new AesGcm(key, { engine }));
    const out = new Uint8Array(400);
    for (let turn = 0; turn < 200; turn++) {
      const i = (turn * 5 + (turn >>> 3)) % messages.length;
      const { nonce, aad, plaintext, sealed } = messages[i]!;
      const gcm = ciphers[i]!;
      expect(gcm.seal(nonce, aad, plaintext, out)).toBe(sealed.length);
      expect(Buffer.compare(out.subarray(0, sealed.length), sealed)).toBe(0);
      expect(ciphers[(i + 2) % ciphers.length]!.open(nonce, aad, sealed, out)).toBe(BAD_TAG);
      expect(gcm.open(nonce, aad, sealed, out)).toBe(plaintext.length);
    }
    ciphers[0]!.destroy();
    const { nonce, aad, sealed } = messages[2]!;
    expect(ciphers[2]!.open(nonce, aad, sealed, out)).toBe(sealed.length - TAG_BYTES);
  });

  it('takes keys of 16 and 32 bytes and no others', () => {
    for (const length of [0, 1, 15, 17, 24, 31, 33, 64]) {
      expect(() => new AesGcm(new Uint8Array(length), { engine }), `${length}`).toThrow(RangeError);
    }
    expect(new AesGcm(new Uint8Array(32), { engine }).tagBytes).toBe(TAG_BYTES);
  });

  it('is called by its name', () => expect(pickEngine(engine).name).toBe(engine));
});

it('throws TypeError for an engine that does not exist', () => {
  expect(() => new AesGcm(new Uint8Array(16), { engine: mistyped('native') })).toThrow(TypeError);
});

function fillJob(job: FrameJob, nonce: Uint8Array, aad: Uint8Array, length: number): void {
  job.nonce = nonce;
  job.aad = aad;
  job.aadLength = aad.length;
  job.length = length;
}
