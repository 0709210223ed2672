/**
 * Sealers: from a frame to what goes on the wire (FORMAT.md sections 3 to 5).
 *
 *     SFrame   header and bytes in the clear || config | KID | CTR || ciphertext || tag(16) || padding count
 *     SM4      header and bytes in the clear || ciphertext of the padded payload
 */
import type { FrameStats } from '../frames/counters.js';
import { FramePipeline, type FrameProtocol } from '../frames/pipeline.js';

/** @internal What a mode does to seal, and whose frames they are. */
export interface SealProtocol extends FrameProtocol<undefined> {
  readonly senderId: string;
}

/** @internal Makes a sealer of a mode's protocol; for suites. */
export let newSealer: (protocol: SealProtocol, onClose: (sealer: Sealer) => void) => Sealer;

/** Seals frames; made by `Channel.createSealer`. One for each flow. Close it when done: that wipes its keys. */
export class Sealer {
  /** The most bytes that sealing adds to a frame. */
  readonly overhead: number;
  readonly #protocol: SealProtocol;
  readonly #pipeline: FramePipeline<undefined>;
  readonly #onClose: (sealer: Sealer) => void;

  static {
    newSealer = (protocol, onClose) => new Sealer(protocol, onClose);
  }

  private constructor(protocol: SealProtocol, onClose: (sealer: Sealer) => void) {
    this.overhead = protocol.growth;
    this.#protocol = protocol;
    this.#pipeline = new FramePipeline(protocol);
    this.#onClose = onClose;
  }

  /** 16 hex digits of the KID of the session in use, which the last frame carried; empty in SM4 mode, which has none. */
  get senderId(): string {
    return this.#protocol.senderId;
  }

  /** Frames and bytes so far, and how often each status came back. */
  get stats(): FrameStats {
    return this.#pipeline.stats;
  }

  /**
   * Seals input[0, length) into out. Returns bytes written, or a status < 0; then, and where it throws, out is untouched. `out`
   * may be the input's own memory from the same start. Throws TypeError or RangeError for arguments that can never be
   * right. `length` defaults to the input's real length. The payload's first `clear` bytes (default 0) stay in the clear and are
   * authenticated; the opener must know their number. (FORMAT.md section 4)
   */
  seal(input: Uint8Array, out: Uint8Array, length?: number, clear?: number): number {
    return this.#pipeline.run(input, out, length, clear);
  }

  /** Seals a frame into a new array. Throws FrameError with the status where `seal` would return one. */
  sealCopy(input: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#pipeline.runCopy(input);
  }

  /**
   * Seals inputs[i] into outs[i] for each i below `count`, in order; results[i] is what `seal` would return. An out lies
   * apart from all others, and from other frames' inputs, which are read before earlier frames are written. Returns how
   * many succeeded. Where it throws, results[i] is UNFINISHED for each frame that was not finished: its out is as it was,
   * or holds a frame that was not reported.
   */
  sealBatch(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count?: number): number {
    return this.#pipeline.runBatch(inputs, outs, results, count);
  }

  /** Wipes the keys; idempotent. Every later call returns CLOSED. Where `close` throws, a second call continues. */
  close(): void {
    this.#pipeline.close();
    this.#onClose(this);
  }
}
