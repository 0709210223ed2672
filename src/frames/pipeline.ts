/**
 * The one road of a frame through a sealer or an opener, the same for one frame and for many:
 *
 *     check -> prepare -> crypt -> finish
 *
 * `check` is for the caller's mistakes, which throw; `prepare` for what is no frame of this protocol; a counter is taken
 * there, before anything of the frame is encrypted. The engine writes a whole frame or nothing. `finish` moves what only
 * an authenticated frame may move.
 *
 * Fail closed: all that is known of a frame between prepare and finish lies in its Frame, which the next call fills in
 * anew; nothing else outlives a call that throws. No code of the caller's runs between prepare and finish: the arrays of
 * a batch are fetched before (accessors may call back), and arrays are never asked for properties that can be replaced.
 */
import { isInt32Array, kindOf, lengthOf } from '../bytes.js';
import { checkBytes, checkClear, checkLength, checkOverlap } from '../checks.js';
import { FrameJob } from '../engine/engine.js';
import { CLOSED, TOO_LARGE, UNFINISHED } from '../status.js';
import { FrameCounters, type FrameStats } from './counters.js';
import { FrameError } from './error.js';

/** What `prepare` returns where the verdict depends on frames that wait: these are finished, and it is asked again. */
export const AFTER_OTHERS = 1;

/** Frames that go through the engine in one call. */
const GROUP_FRAMES = 16;
/** Fewer frames are as quick one by one: `npm run bench -- --filter x`. */
const LEAST_TOGETHER = 8;

const FIRST_AAD_BYTES = 128;

/** One frame on its way; made once and filled in again. `Source` is what a protocol keeps of a sender. */
export class Frame<Source> {
  /** The frame is the first `length` bytes of its job's input; the job's output has room for `room` bytes. */
  length = 0;
  room = 0;
  /** How many bytes of its payload the caller wants in the clear. */
  clear = 0;
  /** What a protocol has measured: bytes in the clear at its start, headers included, and after its tag. */
  clearLength = 0;
  tailLength = 0;
  /** Its place in the batch. */
  index = 0;
  /** Who sent it, by which id, and its counter: what `finish` of a receiver needs. */
  source: Source | undefined;
  idHigh = 0;
  idLow = 0;
  counter = 0;
  readonly job: FrameJob = new FrameJob();

  constructor() {
    this.job.aad = new Uint8Array(FIRST_AAD_BYTES);
  }

  /** Lets go of the caller's arrays and of the sender. */
  release(): void {
    this.source = undefined;
    this.job.release();
  }
}

/** What one protocol does with frames in one direction. */
export interface FrameProtocol<Source> {
  /** The longest input, and by how many bytes a result may be longer than its input. */
  readonly maxBytes: number;
  readonly growth: number;
  /**
   * Makes the job of a frame while `waiting` others of its group wait: 0, a status < 0, or AFTER_OTHERS (never where none
   * waits). Moves nothing that a throw, here or later, could leave half-moved.
   */
  prepare(frame: Frame<Source>, waiting: number): number;
  /** Runs jobs[0, count) through the engine: each job's output is written whole or not at all; `written` < 0 where not. */
  crypt(jobs: readonly FrameJob[], count: number): void;
  /** What comes after the engine; returns the frame's result. */
  finish(frame: Frame<Source>): number;
  /** After a single frame or a whole batch, thrown or not. */
  settle(): void;
  /** Wipes keys; may be called again. */
  wipe(): void;
}

export class FramePipeline<Source> {
  readonly #protocol: FrameProtocol<Source>;
  readonly #counters = new FrameCounters();
  readonly #single = new Frame<Source>();
  readonly #singleJob: readonly [FrameJob] = [this.#single.job];
  /** The frames of a group, made for the first batch; scratch: those that wait for the engine, and their jobs. */
  #group: readonly Frame<Source>[] = [];
  readonly #waiting: Frame<Source>[] = [];
  readonly #jobs: FrameJob[] = [];
  /** A batch has the group: one that its accessors begin goes one by one. */
  #inBatch = false;
  #closed = false;
  #wiped = false;

  constructor(protocol: FrameProtocol<Source>) {
    this.#protocol = protocol;
  }

  get stats(): FrameStats {
    return this.#counters.snapshot();
  }

  /** Wipes keys; every call after it returns CLOSED. Where wiping throws, calling again goes on with it. */
  close(): void {
    this.#closed = true;
    if (this.#wiped) return;
    this.#protocol.wipe();
    this.#wiped = true;
  }

  /** One frame: bytes written, or a status < 0. */
  run(input: Uint8Array, out: Uint8Array, length?: number, clear?: number): number {
    const result = this.#runSingle(input, out, length, clear);
    this.#protocol.settle();
    return result;
  }

  #runSingle(input: Uint8Array, out: Uint8Array, length?: number, clear = 0): number {
    const frame = this.#single;
    frame.clear = clear;
    frame.job.input = input;
    frame.job.output = out;
    let result = this.#prepare(frame, length, 0);
    if (result === 0) {
      this.#protocol.crypt(this.#singleJob, 1);
      result = this.#protocol.finish(frame);
    }
    frame.release();
    return this.#counters.count(result, frame.length);
  }

