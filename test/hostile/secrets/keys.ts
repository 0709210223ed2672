/**
 * All data that is derived from a key, computed here from the standards and the published layout of the SIMD engine, with
 * node:crypto for the block cipher alone. No process may hold it after close.
 */
import { createCipheriv } from 'node:crypto';
import { SM4_SBOX } from '../../../src/engine/portable/sm4.js';

/** The key or salt with this seed: child.mjs computes the same in place, so that no secret has to travel. */
export function made(seed: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 151 + seed * 67 + ((i * i * 29) >> 2));
}

const inverse = (x: number): number => {
  for (let y = 1; y < 256; y++) if (times(x, y) === 1) return y;
  return 0;
};

function times(x: number, y: number): number {
  let product = 0;
  for (; y > 0; y >>= 1) {
    if (y & 1) product ^= x;
    x = (x << 1) ^ (x & 0x80 ? 0x11b : 0);
  }
  return product;
}

/** FIPS 197 section 5.1.1. */
const SBOX = Uint8Array.from({ length: 256 }, (_, x) => {
  const i = inverse(x) * 0x101;
  return (i ^ (i >> 4) ^ (i >> 5) ^ (i >> 6) ^ (i >> 7) ^ 0x63) & 0xff;
});

/** FIPS 197 section 5.2: round keys 0 to 10 or 14, of 16 bytes each. */
export function roundKeys(key: Uint8Array): Uint8Array[] {
  const words = Array.from({ length: key.length / 4 }, (_, i) => [...key.subarray(4 * i, 4 * i + 4)]);
  const size = words.length;
  let constant = 1;
  for (let i = size; i < 4 * (size + 7); i++) {
    let word = words[i - 1]!;
    if (i % size === 0) {
      word = [...word.slice(1), word[0]!].map((byte) => SBOX[byte]!);
      word[0]! ^= constant;
      constant = times(constant, 2);
    } else if (size === 8 && i % 8 === 4) {
      word = word.map((byte) => SBOX[byte]!);
    }
    words.push(word.map((byte, j) => byte ^ words[i - size]![j]!));
  }
  return Array.from({ length: words.length / 4 }, (_, i) => Uint8Array.from(words.slice(4 * i, 4 * i + 4).flat()));
}

/** H of GHASH (SP 800-38D section 6.4). */
export function hashKey(key: Uint8Array): Uint8Array {
  return createCipheriv(`aes-${8 * key.length}-ecb`, key, null).update(new Uint8Array(16));
}

/** As big-endian words in a little-endian machine's array of words. */
export const inWords = (bytes: Uint8Array): Uint8Array => Buffer.from(bytes).swap32();

/** A round key as the SIMD engine's rows: byte 4 * row + column of the state. */
export const inRows = (bytes: Uint8Array): Uint8Array => bytes.map((_, i) => bytes[4 * (i & 3) + (i >> 2)]!);

/** A round key as eight bit planes, with the S-box's constant in it. */
export function inPlanes(bytes: Uint8Array): Uint8Array {
  const rows = inRows(bytes).map((byte) => byte ^ 0x63);
  return Uint8Array.from({ length: 128 }, (_, i) => ((rows[i & 15]! >> (i >> 4)) & 1 ? 0xff : 0));
}

/** The SIMD engine's GHASH tables of H: for byte s of the product, s = 0..15, that byte of n * H for all nibbles n. */
export function hashTables(key: Uint8Array): Uint8Array[] {
  const h = BigInt(`0x${Buffer.from(hashKey(key)).toString('hex')}`) << 8n;
  const product = (n: number): bigint =>
    [0, 1, 2, 3].reduce((sum, bit) => ((n << bit) & 8 ? sum ^ (h >> BigInt(bit)) : sum), 0n);
  const byteOf = (n: number, s: number): number => Number((product(n) >> BigInt(8 * (16 - s))) & 0xffn);
  return Array.from({ length: 16 }, (_, s) => Uint8Array.from({ length: 16 }, (_, n) => byteOf(n, s)));
}

/** GB/T 32907 section 7.3: the 32 round keys of SM4, one after the other. */
export function sm4RoundKeys(key: Uint8Array): Uint8Array {
  const words = [0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc].map(
    (constant, i) => Buffer.from(key).readInt32BE(4 * i) ^ constant,
  );
  const turn = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));
  const keys = Buffer.alloc(128);
  for (let i = 0; i < 32; i++) {
    const constant = [0, 1, 2, 3].reduce((word, j) => (word << 8) | (((4 * i + j) * 7) & 0xff), 0);
    const mixed = words[i + 1]! ^ words[i + 2]! ^ words[i + 3]! ^ constant;
    const s = [24, 16, 8, 0].reduce((word, shift) => (word << 8) | SM4_SBOX[(mixed >>> shift) & 0xff]!, 0);
    words.push(words[i]! ^ s ^ turn(s, 13) ^ turn(s, 23));
    keys.writeInt32BE(words[i + 4]!, 4 * i);
  }
  return keys;
}
