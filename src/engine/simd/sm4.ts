/**
 * SM4-ECB keys of the SIMD engine (GB/T 32907-2016), constant-time from the key to the padding: the kernels look nothing
 * up in memory, and the PKCS#7 check (RFC 5652 section 6.3) has no branch that depends on which byte is wrong. What shows
 * is whether a frame was accepted, and how long its plaintext is: what `decrypt` returns.
 */
import { EngineError, type FrameJob, NO_KEY, type Sm4Key } from '../engine.js';
import {
  KEY_INPUT,
  PIECE_BYTES,
  SM4_BATCH_BYTES,
  SM4_BATCH_FRAMES,
  SM4_KEYS_BYTES,
  SM4_TEXT_BLOCKS,
  TEXT,
} from './layout.js';
import type { SimdMemory } from './memory.js';
import type { Sm4Area } from './sm4-area.js';

const BLOCK_BYTES = 16;

export class SimdSm4Key implements Sm4Key {
  readonly #memory: SimdMemory;
  readonly #area: Sm4Area;
  readonly #registry: FinalizationRegistry<number>;
  /** Scratch: the last block of a frame that passes in pieces. */
  readonly #lastBlock = new Uint8Array(BLOCK_BYTES);
  /** Scratch: where a batch's frames end. */
  readonly #ends = new Int32Array(SM4_BATCH_FRAMES);
  /** Address of the slot, or 0 while there is no key. */
  #slot = 0;

  constructor(memory: SimdMemory, area: Sm4Area, registry: FinalizationRegistry<number>) {
    this.#memory = memory;
    this.#area = area;
    this.#registry = registry;
  }

  setKey(key: Uint8Array): void {
    const memory = this.#memory;
    if (this.#slot === 0) {
      this.#slot = memory.takeSlot();
      this.#registry.register(this, this.#slot, this);
    }
    memory.heap.set(key, KEY_INPUT);
    memory.kernels.sm4Keys(this.#slot);
    memory.heap.fill(0, KEY_INPUT, KEY_INPUT + BLOCK_BYTES);
  }

  encryptBlocks(job: FrameJob): void {
    this.#crypt(this.#encryptKeys(), job, job.length);
  }

  decryptBlocks(job: FrameJob): void {
    this.#crypt(this.#decryptKeys(), job, job.length);
  }

  encrypt(job: FrameJob): number {
    const keys = this.#encryptKeys();
    const { input, inputAt, output, outputAt, length } = job;
    const memory = this.#memory;
    let done = 0;
    do {
      const bytes = Math.min(PIECE_BYTES, length - done);
      memory.putText(input, inputAt + done, bytes);
      const padded = done + bytes === length ? pad(memory.heap, TEXT, bytes) : bytes;
      memory.kernels.sm4(keys, SM4_TEXT_BLOCKS, padded >>> 4);
      memory.takeText(output, outputAt + done, padded);
      done += bytes;
    } while (done < length);
    return paddedLength(length);
  }

  decrypt(job: FrameJob): number {
    const { output, outputAt, length } = job;
    if (this.#slot === 0 || !isPaddedLength(length)) return -1;
    const memory = this.#memory;
    const keys = this.#decryptKeys();
    // The frame, or, where it passes in pieces, the last block first: nothing is written before it is known to be right.
    const bytes = length > PIECE_BYTES ? BLOCK_BYTES : length;
    memory.putText(job.input, job.inputAt + length - bytes, bytes);
    memory.kernels.sm4(keys, SM4_TEXT_BLOCKS, bytes >>> 4);
    const padding = paddingOf(memory.heap, TEXT + bytes);
    if (padding === 0) {
      memory.wipeText(bytes);
      this.#area.wipeStates();
      return -1;
    }
    if (bytes === length) {
      memory.takeText(output, outputAt, length - padding);
      return length - padding;
    }
    const last = this.#lastBlock;
    memory.takeText(last, 0, BLOCK_BYTES);
    const whole = length - BLOCK_BYTES;
    this.#crypt(keys, job, whole);
    for (let i = 0; i < BLOCK_BYTES - padding; i++) output[outputAt + whole + i] = last[i]!;
    last.fill(0);
    return length - padding;
  }

  /**
   * `encrypt` for jobs[0, count), as many frames at once as a batch holds: their blocks share the kernel's calls, which
   * pays for short frames. Each job has its own ranges: no output may lie on another job's input. What `encrypt` would
   * return is the length with its padding, up to the next whole block.
   */
  encryptBatch(jobs: readonly FrameJob[], count: number): void {
    const keys = this.#encryptKeys();
    for (let from = 0; from < count; from += SM4_BATCH_FRAMES) {
      const frames = Math.min(SM4_BATCH_FRAMES, count - from);
      this.#encryptSome(keys, jobs, from, frames);
    }
  }

  /**
   * `decrypt` for jobs[0, count), likewise; what it would return, each frame's length or -1, goes to `lengths`. Frames that
   * are refused change nothing for the others.
   */
  decryptBatch(jobs: readonly FrameJob[], count: number, lengths: Int32Array): void {
    if (this.#slot === 0) {
      lengths.fill(-1, 0, count);
      return;
    }
    for (let from = 0; from < count; from += SM4_BATCH_FRAMES) {
      const frames = Math.min(SM4_BATCH_FRAMES, count - from);
      this.#decryptSome(this.#decryptKeys(), jobs, from, frames, lengths);
    }
  }

  wipe(): void {
    if (this.#slot === 0) return;
    this.#registry.unregister(this);
    this.#memory.giveSlot(this.#slot);
    this.#memory.wipeScratch();
    this.#area.wipe();
    this.#slot = 0;
  }

  #encryptKeys(): number {
    if (this.#slot === 0) throw new EngineError(NO_KEY);
    return this.#slot;
  }

  #decryptKeys(): number {
    return this.#encryptKeys() + SM4_KEYS_BYTES;
  }

  /** Whole blocks, in pieces. */
  #crypt(keys: number, { input, inputAt, output, outputAt }: FrameJob, length: number): void {
    const memory = this.#memory;
    for (let done = 0; done < length; done += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, length - done);
      memory.putText(input, inputAt + done, bytes);
      memory.kernels.sm4(keys, SM4_TEXT_BLOCKS, bytes >>> 4);
      memory.takeText(output, outputAt + done, bytes);
    }
  }

