/**
 * An opener's senders (FORMAT.md section 6): found by KID, admitted by authentication, bounded in number and in cost.
 *
 *     known      at most maxSenders, least recently used out first; each with its frame key and replay window
 *     evicted    what is kept of the 65,536 put out last: KID and highest CTR
 *     candidates the last 64 KIDs whose frames did not authenticate, with their derived keys
 *
 * A frame of an unknown KID makes a candidate; only the first frame that authenticates makes it known. A candidate
 * costs one derivation, paid from a token bucket; records are used again, so that a flood leaves nothing behind.
 */
import { secretBytes } from '../bytes.js';
import { type Engine, EngineError, type GcmKey } from '../engine/engine.js';
import { ReplayWindow } from '../replay.js';
import type { LiveKey } from './keyring.js';
import { KidSet } from './kids.js';

const MAX_CANDIDATES = 64;
const MAX_EVICTED = 65_536;
const FIRST_CAPACITY = 16;
const DERIVATIONS_PER_SECOND = 2048;

/** What an opener keeps of one sender. */
export class Sender {
  readonly key: GcmKey;
  readonly salt: Uint8Array = secretBytes(12);
  readonly window: ReplayWindow;
  /** The live key it was derived from; undefined in an empty record. */
  live: LiveKey | undefined;

  constructor(key: GcmKey, windowSize: number) {
    this.key = key;
    this.window = new ReplayWindow(windowSize);
  }

  derive(live: LiveKey, kidHigh: number, kidLow: number): void {
    const { schedule } = live;
    schedule.derive(kidHigh, kidLow);
    this.key.setKey(schedule.frameKey);
    this.salt.set(schedule.frameSalt);
    this.live = live;
  }

  wipe(): void {
    this.key.wipe();
    this.salt.fill(0);
    this.window.reset();
    this.live = undefined;
  }
}

/** KIDs with a record each; slots and records grow up to a limit, and records outlive what they held. */
class Records {
  readonly kids: KidSet;
  readonly senders: (Sender | undefined)[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.kids = new KidSet(Math.min(limit, FIRST_CAPACITY));
  }

  get full(): boolean {
    return this.kids.size >= this.#limit;
  }

  find(kidHigh: number, kidLow: number): Sender | undefined {
    const slot = this.kids.find(kidHigh, kidLow);
    return slot < 0 ? undefined : this.senders[slot];
  }

