/** Frames that are taken in one by one, each to a place in the memory, and go through the kernels together. */

import { EMPTY } from '../../bytes.js';
import { type FrameBatch, type FrameJob, type GcmKey, TAG_BYTES } from '../engine.js';
import type { SimdGcmKey } from './gcm.js';
import { AAD_BYTES, MOST_FRAMES, ORDER, SHARED_HEADER_BYTES, SHARED_TEXT_BYTES } from './layout.js';
import type { SimdMemory } from './memory.js';

/** What a batch keeps of a frame: whose it is, and where its output goes. */
class Place {
  key: SimdGcmKey | undefined;
  output: Uint8Array = EMPTY;
  outputAt = 0;
  length = 0;
  /** Has been taken up by this call's order. */
  ordered = false;
}

export class SimdBatch implements FrameBatch {
  readonly #memory: SimdMemory;
  readonly #places: readonly Place[] = Array.from({ length: MOST_FRAMES }, () => new Place());
  #count = 0;

  constructor(memory: SimdMemory) {
    this.#memory = memory;
  }

  get count(): number {
    return this.#count;
  }

  addToSeal(key: GcmKey, job: FrameJob): boolean {
    return this.#add(key, job, job.length);
  }

  addToOpen(key: GcmKey, job: FrameJob): boolean {
    return this.#add(key, job, job.length + TAG_BYTES);
  }

  seal(): void {
    this.#run(false);
    for (let i = 0; i < this.#count; i++) this.#take(i, TAG_BYTES);
    this.#count = 0;
  }

  open(): void {
    this.#run(true);
  }

  isGenuine(index: number): boolean {
    return this.#memory.isGenuine(index);
  }

  write(index: number): void {
    this.#take(index, 0);
  }

  clear(): void {
    for (let i = 0; i < this.#count; i++) {
      if (this.#places[i]!.key === undefined) continue;
      this.#memory.wipeText(i, this.#places[i]!.length);
      this.#release(i);
    }
    this.#count = 0;
  }

  #add(key: GcmKey, job: FrameJob, bytes: number): boolean {
    const index = this.#count;
    const own = key as SimdGcmKey;
    const fits =
      index < MOST_FRAMES &&
      job.length <= SHARED_TEXT_BYTES &&
      // With room for the zeros after it.
      job.aadLength < AAD_BYTES &&
      job.inputAt <= SHARED_HEADER_BYTES;
    if (!fits || !own.hasKey) return false;
    this.#memory.putFrame(index, job, bytes);
    const place = this.#places[index]!;
    place.key = own;
    place.output = job.output;
    place.outputAt = job.outputAt;
    place.length = job.length;
    place.ordered = false;
    this.#count = index + 1;
    return true;
  }

  /** The kernels' work, key by key: ORDER has the frames of each in turn. */
  #run(opens: boolean): void {
    const { words } = this.#memory;
    const count = this.#count;
    let ordered = 0;
    for (let i = 0; i < count; i++) {
      const key = this.#places[i]!.key!;
      if (this.#places[i]!.ordered) continue;
      const first = ordered;
      for (let j = i; j < count; j++) {
        const place = this.#places[j]!;
        if (place.key !== key) continue;
        place.ordered = true;
        words[(ORDER >>> 2) + ordered++] = j;
      }
      if (opens) key.openPlaces(first, ordered - first);
      else key.sealPlaces(first, ordered - first);
    }
  }

  #take(index: number, more: number): void {
    const { output, outputAt, length } = this.#places[index]!;
    this.#memory.takeText(index, output, outputAt, length + more);
    this.#release(index);
  }

  #release(index: number): void {
    const place = this.#places[index]!;
    place.key = undefined;
    place.output = EMPTY;
  }
}
