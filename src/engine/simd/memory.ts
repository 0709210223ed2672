/**
 * The SIMD engine's one module instance and its one memory: loads the module, hands out key slots, and moves frames in
 * and out. Nobody else touches the memory.
 *
 * Copies use whole-array `set`, which costs the same for any length up to a packet; views for that are made once for each
 * length. Growing the memory replaces its buffer, so that all views are made again.
 */
import { fromBase64 } from '../../bytes.js';
import { EngineError, type FrameJob } from '../engine.js';
import {
  AAD,
  AAD_BYTES,
  FRAME,
  FRAME_BYTES,
  FRAMES,
  HASH_STATE,
  MOST_FRAMES,
  MOST_PAGES,
  PACKED_BLOCKS,
  PAGE_BYTES,
  SCRATCH_END,
  SHARED_HEADER_BYTES,
  SLOT_BYTES,
  SLOTS,
  TEXT,
  TEXT_STRIDE,
} from './layout.js';
import { PLAIN_MODULE, RELAXED_MODULE } from './modules.js';

/** What the module offers; see kernel/. All arguments are integers: addresses, counts, and places of frames. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  crypt(key: number, quads: number, nonce: number, counter: number, text: number, blocks: number): void;
  hash(key: number, at: number, blocks: number): void;
  seal(key: number, quads: number, first: number, count: number): void;
  open(key: number, quads: number, first: number, count: number): void;
  subWord(word: number): number;
  packKeys(key: number, rounds: number): void;
  lastBytes(key: number): void;
  powerTables(key: number, table: number): void;
  sm4(keys: number, list: number, count: number): void;
  sm4Keys(slot: number): void;
}

/** The two forms of the module; `relaxed` needs a platform that has relaxed SIMD. */
export type ModuleForm = 'relaxed' | 'plain';

/** An input array up to so much longer than the frame in it is copied whole: cheaper than finding the frame's end. */
const SPARE_BYTES = 512;
/** What AES of one block and GHASH of one leave in the first text. */
const KEY_SET_UP_TEXT_BYTES = 128;
/** Memory grows by so much at a time: about 200 keys. */
const GROWTH_PAGES = 32;

/** The bytes of a form of the module. */
export function moduleBytes(form: ModuleForm): Uint8Array<ArrayBuffer> {
  return fromBase64(form === 'relaxed' ? RELAXED_MODULE : PLAIN_MODULE) as Uint8Array<ArrayBuffer>;
}

function emptyViews(): (Uint8Array | undefined)[][] {
  return Array.from({ length: MOST_FRAMES }, () => []);
}

export class SimdMemory {
  readonly kernels: Kernels;
  heap: Uint8Array;
  /** The same memory, as words. */
  words: Int32Array;
  /** By place: views of the text's first n bytes, by n. */
  #views: (Uint8Array | undefined)[][] = emptyViews();
  readonly #freeSlots: number[] = [];
  #nextSlot = SLOTS;

  constructor(form: ModuleForm) {
    const module = new WebAssembly.Module(moduleBytes(form));
    this.kernels = new WebAssembly.Instance(module).exports as unknown as Kernels;
    this.heap = new Uint8Array(this.kernels.memory.buffer);
    this.words = new Int32Array(this.kernels.memory.buffer);
  }

