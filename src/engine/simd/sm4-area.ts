/**
 * SM4's part of the SIMD engine's memory: the lists of blocks that the kernel takes, and room for the frames of a batch,
 * at a fixed distance from each other, so that one call of the kernel does the blocks of all of them.
 */
import {
  PIECE_BYTES,
  SM4_BATCH,
  SM4_BATCH_BLOCKS,
  SM4_BATCH_BYTES,
  SM4_BATCH_FRAMES,
  SM4_BATCH_STRIDE,
  SM4_DUMMY,
  SM4_STATES,
  SM4_STATES_END,
  SM4_TEXT_BLOCKS,
  TEXT,
} from './layout.js';
import type { SimdMemory } from './memory.js';

/** Between a batch's frames. */
const ROOM = SM4_BATCH_STRIDE - SM4_BATCH_BYTES;
/** The kernel takes blocks by fours. */
const BLOCKS_AT_ONCE = 4;
/** A piece of text with its padding, by fours. */
const TEXT_BLOCKS = PIECE_BYTES / 16 + BLOCKS_AT_ONCE;

/** Where a frame of a batch lies. */
function addressOf(frame: number): number {
  return SM4_BATCH + frame * SM4_BATCH_STRIDE;
}

export class Sm4Area {
  readonly #memory: SimdMemory;
  /** The memory as it was when the views were made: growing replaces it. */
  #heap: Uint8Array | undefined;
  #list: Int32Array = new Int32Array(0);
  #blocks = 0;
  /** Views of each frame's first n bytes, by n. */
  #views: (Uint8Array | undefined)[][] = [];

  constructor(memory: SimdMemory) {
    this.#memory = memory;
    const blocks = new Int32Array(memory.kernels.memory.buffer, SM4_TEXT_BLOCKS, TEXT_BLOCKS);
    for (let i = 0; i < TEXT_BLOCKS; i++) blocks[i] = TEXT + 16 * i;
  }

  /** Begins a batch: no blocks yet. */
  clear(): void {
    this.#blocks = 0;
    if (this.#heap === this.#memory.heap) return;
    this.#heap = this.#memory.heap;
    const words = SM4_BATCH_FRAMES * (SM4_BATCH_BYTES / 16) + BLOCKS_AT_ONCE;
    this.#list = new Int32Array(this.#heap.buffer, SM4_BATCH_BLOCKS, words);
    this.#views = Array.from({ length: SM4_BATCH_FRAMES }, () => new Array(SM4_BATCH_BYTES + 1).fill(undefined));
  }

  /**
   * input[at, at + length) becomes a frame of the batch, and its `blocks` blocks are listed. Frames come in ascending
   * order: a copy may touch the room before the frame, and what comes after it. Returns the frame's address.
   */
  put(frame: number, input: Uint8Array, at: number, length: number, blocks: number): number {
    const address = addressOf(frame);
    const heap = this.#memory.heap;
    if (at <= ROOM && input.length - at <= length + ROOM) heap.set(input, address - at);
    else for (let i = 0; i < length; i++) heap[address + i] = input[at + i]!;
    const list = this.#list;
    const first = this.#blocks;
    for (let i = 0; i < blocks; i++) list[first + i] = address + 16 * i;
    this.#blocks = first + blocks;
    return address;
  }

  /** Puts all listed blocks through the rounds. */
  crypt(keys: number): void {
    const blocks = this.#blocks;
    if (blocks === 0) return;
    for (let i = blocks; i % BLOCKS_AT_ONCE !== 0; i++) this.#list[i] = SM4_DUMMY;
    this.#memory.kernels.sm4(keys, SM4_BATCH_BLOCKS, blocks);
  }

  /** A frame's first `length` bytes to output[at, ...). */
  take(frame: number, output: Uint8Array, at: number, length: number): void {
    const views = this.#views[frame]!;
    let view = views[length];
    if (view === undefined) {
      view = new Uint8Array(this.#memory.kernels.memory.buffer, addressOf(frame), length);
      views[length] = view;
    }
    output.set(view, at);
  }

  /** Zeroes a frame that was refused. */
  wipeFrame(frame: number): void {
    const address = addressOf(frame);
    this.#memory.heap.fill(0, address, address + SM4_BATCH_BYTES);
    this.wipeStates();
  }

  /** Zeroes the words of all rounds, the plaintext's among them. */
  wipeStates(): void {
    this.#memory.heap.fill(0, SM4_STATES, SM4_STATES_END);
  }

  /** Zeroes all that frames leave in this part of the memory. */
  wipe(): void {
    this.#memory.heap.fill(0, SM4_STATES, SM4_TEXT_BLOCKS);
  }
}
