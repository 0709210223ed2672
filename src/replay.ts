/**
 * The replay window: which of the last `size` indices were seen (FORMAT.md section 6; RFC 3711 section 3.3.2).
 *
 * The bits are a ring: index i has bit i mod size. `check` reads only; `accept` is called after authentication and
 * nowhere else. Indices are integers below 2^53.
 */
import { REPLAYED, TOO_OLD } from './status.js';

export const MIN_WINDOW = 64;
export const MAX_WINDOW = 65_536;

export class ReplayWindow {
  readonly size: number;
  readonly #bits: Int32Array;
  #highest = -1;
  /** Indices below it are too old whatever the window says. */
  #floor = 0;

  /** `size`: a power of two from 64 to 65,536. */
  constructor(size: number) {
    if (!Number.isInteger(size) || size < MIN_WINDOW || size > MAX_WINDOW || (size & (size - 1)) !== 0) {
      throw new RangeError(`a replay window must be a power of two from ${MIN_WINDOW} to ${MAX_WINDOW}, got ${size}`);
    }
    this.size = size;
    this.#bits = new Int32Array(size >>> 5);
  }

  /** The highest index accepted, or -1. */
  get highest(): number {
    return this.#highest;
  }

  /** Forgets all; indices below `floor` will be too old. */
  reset(floor = 0): void {
    this.#bits.fill(0);
    this.#highest = -1;
    this.#floor = floor;
  }

  /** 0 where the index may be accepted, otherwise REPLAYED or TOO_OLD. Changes nothing. */
  check(index: number): number {
    if (index > this.#highest) return index < this.#floor ? TOO_OLD : 0;
    if (this.#highest - index >= this.size || index < this.#floor) return TOO_OLD;
    const bit = index & (this.size - 1);
    return (this.#bits[bit >>> 5]! >>> (bit & 31)) & 1 ? REPLAYED : 0;
  }

  /** Marks an index that `check` has passed and whose frame was authenticated. */
  accept(index: number): void {
    const mask = this.size - 1;
    if (index > this.#highest) {
      if (index - this.#highest >= this.size) this.#bits.fill(0);
      else this.#clear((this.#highest + 1) & mask, index - this.#highest);
      this.#highest = index;
    }
    const bit = index & mask;
    this.#bits[bit >>> 5]! |= 1 << (bit & 31);
  }

  /** Clears `count` bits of the ring from `bit` on, whole words at once where it can. */
  #clear(bit: number, count: number): void {
    while (count > 0) {
      const word = (bit >>> 5) & ((this.size >>> 5) - 1);
      const from = bit & 31;
      const take = Math.min(32 - from, count);
      this.#bits[word]! &= take === 32 ? 0 : ~(((1 << take) - 1) << from);
      bit += take;
      count -= take;
    }
  }
}
