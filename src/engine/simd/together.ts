/** Frames of any keys that go through the kernels in one call, each in a place of the memory. Keeps nothing between calls. */
import { type FrameJob, REFUSED, TAG_BYTES } from '../engine.js';
import type { SimdGcmKey } from './gcm.js';
import { AAD_BYTES, MOST_FRAMES, ORDER, SHARED_HEADER_BYTES, SHARED_TEXT_BYTES } from './layout.js';
import type { SimdMemory } from './memory.js';

export class FramesTogether {
  readonly #memory: SimdMemory;
  /** Scratch: whether the frame in a place has yet to be ordered. */
  readonly #waits = new Uint8Array(MOST_FRAMES);

  constructor(memory: SimdMemory) {
    this.#memory = memory;
  }

  /** Seals jobs[0, count). */
  seal(jobs: readonly FrameJob[], count: number): void {
    for (let from = 0; from < count; from += MOST_FRAMES) {
      this.#sealSome(jobs, from, Math.min(MOST_FRAMES, count - from));
    }
  }

  /** Opens jobs[0, count): writes what is genuine. */
  open(jobs: readonly FrameJob[], count: number): void {
    for (let i = 0; i < count; i++) jobs[i]!.written = REFUSED;
    for (let from = 0; from < count; from += MOST_FRAMES) {
      this.#openSome(jobs, from, Math.min(MOST_FRAMES, count - from));
    }
  }

  #sealSome(jobs: readonly FrameJob[], from: number, count: number): void {
    const memory = this.#memory;
    this.#put(jobs, from, count, 0);
    this.#run(jobs, from, count, false);
    for (let i = 0; i < count; i++) {
      const job = jobs[from + i]!;
      if (isShared(job)) memory.text(i).commit(job, job.length + TAG_BYTES);
    }
    for (let i = 0; i < count; i++) if (!isShared(jobs[from + i]!)) jobs[from + i]!.key!.seal(jobs[from + i]!);
  }

  #openSome(jobs: readonly FrameJob[], from: number, count: number): void {
    const memory = this.#memory;
    this.#put(jobs, from, count, TAG_BYTES);
    this.#run(jobs, from, count, true);
    for (let i = 0; i < count; i++) {
      const job = jobs[from + i]!;
      if (isShared(job) && !memory.isGenuine(i)) memory.text(i).wipe(job.length);
    }
    for (let i = 0; i < count; i++) {
      const job = jobs[from + i]!;
      if (isShared(job) && memory.isGenuine(i)) memory.text(i).commit(job, job.length);
    }
    for (let i = 0; i < count; i++) if (!isShared(jobs[from + i]!)) jobs[from + i]!.key!.open(jobs[from + i]!);
  }

  #put(jobs: readonly FrameJob[], from: number, count: number, more: number): void {
    for (let i = 0; i < count; i++) {
      const job = jobs[from + i]!;
      const shared = isShared(job);
      this.#waits[i] = shared ? 1 : 0;
      if (shared) this.#memory.putFrame(i, job, job.length + more);
    }
  }

  /** Key by key: ORDER has the places of each in turn. */
  #run(jobs: readonly FrameJob[], from: number, count: number, opens: boolean): void {
    const { words } = this.#memory;
    const waits = this.#waits;
    let ordered = 0;
    for (let i = 0; i < count; i++) {
      if (waits[i] === 0) continue;
      const key = jobs[from + i]!.key as SimdGcmKey;
      const first = ordered;
      for (let j = i; j < count; j++) {
        if (waits[j] === 0 || jobs[from + j]!.key !== key) continue;
        waits[j] = 0;
        words[(ORDER >>> 2) + ordered++] = j;
      }
      if (opens) key.openPlaces(first, ordered - first);
      else key.sealPlaces(first, ordered - first);
    }
  }
}

/** Whether a frame fits into a place, with room for the zeros after its AAD. The others go one by one. */
function isShared(job: FrameJob): boolean {
  return (
    job.length <= SHARED_TEXT_BYTES &&
    job.aadLength < AAD_BYTES &&
    job.inputAt <= SHARED_HEADER_BYTES &&
    (job.key as SimdGcmKey).hasKey
  );
}
