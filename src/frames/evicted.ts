/**
 * What is kept of sources that were evicted: the highest index of each, for the last 65,536 of them. When one comes back, nothing
 * that it sent before is taken again.
 */
import { IdSlots } from './id-slots.js';

const MOST = 65_536;
const FIRST_CAPACITY = 16;

export class EvictedSources {
  readonly #ids = new IdSlots(FIRST_CAPACITY);
  #highest = new Float64Array(FIRST_CAPACITY);

  /** The highest index of a source, or -1 where nothing is kept of it. */
  highest(idHigh: number, idLow: number): number {
    const slot = this.#ids.find(idHigh, idLow);
    return slot < 0 ? -1 : this.#highest[slot]!;
  }

  /** Keeps the highest index of a source, and forgets the oldest where there are too many. */
  keep(idHigh: number, idLow: number, highest: number): void {
    const ids = this.#ids;
    if (ids.size === MOST) ids.remove(ids.oldest);
    if (ids.size === ids.capacity) {
      const larger = new Float64Array(2 * ids.capacity);
      larger.set(this.#highest);
      this.#highest = larger;
      ids.grow(larger.length);
    }
    const before = ids.find(idHigh, idLow);
    const slot = before < 0 ? ids.free : before;
    this.#highest[slot] = highest;
    if (before < 0) ids.insert(idHigh, idLow);
  }

  /** Forgets a source that is back. */
  remove(idHigh: number, idLow: number): void {
    const slot = this.#ids.find(idHigh, idLow);
    if (slot >= 0) this.#ids.remove(slot);
  }
}