  #encryptSome(keys: number, jobs: readonly FrameJob[], from: number, frames: number): void {
    const area = this.#area;
    const { heap } = this.#memory;
    area.clear();
    for (let i = 0; i < frames; i++) {
      const job = jobs[from + i]!;
      const padded = paddedLength(job.length);
      if (padded > SM4_BATCH_BYTES) this.encrypt(job);
      else pad(heap, area.put(i, job.input, job.inputAt, job.length, padded >>> 4), job.length);
    }
    area.crypt(keys);
    for (let i = 0; i < frames; i++) {
      const job = jobs[from + i]!;
      const padded = paddedLength(job.length);
      if (padded <= SM4_BATCH_BYTES) area.take(i, job.output, job.outputAt, padded);
    }
  }

  #decryptSome(keys: number, jobs: readonly FrameJob[], from: number, frames: number, lengths: Int32Array): void {
    const area = this.#area;
    const ends = this.#ends;
    const { heap } = this.#memory;
    area.clear();
    for (let i = 0; i < frames; i++) {
      const job = jobs[from + i]!;
      if (!fitsBatch(job)) lengths[from + i] = this.decrypt(job);
      else ends[i] = area.put(i, job.input, job.inputAt, job.length, job.length >>> 4) + job.length;
    }
    area.crypt(keys);
    for (let i = 0; i < frames; i++) {
      const job = jobs[from + i]!;
      if (!fitsBatch(job)) continue;
      const padding = paddingOf(heap, ends[i]!);
      lengths[from + i] = padding === 0 ? -1 : job.length - padding;
      if (padding === 0) area.wipeFrame(i);
      else area.take(i, job.output, job.outputAt, job.length - padding);
    }
  }
}

function isPaddedLength(length: number): boolean {
  return length !== 0 && (length & (BLOCK_BYTES - 1)) === 0;
}

/** Whether a batch decrypts this frame: neither too long nor of a length that cannot be right. */
function fitsBatch({ length }: FrameJob): boolean {
  return length <= SM4_BATCH_BYTES && isPaddedLength(length);
}

function paddedLength(length: number): number {
  return (length & ~(BLOCK_BYTES - 1)) + BLOCK_BYTES;
}

/** Pads the text of `length` bytes at `at` by PKCS#7, and returns its length then. */
function pad(heap: Uint8Array, at: number, length: number): number {
  const padded = paddedLength(length);
  const padding = padded - length;
  for (let i = length; i < padded; i++) heap[at + i] = padding;
  return padded;
}

/** The bytes of padding, 1 to 16, of the block that ends at `end`; 0 where it is not padded by PKCS#7. No branches. */
function paddingOf(heap: Uint8Array, end: number): number {
  const padding = heap[end - 1]!;
  let wrong = ((padding - 1) >>> 31) | ((BLOCK_BYTES - padding) >>> 31);
  for (let i = 1; i <= BLOCK_BYTES; i++) {
    const isPadding = (i - 1 - padding) >> 31;
    wrong |= (heap[end - i]! ^ padding) & isPadding;
  }
  return padding & ((wrong - 1) >> 31);
}
