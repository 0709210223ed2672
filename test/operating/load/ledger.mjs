/** What became of each packet of a run: a byte for each, by route and number, and times of its hops. */

export const SENT = 1;
export const AT_NETWORK = 2;
export const DROPPED = 4;
export const CORRUPTED = 8;
export const DELIVERED = 16;
/** Not what was sent, or there before. */
export const WRONG = 32;

const BIN_MS = 0.05;
const BINS = 20_000;

export class Ledger {
  #fates;

  constructor(routes, capacity) {
    this.#fates = routes.map(() => new Uint8Array(capacity));
  }

  mark(route, number, fate) {
    this.#fates[route][number] |= fate;
  }

  has(route, number, fate) {
    return (this.#fates[route][number] & fate) !== 0;
  }

  /** How many packets have all of the first fates and none of the others. */
  count(all, none = 0) {
    let sum = 0;
    for (const fates of this.#fates) for (const fate of fates) if ((fate & all) === all && (fate & none) === 0) sum++;
    return sum;
  }

  /** The numbers of a route's packets that have all of the first fates and none of the others. */
  numbers(route, all, none) {
    const found = [];
    for (const [number, fate] of this.#fates[route].entries())
      if ((fate & all) === all && (fate & none) === 0) found.push(number);
    return found;
  }
}

/** A histogram of milliseconds. */
export class Times {
  #bins = new Uint32Array(BINS);
  #count = 0;

  add(ms) {
    this.#bins[Math.min(BINS - 1, Math.max(0, Math.floor(ms / BIN_MS)))]++;
    this.#count++;
  }

  /** The time that a share of the packets does not exceed. */
  quantile(share) {
    let below = 0;
    for (const [i, count] of this.#bins.entries()) {
      below += count;
      if (below >= share * this.#count) return ((i + 1) * BIN_MS).toFixed(2);
    }
    return '-';
  }
}
