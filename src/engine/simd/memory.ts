/**
 * The SIMD engine's one module instance and its one memory: hands out key slots, and takes frames in. No other code touches the
 * memory. Growing it replaces its buffer, so that all views are made again.
 *
 * Keys lie above the texts. Copies are bounded (text-area.ts), and guards stand between texts and keys: a word of them that
 * has changed ends the engine, before it would seal under a key that was written over.
 */
import { copyInto, lengthOf } from '../../bytes.js';
import { EngineError, type FrameJob } from '../engine.js';
import { SPARE_BYTES, TextArea } from '../text-area.js';
import {
  AAD,
  AAD_BYTES,
  FRAME,
  FRAME_BYTES,
  FRAMES,
  GUARD,
  GUARD_BYTES,
  HASH_STATE,
  LONG_BEFORE_BYTES,
  MOST_PAGES,
  PACKED_BLOCKS,
  PAGE_BYTES,
  SCRATCH_END,
  SHARED_HEADER_BYTES,
  SLOT_BYTES,
  SLOTS,
  SM4_STATES,
  TEXT,
  TEXT_STRIDE,
  WIDE_SLOT_BYTES,
} from './layout.js';

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
  prefetch(from: number, to: number): number;
  /** In the wide form alone, whose slots are longer. */
  packPairs?(key: number, rounds: number): void;
}

/** Where keys register their slots. */
export interface SlotRegistry {
  register(key: object, slot: number, token: object): void;
  unregister(token: object): void;
}

/** What AES of one block and GHASH of one leave in the first text. */
const KEY_SET_UP_TEXT_BYTES = 128;
/** Memory grows by a quarter, and by this much at least: about 200 keys. */
const LEAST_GROWTH_PAGES = 32;
const GUARD_WORD = 0x5afe9a4d;

/** Where the long text is: [start, end), its guard at the end. */
interface LongText {
  readonly start: number;
  readonly room: number;
  readonly end: number;
}

export class SimdMemory {
  readonly kernels: Kernels;
  heap: Uint8Array;
  /** The slot that was used last. */
  current = 0;
  /** The same memory, as words. */
  words: Int32Array;
  /** By place; made when a place is first used. */
  #texts: (TextArea | undefined)[] = [];
  #longText: TextArea | undefined;
  #long: LongText | undefined;
  /** The most bytes of long text since the last wipe. */
  #longUsed = 0;
  readonly #freeSlots: number[] = [];
  #nextSlot = SLOTS;
  /** How long a slot is in this form of the module. */
  readonly slotBytes: number;

  constructor(module: WebAssembly.Module) {
    this.kernels = new WebAssembly.Instance(module).exports as unknown as Kernels;
    this.slotBytes = this.kernels.packPairs === undefined ? SLOT_BYTES : WIDE_SLOT_BYTES;
    this.heap = new Uint8Array(this.kernels.memory.buffer);
    this.words = new Int32Array(this.kernels.memory.buffer);
    this.#setGuard(GUARD);
  }

  /** The text of a place. */
  text(place: number): TextArea {
    const text = this.#texts[place];
    if (text !== undefined) return text;
    const made = new TextArea(this.heap, TEXT + place * TEXT_STRIDE, SHARED_HEADER_BYTES, SM4_STATES);
    this.#texts[place] = made;
    return made;
  }

  /** The address of a slot for one key. Throws EngineError where the memory has no room for more. */
  takeSlot(): number {
    const free = this.#freeSlots.pop();
    if (free !== undefined) return free;
    return this.#reserve(this.slotBytes);
  }

  eraseSlot(slot: number): void {
    this.heap.fill(0, slot, slot + this.slotBytes);
  }

  /** Keeps an erased slot for the next key. */
  giveSlot(slot: number): void {
    this.#freeSlots.push(slot);
  }

