/**
 * Openers: from the wire to a frame, in the fixed order of FORMAT.md section 6.
 *
 *     closed? -> length -> RTP -> SFrame header -> room in out -> own frame? -> key by KID -> window: check
 *             -> verify the tag -> window: accept -> decrypt into out
 *
 * A refusal changes nothing but counters: no window, no sender, no order of eviction, and not a byte of `out`.
 */
import { EMPTY, hex64 } from '../bytes.js';
import { type Engine, type FrameBatch, FrameJob, TAG_BYTES } from '../engine/engine.js';
import { BAD_TAG, BUSY, MALFORMED, NO_ROOM, OWN_FRAME, TOO_OLD, UNKNOWN_KEY } from '../status.js';
import { SframeHeader } from '../wire/sframe.js';
import { FrameEndpoint, PENDING } from './endpoint.js';
import { copyHeader, type FrameStats, type Layout, SFRAME_OVERHEAD } from './frames.js';
import type { KeyHolder, KeyRing, LiveKey } from './keyring.js';
import { type Sender, SenderTable } from './senders.js';

const NONCE_BYTES = 12;
const FIRST_AAD_BYTES = 128;
const TWO_TO_32 = 0x100000000;

/** Opener.stats: the counters, and how many senders are remembered now. */
export interface OpenerStats extends FrameStats {
  readonly senders: number;
}

/** Opens frames of every sender in the channel; made by `Channel.createOpener`. Close it when done. */
export abstract class Opener extends FrameEndpoint {
  /** `overhead`: the most that a sealer adds, in bytes. */
  constructor(layout: Layout, overhead: number) {
    super(layout, layout.maxBytes + overhead, 0);
  }

  /** 16 hex digits of the KID of the frame opened last; empty before the first, and in SM4 mode. */
  abstract get lastSenderId(): string;

  /** How many senders are remembered. */
  protected abstract get senders(): number;

  /** Frames and bytes so far, how often each status came back, and how many senders are remembered. */
  get stats(): OpenerStats {
    return { ...this.counters.snapshot(), senders: this.senders };
  }

  /**
   * Opens input[0, length) into out. Returns bytes written, or a status < 0; then out is untouched and no state has
   * moved. `out` may be the input's own memory from the same start. Throws TypeError or RangeError for arguments that
   * can never be right; never for what a frame holds. (FORMAT.md section 6)
   */
  open(input: Uint8Array, out: Uint8Array, length: number = input.length): number {
    return this.run(input, out, length);
  }

  /** Opens a frame into a new array. Throws FrameError with the status where `open` would return one. */
  openCopy(input: Uint8Array): Uint8Array {
    return this.runCopy(input);
  }

  /**
   * Opens inputs[i] into outs[i] for each i below `count`, in order: of two copies the second is REPLAYED. results[i] is
   * what `open` would return. Nobody is put out before its end. An out lies apart from all others, and from other frames'
   * inputs, which are read before earlier frames are written. Returns how many succeeded.
   */
  openBatch(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number = inputs.length): number {
    return this.runBatch(inputs, outs, results, count);
  }
}

/** A frame of a batch between its authentication and its result. */
class WaitingFrame {
  index = 0;
  sender: Sender | undefined;
  input: Uint8Array = EMPTY;
  out: Uint8Array = EMPTY;
  inputLength = 0;
  headerLength = 0;
  textLength = 0;
  kidHigh = 0;
  kidLow = 0;
  ctr = 0;

  release(): void {
    this.sender = undefined;
    this.input = EMPTY;
    this.out = EMPTY;
  }
}

/** What an opener takes from its channel. */
export interface SframeOpenerOptions {
  readonly replayWindow: number;
  readonly maxSenders: number;
  /** Opens frames of the channel's own sealers too. */
  readonly loopback: boolean;
}

/** Opens SFrame ciphertexts (FORMAT.md sections 4 and 6). */
export class SframeOpener extends Opener implements KeyHolder {
  readonly #ring: KeyRing;
  readonly #loopback: boolean;
  readonly #table: SenderTable;
  readonly #last = new Int32Array(2);
  #opened = false;
  /** Scratch: the header being read, and the order to the engine. */
  readonly #header = new SframeHeader();
  readonly #job = new FrameJob();
  readonly #batch: FrameBatch | undefined;
  /** Frames that wait in the engine's batch, by their place there. */
  readonly #waiting: WaitingFrame[] = [];

  constructor(ring: KeyRing, engine: Engine, layout: Layout, options: SframeOpenerOptions) {
    super(layout, SFRAME_OVERHEAD);
    this.#ring = ring;
    this.#batch = engine.batch;
    this.#loopback = options.loopback;
    this.#table = new SenderTable(engine, ring.keyBytes, options.replayWindow, options.maxSenders);
    this.#job.nonce = new Uint8Array(NONCE_BYTES);
    this.#job.aad = new Uint8Array(FIRST_AAD_BYTES);
    ring.hold(this);
  }

  override get lastSenderId(): string {
    return this.#opened ? hex64(this.#last[0]!, this.#last[1]!) : '';
  }

  protected override get senders(): number {
    return this.#table.size;
  }

  forget(live: LiveKey): void {
    this.#table.forget(live);
  }

