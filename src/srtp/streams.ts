/**
 * Streams: what is kept of an SSRC (RFC 3711 section 3.2.3), and how a packet's index is estimated (section 3.3.1).
 *
 * The window's highest index holds both ROC and sequence number. A sender keeps streams for as long as the key lives, because a
 * stream that was forgotten could repeat a nonce; a receiver makes one after its first packet has authenticated, and evicts
 * the least recently used.
 *
 * All or nothing: a stream is found by its SSRC only once everything in it is right. An exception between two steps loses a
 * record, never more.
 */
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

  /** Forgets everything. */
  reset(): void {
    this.window.reset();
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

  /** An empty record, with a slot for it: what `authenticated` will make known. Nothing else changes. */
  spare(): Stream {
    const ssrcs = this.#ssrcs;
    if (ssrcs.size === ssrcs.capacity) {
      ssrcs.grow(this.size >= this.#limit ? 2 * ssrcs.capacity : Math.min(2 * ssrcs.capacity, this.#limit));
    }
    const stream = this.#spare ?? new Stream(this.#windowSize);
    stream.reset();
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
  }

  /** A stream made and kept for an SSRC which has none; undefined where there are as many as there may be. */
  made(ssrc: number): Stream | undefined {
    if (this.size >= this.#limit) return undefined;
    const stream = this.spare();
    this.#add(ssrc);
    return stream;
  }

  /** The stream of an SSRC, made for it where it has none; the least recently used makes room. */
  admitted(ssrc: number): Stream {
    const stream = this.find(ssrc) ?? this.spare();
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
    while (this.size > this.#limit) this.#ssrcs.remove(this.#ssrcs.oldest);
  }
}