  /**
   * The area for a text of `length` bytes, tag or padding included, that has no place. Throws EngineError where there is no
   * memory for it.
   */
  longText(length: number): TextArea {
    if (this.#long === undefined || length > this.#long.room) this.#makeLong(length);
    if (length > this.#longUsed) this.#longUsed = length;
    const { start, end } = this.#long!;
    this.#longText ??= new TextArea(this.heap, start + LONG_BEFORE_BYTES, LONG_BEFORE_BYTES, end - GUARD_BYTES);
    return this.#longText;
  }

  /** The same, or undefined where there is no memory for it. */
  findLongText(length: number): TextArea | undefined {
    try {
      return this.longText(length);
    } catch (error) {
      if (error instanceof EngineError) return undefined;
      throw error;
    }
  }

  /** Throws EngineError where a copy went beyond its area; for good, because keys may have been written over. */
  checkGuards(): void {
    const { words } = this;
    const first = GUARD >>> 2;
    const long = this.#long === undefined ? first : (this.#long.end - GUARD_BYTES) >>> 2;
    if (words[first] !== GUARD_WORD || words[long] !== GUARD_WORD) {
      throw new EngineError("the engine's memory was written over: end this process, and report how it came about");
    }
  }

  /**
   * A frame to its place: nonce, AAD, and input[inputAt, inputAt + bytes). Its AAD and what is before its text have room: at
   * place 0 BEFORE_TEXT_BYTES where it is alone, else as shared places have.
   */
  putFrame(place: number, job: FrameJob, bytes: number): void {
    this.text(place).put(job.input, job.inputAt, bytes);
    this.#putAad(place, job.aad, job.aadLength);
    this.checkGuards();
    this.putNonce(place, job.nonceWords);
    const { words } = this;
    const at = (FRAMES + place * FRAME_BYTES) >>> 2;
    words[at + (FRAME.aadLength >>> 2)] = job.aadLength;
    words[at + (FRAME.length >>> 2)] = job.length;
  }

  putNonce(place: number, nonceWords: Int32Array): void {
    const { words } = this;
    const at = (FRAMES + place * FRAME_BYTES) >>> 2;
    words[at] = nonceWords[0]!;
    words[at + 1] = nonceWords[1]!;
    words[at + 2] = nonceWords[2]!;
  }

  #putAad(place: number, aad: Uint8Array, length: number): void {
    const heap = this.heap;
    const to = AAD + place * AAD_BYTES;
    if (lengthOf(aad) <= AAD_BYTES) {
      copyInto(heap, aad, to);
      return;
    }
    for (let i = 0; i < length; i++) heap[to + i] = aad[i]!;
  }

  /** Whether `open` found the tag of a place right. */
  isGenuine(place: number): boolean {
    const { words } = this;
    const at = (FRAMES + place * FRAME_BYTES + FRAME.tag) >>> 2;
    return (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0;
  }

  /** Zeroes what the set-up of a key leaves. */
  wipeKeySetUp(): void {
    this.heap.fill(0, HASH_STATE, PACKED_BLOCKS);
    this.text(0).wipe(KEY_SET_UP_TEXT_BYTES);
  }

  /** Zeroes all that frames and key set-ups leave: everything between the constants and what is never wiped. */
  wipeScratch(): void {
    this.heap.fill(0, HASH_STATE, SCRATCH_END);
    if (this.#long === undefined) return;
    const { start, end } = this.#long;
    this.heap.fill(0, start, Math.min(start + LONG_BEFORE_BYTES + this.#longUsed + SPARE_BYTES, end - GUARD_BYTES));
    this.#longUsed = 0;
  }

  /** A longer area in a new place; what was there before becomes slots. */
  #makeLong(length: number): void {
    this.wipeScratch();
    const room = (length + 15) & ~15;
    const bytes = LONG_BEFORE_BYTES + room + SPARE_BYTES + GUARD_BYTES;
    const start = this.#reserve(bytes);
    const end = start + bytes;
    this.#setGuard(end - GUARD_BYTES);
    const before = this.#long;
    this.#long = { start, room, end };
    this.#longText = undefined;
    if (before === undefined) return;
    this.heap.fill(0, before.end - GUARD_BYTES, before.end);
    for (let at = before.start; at + this.slotBytes <= before.end; at += this.slotBytes) this.giveSlot(at);
  }

  #setGuard(at: number): void {
    this.words.fill(GUARD_WORD, at >>> 2, (at + GUARD_BYTES) >>> 2);
  }

  /** Reserves fresh bytes and returns their address; grows the memory where necessary. */
  #reserve(bytes: number): number {
    const start = this.#nextSlot;
    if (start + bytes > this.heap.length) this.#grow(start + bytes - this.heap.length);
    this.#nextSlot = start + bytes;
    return start;
  }

  #grow(bytes: number): void {
    const { memory } = this.kernels;
    const pages = this.heap.length / PAGE_BYTES;
    const needed = Math.ceil(bytes / PAGE_BYTES);
    const more = Math.min(Math.max(needed, LEAST_GROWTH_PAGES, pages >>> 2), MOST_PAGES - pages);
    try {
      if (more < needed) throw new RangeError('the limit is reached');
      memory.grow(more);
    } catch {
      const keys = Math.floor((this.#nextSlot - SLOTS) / this.slotBytes);
      throw new EngineError(
        `no memory for another key or a long text beside about ${keys} keys: close sealers, openers and channels that are done, or lower maxSenders`,
      );
    }
    // The buffer that was is gone. No function of ours is called here, so that nothing can come between.
    this.heap = new Uint8Array(memory.buffer);
    this.words = new Int32Array(memory.buffer);
    this.#texts = [];
    this.#longText = undefined;
  }
}
