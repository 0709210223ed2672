/**
 * Pairs of vectors: the same operation on both, and loads and stores of both halves of 32 bytes. V8's revectorizer makes one
 * instruction on 256 bits (AVX2) of the two, from a pair of stores back to the loads, where it knows every operation between.
 * A look-up (swizzle) is none of these.
 */
import { inRows, permutation, type Vectors } from './aes.js';
import type { Block, Value } from './assembler.js';

/** Halves lie side by side. */
export const PAIR_DISTANCE = 16;

export type Pair = readonly [Value, Value];

export class Pairs implements Vectors<Pair> {
  readonly #b: Block;
  readonly #distance: number;
  readonly #splats = new Map<number, Pair>();

  /** `distance`: how many bytes the second half lies after the first. */
  constructor(b: Block, distance: number = PAIR_DISTANCE) {
    this.#b = b;
    this.#distance = distance;
  }

  load(address: Value, offset = 0): Pair {
    return [this.#b.load(address, offset), this.#b.load(address, offset + this.#distance)];
  }

  store(address: Value, [low, high]: Pair, offset = 0): void {
    this.#b.store(address, low, offset);
    this.#b.store(address, high, offset + this.#distance);
  }

  /** Loaded from 32 bytes: a pair of equal loads would not be taken. */
  splat8(value: number): Pair {
    const known = this.#splats.get(value);
    if (known !== undefined) return known;
    const b = this.#b;
    const pair = this.load(b.int(0), b.target.constants.address(new Array(32).fill(value)));
    this.#splats.set(value, pair);
    return pair;
  }

  xor(a: Pair, c: Pair): Pair {
    return [this.#b.xor(a[0], c[0]), this.#b.xor(a[1], c[1])];
  }

  and(a: Pair, c: Pair): Pair {
    return [this.#b.and(a[0], c[0]), this.#b.and(a[1], c[1])];
  }

  equal8(a: Pair, c: Pair): Pair {
    return [this.#b.equal8(a[0], c[0]), this.#b.equal8(a[1], c[1])];
  }

  shiftLeft64(a: Pair, bits: number): Pair {
    return [this.#b.shiftLeft64(a[0], bits), this.#b.shiftLeft64(a[1], bits)];
  }

  shiftRight64(a: Pair, bits: number): Pair {
    return [this.#b.shiftRight64(a[0], bits), this.#b.shiftRight64(a[1], bits)];
  }

  /** Moves rows down by whole lanes, and columns within them by shifts: one instruction and three. */
  turned([low, high]: Pair, rows: number, columns: number): Pair {
    const b = this.#b;
    const lanes = permutation((row, column) => inRows(row + rows, column));
    const down: Pair = [b.shuffle(low, low, lanes), b.shuffle(high, high, lanes)];
    const bits = 8 * (columns & 3);
    if (bits === 0) return down;
    const right: Pair = [b.shiftRight32(down[0], bits), b.shiftRight32(down[1], bits)];
    return this.xor(right, [b.shiftLeft32(down[0], 32 - bits), b.shiftLeft32(down[1], 32 - bits)]);
  }
}