  /** The slot for a new KID; past the limit too, where the caller lets it. */
  insert(kidHigh: number, kidLow: number): number {
    const { kids } = this;
    if (kids.size === kids.capacity)
      kids.grow(this.full ? 2 * kids.capacity : Math.min(2 * kids.capacity, this.#limit));
    return kids.insert(kidHigh, kidLow);
  }

  /** Wipes and removes what came from a live key, or everything. */
  forget(live?: LiveKey): void {
    const { kids, senders } = this;
    for (let slot = kids.oldest; slot >= 0; ) {
      const next = kids.newerThan(slot);
      if (live === undefined || senders[slot]!.live === live) {
        senders[slot]!.wipe();
        kids.remove(slot);
      }
      slot = next;
    }
  }
}

export class SenderTable {
  readonly #engine: Engine;
  readonly #keyBytes: 16 | 32;
  readonly #windowSize: number;
  readonly #maxSenders: number;
  readonly #known: Records;
  readonly #candidates = new Records(MAX_CANDIDATES);
  readonly #evicted = new KidSet(FIRST_CAPACITY);
  #evictedHighest = new Float64Array(FIRST_CAPACITY);
  #tokens: number;
  #refilledMs = performance.now();
  #keepsAll = false;

  constructor(engine: Engine, keyBytes: 16 | 32, windowSize: number, maxSenders: number) {
    this.#engine = engine;
    this.#keyBytes = keyBytes;
    this.#windowSize = windowSize;
    this.#maxSenders = maxSenders;
    this.#known = new Records(maxSenders);
    this.#tokens = maxSenders;
  }

  /** How many senders are known. */
  get size(): number {
    return this.#known.kids.size;
  }

  /** The sender of a KID that has authenticated before. */
  find(kidHigh: number, kidLow: number): Sender | undefined {
    return this.#known.find(kidHigh, kidLow);
  }

  /** The lowest CTR that a KID may come back with: above the highest it had when it was put out, otherwise 0. */
  floor(kidHigh: number, kidLow: number): number {
    const slot = this.#evicted.find(kidHigh, kidLow);
    return slot < 0 ? 0 : this.#evictedHighest[slot]! + 1;
  }

  /**
   * A record for an unknown KID to authenticate against, derived now or lately; undefined: the budget is spent, or the
   * engine has no room for another key.
   */
  candidate(live: LiveKey, kidHigh: number, kidLow: number): Sender | undefined {
    const { kids, senders } = this.#candidates;
    let slot = kids.find(kidHigh, kidLow);
    if (slot >= 0) {
      kids.touch(slot);
      return senders[slot];
    }
    if (!this.#takeToken()) return undefined;
    if (this.#candidates.full) kids.remove(kids.oldest);
    slot = this.#candidates.insert(kidHigh, kidLow);
    let sender = senders[slot];
    if (sender === undefined) {
      sender = new Sender(this.#engine.createGcmKey(this.#keyBytes), this.#windowSize);
      senders[slot] = sender;
    }
    try {
      sender.derive(live, kidHigh, kidLow);
    } catch (error) {
      // The engine has no room for another key: no reason to throw for what came from the network.
      if (!(error instanceof EngineError)) throw error;
      kids.remove(slot);
      this.#returnToken();
      return undefined;
    }
    sender.window.reset(this.floor(kidHigh, kidLow));
    return sender;
  }

  /** Notes that a frame of this KID has authenticated: makes it the newest, and known if it was a candidate. */
  authenticated(kidHigh: number, kidLow: number): void {
    const { kids } = this.#known;
    const slot = kids.find(kidHigh, kidLow);
    if (slot >= 0) kids.touch(slot);
    else this.#promote(kidHigh, kidLow);
  }

  /** Puts nobody out until `trim`: a batch may hold frames of more senders than are kept. */
  keepAll(): void {
    this.#keepsAll = true;
  }

  /** Puts out, least recently used first, who is too many. */
  trim(): void {
    this.#keepsAll = false;
    while (this.#known.kids.size > this.#maxSenders) this.#evict();
  }

  /** Wipes what was derived from a live key, and forgets who was put out under it. */
  forget(live: LiveKey): void {
    this.#known.forget(live);
    this.#candidates.forget(live);
    const evicted = this.#evicted;
    for (let slot = evicted.oldest; slot >= 0; ) {
      const next = evicted.newerThan(slot);
      if (evicted.kidHigh(slot) >>> 28 === live.keyId) evicted.remove(slot);
      slot = next;
    }
  }

  /** Wipes everything. */
  wipe(): void {
    this.#known.forget();
    this.#candidates.forget();
  }

  /** Moves a candidate's record to the known senders; the record that it displaces takes its place. */
  #promote(kidHigh: number, kidLow: number): void {
    const from = this.#candidates.kids.find(kidHigh, kidLow);
    const sender = this.#candidates.senders[from];
    this.#candidates.kids.remove(from);
    const returning = this.#evicted.find(kidHigh, kidLow);
    if (returning >= 0) this.#evicted.remove(returning);
    if (this.#known.full && !this.#keepsAll) this.#evict();
    const to = this.#known.insert(kidHigh, kidLow);
    this.#candidates.senders[from] = this.#known.senders[to];
    this.#known.senders[to] = sender;
    this.#returnToken();
  }

  #returnToken(): void {
    this.#tokens = Math.min(this.#maxSenders, this.#tokens + 1);
  }

  #evict(): void {
    const { kids, senders } = this.#known;
    const out = kids.oldest;
    const evicted = this.#evicted;
    if (evicted.size === MAX_EVICTED) evicted.remove(evicted.oldest);
    if (evicted.size === evicted.capacity) {
      evicted.grow(2 * evicted.capacity);
      const larger = new Float64Array(evicted.capacity);
      larger.set(this.#evictedHighest);
      this.#evictedHighest = larger;
    }
    const slot = evicted.insert(kids.kidHigh(out), kids.kidLow(out));
    this.#evictedHighest[slot] = senders[out]!.window.highest;
    senders[out]!.wipe();
    kids.remove(out);
  }

  #takeToken(): boolean {
    const nowMs = performance.now();
    const refill = ((nowMs - this.#refilledMs) * DERIVATIONS_PER_SECOND) / 1000;
    this.#refilledMs = nowMs;
    this.#tokens = Math.min(this.#maxSenders, this.#tokens + refill);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
