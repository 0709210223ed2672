/**
 * Opening in the GCM2 modes: SFrame ciphertexts (FORMAT.md sections 4 and 6).
 *
 *     closed? -> length -> RTP, clear bytes, padding count -> SFrame header -> room in out -> own frame? -> key by KID
 *             -> window: check -> verify the tag -> decrypt into out -> window: accept
 *
 * A refusal changes nothing but counters: no window, no sender, no order of eviction, and not a byte of `out`.
 */
import { hex64 } from '../bytes.js';
import { type Engine, type FrameJob, NO_MEMORY, TAG_BYTES } from '../engine/engine.js';
import { AFTER_OTHERS, type Frame } from '../frames/pipeline.js';
import { BAD_TAG, BUSY, MALFORMED, NO_ROOM, OWN_FRAME, TOO_OLD, UNKNOWN_KEY } from '../status.js';
import { MAX_HEADER_BYTES, SframeHeader } from '../wire/sframe.js';
import type { KeyRing, LiveKey } from './keyring.js';
import { type Layout, PADDING_COUNT } from './layout.js';
import type { OpenProtocol } from './opener.js';
import { type Sender, SenderTable } from './senders.js';

const TWO_TO_32 = 0x100000000;

/** What an opener takes from its channel. */
export interface SframeOpeningOptions {
  readonly replayWindow: number;
  readonly maxSenders: number;
  /** Opens frames of the channel's own sealers too. */
  readonly loopback: boolean;
}

export class SframeOpening implements OpenProtocol {
  readonly maxBytes: number;
  readonly growth: number = 0;
  readonly #ring: KeyRing;
  readonly #engine: Engine;
  readonly #layout: Layout;
  readonly #loopback: boolean;
  readonly #table: SenderTable;
  readonly #last = new Int32Array(2);
  #opened = false;
  /** Scratch: the header being read. */
  readonly #header = new SframeHeader();
  /** The group whose frames wait now: what a sender notes of one that is over counts no more. */
  #group = 0;

  constructor(ring: KeyRing, engine: Engine, layout: Layout, options: SframeOpeningOptions) {
    this.maxBytes = layout.maxBytes + layout.sframeOverhead;
    this.#ring = ring;
    this.#engine = engine;
    this.#layout = layout;
    this.#loopback = options.loopback;
    this.#table = new SenderTable(engine, ring.keyBytes, options.replayWindow, options.maxSenders);
  }

  get lastSenderId(): string {
    return this.#opened ? hex64(this.#last[0]!, this.#last[1]!) : '';
  }

  get senders(): number {
    return this.#table.size;
  }

  prepare(frame: Frame<Sender>, waiting: number): number {
    if (waiting === 0) this.#group = (this.#group + 1) | 0;
    const measured = this.#layout.measure(frame);
    if (measured < 0) return measured;
    const { clearLength, job } = frame;
    const { input } = job;
    const end = frame.length - frame.tailLength;
    if (end < frame.length && input[end] !== PADDING_COUNT[0]) return MALFORMED;
    // The header is copied before it is read, like the other one.
    const headerRoom = Math.min(MAX_HEADER_BYTES, end - clearLength);
    for (let i = 0; i < headerRoom; i++) job.aad[i] = input[clearLength + i]!;
    const header = this.#header;
    const sframeLength = header.parse(job.aad, 0, headerRoom);
    if (sframeLength < 0) return sframeLength;
    const textAt = clearLength + sframeLength;
    const textLength = end - textAt - TAG_BYTES;
    if (textLength < 0) return MALFORMED;
    if (frame.room < clearLength + textLength) return NO_ROOM;

    const { kidHigh, kidLow, ctr } = header;
    let sender = this.#table.find(kidHigh, kidLow);
    if (sender === undefined) {
      // The verdict on an unknown KID depends on the frames that wait: these return tokens and make senders known.
      if (waiting > 0) return AFTER_OTHERS;
      const candidate = this.#candidate(kidHigh, kidLow, ctr);
      if (typeof candidate === 'number') return candidate;
      sender = candidate;
    }
    // Frames that wait move the window if they are genuine; a frame above all of them is not touched by that.
    if (sender.group === this.#group && waiting > 0 && ctr <= sender.newest) return AFTER_OTHERS;
    const replay = sender.window.check(ctr);
    if (replay < 0) return replay;
    frame.source = sender;
    frame.idHigh = kidHigh;
    frame.idLow = kidLow;
    frame.counter = ctr;
    const taken = this.#layout.takeHeader(frame, sframeLength);
    if (taken < 0) return taken;
    sender.derived.setNonce(job, Math.floor(ctr / TWO_TO_32), ctr);
    job.key = sender.key;
    job.headLength = clearLength;
    job.inputAt = textAt;
    job.length = textLength;
    job.outputAt = clearLength;
    sender.group = this.#group;
    sender.newest = ctr;
    return 0;
  }

  crypt(jobs: readonly FrameJob[], count: number): void {
    if (count === 1) jobs[0]!.key!.open(jobs[0]!);
    else this.#engine.openAll(jobs, count);
  }

  finish(frame: Frame<Sender>): number {
    const { job, source, idHigh, idLow } = frame;
    if (job.written < 0) return job.written === NO_MEMORY ? BUSY : BAD_TAG;
    source!.window.accept(frame.counter);
    this.#table.authenticated(idHigh, idLow);
    this.#last[0] = idHigh;
    this.#last[1] = idLow;
    this.#opened = true;
    return job.headLength + job.written;
  }

  settle(): void {
    this.#table.trim();
  }

  /** The live key is at its end: wipes what was derived from it. */
  forget(live: LiveKey): void {
    this.#table.forget(live);
  }

  wipe(): void {
    this.#table.forget();
  }

  /** Who may have sent a frame of an unknown KID; or why it is refused. Rare, and so not in the way of the others. */
  #candidate(kidHigh: number, kidLow: number, ctr: number): Sender | number {
    if (!this.#loopback && this.#ring.isOwn(kidHigh, kidLow)) return OWN_FRAME;
    const live = this.#ring.find(kidHigh >>> 28);
    if (live === undefined) return UNKNOWN_KEY;
    if (ctr < this.#table.floor(kidHigh, kidLow)) return TOO_OLD;
    return this.#table.candidate(live, kidHigh, kidLow) ?? BUSY;
  }
}
