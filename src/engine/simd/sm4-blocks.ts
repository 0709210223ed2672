/**
 * The lists of blocks that SM4's kernel takes: those of the text of a frame that is alone, and of the frames of a batch, one
 * after the other, so that one call does the blocks of all of them.
 */
import {
  MOST_FRAMES,
  PIECE_BYTES,
  SM4_BATCH_BLOCKS,
  SM4_DUMMY,
  SM4_SHARED_BYTES,
  SM4_STATES,
  SM4_STATES_END,
  SM4_TEXT_BLOCKS,
  TEXT,
  TEXT_STRIDE,
} from './layout.js';
import type { SimdMemory } from './memory.js';

/** The kernel takes blocks by fours. */
const BLOCKS_AT_ONCE = 4;
/** A piece of text with its padding, by fours. */
const TEXT_BLOCKS = PIECE_BYTES / 16 + BLOCKS_AT_ONCE;
/** What a batch may have, by fours. */
export const BATCH_BLOCKS: number = MOST_FRAMES * (SM4_SHARED_BYTES / 16) + BLOCKS_AT_ONCE;

export class Sm4Blocks {
  readonly #memory: SimdMemory;
  #count = 0;

  constructor(memory: SimdMemory) {
    this.#memory = memory;
    for (let i = 0; i < TEXT_BLOCKS; i++) memory.words[(SM4_TEXT_BLOCKS >>> 2) + i] = TEXT + 16 * i;
  }

  /** Begins a batch: no blocks yet. */
  clear(): void {
    this.#count = 0;
  }

  /** Lists the first `count` blocks of a place's text. */
  add(place: number, count: number): void {
    const { words } = this.#memory;
    const at = (SM4_BATCH_BLOCKS >>> 2) + this.#count;
    const text = TEXT + place * TEXT_STRIDE;
    for (let i = 0; i < count; i++) words[at + i] = text + 16 * i;
    this.#count += count;
  }

  /** Puts all listed blocks through the rounds. */
  crypt(keys: number): void {
    const count = this.#count;
    if (count === 0) return;
    const { words, kernels } = this.#memory;
    for (let i = count; i % BLOCKS_AT_ONCE !== 0; i++) words[(SM4_BATCH_BLOCKS >>> 2) + i] = SM4_DUMMY;
    kernels.sm4(keys, SM4_BATCH_BLOCKS, count);
  }

  /** Zeroes the words of all rounds, the plaintext's among them. */
  wipeStates(): void {
    this.#memory.heap.fill(0, SM4_STATES, SM4_STATES_END);
  }
}