  protected override runFrame(input: Uint8Array, out: Uint8Array, length: number, headerLength: number): number {
    const header = this.#header;
    const sframeLength = header.parse(input, headerLength, length);
    if (sframeLength < 0) return sframeLength;
    const textAt = headerLength + sframeLength;
    const textLength = length - textAt - TAG_BYTES;
    if (textLength < 0) return MALFORMED;
    const written = headerLength + textLength;
    if (out.length < written) return NO_ROOM;

    const { kidHigh, kidLow, ctr } = header;
    const table = this.#table;
    let sender = table.find(kidHigh, kidLow);
    let replay = sender === undefined ? 0 : sender.window.check(ctr);
    if (this.together && (sender === undefined || replay < 0)) {
      // The answer depends on the frames that wait: on whether they are genuine.
      this.flush();
      sender = table.find(kidHigh, kidLow);
      replay = sender === undefined ? 0 : sender.window.check(ctr);
    }
    const known = sender !== undefined;
    if (sender === undefined) {
      const candidate = this.#candidate();
      if (typeof candidate === 'number') return candidate;
      sender = candidate;
      replay = sender.window.check(ctr);
    }
    if (replay < 0) return replay;

    const job = this.#job;
    job.aadLength = sframeLength + this.layout.metadataLength(headerLength);
    if (job.aad.length < job.aadLength) job.aad = new Uint8Array(job.aadLength);
    for (let i = 0; i < sframeLength; i++) job.aad[i] = input[headerLength + i]!;
    this.layout.writeMetadata(job.aad, sframeLength, input, headerLength);
    writeNonce(job.nonce, sender.salt, ctr);
    job.input = input;
    job.inputAt = textAt;
    job.length = textLength;
    job.output = out;
    job.outputAt = headerLength;
    if (this.together && known) {
      if (this.#openTogether(job, sender, input, out, length, headerLength)) return PENDING;
      // It goes alone, and those that waited have moved the window.
      replay = sender.window.check(ctr);
      if (replay < 0) return replay;
    }
    const genuine = sender.key.open(job);
    job.release();
    if (!genuine) return BAD_TAG;
    copyHeader(input, out, 0, headerLength);
    sender.window.accept(ctr);
    this.#noteSender(kidHigh, kidLow);
    return written;
  }

  /** Who may have sent a frame of an unknown KID; or why it is refused. Rare, and so not in the way of the others. */
  #candidate(): Sender | number {
    const { kidHigh, kidLow, ctr } = this.#header;
    if (!this.#loopback && this.#ring.isOwn(kidHigh, kidLow)) return OWN_FRAME;
    const live = this.#ring.find(kidHigh >>> 28);
    if (live === undefined) return UNKNOWN_KEY;
    if (ctr < this.#table.floor(kidHigh, kidLow)) return TOO_OLD;
    return this.#table.candidate(live, kidHigh, kidLow) ?? BUSY;
  }

  /** Whether the engine takes the frame into its batch: `flush` finishes it. */
  #openTogether(
    job: FrameJob,
    sender: Sender,
    input: Uint8Array,
    out: Uint8Array,
    length: number,
    headerLength: number,
  ): boolean {
    const batch = this.#batch;
    if (batch === undefined) return false;
    if (!batch.addToOpen(sender.key, job)) {
      this.flush();
      if (!batch.addToOpen(sender.key, job)) return false;
    }
    job.release();
    const { kidHigh, kidLow, ctr } = this.#header;
    const waiting = this.#waiting[batch.count - 1] ?? new WaitingFrame();
    this.#waiting[batch.count - 1] = waiting;
    waiting.index = this.index;
    waiting.sender = sender;
    waiting.input = input;
    waiting.out = out;
    waiting.inputLength = length;
    waiting.headerLength = headerLength;
    waiting.textLength = job.length;
    waiting.kidHigh = kidHigh;
    waiting.kidLow = kidLow;
    waiting.ctr = ctr;
    return true;
  }

  /** As one by one: each frame is judged when all before it have moved the windows. */
  protected override flush(): void {
    const batch = this.#batch;
    if (!this.together || batch === undefined || batch.count === 0) return;
    batch.open();
    for (let i = 0; i < batch.count; i++) {
      const waiting = this.#waiting[i]!;
      const result = this.#finish(batch, i, waiting);
      this.results[waiting.index] = this.counters.count(result, waiting.inputLength);
      waiting.release();
    }
    batch.clear();
  }

  #finish(batch: FrameBatch, index: number, waiting: WaitingFrame): number {
    const { sender, input, out, headerLength, ctr } = waiting;
    if (sender === undefined) return BAD_TAG;
    const replay = sender.window.check(ctr);
    if (replay < 0) return replay;
    if (!batch.isGenuine(index)) return BAD_TAG;
    batch.write(index);
    copyHeader(input, out, 0, headerLength);
    sender.window.accept(ctr);
    this.#noteSender(waiting.kidHigh, waiting.kidLow);
    return headerLength + waiting.textLength;
  }

  #noteSender(kidHigh: number, kidLow: number): void {
    this.#table.authenticated(kidHigh, kidLow);
    this.#last[0] = kidHigh;
    this.#last[1] = kidLow;
    this.#opened = true;
  }

  override openBatch(
    inputs: Uint8Array[],
    outs: Uint8Array[],
    results: Int32Array,
    count: number = inputs.length,
  ): number {
    this.#table.keepAll();
    try {
      return super.openBatch(inputs, outs, results, count);
    } finally {
      this.#table.trim();
    }
  }

  protected override wipe(): void {
    this.#ring.letGo(this);
    this.#table.wipe();
  }
}

/** nonce = salt XOR ctr as 12 bytes (RFC 9605 section 4.4.3). */
function writeNonce(nonce: Uint8Array, salt: Uint8Array, ctr: number): void {
  const high = Math.floor(ctr / TWO_TO_32);
  for (let i = 0; i < 4; i++) {
    const shift = 24 - 8 * i;
    nonce[i] = salt[i]!;
    nonce[4 + i] = salt[4 + i]! ^ (high >>> shift);
    nonce[8 + i] = salt[8 + i]! ^ (ctr >>> shift);
  }
}
