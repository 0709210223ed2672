/**
 * A set of KIDs, each with a slot number below the capacity and a place in an order from oldest to newest.
 *
 * The caller keeps its own data in arrays indexed by slot. Look-ups, insertion and removal allocate nothing; only
 * `grow` does. Chained hashing with a random seed; links are slot numbers, with -1 for none.
 */
const NONE = -1;

export class KidSet {
  #kidHigh: Int32Array;
  #kidLow: Int32Array;
  /** The next slot of the same bucket; of a free slot, the next free one. */
  #next: Int32Array;
  #older: Int32Array;
  #newer: Int32Array;
  #buckets: Int32Array;
  #free = 0;
  #oldest = NONE;
  #newest = NONE;
  #size = 0;
  readonly #seed: number = crypto.getRandomValues(new Int32Array(1))[0]!;

  constructor(capacity: number) {
    this.#kidHigh = new Int32Array(capacity);
    this.#kidLow = new Int32Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#older = new Int32Array(capacity);
    this.#newer = new Int32Array(capacity);
    this.#buckets = new Int32Array(bucketCount(capacity)).fill(NONE);
    this.#chainFree(0);
  }

  get size(): number {
    return this.#size;
  }

  get capacity(): number {
    return this.#next.length;
  }

  /** The slot that has waited longest, or -1. */
  get oldest(): number {
    return this.#oldest;
  }

  /** The slot after this one in the order from oldest to newest, or -1. */
  newerThan(slot: number): number {
    return this.#newer[slot]!;
  }

  kidHigh(slot: number): number {
    return this.#kidHigh[slot]!;
  }

  kidLow(slot: number): number {
    return this.#kidLow[slot]!;
  }

  /** The KID's slot, or -1. */
  find(high: number, low: number): number {
    let slot = this.#buckets[this.#bucket(high, low)]!;
    while (slot !== NONE && (this.#kidLow[slot] !== low || this.#kidHigh[slot] !== high)) slot = this.#next[slot]!;
    return slot;
  }

  /** Adds a KID that is not in the set, as the newest; returns its slot, or -1 where the set is full. */
  insert(high: number, low: number): number {
    const slot = this.#free;
    if (slot === NONE) return NONE;
    this.#free = this.#next[slot]!;
    this.#kidHigh[slot] = high;
    this.#kidLow[slot] = low;
    this.#chain(slot);
    this.#append(slot);
    this.#size++;
    return slot;
  }

  remove(slot: number): void {
    const bucket = this.#bucket(this.#kidHigh[slot]!, this.#kidLow[slot]!);
    let at = this.#buckets[bucket]!;
    if (at === slot) {
      this.#buckets[bucket] = this.#next[slot]!;
    } else {
      while (this.#next[at] !== slot) at = this.#next[at]!;
      this.#next[at] = this.#next[slot]!;
    }
    this.#unlink(slot);
    this.#next[slot] = this.#free;
    this.#free = slot;
    this.#size--;
  }

  /** Makes a slot the newest. */
  touch(slot: number): void {
    if (slot === this.#newest) return;
    this.#unlink(slot);
    this.#append(slot);
  }

  /** Makes room for more; slots keep their numbers. */
  grow(capacity: number): void {
    const before = this.capacity;
    this.#kidHigh = enlarge(this.#kidHigh, capacity);
    this.#kidLow = enlarge(this.#kidLow, capacity);
    this.#next = enlarge(this.#next, capacity);
    this.#older = enlarge(this.#older, capacity);
    this.#newer = enlarge(this.#newer, capacity);
    this.#chainFree(before);
    this.#buckets = new Int32Array(bucketCount(capacity)).fill(NONE);
    for (let slot = this.#oldest; slot !== NONE; slot = this.#newer[slot]!) this.#chain(slot);
  }

  #bucket(high: number, low: number): number {
    let hash = Math.imul(low ^ this.#seed, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return (hash ^ (hash >>> 16)) & (this.#buckets.length - 1);
  }

  #chain(slot: number): void {
    const bucket = this.#bucket(this.#kidHigh[slot]!, this.#kidLow[slot]!);
    this.#next[slot] = this.#buckets[bucket]!;
    this.#buckets[bucket] = slot;
  }

  /** Puts the slots from `first` up before the free ones. */
  #chainFree(first: number): void {
    for (let slot = this.capacity - 1; slot >= first; slot--) {
      this.#next[slot] = slot === this.capacity - 1 ? (first === 0 ? NONE : this.#free) : slot + 1;
    }
    this.#free = first;
  }

  #append(slot: number): void {
    this.#older[slot] = this.#newest;
    this.#newer[slot] = NONE;
    if (this.#newest === NONE) this.#oldest = slot;
    else this.#newer[this.#newest] = slot;
    this.#newest = slot;
  }

  #unlink(slot: number): void {
    const older = this.#older[slot]!;
    const newer = this.#newer[slot]!;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
  }
}

/** Twice the capacity, rounded up to a power of two. */
function bucketCount(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(2 * capacity));
}

function enlarge(array: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length);
  larger.set(array);
  return larger;
}