  /** The address of a slot for one key. Throws EngineError where the memory has no room for more. */
  takeSlot(): number {
    const free = this.#freeSlots.pop();
    if (free !== undefined) return free;
    if (this.#nextSlot + SLOT_BYTES > this.heap.length) this.#grow();
    const slot = this.#nextSlot;
    this.#nextSlot += SLOT_BYTES;
    return slot;
  }

  /** Zeroes a slot, and keeps it for the next key. */
  giveSlot(slot: number): void {
    this.heap.fill(0, slot, slot + SLOT_BYTES);
    this.#freeSlots.push(slot);
  }

  /**
   * A frame to its place: nonce, AAD, and input[inputAt, inputAt + bytes). Its AAD and what is before its text have room: at
   * place 0 BEFORE_TEXT_BYTES where it is alone, else as shared places have.
   */
  putFrame(place: number, job: FrameJob, bytes: number): void {
    this.putText(place, job.input, job.inputAt, bytes);
    this.#putAad(place, job.aad, job.aadLength);
    this.putNonce(place, job.nonce);
    const { words } = this;
    const at = (FRAMES + place * FRAME_BYTES) >>> 2;
    words[at + (FRAME.aadLength >>> 2)] = job.aadLength;
    words[at + (FRAME.length >>> 2)] = job.length;
  }

  putNonce(place: number, nonce: Uint8Array): void {
    const { words } = this;
    const at = (FRAMES + place * FRAME_BYTES) >>> 2;
    for (let i = 0; i < 3; i++) {
      const byte = 4 * i;
      words[at + i] = nonce[byte]! | (nonce[byte + 1]! << 8) | (nonce[byte + 2]! << 16) | (nonce[byte + 3]! << 24);
    }
  }

  #putAad(place: number, aad: Uint8Array, length: number): void {
    const heap = this.heap;
    const to = AAD + place * AAD_BYTES;
    if (aad.length <= AAD_BYTES) {
      heap.set(aad, to);
      return;
    }
    for (let i = 0; i < length; i++) heap[to + i] = aad[i]!;
  }

  /** input[at, at + length), a piece at most and its tag, to the text of a place. */
  putText(place: number, input: Uint8Array, at: number, length: number): void {
    const heap = this.heap;
    const to = TEXT + place * TEXT_STRIDE;
    if (at <= SHARED_HEADER_BYTES && input.length - at <= length + SPARE_BYTES) {
      heap.set(input, to - at);
      return;
    }
    for (let i = 0; i < length; i++) heap[to + i] = input[at + i]!;
  }

  /** The first `length` bytes of a place's text, a piece at most and its tag, to output[at, ...). */
  takeText(place: number, output: Uint8Array, at: number, length: number): void {
    const views = this.#views[place]!;
    let view = views[length];
    if (view === undefined) {
      view = new Uint8Array(this.kernels.memory.buffer, TEXT + place * TEXT_STRIDE, length);
      views[length] = view;
    }
    output.set(view, at);
  }

  /** Whether `open` found the tag of a place right. */
  isGenuine(place: number): boolean {
    const { words } = this;
    const at = (FRAMES + place * FRAME_BYTES + FRAME.tag) >>> 2;
    return (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0;
  }

  /** Zeroes the first bytes of a place's text: what a forged frame has left. */
  wipeText(place: number, length: number): void {
    const at = TEXT + place * TEXT_STRIDE;
    this.heap.fill(0, at, at + length);
  }

  /** Zeroes what the set-up of a key leaves. */
  wipeKeySetUp(): void {
    this.heap.fill(0, HASH_STATE, PACKED_BLOCKS);
    this.wipeText(0, KEY_SET_UP_TEXT_BYTES);
  }

  /** Zeroes all that frames and key set-ups leave: everything between the constants and what is never wiped. */
  wipeScratch(): void {
    this.heap.fill(0, HASH_STATE, SCRATCH_END);
  }

  #grow(): void {
    const { memory } = this.kernels;
    const pages = this.heap.length / PAGE_BYTES;
    const more = Math.min(GROWTH_PAGES, MOST_PAGES - pages);
    try {
      if (more === 0) throw new RangeError('the limit is reached');
      memory.grow(more);
    } catch {
      const keys = Math.floor((this.#nextSlot - SLOTS) / SLOT_BYTES);
      throw new EngineError(
        `no memory for another key beside ${keys} live ones: close sealers, openers and channels that are done, or lower maxSenders`,
      );
    }
    this.heap = new Uint8Array(memory.buffer);
    this.words = new Int32Array(memory.buffer);
    this.#views = emptyViews();
  }
}
