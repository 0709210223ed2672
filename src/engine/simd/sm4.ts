/**
 * SM4-ECB keys of the SIMD engine (GB/T 32907-2016), constant-time from the key to the padding: the kernels look nothing
 * up in memory, and the PKCS#7 check (RFC 5652 section 6.3) has no branch that depends on which byte is wrong. What shows
 * is whether a frame was accepted, and how long its plaintext is: what `decrypt` returns.
 */
import { EngineError, type FrameJob, NO_KEY, type Sm4Key } from '../engine.js';
import {
  KEY_INPUT,
  MOST_FRAMES,
  PIECE_BYTES,
  SM4_KEYS_BYTES,
  SM4_SHARED_BYTES,
  SM4_TEXT_BLOCKS,
  TEXT,
  TEXT_STRIDE,
} from './layout.js';
import type { SimdMemory } from './memory.js';
import type { Sm4Blocks } from './sm4-blocks.js';

const BLOCK_BYTES = 16;

export class SimdSm4Key implements Sm4Key {
  readonly #memory: SimdMemory;
  readonly #blocks: Sm4Blocks;
  readonly #registry: FinalizationRegistry<number>;
  /** Scratch: the last block of a frame that passes in pieces. */
  readonly #lastBlock = new Uint8Array(BLOCK_BYTES);
  /** Address of the slot, or 0 while there is no key. */
  #slot = 0;

  constructor(memory: SimdMemory, blocks: Sm4Blocks, registry: FinalizationRegistry<number>) {
    this.#memory = memory;
    this.#blocks = blocks;
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
      memory.putText(0, input, inputAt + done, bytes);
      const padded = done + bytes === length ? pad(memory.heap, TEXT, bytes) : bytes;
      memory.kernels.sm4(keys, SM4_TEXT_BLOCKS, padded >>> 4);
      memory.takeText(0, output, outputAt + done, padded);
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
    memory.putText(0, job.input, job.inputAt + length - bytes, bytes);
    memory.kernels.sm4(keys, SM4_TEXT_BLOCKS, bytes >>> 4);
    const padding = paddingOf(memory.heap, TEXT + bytes);
    if (padding === 0) {
      memory.wipeText(0, bytes);
      this.#blocks.wipeStates();
      return -1;
    }
    if (bytes === length) {
      memory.takeText(0, output, outputAt, length - padding);
      return length - padding;
    }
    const last = this.#lastBlock;
    memory.takeText(0, last, 0, BLOCK_BYTES);
    const whole = length - BLOCK_BYTES;
    this.#crypt(keys, job, whole);
    for (let i = 0; i < BLOCK_BYTES - padding; i++) output[outputAt + whole + i] = last[i]!;
    last.fill(0);
    return length - padding;
  }

  encryptBatch(jobs: readonly FrameJob[], count: number): void {
    const keys = this.#encryptKeys();
    for (let from = 0; from < count; from += MOST_FRAMES) {
      const frames = Math.min(MOST_FRAMES, count - from);
      this.#encryptSome(keys, jobs, from, frames);
    }
  }

  decryptBatch(jobs: readonly FrameJob[], count: number, lengths: Int32Array): void {
    if (this.#slot === 0) {
      lengths.fill(-1, 0, count);
      return;
    }
    for (let from = 0; from < count; from += MOST_FRAMES) {
      const frames = Math.min(MOST_FRAMES, count - from);
      this.#decryptSome(this.#decryptKeys(), jobs, from, frames, lengths);
    }
  }

  wipe(): void {
    if (this.#slot === 0) return;
    this.#registry.unregister(this);
    this.#memory.giveSlot(this.#slot);
    this.#memory.wipeScratch();
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
      memory.putText(0, input, inputAt + done, bytes);
      memory.kernels.sm4(keys, SM4_TEXT_BLOCKS, bytes >>> 4);
      memory.takeText(0, output, outputAt + done, bytes);
    }
  }

  #encryptSome(keys: number, jobs: readonly FrameJob[], from: number, frames: number): void {
    const memory = this.#memory;
    const blocks = this.#blocks;
    blocks.clear();
    for (let i = 0; i < frames; i++) {
      const { input, inputAt, length } = jobs[from + i]!;
      const padded = paddedLength(length);
      if (padded > SM4_SHARED_BYTES) continue;
      memory.putText(i, input, inputAt, length);
      pad(memory.heap, textAt(i), length);
      blocks.add(i, padded >>> 4);
    }
    blocks.crypt(keys);
    for (let i = 0; i < frames; i++) {
      const { output, outputAt, length } = jobs[from + i]!;
      const padded = paddedLength(length);
      if (padded <= SM4_SHARED_BYTES) memory.takeText(i, output, outputAt, padded);
    }
    for (let i = 0; i < frames; i++) {
      if (paddedLength(jobs[from + i]!.length) > SM4_SHARED_BYTES) this.encrypt(jobs[from + i]!);
    }
  }

  #decryptSome(keys: number, jobs: readonly FrameJob[], from: number, frames: number, lengths: Int32Array): void {
    const memory = this.#memory;
    const blocks = this.#blocks;
    blocks.clear();
    for (let i = 0; i < frames; i++) {
      const { input, inputAt, length } = jobs[from + i]!;
      if (!isShared(length)) continue;
      memory.putText(i, input, inputAt, length);
      blocks.add(i, length >>> 4);
    }
    blocks.crypt(keys);
    let refused = false;
    for (let i = 0; i < frames; i++) {
      const { output, outputAt, length } = jobs[from + i]!;
      if (!isShared(length)) continue;
      const padding = paddingOf(memory.heap, textAt(i) + length);
      lengths[from + i] = padding === 0 ? -1 : length - padding;
      if (padding !== 0) {
        memory.takeText(i, output, outputAt, length - padding);
      } else {
        memory.wipeText(i, length);
        refused = true;
      }
    }
    if (refused) blocks.wipeStates();
    for (let i = 0; i < frames; i++) {
      const job = jobs[from + i]!;
      if (!isShared(job.length)) lengths[from + i] = this.decrypt(job);
    }
  }
}

/** Where the text of a place is. */
function textAt(place: number): number {
  return TEXT + place * TEXT_STRIDE;
}

function isPaddedLength(length: number): boolean {
  return length !== 0 && (length & (BLOCK_BYTES - 1)) === 0;
}

/** Whether a frame of this length shares the kernel's call: neither too long nor of a length that cannot be right. */
function isShared(length: number): boolean {
  return length <= SM4_SHARED_BYTES && isPaddedLength(length);
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
