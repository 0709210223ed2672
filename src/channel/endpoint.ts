/**
 * What sealers and openers share: the first checks of a call in their fixed order, batches, counters, and closing.
 *
 *     closed? -> types, length, overlap (programming mistakes, which throw) -> longest input -> RTP -> the frame itself
 */
import { CLOSED, TOO_LARGE } from '../status.js';
import { checkBatch, checkCall, FrameCounters, FrameError, type Layout } from './frames.js';

export abstract class FrameEndpoint {
  protected readonly layout: Layout;
  protected readonly counters: FrameCounters = new FrameCounters();
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

  /** One frame: bytes written, or a status < 0. Counts it. */
  protected run(input: Uint8Array, out: Uint8Array, length: number): number {
    if (this.#closed) return this.counters.count(CLOSED, 0);
    checkCall(input, out, length, length + this.#growth);
    return this.counters.count(this.#runChecked(input, out, length), length);
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
    for (let i = 0; i < count; i++) {
      const input = inputs[i]!;
      const result = this.run(input, outs[i]!, input.length);
      results[i] = result;
      if (result >= 0) succeeded++;
    }
    return succeeded;
  }

  #runChecked(input: Uint8Array, out: Uint8Array, length: number): number {
    if (length > this.#maxBytes) return TOO_LARGE;
    const headerLength = this.layout.headerLength(input, length);
    if (headerLength < 0) return headerLength;
    return this.runFrame(input, out, length, headerLength);
  }

  /** The work on a frame whose arrays are checked and whose clear header is `headerLength` bytes long. */
  protected abstract runFrame(input: Uint8Array, out: Uint8Array, length: number, headerLength: number): number;

  protected abstract wipe(): void;
}
