/**
 * An engine's own memory for the text of one frame: read in once, worked on, written out once.
 *
 * Copies go by whole-array `set`, which costs the same for any length up to a packet; views for that are made once for each
 * length, and on callers' arrays that are much longer than their frames once for each window (windows.ts). A copy is bounded by what the caller's array really holds, so that none can reach beyond the area.
 */
import { bufferOf, byteOffsetOf, copyInto, lengthOf } from '../bytes.js';
import type { FrameJob } from './engine.js';
import { bytesBefore, windowOn } from './windows.js';

/** An input array that exceeds its frame by up to this many bytes is copied whole: cheaper than a window. */
export const SPARE_BYTES = 512;
/** Longer results are copied by a view of their own. */
const SHORT_BYTES = 0x4010;

export class TextArea {
  /** Where the text begins in `memory`. */
  readonly at: number;
  readonly #memory: Uint8Array;
  readonly #beforeBytes: number;
  readonly #end: number;
  /** Views of the text's first n bytes, by n. */
  readonly #views: (Uint8Array | undefined)[] = [];

  /**
   * The text is memory[at, ...). Copies write to memory[at - beforeBytes, end), which has SPARE_BYTES after the text at least:
   * what they bring before and after it is overwritten or never looked at.
   */
  constructor(memory: Uint8Array, at: number, beforeBytes: number, end: number) {
    this.#memory = memory;
    this.at = at;
    this.#beforeBytes = beforeBytes;
    this.#end = end;
  }

  /** Reads input[inputAt, inputAt + length). */
  put(input: Uint8Array, inputAt: number, length: number): void {
    const memory = this.#memory;
    const to = this.at;
    if (inputAt <= this.#beforeBytes && lengthOf(input) - inputAt <= length + SPARE_BYTES) {
      copyInto(memory, input, to - inputAt);
    } else {
      const window = windowOn(input, inputAt, length, this.#end - to);
      if (window !== undefined) copyInto(memory, window, to - bytesBefore(inputAt));
      else copyInto(memory, new Uint8Array(bufferOf(input), byteOffsetOf(input) + inputAt, length), to);
    }
  }

  /**
   * Writes the job's result: `written` bytes of text, the head before them, and the tail after them. The copy of the text comes
   * first, because calling it may throw, at the stack's end; it writes all or nothing, and no call follows it.
   */
  commit(job: FrameJob, written: number): void {
    const view = this.view(written);
    const { head, headAt, headLength, tail, tailLength, output, outputAt } = job;
    copyInto(output, view, outputAt);
    const from = outputAt - headLength;
    let i = 0;
    // Four bytes a turn: a turn costs more than a byte, and `set` would need a view.
    for (; i + 4 <= headLength; i += 4) {
      output[from + i] = head[headAt + i]!;
      output[from + i + 1] = head[headAt + i + 1]!;
      output[from + i + 2] = head[headAt + i + 2]!;
      output[from + i + 3] = head[headAt + i + 3]!;
    }
    for (; i < headLength; i++) output[from + i] = head[headAt + i]!;
    for (i = 0; i < tailLength; i++) output[outputAt + written + i] = tail[i]!;
    job.written = written;
  }

  /** The text's first `length` bytes. */
  view(length: number): Uint8Array {
    const view = this.#views[length];
    if (view !== undefined) return view;
    const made = new Uint8Array(this.#memory.buffer, this.#memory.byteOffset + this.at, length);
    if (length <= SHORT_BYTES) this.#views[length] = made;
    return made;
  }

  /** Zeroes the text's first `length` bytes. */
  wipe(length: number): void {
    this.#memory.fill(0, this.at, this.at + length);
  }
}
