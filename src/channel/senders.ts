/**
 * An opener's senders (FORMAT.md section 6): found by KID, admitted by authentication, bounded in number and in cost.
 *
 *     known      at most maxSenders, the least recently used evicted first; each with its frame key and replay window
 *     evicted    what is kept of the 65,536 evicted last: KID and highest CTR
 *     candidates the last 64 KIDs whose frames did not authenticate, with their derived keys
 *
 * A frame of an unknown KID makes a candidate; only the first frame that authenticates makes it known. A candidate
 * costs one derivation, paid from a token bucket; records are used again, so that a flood leaves nothing behind.
 *
 * All or nothing: a record is found by its KID only after everything in it is right, and no more once something is taken
 * apart. An exception between two steps loses a record, never more.
 */
import { type Engine, EngineError, type GcmKey } from '../engine/engine.js';
import { IdSlots } from '../frames/id-slots.js';
import { thoroughly } from '../frames/thoroughly.js';
import { ReplayWindow } from '../replay.js';
import type { LiveKey } from './keyring.js';
import { DerivedKeys } from './keys.js';

const MAX_CANDIDATES = 64;
const MAX_EVICTED = 65_536;
const FIRST_CAPACITY = 16;
const DERIVATIONS_PER_SECOND = 2048;

/** What an opener keeps of one sender. */
export class Sender {
  readonly key: GcmKey;
  readonly window: ReplayWindow;
  /** The live key it was derived from; undefined in an empty record. */
  live: LiveKey | undefined;
  /** Of a group of frames (pipeline.ts) that are not finished: which group, and the highest CTR in it. */
  group = 0;
  newest = 0;
  /** Its salt; the frame key is wiped as soon as it is set. */
  readonly derived: DerivedKeys;

  constructor(key: GcmKey, keyBytes: 16 | 32, windowSize: number) {
    this.key = key;
    this.derived = new DerivedKeys(keyBytes);
    this.window = new ReplayWindow(windowSize);
  }

  /** Makes it the record of a KID that has sent nothing below `floor`. */
  become(live: LiveKey, kidHigh: number, kidLow: number, floor: number): void {
    this.live = undefined;
    live.schedule.deriveInto(this.derived, kidHigh, kidLow);
    this.key.setKey(this.derived.key);
    this.derived.key.fill(0);
    this.window.reset(floor);
    this.live = live;
  }

  wipe(): void {
    this.live = undefined;
    this.derived.wipe();
    this.key.wipe();
    this.window.reset();
  }
}

/** Records by KID; slots and records grow up to a limit, and records outlive what they held. */
class Records {
  readonly kids: IdSlots;
  readonly senders: (Sender | undefined)[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.kids = new IdSlots(Math.min(limit, FIRST_CAPACITY));
  }

  get full(): boolean {
    return this.kids.size >= this.#limit;
  }

  find(kidHigh: number, kidLow: number): Sender | undefined {
    const slot = this.kids.find(kidHigh, kidLow);
    return slot < 0 ? undefined : this.senders[slot];
  }

