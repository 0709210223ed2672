/**
 * What sealers and openers share: the first checks of a call in their fixed order, batches, counters, and closing.
 *
 *     closed? -> types, length, overlap (programming mistakes, which throw) -> longest input -> RTP -> the frame itself
 */
import { CLOSED, TOO_LARGE } from '../status.js';
import { checkBatch, checkCall, FrameCounters, FrameError, type Layout } from './frames.js';

/** The result of a frame of a batch that is not known yet. */
export const PENDING = -0x80000000;
const NO_RESULTS = new Int32Array(0);
/** Fewer frames are as quick one by one: `npm run bench -- --rows x`. */
const LEAST_TOGETHER = 8;

export abstract class FrameEndpoint {
  protected readonly layout: Layout;
  protected readonly counters: FrameCounters = new FrameCounters();
  /** In a batch of many frames: that it is one, the results, and which frame this is. */
  protected together = false;
  protected results: Int32Array = NO_RESULTS;
  protected index = 0;
  readonly #maxBytes: number;
  readonly #growth: number;
  #closed = false;

  /** `maxBytes`: the longest input. `growth`: by how many bytes a result may be longer than its input. */
  constructor(layout: Layout, maxBytes: number, growth: number) {
    this.layout = layout;
    this.#maxBytes = maxBytes;
    this.#growth = growth;
  }

  /** Wipes keys; idempotent. After it every call returns CLOSED. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.wipe();
  }

  protected get closed(): boolean {
    return this.#closed;
  }

  /** One frame: bytes written, or a status < 0. Counts it, unless it is PENDING. */
  protected run(input: Uint8Array, out: Uint8Array, length: number): number {
    if (this.#closed) return this.counters.count(CLOSED, 0);
    checkCall(input, out, length, length + this.#growth);
    const result = this.#runChecked(input, out, length);
    return result === PENDING ? result : this.counters.count(result, length);
  }

  /** One frame into a new array; throws FrameError where `run` would return a status. */
  protected runCopy(input: Uint8Array): Uint8Array {
    const out = new Uint8Array(input.length + this.#growth);
    const written = this.run(input, out, input.length);
    if (written < 0) throw new FrameError(written);
    return out.slice(0, written);
  }

  /** `count` frames in order; returns how many succeeded. */
  protected runBatch(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number): number {
    checkBatch(inputs, outs, results, count);
    let succeeded = 0;
    if (count >= LEAST_TOGETHER) {
      this.#runTogether(inputs, outs, results, count);
      for (let i = 0; i < count; i++) if (results[i]! >= 0) succeeded++;
      return succeeded;
    }
    for (let i = 0; i < count; i++) {
      const input = inputs[i]!;
      const result = this.run(input, outs[i]!, input.length);
      results[i] = result;
      if (result >= 0) succeeded++;
    }
    return succeeded;
  }

  /** Frames may wait in the engine until `flush`; where one throws, those before it are finished. */
  #runTogether(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number): void {
    this.results = results;
    this.together = true;
    try {
      for (let i = 0; i < count; i++) {
        const input = inputs[i]!;
        this.index = i;
        results[i] = this.run(input, outs[i]!, input.length);
      }
    } finally {
      this.flush();
      this.results = NO_RESULTS;
      this.together = false;
    }
  }

  #runChecked(input: Uint8Array, out: Uint8Array, length: number): number {
    if (length > this.#maxBytes) return TOO_LARGE;
    const headerLength = this.layout.headerLength(input, length);
    if (headerLength < 0) return headerLength;
    return this.runFrame(input, out, length, headerLength);
  }

  /** The work on a frame whose arrays are checked and whose clear header is `headerLength` bytes long. */
  protected abstract runFrame(input: Uint8Array, out: Uint8Array, length: number, headerLength: number): number;

  /** Finishes the frames of a batch that wait in the engine, and puts results in the place of PENDING. */
  protected abstract flush(): void;

  protected abstract wipe(): void;
}