  /** One frame into a new array; throws FrameError where `run` would return a status. */
  runCopy(input: Uint8Array, clear?: number): Uint8Array<ArrayBuffer> {
    const length = checkBytes('input', input);
    const out = new Uint8Array(length + this.#protocol.growth);
    const written = this.run(input, out, length, clear);
    if (written < 0) throw new FrameError(written);
    return out.slice(0, written);
  }

  /** `count` frames in order; returns how many succeeded. results[i] is UNFINISHED until frame i is done. */
  runBatch(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number | undefined): number {
    const frames = checkBatch(inputs, outs, results, count);
    for (let i = 0; i < frames; i++) results[i] = UNFINISHED;
    if (frames >= LEAST_TOGETHER && !this.#inBatch) {
      this.#runTogether(inputs, outs, results, frames);
    } else {
      this.#runApart(inputs, outs, results, frames);
    }
    let succeeded = 0;
    for (let i = 0; i < frames; i++) if (results[i]! >= 0) succeeded++;
    return succeeded;
  }

  #runApart(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number): void {
    try {
      for (let i = 0; i < count; i++) results[i] = this.#runSingle(inputs[i]!, outs[i]!);
    } finally {
      this.#protocol.settle();
    }
  }

  #runTogether(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number): void {
    if (this.#group.length === 0) this.#group = Array.from({ length: GROUP_FRAMES }, () => new Frame<Source>());
    this.#inBatch = true;
    try {
      for (let from = 0; from < count; from += GROUP_FRAMES) {
        const frames = Math.min(GROUP_FRAMES, count - from);
        for (let i = 0; i < frames; i++) {
          const frame = this.#group[i]!;
          frame.job.input = inputs[from + i]!;
          frame.job.output = outs[from + i]!;
          frame.index = from + i;
        }
        this.#runGroup(results, frames);
      }
    } finally {
      this.#inBatch = false;
      this.#protocol.settle();
    }
  }

  /** Where a frame throws, those before it are finished. */
  #runGroup(results: Int32Array, count: number): void {
    let waiting = 0;
    try {
      for (let i = 0; i < count; i++) {
        const frame = this.#group[i]!;
        let result = this.#prepare(frame, undefined, waiting);
        if (result === AFTER_OTHERS) {
          const ready = waiting;
          waiting = 0;
          this.#finish(ready, results);
          result = this.#prepare(frame, undefined, 0);
        }
        if (result === 0) {
          this.#waiting[waiting] = frame;
          this.#jobs[waiting++] = frame.job;
        } else {
          results[frame.index] = this.#counters.count(result, frame.length);
          frame.release();
        }
      }
    } finally {
      this.#finish(waiting, results);
    }
  }

  /** The frames that wait, through the engine and on. Each frame passes it once, also where it throws. */
  #finish(count: number, results: Int32Array): void {
    if (count === 0) return;
    this.#protocol.crypt(this.#jobs, count);
    for (let i = 0; i < count; i++) {
      const frame = this.#waiting[i]!;
      results[frame.index] = this.#counters.count(this.#protocol.finish(frame), frame.length);
      frame.release();
    }
  }

  /** The caller's mistakes, which throw; then the protocol's verdict. */
  #prepare(frame: Frame<Source>, given: number | undefined, waiting: number): number {
    frame.length = 0;
    if (this.#closed) return CLOSED;
    const { input, output: out } = frame.job;
    const { maxBytes, growth } = this.#protocol;
    const inputLength = checkBytes('input', input);
    const room = checkBytes('out', out);
    const length = given === undefined ? inputLength : given;
    checkLength(length, inputLength);
    checkClear(frame.clear);
    checkOverlap(input, length, out, Math.min(room, length + growth));
    frame.length = length;
    frame.room = room;
    return length > maxBytes ? TOO_LARGE : this.#protocol.prepare(frame, waiting);
  }
}

/** The number of frames. Throws unless each has an input, an out and a result. */
function checkBatch(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number | undefined): number {
  if (!isInt32Array(results)) throw new TypeError(`results must be an Int32Array, got ${kindOf(results)}`);
  const inputCount = inputs.length;
  const most = Math.min(inputCount, outs.length, lengthOf(results));
  const frames = count === undefined ? inputCount : count;
  if (typeof frames !== 'number' || frames >>> 0 !== frames || frames > most) {
    throw new RangeError(`count must be an integer from 0 to ${most}, the shortest of inputs, outs and results`);
  }
  return frames;
}
