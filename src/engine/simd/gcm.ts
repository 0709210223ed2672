/**
 * AES-GCM keys of the SIMD engine: WebAssembly kernels that take the same time whatever the key and the data are. No branch
 * and no memory address depends on a secret; a test reads the modules for that (test/engine/simd/walk.test.ts).
 */
import { load32, store32 } from '../../bytes.js';
import {
  EngineError,
  type FrameJob,
  type GcmKey,
  NO_KEY,
  NO_MEMORY,
  NONCE_BYTES,
  REFUSED,
  TAG_BYTES,
} from '../engine.js';
import {
  BEFORE_TEXT_BYTES,
  FRAME,
  FRAMES,
  HASH_POWERS,
  HASH_STATE,
  HASH_TABLES,
  KEY_INPUT,
  LAST_BYTES,
  MOST_FRAMES,
  PIECE_BYTES,
  POWER_BYTES,
  ROUND_KEY_BYTES,
  SLOT_BYTES,
  TEXT,
} from './layout.js';
import type { SimdMemory, SlotRegistry } from './memory.js';

/** Counter 1 of a nonce masks the tag; text begins at counter 2. */
const TAG_COUNTER = 1;
const TAG_AND_TEXT = TEXT - 16;
const BLOCK_BYTES = 16;
/** Where the tag of a long text waits. */
const LONG_TAG = FRAMES + FRAME.tag;
const ZERO_NONCE = new Int32Array(3);
/** ORDER has place 0 there, always: for a frame that is alone. */
const ALONE = MOST_FRAMES;
/** The longest text that needs no round keys as planes. */
const VECTOR_TEXT_BYTES = 32;
const TWO_TO_29 = 0x20000000;

export class SimdGcmKey implements GcmKey {
  readonly #memory: SimdMemory;
  readonly #rounds: number;
  /** How many times four rounds of AES come before the last two. */
  readonly #quads: number;
  readonly #registry: SlotRegistry;
  /** Address of the slot, or 0 while there is none. */
  #slot = 0;
  #hasKey = false;

  constructor(memory: SimdMemory, keyBytes: 16 | 32, registry: SlotRegistry) {
    this.#memory = memory;
    this.#rounds = keyBytes === 16 ? 10 : 14;
    this.#quads = keyBytes === 16 ? 2 : 3;
    this.#registry = registry;
  }

  setKey(key: Uint8Array): void {
    this.#hasKey = false;
    const memory = this.#memory;
    if (this.#slot === 0) {
      this.#slot = memory.takeSlot();
      this.#registry.register(this, this.#slot, this);
    }
    try {
      this.#setUp(key);
    } finally {
      memory.wipeKeySetUp();
    }
    this.#hasKey = true;
  }

