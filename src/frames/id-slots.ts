/**
 * 64-bit ids (an SFrame KID; an SSRC), each with a slot number below the capacity and a place in an order from oldest to
 * newest.
 *
 * The caller keeps its own data in arrays indexed by slot. Look-ups, insertion and removal allocate nothing; only
 * `grow` does. Chained hashing with a random seed; links are slot numbers, with -1 for none.
 *
 * All or nothing: what changes the set calls nothing once it has begun to write, so that an exception (the stack's end can
 * come at any call) leaves the set as it was. That is why links are written out here rather than by functions.
 */
const NONE = -1;

export class IdSlots {
  #high: Int32Array;
  #low: Int32Array;
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
    this.#high = new Int32Array(capacity);
    this.#low = new Int32Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#older = new Int32Array(capacity);
    this.#newer = new Int32Array(capacity);
    this.#buckets = new Int32Array(bucketCount(capacity)).fill(NONE);
    chainFree(this.#next, 0, NONE);
  }

  get size(): number {
    return this.#size;
  }

  get capacity(): number {
    return this.#next.length;
  }

  /** The slot that was touched longest ago, or -1. */
  get oldest(): number {
    return this.#oldest;
  }

  /** The slot that `insert` takes next, or -1 where the set is full. */
  get free(): number {
    return this.#free;
  }

  /** The slot after this one in the order from oldest to newest, or -1. */
  newerThan(slot: number): number {
    return this.#newer[slot]!;
  }

  high(slot: number): number {
    return this.#high[slot]!;
  }

  low(slot: number): number {
    return this.#low[slot]!;
  }

  /** The id's slot, or -1. */
  find(high: number, low: number): number {
    let slot = this.#buckets[bucketOf(high, low, this.#seed, this.#buckets.length)]!;
    while (slot !== NONE && (this.#high[slot] !== high || this.#low[slot] !== low)) slot = this.#next[slot]!;
    return slot;
  }

  /** Adds an id that is not in the set, as the newest; returns its slot, or -1 where the set is full. */
  insert(high: number, low: number): number {
    const bucket = bucketOf(high, low, this.#seed, this.#buckets.length);
    const slot = this.#free;
    if (slot === NONE) return NONE;
    this.#free = this.#next[slot]!;
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#next[slot] = this.#buckets[bucket]!;
    this.#buckets[bucket] = slot;
    this.#older[slot] = this.#newest;
    this.#newer[slot] = NONE;
    if (this.#newest === NONE) this.#oldest = slot;
    else this.#newer[this.#newest] = slot;
    this.#newest = slot;
    this.#size++;
    return slot;
  }

  remove(slot: number): void {
    const bucket = bucketOf(this.#high[slot]!, this.#low[slot]!, this.#seed, this.#buckets.length);
    let before = NONE;
    for (let at = this.#buckets[bucket]!; at !== slot; at = this.#next[at]!) before = at;
    if (before === NONE) this.#buckets[bucket] = this.#next[slot]!;
    else this.#next[before] = this.#next[slot]!;
    const older = this.#older[slot]!;
    const newer = this.#newer[slot]!;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
    this.#next[slot] = this.#free;
    this.#free = slot;
    this.#size--;
  }

  /** Makes a slot the newest. */
  touch(slot: number): void {
    if (slot === this.#newest) return;
    const older = this.#older[slot]!;
    const newer = this.#newer[slot]!;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    this.#older[newer] = older;
    this.#older[slot] = this.#newest;
    this.#newer[slot] = NONE;
    this.#newer[this.#newest] = slot;
    this.#newest = slot;
  }

  /** Makes room for more; slots keep their numbers. */
  grow(capacity: number): void {
    const before = this.capacity;
    const high = enlarged(this.#high, capacity);
    const low = enlarged(this.#low, capacity);
    const next = enlarged(this.#next, capacity);
    const older = enlarged(this.#older, capacity);
    const newer = enlarged(this.#newer, capacity);
    const buckets = new Int32Array(bucketCount(capacity)).fill(NONE);
    chainFree(next, before, this.#free);
    for (let slot = this.#oldest; slot !== NONE; slot = newer[slot]!) {
      const bucket = bucketOf(high[slot]!, low[slot]!, this.#seed, buckets.length);
      next[slot] = buckets[bucket]!;
      buckets[bucket] = slot;
    }
    this.#high = high;
    this.#low = low;
    this.#next = next;
    this.#older = older;
    this.#newer = newer;
    this.#buckets = buckets;
    this.#free = before;
  }
}

function bucketOf(high: number, low: number, seed: number, buckets: number): number {
  let hash = Math.imul(low ^ seed, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 16)) & (buckets - 1);
}

/** Chains the slots from `first` up, and `free` after the last of them. */
function chainFree(next: Int32Array, first: number, free: number): void {
  for (let slot = first; slot < next.length; slot++) next[slot] = slot + 1;
  next[next.length - 1] = free;
}

/** Twice the capacity, rounded up to a power of two. */
function bucketCount(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(2 * capacity));
}

function enlarged(array: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length);
  larger.set(array);
  return larger;
}
