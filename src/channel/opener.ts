/** Openers: from the wire to a frame, in the fixed order of FORMAT.md section 6. */
import type { FrameStats } from '../frames/counters.js';
import { FramePipeline, type FrameProtocol } from '../frames/pipeline.js';
import type { Sender } from './senders.js';

/** Counters of an opener, and the number of senders that the opener remembers now. */
export interface OpenerStats extends FrameStats {
  /** Senders whose replay windows the opener has, at most `maxSenders`. */
  readonly senders: number;
}

/** @internal What a mode does to open, and whose frames they were. */
export interface OpenProtocol extends FrameProtocol<Sender> {
  readonly lastSenderId: string;
  /** How many senders are remembered. */
  readonly senders: number;
}

/** @internal Makes an opener of a mode's protocol; for suites. */
export let newOpener: (protocol: OpenProtocol, onClose: (opener: Opener) => void) => Opener;

/** Opens frames of every sender in the channel; made by `Channel.createOpener`. Close it when done. */
export class Opener {
  readonly #protocol: OpenProtocol;
  readonly #pipeline: FramePipeline<Sender>;
  readonly #onClose: (opener: Opener) => void;

  static {
    newOpener = (protocol, onClose) => new Opener(protocol, onClose);
  }

  private constructor(protocol: OpenProtocol, onClose: (opener: Opener) => void) {
    this.#protocol = protocol;
    this.#pipeline = new FramePipeline(protocol);
    this.#onClose = onClose;
  }

  /** 16 hex digits of the KID of the frame opened last; empty before the first, and in SM4 mode. */
  get lastSenderId(): string {
    return this.#protocol.lastSenderId;
  }

  /** Frames and bytes so far, how often each status came back, and how many senders are remembered. */
  get stats(): OpenerStats {
    return { ...this.#pipeline.stats, senders: this.#protocol.senders };
  }

  /**
   * Opens input[0, length) into out. Returns bytes written, or a status < 0; then out is untouched and no state has
   * moved. `out` may be the input's own memory from the same start. Throws TypeError or RangeError for arguments that
   * can never be right; never for what a frame holds. `length` defaults to the input's real length; `clear` (default 0) is
   * the number of clear bytes with which the frame was sealed. (FORMAT.md section 6)
   */
  open(input: Uint8Array, out: Uint8Array, length?: number, clear?: number): number {
    return this.#pipeline.run(input, out, length, clear);
  }

  /** Opens a frame into a new array. Throws FrameError with the status where `open` would return one. */
  openCopy(input: Uint8Array, clear?: number): Uint8Array<ArrayBuffer> {
    return this.#pipeline.runCopy(input, clear);
  }

  /**
   * Opens inputs[i] into outs[i] for each i below `count`, in order: of two copies the second is REPLAYED. results[i] is
   * what `open` would return. No sender is evicted before the batch ends. An out lies apart from all others, and from other frames'
   * inputs, which are read before earlier frames are written. Returns how many succeeded. Where it throws, results[i] is
   * UNFINISHED for each frame that was not finished.
   */
  openBatch(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count?: number): number {
    return this.#pipeline.runBatch(inputs, outs, results, count);
  }

  /** Wipes the keys; idempotent. Every later call returns CLOSED. Where `close` throws, a second call continues. */
  close(): void {
    this.#pipeline.close();
    this.#onClose(this);
  }
}
