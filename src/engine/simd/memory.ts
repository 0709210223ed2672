/**
 * The SIMD engine's one module instance and its one memory: loads the module, hands out key slots, and moves frames in
 * and out. Nobody else touches the memory.
 *
 * Copies use whole-array `set`, which costs the same for any length up to a packet; views for that are made once for each
 * length. Growing the memory replaces its buffer, so that all views are made again.
 */
import { fromBase64 } from '../../bytes.js';
import { EngineError } from '../engine.js';
import {
  AAD,
  BEFORE_TEXT_BYTES,
  HASH_STATE,
  MOST_PAGES,
  PAGE_BYTES,
  SCRATCH_END,
  SLOT_BYTES,
  SLOTS,
  TEXT,
} from './layout.js';
import { PLAIN_MODULE, RELAXED_MODULE } from './modules.js';

/** What the module offers; see kernel/. All arguments are integers. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  crypt(
    key: number,
    quads: number,
    n0: number,
    n1: number,
    n2: number,
    counter: number,
    at: number,
    blocks: number,
  ): void;
  hash(key: number, at: number, blocks: number): void;
  seal(key: number, quads: number, n0: number, n1: number, n2: number, aadLength: number, length: number): void;
  open(key: number, quads: number, n0: number, n1: number, n2: number, aadLength: number, length: number): number;
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
/** Memory grows by so much at a time: about 200 keys. */
const GROWTH_PAGES = 32;

/** The bytes of a form of the module. */
export function moduleBytes(form: ModuleForm): Uint8Array<ArrayBuffer> {
  return fromBase64(form === 'relaxed' ? RELAXED_MODULE : PLAIN_MODULE) as Uint8Array<ArrayBuffer>;
}

export class SimdMemory {
  readonly kernels: Kernels;
  heap: Uint8Array;
  /** Views of the text's first n bytes, by n. */
  #views: (Uint8Array | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  #nextSlot = SLOTS;

  constructor(form: ModuleForm) {
    const module = new WebAssembly.Module(moduleBytes(form));
    this.kernels = new WebAssembly.Instance(module).exports as unknown as Kernels;
    this.heap = new Uint8Array(this.kernels.memory.buffer);
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

  /** The AAD, which fits. What comes after it there is no matter. */
  putAad(aad: Uint8Array, length: number): void {
    const heap = this.heap;
    if (aad.length <= BEFORE_TEXT_BYTES) {
      heap.set(aad, AAD);
      return;
    }
    for (let i = 0; i < length; i++) heap[AAD + i] = aad[i]!;
  }

  /** input[at, at + length), a piece at most and its tag, to the text. */
  putText(input: Uint8Array, at: number, length: number): void {
    const heap = this.heap;
    if (at <= BEFORE_TEXT_BYTES && input.length - at <= length + SPARE_BYTES) {
      heap.set(input, TEXT - at);
      return;
    }
    for (let i = 0; i < length; i++) heap[TEXT + i] = input[at + i]!;
  }

  /** The text's first `length` bytes, a piece at most and its tag, to output[at, ...). */
  takeText(output: Uint8Array, at: number, length: number): void {
    let view = this.#views[length];
    if (view === undefined) {
      view = new Uint8Array(this.kernels.memory.buffer, TEXT, length);
      this.#views[length] = view;
    }
    output.set(view, at);
  }

  /** Zeroes the text's first bytes: what a forged frame has left. */
  wipeText(length: number): void {
    this.heap.fill(0, TEXT, TEXT + length);
  }

  /** Zeroes all that frames and key set-ups leave, but for batches of SM4. */
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
    this.#views = [];
  }
}
