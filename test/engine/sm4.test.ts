/** SM4-ECB, the contract of every engine: compared with node:crypto and sm-crypto, and padding that is checked in full. */
import { createCipheriv } from 'node:crypto';
import sm from 'sm-crypto';
import { describe, expect, it } from 'vitest';
import { BAD_TAG, NO_ROOM, Sm4Ecb } from '../../src/aead.js';
import { FrameJob } from '../../src/engine/engine.js';
import { pickEngine } from '../../src/engine/pick.js';
import { SM4_SBOX } from '../../src/engine/portable/sm4.js';
import { Guarded } from '../support/arrays.js';
import { ARRAY_KINDS, ENGINES, mistyped, NOT_BYTES, sample } from '../support/engines.js';

const KEY = sample('sm4 key', 16);

/** What OpenSSL makes of it: whole blocks as they are, or any length with PKCS#7. */
function openssl(key: Uint8Array, plaintext: Uint8Array, padding: 'none' | 'pkcs7'): Buffer {
  const cipher = createCipheriv('sm4-ecb', key, null).setAutoPadding(padding === 'pkcs7');
  return Buffer.concat([cipher.update(plaintext), cipher.final()]);
}

/** Blocks that end like this, encrypted without padding. */
function sealedEnding(...ending: number[]): Buffer {
  const blocks = sample('blocks', 48);
  blocks.set(ending, 48 - ending.length);
  return openssl(KEY, blocks, 'none');
}

const repeated = (byte: number): number[] => new Array(byte).fill(byte);

