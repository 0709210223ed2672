/** AES-GCM, the contract of every engine: compared with node:crypto and @noble/ciphers. */
import { gcm as nobleGcm } from '@noble/ciphers/aes.js';
import { describe, expect, it } from 'vitest';
import { AesGcm, BAD_TAG } from '../../src/aead.js';
import { pickEngine } from '../../src/engine/pick.js';
import { Guarded } from '../support/arrays.js';
import { ARRAY_KINDS, ENGINES } from '../support/engines.js';
import { flipped, message, TAG_BYTES } from './messages.js';

const AAD_LENGTHS = [0, 1, 12, 13, 16, 20, 29, 64, 100];

describe.each(ENGINES)('%s engine', (engine) => {
  describe.each([16, 32] as const)('AES-GCM with a key of %i bytes', (keyBytes) => {
    const short = message(keyBytes, 21, 13, 'short');

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

  it('is called by its name', () => expect(pickEngine(engine).name).toBe(engine));
});
