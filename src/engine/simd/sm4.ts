/**
 * SM4-ECB keys of the SIMD engine (GB/T 32907-2016), constant-time from the key to the padding: the kernels look nothing
 * up in memory, and the PKCS#7 check (RFC 5652 section 6.3) has no branch that depends on which byte is wrong. What shows
 * is whether a frame was accepted, and how long its plaintext is: what `decrypt` returns.
 */
import { EngineError, type FrameJob, NO_KEY, REFUSED, type Sm4Key } from '../engine.js';
import { BLOCK_BYTES, isPaddedLength, pad, paddedLength, paddingOf } from '../pkcs7.js';
import type { TextArea } from '../text-area.js';
import {
  KEY_INPUT,
  MOST_FRAMES,
  PIECE_BYTES,
  SM4_KEYS_BYTES,
  SM4_SHARED_BYTES,
  SM4_TEXT_BLOCKS,
  TEXT,
} from './layout.js';
import type { SimdMemory, SlotRegistry } from './memory.js';
import type { Sm4Blocks } from './sm4-blocks.js';

export class SimdSm4Key implements Sm4Key {
  readonly #memory: SimdMemory;
  readonly #blocks: Sm4Blocks;
  readonly #registry: SlotRegistry;
  /** Address of the slot, or 0 while there is none. */
  #slot = 0;
  #hasKey = false;

  constructor(memory: SimdMemory, blocks: Sm4Blocks, registry: SlotRegistry) {
    this.#memory = memory;
    this.#blocks = blocks;
    this.#registry = registry;
  }

  setKey(key: Uint8Array): void {
    this.#hasKey = false;
    const memory = this.#memory;
    if (this.#slot === 0) {
      this.#slot = memory.takeSlot();
      this.#registry.register(this, this.#slot, this);
    }
    const { heap } = memory;
    try {
      heap.set(key, KEY_INPUT);
      memory.kernels.sm4Keys(this.#slot);
    } finally {
      heap.fill(0, KEY_INPUT, KEY_INPUT + BLOCK_BYTES);
    }
    this.#hasKey = true;
  }

  encryptBlocks(job: FrameJob): void {
    const keys = this.#encryptKeys();
    const area = this.#read(job, job.length);
    this.#crypt(keys, area.at, job.length);
    area.commit(job, job.length);
  }

  decryptBlocks(job: FrameJob): void {
    const keys = this.#decryptKeys();
    const area = this.#read(job, job.length);
    this.#crypt(keys, area.at, job.length);
    area.commit(job, job.length);
  }

  encrypt(job: FrameJob): number {
    const keys = this.#encryptKeys();
    const padded = paddedLength(job.length);
    const area = this.#read(job, padded);
    pad(this.#memory.heap, area.at, job.length);
    this.#crypt(keys, area.at, padded);
    area.commit(job, padded);
    return padded;
  }

  decrypt(job: FrameJob): number {
    const { length } = job;
    job.written = REFUSED;
    if (!this.#hasKey || !isPaddedLength(length)) return REFUSED;
    const area = this.#read(job, length);
    this.#crypt(this.#decryptKeys(), area.at, length);
    const padding = paddingOf(this.#memory.heap, area.at + length);
    if (padding !== 0) {
      area.commit(job, length - padding);
    } else {
      area.wipe(length);
      // The pieces of a long text went through the first place.
      if (length > PIECE_BYTES) this.#memory.text(0).wipe(PIECE_BYTES);
      this.#blocks.wipeStates();
    }
    return job.written;
  }

  encryptAll(jobs: readonly FrameJob[], count: number): void {
    const keys = this.#encryptKeys();
    for (let from = 0; from < count; from += MOST_FRAMES) {
      this.#encryptSome(keys, jobs, from, Math.min(MOST_FRAMES, count - from));
    }
  }

  decryptAll(jobs: readonly FrameJob[], count: number): void {
    for (let i = 0; i < count; i++) jobs[i]!.written = REFUSED;
    if (!this.#hasKey) return;
    for (let from = 0; from < count; from += MOST_FRAMES) {
      this.#decryptSome(this.#decryptKeys(), jobs, from, Math.min(MOST_FRAMES, count - from));
    }
  }

  wipe(): void {
    this.#hasKey = false;
    const slot = this.#slot;
    if (slot === 0) return;
    this.#memory.eraseSlot(slot);
    this.#memory.wipeScratch();
    // The slot is given back once, whatever throws from here on.
    this.#slot = 0;
    this.#registry.unregister(this);
    this.#memory.giveSlot(slot);
  }

  #encryptKeys(): number {
    if (!this.#hasKey) throw new EngineError(NO_KEY);
    return this.#slot;
  }

  #decryptKeys(): number {
    return this.#encryptKeys() + SM4_KEYS_BYTES;
  }

  /** The job's input, in an area with room for `room` bytes. */
  #read(job: FrameJob, room: number): TextArea {
    const memory = this.#memory;
    const area = room > PIECE_BYTES ? memory.longText(room) : memory.text(0);
    area.put(job.input, job.inputAt, job.length);
    memory.checkGuards();
    return area;
  }

  /** Whole blocks at `at`; those of a long text pass through the first place in pieces. */
  #crypt(keys: number, at: number, length: number): void {
    const { heap, kernels } = this.#memory;
    for (let done = 0; done < length; done += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, length - done);
      if (at !== TEXT) heap.copyWithin(TEXT, at + done, at + done + bytes);
      kernels.sm4(keys, SM4_TEXT_BLOCKS, bytes >>> 4);
      if (at !== TEXT) heap.copyWithin(at + done, TEXT, TEXT + bytes);
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
      const area = memory.text(i);
      area.put(input, inputAt, length);
      pad(memory.heap, area.at, length);
      blocks.add(i, padded >>> 4);
    }
    memory.checkGuards();
    blocks.crypt(keys);
    for (let i = 0; i < frames; i++) {
      const job = jobs[from + i]!;
      const padded = paddedLength(job.length);
      if (padded <= SM4_SHARED_BYTES) memory.text(i).commit(job, padded);
    }
    for (let i = 0; i < frames; i++) {
      if (paddedLength(jobs[from + i]!.length) > SM4_SHARED_BYTES) this.encrypt(jobs[from + i]!);
    }
  }

  #decryptSome(keys: number, jobs: readonly FrameJob[], from: number, frames: number): void {
    const memory = this.#memory;
    const blocks = this.#blocks;
    blocks.clear();
    for (let i = 0; i < frames; i++) {
      const { input, inputAt, length } = jobs[from + i]!;
      if (!isShared(length)) continue;
      memory.text(i).put(input, inputAt, length);
      blocks.add(i, length >>> 4);
    }
    memory.checkGuards();
    blocks.crypt(keys);
    let refused = false;
    for (let i = 0; i < frames; i++) {
      const job = jobs[from + i]!;
      const { length } = job;
      if (!isShared(length)) continue;
      const area = memory.text(i);
      const padding = paddingOf(memory.heap, area.at + length);
      if (padding !== 0) {
        area.commit(job, length - padding);
      } else {
        area.wipe(length);
        refused = true;
      }
    }
    if (refused) blocks.wipeStates();
    for (let i = 0; i < frames; i++) {
      const job = jobs[from + i]!;
      if (!isShared(job.length)) this.decrypt(job);
    }
  }
}

/** Whether a frame of this length shares the kernel's call: neither too long nor of a length that cannot be right. */
function isShared(length: number): boolean {
  return length <= SM4_SHARED_BYTES && isPaddedLength(length);
}