describe.each(ENGINES)('%s engine', (engine) => {
  const cipher = new Sm4Ecb(KEY, { engine });

  it('encrypts and decrypts every length from 0 to 1,500 as OpenSSL does, at odd offsets', () => {
    const wrong: string[] = [];
    for (let length = 0; length <= 1500; length++) {
      const key = sample(`key ${length}`, 16);
      const plaintext = sample(`plaintext ${length}`, length);
      const sm4 = new Sm4Ecb(key, { engine });
      const sealed = openssl(key, plaintext, 'pkcs7');
      const input = new Guarded(plaintext, length & 7);
      const out = new Guarded(sealed.length, (length >>> 3) & 7);
      if (sm4.encrypt(input.bytes, out.bytes) !== sealed.length || !out.holds(sealed)) wrong.push(`encrypt ${length}`);

      // decrypt asks for the room of its input, and writes no more than the plaintext.
      const from = new Guarded(sealed, (length >>> 3) & 7);
      const opened = new Guarded(sealed.length, length & 7);
      if (sm4.decrypt(from.bytes, opened.bytes) !== length || !opened.holds(plaintext)) wrong.push(`decrypt ${length}`);
      if (!input.holds(plaintext) || !from.holds(sealed)) wrong.push(`input of ${length} changed`);

      if (length % 16 === 0) {
        const blocks = openssl(key, plaintext, 'none');
        const there = new Guarded(length, 3);
        const back = new Guarded(length, 5);
        if (sm4.encryptBlocks(input.bytes, there.bytes) !== length || !there.holds(blocks))
          wrong.push(`there ${length}`);
        if (sm4.decryptBlocks(there.bytes, back.bytes) !== length || !back.holds(plaintext))
          wrong.push(`back ${length}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('agrees with sm-crypto', () => {
    for (const length of [0, 1, 15, 16, 17, 160, 1200]) {
      const plaintext = sample(`sm-crypto ${length}`, length);
      const sealed = sm.sm4.encrypt(plaintext, KEY, { padding: 'pkcs#7', output: 'array' });
      const out = new Uint8Array(sealed.length);
      expect(cipher.encrypt(plaintext, out)).toBe(sealed.length);
      expect(Buffer.compare(out, Uint8Array.from(sealed)), `${length} bytes`).toBe(0);
      const opened = sm.sm4.decrypt(out, KEY, { padding: 'pkcs#7', output: 'array' });
      expect(cipher.decrypt(Uint8Array.from(sealed), out)).toBe(length);
      expect(Buffer.compare(out.subarray(0, length), Uint8Array.from(opened)), `${length} bytes`).toBe(0);
    }
  });

  it('does 1 MiB', () => {
    const plaintext = sample('1 MiB', 1 << 20);
    const sealed = openssl(KEY, plaintext, 'pkcs7');
    const out = new Uint8Array(sealed.length);
    expect(cipher.encrypt(plaintext, out)).toBe(sealed.length);
    expect(Buffer.compare(out, sealed)).toBe(0);
    expect(cipher.decrypt(out, out)).toBe(plaintext.length);
    expect(Buffer.compare(out.subarray(0, plaintext.length), plaintext)).toBe(0);
  });

  describe('the padding', () => {
    const out = new Guarded(48);
    const refused = (sealed: Uint8Array): boolean => cipher.decrypt(sealed, out.bytes) === BAD_TAG && out.untouched;

    it('may be 1 to 16 bytes', () => {
      for (let count = 1; count <= 16; count++) {
        const room = new Guarded(48);
        expect(cipher.decrypt(sealedEnding(...repeated(count)), room.bytes)).toBe(48 - count);
        expect(room.holds(sample('blocks', 48).subarray(0, 48 - count))).toBe(true);
      }
    });

    it('is refused with every other last byte', () => {
      for (const last of [0, ...Array.from({ length: 239 }, (_, i) => 17 + i)]) {
        expect(refused(sealedEnding(last)), `${last}`).toBe(true);
        expect(refused(sealedEnding(...new Array(16).fill(last))), `a block of ${last}`).toBe(true);
      }
    });

    it('is refused with any one byte wrong', () => {
      for (let count = 2; count <= 16; count++) {
        for (let at = 0; at < count - 1; at++) {
          for (const change of [1, 0x80, 0xff, count]) {
            const ending = repeated(count);
            ending[at]! ^= change;
            expect(refused(sealedEnding(...ending)), `${count} bytes, byte ${at} changed by ${change}`).toBe(true);
          }
        }
      }
    });

    it('is refused with two wrong bytes whose differences cancel out', () => {
      const ending = repeated(5);
      ending[0]! ^= 0x40;
      ending[1]! ^= 0x40;
      expect(refused(sealedEnding(...ending))).toBe(true);
    });

    it('needs one whole block or more', () => {
      const sealed = sealedEnding(1);
      for (let length = 0; length < 48; length++) {
        if (length % 16 !== 0 || length === 0)
          expect(refused(sealed.subarray(0, length)), `${length} bytes`).toBe(true);
      }
    });

    it('is none in a part of a block, with any bytes', () => {
      // Four blocks, as many as some engines do at once, so that what comes after them stays as it is.
      const blocks = sample('four blocks', 64);
      for (let more = 1; more < 16; more++) {
        const sealed = new Uint8Array(64 + more).fill(more);
        sealed.set(blocks);
        const room = new Guarded(80);
        expect(cipher.decrypt(sealed, room.bytes), `${more} bytes`).toBe(BAD_TAG);
        expect(room.untouched).toBe(true);
      }
    });

    it('is refused in place, and the memory stays as it was', () => {
      const sealed = sealedEnding(17);
      const memory = new Guarded(sealed, 1);
      expect(cipher.decrypt(memory.bytes, memory.bytes)).toBe(BAD_TAG);
      expect(memory.holds(sealed)).toBe(true);
    });
  });

  it('answers NO_ROOM to one byte too few, and writes nothing', () => {
    for (const length of [0, 1, 15, 16, 17, 160]) {
      const plaintext = sample('room', length);
      const sealed = openssl(KEY, plaintext, 'pkcs7');
      const tight = new Guarded(sealed.length - 1);
      expect(cipher.encrypt(plaintext, tight.bytes)).toBe(NO_ROOM);
      expect(cipher.decrypt(sealed, tight.bytes)).toBe(NO_ROOM);
      expect(cipher.encryptBlocks(sealed, tight.bytes)).toBe(NO_ROOM);
      expect(cipher.decryptBlocks(sealed, tight.bytes)).toBe(NO_ROOM);
      expect(tight.untouched).toBe(true);
      const exact = new Guarded(sealed.length);
      expect(cipher.encrypt(plaintext, exact.bytes)).toBe(sealed.length);
      expect(exact.holds(sealed)).toBe(true);
    }
  });

  it('throws RangeError for blocks that are not whole', () => {
    for (const length of [1, 15, 17, 31]) {
      const src = new Uint8Array(length);
      expect(() => cipher.encryptBlocks(src, new Uint8Array(64))).toThrow(RangeError);
      expect(() => cipher.decryptBlocks(src, new Uint8Array(64))).toThrow(RangeError);
    }
  });

  it('works in place', () => {
    for (const length of [0, 1, 15, 16, 17, 31, 160, 1200]) {
      const plaintext = sample('in place', length);
      const sealed = openssl(KEY, plaintext, 'pkcs7');
      const memory = new Guarded(sealed.length, 5);
      memory.bytes.set(plaintext);
      expect(cipher.encrypt(memory.bytes.subarray(0, length), memory.bytes)).toBe(sealed.length);
      expect(memory.holds(sealed)).toBe(true);
      const { bytes } = memory;
      cipher.encryptBlocks(bytes, bytes);
      expect(memory.holds(openssl(KEY, sealed, 'none'))).toBe(true);
      cipher.decryptBlocks(bytes, bytes);
      expect(memory.holds(sealed)).toBe(true);
      expect(cipher.decrypt(bytes, bytes)).toBe(length);
      expect(memory.holds(Buffer.concat([plaintext, sealed.subarray(length)]))).toBe(true);
    }
  });

  it('works in two parts of one buffer that touch', () => {
    const plaintext = sample('touching', 40);
    const sealed = openssl(KEY, plaintext, 'pkcs7');
    const buffer = new Uint8Array(48 + 40 + 48);
    buffer.set(plaintext, 48);
    const input = buffer.subarray(48, 88);
    for (const out of [buffer.subarray(0, 48), buffer.subarray(88)]) {
      expect(cipher.encrypt(input, out)).toBe(48);
      expect(Buffer.compare(out, sealed)).toBe(0);
    }
  });

  it('throws RangeError where dst overlaps src in part, and writes nothing', () => {
    const memory = sample('overlap', 200);
    const before = Uint8Array.from(memory);
    for (const shift of [-31, -16, -1, 1, 16, 31]) {
      const src = memory.subarray(64, 96);
      const dst = memory.subarray(64 + shift, 64 + shift + 48);
      for (const call of ['encrypt', 'decrypt', 'encryptBlocks', 'decryptBlocks'] as const) {
        expect(() => cipher[call](src, dst), `${call} by ${shift}`).toThrow(RangeError);
      }
    }
    expect(Buffer.compare(memory, before)).toBe(0);
  });

  it('throws TypeError for what is not a Uint8Array', () => {
    for (const value of NOT_BYTES) {
      const wrong = mistyped<Uint8Array>(value);
      expect(() => new Sm4Ecb(wrong, { engine })).toThrow(TypeError);
      for (const call of ['encrypt', 'decrypt', 'encryptBlocks', 'decryptBlocks'] as const) {
        expect(() => cipher[call](wrong, new Uint8Array(64))).toThrow(TypeError);
        expect(() => cipher[call](new Uint8Array(16), wrong)).toThrow(TypeError);
      }
    }
  });

  it('takes keys of 16 bytes and no others', () => {
    for (const length of [0, 1, 15, 17, 24, 32]) {
      expect(() => new Sm4Ecb(new Uint8Array(length), { engine }), `${length}`).toThrow(RangeError);
    }
  });

  it.each(ARRAY_KINDS)('takes %s', (_, copy) => {
    const plaintext = sample('kinds', 37);
    const sealed = openssl(KEY, plaintext, 'pkcs7');
    const sm4 = new Sm4Ecb(copy(KEY), { engine });
    const out = copy(new Uint8Array(48));
    expect(sm4.encrypt(copy(plaintext), out)).toBe(48);
    expect(Buffer.compare(Uint8Array.from(out), sealed)).toBe(0);
    expect(sm4.decrypt(out, out)).toBe(37);
    expect(Buffer.compare(Uint8Array.from(out).subarray(0, 37), plaintext)).toBe(0);
  });

  it('keeps keys apart when their calls alternate, and keeps none of the arrays', () => {
    const keys = [0, 1, 2].map((i) => sample(`alternate ${i}`, 16));
    const ciphers = keys.map((key) => {
      const given = Uint8Array.from(key);
      const sm4 = new Sm4Ecb(given, { engine });
      given.fill(0);
      return sm4;
    });
    const out = new Uint8Array(112);
    for (let turn = 0; turn < 60; turn++) {
      const plaintext = sample(`turn ${turn}`, turn);
      const sealed = openssl(keys[turn % 3]!, plaintext, 'pkcs7');
      expect(ciphers[turn % 3]!.encrypt(plaintext, out)).toBe(sealed.length);
      expect(Buffer.compare(out.subarray(0, sealed.length), sealed)).toBe(0);
    }
  });

  it('throws after destroy, which may be called twice', () => {
    const sm4 = new Sm4Ecb(KEY, { engine });
    sm4.destroy();
    sm4.destroy();
    for (const call of ['encrypt', 'decrypt', 'encryptBlocks', 'decryptBlocks'] as const) {
      expect(() => sm4[call](new Uint8Array(16), new Uint8Array(64)), call).toThrow(/destroyed/);
    }
  });

  it('in a slot, works towards the start of the same memory by any distance', () => {
    const slot = pickEngine(engine).createSm4Key();
    slot.setKey(KEY);
    const job = new FrameJob();
    const wrong: string[] = [];
    for (let distance = 0; distance <= 40; distance++) {
      for (const length of [0, 1, 15, 16, 17, 100]) {
        const plaintext = sample('distance', length);
        const sealed = openssl(KEY, plaintext, 'pkcs7');
        const memory = new Guarded(distance + sealed.length, distance & 7);
        const { bytes } = memory;
        job.input = job.output = bytes;
        job.inputAt = distance;
        bytes.set(plaintext, distance);
        job.length = length;
        const written = slot.encrypt(job);
        if (written !== sealed.length || Buffer.compare(bytes.subarray(0, written), sealed) !== 0) {
          wrong.push(`encrypt ${length} bytes by ${distance}`);
        }
        bytes.set(sealed, distance);
        job.length = sealed.length;
        if (slot.decrypt(job) !== length || Buffer.compare(bytes.subarray(0, length), plaintext) !== 0) {
          wrong.push(`decrypt ${length} bytes by ${distance}`);
        }
        if (!memory.keepsAllBut(bytes.length)) wrong.push(`beside ${length} bytes by ${distance}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('in a slot, refuses no bytes behind a padded block and does not touch that block', () => {
    const slot = pickEngine(engine).createSm4Key();
    slot.setKey(KEY);
    for (let count = 1; count <= 16; count++) {
      const job = new FrameJob();
      const block = sealedEnding(...repeated(count)).subarray(32);
      const memory = new Guarded(block);
      job.input = job.output = memory.bytes;
      job.inputAt = job.outputAt = 16;
      expect(slot.decrypt(job)).toBe(-1);
      expect(memory.holds(block)).toBe(true);
    }
  });
});

describe('the S-box made at load', () => {
  it('has the values of GB/T 32907 section 6.2', () => {
    const rows: [at: number, printed: string][] = [
      [0x00, 'd690e9fecce13db716b614c228fb2c05'],
      [0x70, 'd40046579fd327524c3602e7a0c4c89e'],
      [0xf0, '18f07dec3adc4d2079ee5f3ed7cb3948'],
    ];
    for (const [at, printed] of rows) {
      expect(Buffer.from(SM4_SBOX.subarray(at, at + 16)).toString('hex'), `row ${at >>> 4}`).toBe(printed);
    }
    expect(SM4_SBOX[0xef]).toBe(0x84);
  });

  it('is a permutation', () => expect(new Set(SM4_SBOX).size).toBe(256));
});
