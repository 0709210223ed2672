/** AES-GCM, the contract of every engine: what is refused leaves no trace, and misuse throws. */
import { describe, expect, it } from 'vitest';
import { AesGcm, BAD_TAG, NO_ROOM } from '../../src/aead.js';
import { Guarded } from '../support/arrays.js';
import { ENGINES, mistyped, NOT_BYTES, sample } from '../support/engines.js';
import { EMPTY, flipped, message, TAG_BYTES } from './messages.js';

describe.each(ENGINES)('%s engine', (engine) => {
  describe.each([16, 32] as const)('AES-GCM with a key of %i bytes', (keyBytes) => {
    const short = message(keyBytes, 21, 13, 'short');
    const cipher = new AesGcm(short.key, { engine });

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

    it('throws after destroy, which may be called twice', () => {
      const gcm = new AesGcm(short.key, { engine });
      gcm.destroy();
      gcm.destroy();
      const { nonce, aad, plaintext, sealed } = short;
      expect(() => gcm.seal(nonce, aad, plaintext, new Uint8Array(64))).toThrow(/destroyed/);
      expect(() => gcm.open(nonce, aad, sealed, new Uint8Array(64))).toThrow(/destroyed/);
    });
  });

  it('takes keys of 16 and 32 bytes and no others', () => {
    for (const length of [0, 1, 15, 17, 24, 31, 33, 64]) {
      expect(() => new AesGcm(new Uint8Array(length), { engine }), `${length}`).toThrow(RangeError);
    }
    expect(new AesGcm(new Uint8Array(32), { engine }).tagBytes).toBe(TAG_BYTES);
  });
});

it('throws TypeError for an engine that does not exist', () => {
  expect(() => new AesGcm(new Uint8Array(16), { engine: mistyped('native') })).toThrow(TypeError);
});
