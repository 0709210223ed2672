/**
 * GHASH (NIST SP 800-38D section 6.4) with 16 KiB of tables a key.
 *
 * A block is four big-endian words; bit 31 of word 0 is the coefficient of x^0. Table j holds, for each byte b, the
 * product b(x) * x^(8j) * H; so a word times H is four look-ups, and a block is Horner's rule over its words:
 *
 *     Z = ((w3 * H * x^32 + w2 * H) * x^32 + w1 * H) * x^32 + w0 * H
 *
 * Times x^32 moves the words along by one; the word that falls off is reduced by x^128 = x^7 + x^2 + x + 1 in a few
 * shifts.
 *
 * NOT constant-time: addresses of look-ups depend on H and data.
 */
import { load32 } from '../../bytes.js';

/** Words in one of the four tables: 256 entries of a block. */
const TABLE_WORDS = 1024;

export class Ghash {
  readonly #tables = new Int32Array(4 * TABLE_WORDS);
  readonly #state = new Int32Array(4);
  /** Scratch: a block that is not whole. */
  readonly #last = new Int32Array(4);

  /** Takes the hash subkey H as four words and makes its tables. */
  setKey(h0: number, h1: number, h2: number, h3: number): void {
    const tables = this.#tables;
    for (let table = 0; table < tables.length; table += TABLE_WORDS) {
      // Entry 0x80 is x^0 * H, entry 0x40 is x^1 * H, and so on; every other one is the sum of two before it.
      for (let bit = 0x80; bit > 0; bit >>>= 1) {
        const at = table + 4 * bit;
        tables[at] = h0;
        tables[at + 1] = h1;
        tables[at + 2] = h2;
        tables[at + 3] = h3;
        const reduction = (0xe1 << 24) & -(h3 & 1);
        h3 = (h3 >>> 1) | (h2 << 31);
        h2 = (h2 >>> 1) | (h1 << 31);
        h1 = (h1 >>> 1) | (h0 << 31);
        h0 = (h0 >>> 1) ^ reduction;
      }
      for (let entry = 3; entry < 256; entry++) {
        const rest = entry & (entry - 1);
        if (rest === 0) continue;
        const a = table + 4 * rest;
        const b = table + 4 * (entry ^ rest);
        const at = table + 4 * entry;
        for (let word = 0; word < 4; word++) tables[at + word] = tables[a + word]! ^ tables[b + word]!;
      }
    }
  }

  /** Starts a new message. */
  reset(): void {
    const state = this.#state;
    state[0] = state[1] = state[2] = state[3] = 0;
  }

  /** Absorbs data[at, at + length), with zeros up to a whole block. */
  update(data: Uint8Array, at: number, length: number): void {
    const end = at + (length & ~15);
    for (; at < end; at += 16) {
      this.block(load32(data, at), load32(data, at + 4), load32(data, at + 8), load32(data, at + 12));
    }
    if ((length & 15) !== 0) this.partBlock(data, at, length & 15);
  }

  /** Absorbs the last `length` bytes of a message, 1 to 15, with zeros up to a whole block. */
  partBlock(data: Uint8Array, at: number, length: number): void {
    const last = this.#last;
    last[0] = last[1] = last[2] = last[3] = 0;
    for (let i = 0; i < length; i++) last[i >>> 2]! |= data[at + i]! << (24 - 8 * (i & 3));
    this.block(last[0]!, last[1]!, last[2]!, last[3]!);
  }

  /** Absorbs one block of four words: Y = (Y + X) * H. */
  block(x0: number, x1: number, x2: number, x3: number): void {
    const state = this.#state;
    const t = this.#tables;
    let z0 = 0;
    let z1 = 0;
    let z2 = 0;
    let z3 = 0;
    let w = state[3]! ^ x3;
    for (let k = 3; ; k--) {
      const a = (w >>> 24) << 2;
      const b = ((w >>> 14) & 0x3fc) + TABLE_WORDS;
      const c = ((w >>> 6) & 0x3fc) + 2 * TABLE_WORDS;
      const d = ((w << 2) & 0x3fc) + 3 * TABLE_WORDS;
      const off = z3;
      z3 = z2 ^ t[a + 3]! ^ t[b + 3]! ^ t[c + 3]! ^ t[d + 3]!;
      z2 = z1 ^ t[a + 2]! ^ t[b + 2]! ^ t[c + 2]! ^ t[d + 2]!;
      z1 = z0 ^ (off << 31) ^ (off << 30) ^ (off << 25) ^ t[a + 1]! ^ t[b + 1]! ^ t[c + 1]! ^ t[d + 1]!;
      z0 = off ^ (off >>> 1) ^ (off >>> 2) ^ (off >>> 7) ^ t[a]! ^ t[b]! ^ t[c]! ^ t[d]!;
      if (k === 0) break;
      w = state[k - 1]! ^ (k === 3 ? x2 : k === 2 ? x1 : x0);
    }
    state[0] = z0;
    state[1] = z1;
    state[2] = z2;
    state[3] = z3;
  }

  /** Word 0..3 of the hash so far. */
  word(index: number): number {
    return this.#state[index]!;
  }

  /** Zeroes everything that was made from H. */
  wipe(): void {
    this.#tables.fill(0);
    this.#state.fill(0);
    this.#last.fill(0);
  }
}