  #setUp(key: Uint8Array): void {
    const { heap, kernels } = this.#memory;
    const slot = this.#slot;
    expandKey(key, this.#rounds, heap, kernels.subWord);
    kernels.packKeys(slot, this.#rounds);
    kernels.lastBytes(slot);
    kernels.packPairs?.(slot, this.#rounds);
    // H is the zero block, encrypted: with a nonce of zeros, the key stream at counter 0.
    heap.fill(0, TEXT, TEXT + TAG_BYTES);
    this.#memory.putNonce(0, ZERO_NONCE);
    kernels.crypt(slot, this.#quads, FRAMES, 0, TEXT, 1);
    heap.copyWithin(KEY_INPUT, TEXT, TEXT + 16);
    kernels.powerTables(slot, HASH_TABLES + (HASH_POWERS - 1) * POWER_BYTES);
    for (let power = HASH_POWERS - 2; power >= 0; power--) {
      heap.copyWithin(TEXT, KEY_INPUT, KEY_INPUT + 16);
      heap.fill(0, HASH_STATE, HASH_STATE + 16);
      kernels.hash(slot, TEXT, 1);
      heap.copyWithin(KEY_INPUT, HASH_STATE, HASH_STATE + 16);
      kernels.powerTables(slot, HASH_TABLES + power * POWER_BYTES);
    }
  }

  seal(job: FrameJob): void {
    if (!this.#hasKey) throw new EngineError(NO_KEY);
    if (job.aadLength > BEFORE_TEXT_BYTES || job.length > PIECE_BYTES) {
      this.#sealLong(job);
      return;
    }
    const memory = this.#memory;
    if (memory.current !== this.#slot) this.#prefetch(job.length);
    memory.putFrame(0, job, job.length);
    this.sealPlaces(ALONE, 1);
    memory.text(0).commit(job, job.length + TAG_BYTES);
  }

  open(job: FrameJob): boolean {
    job.written = REFUSED;
    if (!this.#hasKey) return false;
    if (job.aadLength > BEFORE_TEXT_BYTES || job.length > PIECE_BYTES) return this.#openLong(job);
    const memory = this.#memory;
    if (memory.current !== this.#slot) this.#prefetch(job.length);
    memory.putFrame(0, job, job.length + TAG_BYTES);
    this.openPlaces(ALONE, 1);
    if (!memory.isGenuine(0)) {
      memory.text(0).wipe(job.length);
      return false;
    }
    memory.text(0).commit(job, job.length);
    return true;
  }

  /**
   * Begins to fetch all that a frame needs of the slot, where another key was used before: the kernels would wait for one line of
   * memory after the other.
   */
  #prefetch(length: number): void {
    const slot = this.#slot;
    const { kernels } = this.#memory;
    this.#memory.current = slot;
    if (length > VECTOR_TEXT_BYTES) kernels.prefetch(slot, slot + LAST_BYTES + 2 * ROUND_KEY_BYTES);
    // The AAD and the lengths have a block each.
    const blocks = Math.min(HASH_POWERS, 2 + ((length + 15) >>> 4));
    kernels.prefetch(slot + HASH_TABLES + (HASH_POWERS - blocks) * POWER_BYTES, slot + SLOT_BYTES);
  }

  /** The block as a counter block: its last word is the counter, the rest the nonce. */
  encryptBlock(input: Uint8Array, output: Uint8Array): void {
    if (!this.#hasKey) throw new EngineError(NO_KEY);
    const memory = this.#memory;
    memory.checkGuards();
    const { heap, kernels } = memory;
    try {
      heap.fill(0, TEXT, TEXT + BLOCK_BYTES);
      for (let i = 0; i < NONCE_BYTES; i++) heap[FRAMES + FRAME.nonce + i] = input[i]!;
      kernels.crypt(this.#slot, this.#quads, FRAMES, load32(input, NONCE_BYTES), TEXT, 1);
      for (let i = 0; i < BLOCK_BYTES; i++) output[i] = heap[TEXT + i]!;
    } finally {
      memory.wipeKeySetUp();
    }
  }

  get hasKey(): boolean {
    return this.#hasKey;
  }

  /** Seals the frames in `count` places, by ORDER from `first` on. */
  sealPlaces(first: number, count: number): void {
    this.#memory.kernels.seal(this.#slot, this.#quads, first, count);
  }

  /** Opens them: SimdMemory.isGenuine tells which may be used. */
  openPlaces(first: number, count: number): void {
    this.#memory.kernels.open(this.#slot, this.#quads, first, count);
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

  /** A text longer than a piece, or much AAD. */
  #sealLong(job: FrameJob): void {
    const { length } = job;
    const memory = this.#memory;
    const area = memory.longText(length + TAG_BYTES);
    area.put(job.input, job.inputAt, length);
    this.#startLong(job);
    this.#cryptLong(area.at, length);
    this.#finishTag(job, area.at);
    memory.heap.copyWithin(area.at + length, HASH_STATE, HASH_STATE + TAG_BYTES);
    area.commit(job, length + TAG_BYTES);
  }

  /** Nothing is deciphered before the whole text has authenticated. */
  #openLong(job: FrameJob): boolean {
    const { length } = job;
    const memory = this.#memory;
    const area = memory.findLongText(length + TAG_BYTES);
    if (area === undefined) {
      job.written = NO_MEMORY;
      return false;
    }
    area.put(job.input, job.inputAt, length + TAG_BYTES);
    this.#startLong(job);
    const { heap } = memory;
    heap.copyWithin(LONG_TAG, area.at + length, area.at + length + TAG_BYTES);
    this.#finishTag(job, area.at);
    let difference = 0;
    for (let i = 0; i < TAG_BYTES; i++) difference |= heap[HASH_STATE + i]! ^ heap[LONG_TAG + i]!;
    if (difference !== 0) return false;
    this.#cryptLong(area.at, length);
    area.commit(job, length);
    return true;
  }

  /** Nonce and AAD. */
  #startLong({ nonceWords, aad, aadLength }: FrameJob): void {
    const memory = this.#memory;
    memory.checkGuards();
    memory.putNonce(0, nonceWords);
    memory.heap.fill(0, HASH_STATE, HASH_STATE + 16);
    for (let done = 0; done < aadLength; done += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, aadLength - done);
      memory.text(0).put(aad, done, bytes);
      this.#hash(TEXT, bytes);
    }
  }

  /** Absorbs heap[at, at + length), with zeros up to a whole block. */
  #hash(at: number, length: number): void {
    const { heap, kernels } = this.#memory;
    heap.fill(0, at + length, at + ((length + 15) & ~15));
    if (length > 0) kernels.hash(this.#slot, at, (length + 15) >>> 4);
  }

  /** Adds the key stream to heap[at, at + length). The kernel begins at counter 1, a block before. */
  #cryptLong(at: number, length: number): void {
    const { heap, kernels } = this.#memory;
    kernels.crypt(this.#slot, this.#quads, FRAMES, TAG_COUNTER, at - 16, 1 + ((length + 15) >>> 4));
    heap.fill(0, at - 16, at);
  }

  /** Absorbs the ciphertext at `at` and the lengths, and leaves the tag in HASH_STATE. */
  #finishTag({ aadLength, length }: FrameJob, at: number): void {
    const { heap, kernels } = this.#memory;
    this.#hash(at, length);
    store32(heap, TEXT, (aadLength / TWO_TO_29) | 0);
    store32(heap, TEXT + 4, aadLength << 3);
    store32(heap, TEXT + 8, (length / TWO_TO_29) | 0);
    store32(heap, TEXT + 12, length << 3);
    kernels.hash(this.#slot, TEXT, 1);
    heap.fill(0, TAG_AND_TEXT, TEXT);
    kernels.crypt(this.#slot, this.#quads, FRAMES, TAG_COUNTER, TAG_AND_TEXT, 1);
    for (let i = 0; i < TAG_BYTES; i++) heap[HASH_STATE + i]! ^= heap[TAG_AND_TEXT + i]!;
  }
}

/** Expands a key to heap[KEY_INPUT, ...) (FIPS 197 section 5.2), with the kernels' S-box. */
function expandKey(key: Uint8Array, rounds: number, heap: Uint8Array, subWord: (word: number) => number): void {
  const keyWords = key.length >>> 2;
  heap.set(key, KEY_INPUT);
  let roundConstant = 1;
  for (let i = keyWords; i < 4 * (rounds + 1); i++) {
    let word = load32(heap, KEY_INPUT + 4 * (i - 1));
    if (i % keyWords === 0) {
      word = subWord((word << 8) | (word >>> 24)) ^ (roundConstant << 24);
      roundConstant = (roundConstant << 1) ^ ((roundConstant >>> 7) * 0x11b);
    } else if (keyWords === 8 && i % 8 === 4) {
      word = subWord(word);
    }
    store32(heap, KEY_INPUT + 4 * i, load32(heap, KEY_INPUT + 4 * (i - keyWords)) ^ word);
  }
}