  /** The slot that the next KID takes; past the limit too, where the caller lets it. */
  freeSlot(): number {
    const { kids } = this;
    if (kids.size === kids.capacity) {
      kids.grow(this.full ? 2 * kids.capacity : Math.min(2 * kids.capacity, this.#limit));
    }
    return kids.free;
  }

  /**
   * Removes and wipes what came from a live key, or everything; and wipes every record that no KID has, because an exception
   * may have left a key in it. Whatever throws, all records have their turn.
   */
  forget(live?: LiveKey): void {
    const { kids, senders } = this;
    const found = new Set<number>();
    for (let slot = kids.oldest; slot >= 0; slot = kids.newerThan(slot)) found.add(slot);
    thoroughly(senders.keys(), (slot) => {
      const sender = senders[slot];
      if (found.has(slot)) {
        if (live !== undefined && sender?.live !== live) return;
        kids.remove(slot);
      }
      sender?.wipe();
    });
  }
}

export class SenderTable {
  readonly #engine: Engine;
  readonly #keyBytes: 16 | 32;
  readonly #windowSize: number;
  readonly #maxSenders: number;
  readonly #known: Records;
  readonly #candidates = new Records(MAX_CANDIDATES);
  readonly #evicted = new IdSlots(FIRST_CAPACITY);
  #evictedHighest = new Float64Array(FIRST_CAPACITY);
  #tokens: number;
  #refilledMs = performance.now();

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

  /** The lowest CTR that a KID may have: after an eviction, one above the highest accepted before; otherwise 0. */
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
    const slot = kids.find(kidHigh, kidLow);
    if (slot >= 0) {
      kids.touch(slot);
      return senders[slot];
    }
    if (!this.#takeToken()) return undefined;
    if (this.#candidates.full) kids.remove(kids.oldest);
    const free = this.#candidates.freeSlot();
    try {
      // The record has its place before it has a key: whatever throws, `forget` comes by.
      senders[free] ??= this.#newRecord();
      const sender = senders[free];
      sender.become(live, kidHigh, kidLow, this.floor(kidHigh, kidLow));
      kids.insert(kidHigh, kidLow);
      return sender;
    } catch (error) {
      // The engine has no room for another key: no reason to throw for what came from the network.
      if (!(error instanceof EngineError)) throw error;
      this.#returnToken();
      return undefined;
    }
  }

  /** Notes that a frame of this KID has authenticated: makes it the newest, and known if it was a candidate. */
  authenticated(kidHigh: number, kidLow: number): void {
    const { kids } = this.#known;
    const slot = kids.find(kidHigh, kidLow);
    if (slot >= 0) kids.touch(slot);
    else this.#promote(kidHigh, kidLow);
  }

  /** Evicts, least recently used first, the senders that are too many. A batch calls it at its end, and not before. */
  trim(): void {
    while (this.#known.kids.size > this.#maxSenders) this.#evict();
  }

  /** Wipes what was derived from a live key, and forgets the senders evicted under it; without an argument, everything. */
  forget(live?: LiveKey): void {
    thoroughly([this.#known, this.#candidates], (records) => records.forget(live));
    const evicted = this.#evicted;
    for (let slot = evicted.oldest; slot >= 0; ) {
      const next = evicted.newerThan(slot);
      if (live === undefined || evicted.high(slot) >>> 28 === live.keyId) evicted.remove(slot);
      slot = next;
    }
  }

  #newRecord(): Sender {
    return new Sender(this.#engine.createGcmKey(this.#keyBytes), this.#keyBytes, this.#windowSize);
  }

  /** Moves a candidate's record to the known senders; the record that it displaces takes its place. */
  #promote(kidHigh: number, kidLow: number): void {
    const candidates = this.#candidates;
    const known = this.#known;
    const from = candidates.kids.find(kidHigh, kidLow);
    const returning = this.#evicted.find(kidHigh, kidLow);
    const to = known.freeSlot();
    const sender = candidates.senders[from]!;
    candidates.kids.remove(from);
    candidates.senders[from] = known.senders[to];
    known.senders[to] = sender;
    known.kids.insert(kidHigh, kidLow);
    if (returning >= 0) this.#evicted.remove(returning);
    this.#returnToken();
  }

  #returnToken(): void {
    this.#tokens = Math.min(this.#maxSenders, this.#tokens + 1);
  }

  /** First what is kept of the sender, then the sender is no longer found, then its record is wiped. */
  #evict(): void {
    const { kids, senders } = this.#known;
    const out = kids.oldest;
    const [high, low] = [kids.high(out), kids.low(out)];
    const evicted = this.#evicted;
    if (evicted.size === MAX_EVICTED) evicted.remove(evicted.oldest);
    if (evicted.size === evicted.capacity) {
      const larger = new Float64Array(2 * evicted.capacity);
      larger.set(this.#evictedHighest);
      this.#evictedHighest = larger;
      evicted.grow(larger.length);
    }
    const before = evicted.find(high, low);
    const slot = before < 0 ? evicted.free : before;
    this.#evictedHighest[slot] = senders[out]!.window.highest;
    if (before < 0) evicted.insert(high, low);
    kids.remove(out);
    senders[out]!.wipe();
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
