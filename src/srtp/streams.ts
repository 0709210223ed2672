/**
 * Streams: what is kept of an SSRC (RFC 3711 section 3.2.3), and how a packet's index is estimated (section 3.3.1).
 *
 * The window's highest index holds both ROC and sequence number. A sender keeps streams for as long as the key lives, because a
 * stream that was forgotten could repeat a nonce; a receiver makes one after its first packet has authenticated, and evicts
 * the least recently used, of which it keeps the highest index.
 *
 * All or nothing: a stream is found by its SSRC only once everything in it is right. An exception between two steps loses a
 * record, never more.
 */
import { EvictedSources } from '../frames/evicted.js';
import { IdSlots } from '../frames/id-slots.js';
import { ReplayWindow } from '../replay.js';

const FIRST_CAPACITY = 16;
const TWO_TO_15 = 0x8000;
const TWO_TO_16 = 0x10000;
/** No ROC was given. */
const NONE = -1;

export class Stream {
  readonly window: ReplayWindow;
  /** The ROC of the next packet, where `setRoc` gave one. */
  roc: number = NONE;
  /** Of a group of packets (pipeline.ts) that are not finished: which group, and the highest index in it. */
  group = 0;
  newest = 0;

  constructor(windowSize: number) {
    this.window = new ReplayWindow(windowSize);
  }

  /** Forgets everything; up to `highest` indices are too old, and it is the newest. -1: there is none. */
  reset(highest: number): void {
    this.window.reset(highest + 1);
    if (highest >= 0) this.window.accept(highest);
    this.roc = NONE;
  }

  /** Whether the caller has given the ROC of the next packet. */
  get isTold(): boolean {
    return this.roc !== NONE;
  }

  /** The index of a packet with this sequence number: nearest to the highest so far, and not below 0. May pass 2^48. */
  estimate(sequence: number): number {
    if (this.isTold) return this.roc * TWO_TO_16 + sequence;
    const { highest } = this.window;
    if (highest < 0) return sequence;
    const newest = highest % TWO_TO_16;
    const near = highest - newest + sequence;
    if (newest < TWO_TO_15) return sequence - newest > TWO_TO_15 && near >= TWO_TO_16 ? near - TWO_TO_16 : near;
    return newest - TWO_TO_15 > sequence ? near + TWO_TO_16 : near;
  }

  /** Takes note of an index: protected now, or authenticated. */
  accept(index: number): void {
    this.window.accept(index);
    this.roc = NONE;
  }
}

/** Streams by SSRC, up to a limit; slots and records grow with them. */
export class Streams {
  readonly #ssrcs: IdSlots;
  readonly #streams: (Stream | undefined)[] = [];
  readonly #evicted = new EvictedSources();
  readonly #limit: number;
  readonly #windowSize: number;
  /** The record of a stream that is not known yet. */
  #spare: Stream | undefined;

  constructor(limit: number, windowSize: number) {
    this.#limit = limit;
    this.#windowSize = windowSize;
    this.#ssrcs = new IdSlots(Math.min(limit, FIRST_CAPACITY));
  }

  get size(): number {
    return this.#ssrcs.size;
  }

  /** `ssrc` is a signed word, here and below. */
  find(ssrc: number): Stream | undefined {
    const slot = this.#ssrcs.find(0, ssrc);
    return slot < 0 ? undefined : this.#streams[slot];
  }

  /** A record for an SSRC that is not known, with a slot for it: what `authenticated` makes known. Nothing else changes. */
  spare(ssrc: number): Stream {
    const ssrcs = this.#ssrcs;
    if (ssrcs.size === ssrcs.capacity) {
      ssrcs.grow(this.size >= this.#limit ? 2 * ssrcs.capacity : Math.min(2 * ssrcs.capacity, this.#limit));
    }
    const stream = this.#spare ?? new Stream(this.#windowSize);
    stream.reset(this.#evicted.highest(0, ssrc));
    this.#spare = stream;
    return stream;
  }

  /** Makes the spare record that of an SSRC which has none, as the newest; past the limit too. */
  #add(ssrc: number): void {
    const slot = this.#ssrcs.free;
    const stream = this.#spare;
    this.#spare = this.#streams[slot];
    this.#streams[slot] = stream;
    this.#ssrcs.insert(0, ssrc);
    this.#evicted.remove(0, ssrc);
  }

  /** A stream made and kept for an SSRC which has none; undefined where there are as many as there may be. */
  made(ssrc: number): Stream | undefined {
    if (this.size >= this.#limit) return undefined;
    const stream = this.spare(ssrc);
    this.#add(ssrc);
    return stream;
  }

  /** The stream of an SSRC, made for it where it has none; the least recently used makes room. */
  admitted(ssrc: number): Stream {
    const stream = this.find(ssrc) ?? this.spare(ssrc);
    this.authenticated(ssrc);
    this.trim();
    return stream;
  }

  /** An authenticated packet: its stream becomes the newest, and known if it was not. */
  authenticated(ssrc: number): void {
    const slot = this.#ssrcs.find(0, ssrc);
    if (slot >= 0) this.#ssrcs.touch(slot);
    else this.#add(ssrc);
  }

  /** Evicts, least recently used first, the streams that are too many. */
  trim(): void {
    while (this.size > this.#limit) {
      const slot = this.#ssrcs.oldest;
      const { highest } = this.#streams[slot]!.window;
      if (highest >= 0) this.#evicted.keep(0, this.#ssrcs.low(slot), highest);
      this.#ssrcs.remove(slot);
    }
  }
}
