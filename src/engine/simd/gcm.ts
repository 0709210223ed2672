/**
 * AES-GCM keys of the SIMD engine: WebAssembly kernels that take the same time whatever the key and the data are. No branch
 * and no memory address depends on a secret; a test reads the modules for that (test/engine/simd/walk.test.ts).
 */
import { load32, store32 } from '../../bytes.js';
import { EngineError, type FrameJob, type GcmKey, NO_KEY, TAG_BYTES } from '../engine.js';
import {
  BEFORE_TEXT_BYTES,
  FRAMES,
  HASH_POWERS,
  HASH_STATE,
  HASH_TABLES,
  KEY_INPUT,
  MOST_FRAMES,
  PIECE_BYTES,
  POWER_BYTES,
  TEXT,
} from './layout.js';
import type { SimdMemory } from './memory.js';

/** Counter 1 of a nonce masks the tag; text begins at counter 2. */
const TAG_COUNTER = 1;
const TAG_AND_TEXT = TEXT - 16;
const ZERO_NONCE = new Uint8Array(12);
/** ORDER has place 0 there, always: for a frame that is alone. */
const ALONE = MOST_FRAMES;
const TWO_TO_29 = 0x20000000;

export class SimdGcmKey implements GcmKey {
  readonly #memory: SimdMemory;
  readonly #rounds: number;
  /** How many times four rounds of AES come before the last two. */
  readonly #quads: number;
  readonly #registry: FinalizationRegistry<number>;
  /** Address of the slot, or 0 while there is no key. */
  #slot = 0;

  constructor(memory: SimdMemory, keyBytes: 16 | 32, registry: FinalizationRegistry<number>) {
    this.#memory = memory;
    this.#rounds = keyBytes === 16 ? 10 : 14;
    this.#quads = keyBytes === 16 ? 2 : 3;
    this.#registry = registry;
  }

  setKey(key: Uint8Array): void {
    const memory = this.#memory;
    const { kernels } = memory;
    if (this.#slot === 0) {
      this.#slot = memory.takeSlot();
      this.#registry.register(this, this.#slot, this);
    }
    const slot = this.#slot;
    const { heap } = memory;
    expandKey(key, this.#rounds, heap, kernels.subWord);
    kernels.packKeys(slot, this.#rounds);
    kernels.lastBytes(slot);
    // H is the zero block, encrypted: with a nonce of zeros, the key stream at counter 0.
    memory.wipeText(0, TAG_BYTES);
    memory.putNonce(0, ZERO_NONCE);
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
    memory.wipeKeySetUp();
  }

  seal(job: FrameJob): void {
    if (this.#slot === 0) throw new EngineError(NO_KEY);
    if (job.aadLength > BEFORE_TEXT_BYTES || job.length > PIECE_BYTES) {
      this.#sealPieces(job);
      return;
    }
    const memory = this.#memory;
    memory.putFrame(0, job, job.length);
    this.sealPlaces(ALONE, 1);
    memory.takeText(0, job.output, job.outputAt, job.length + TAG_BYTES);
  }

  open(job: FrameJob): boolean {
    if (this.#slot === 0) return false;
    if (job.aadLength > BEFORE_TEXT_BYTES || job.length > PIECE_BYTES) return this.#openPieces(job);
    const memory = this.#memory;
    memory.putFrame(0, job, job.length + TAG_BYTES);
    this.openPlaces(ALONE, 1);
    if (!memory.isGenuine(0)) {
      memory.wipeText(0, job.length);
      return false;
    }
    memory.takeText(0, job.output, job.outputAt, job.length);
    return true;
  }

  get hasKey(): boolean {
    return this.#slot !== 0;
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
    if (this.#slot === 0) return;
    this.#registry.unregister(this);
    this.#memory.giveSlot(this.#slot);
    this.#memory.wipeScratch();
    this.#slot = 0;
  }

  /** A text longer than a piece, or much AAD. */
  #sealPieces(job: FrameJob): void {
    job.moveInput();
    const { input, inputAt, output, outputAt, length } = job;
    const memory = this.#memory;
    this.#startPieces(job);
    for (let done = 0; done < length; done += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, length - done);
      memory.putText(0, input, inputAt + done, bytes);
      this.#cryptPiece(done, bytes);
      this.#hashPiece(bytes);
      memory.takeText(0, output, outputAt + done, bytes);
    }
    this.#finishTag(job);
    memory.heap.copyWithin(TEXT, HASH_STATE, HASH_STATE + TAG_BYTES);
    memory.takeText(0, output, outputAt + length, TAG_BYTES);
  }

  /** Two passes: nothing is deciphered before the whole text has authenticated. */
  #openPieces(job: FrameJob): boolean {
    const { input, inputAt, output, outputAt, length } = job;
    const memory = this.#memory;
    this.#startPieces(job);
    for (let done = 0; done < length; done += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, length - done);
      memory.putText(0, input, inputAt + done, bytes);
      this.#hashPiece(bytes);
    }
    this.#finishTag(job);
    let difference = 0;
    for (let i = 0; i < TAG_BYTES; i++) difference |= memory.heap[HASH_STATE + i]! ^ input[inputAt + length + i]!;
    if (difference !== 0) return false;
    for (let done = 0; done < length; done += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, length - done);
      memory.putText(0, input, inputAt + done, bytes);
      this.#cryptPiece(done, bytes);
      memory.takeText(0, output, outputAt + done, bytes);
    }
    return true;
  }

  #startPieces({ nonce, aad, aadLength }: FrameJob): void {
    const memory = this.#memory;
    memory.putNonce(0, nonce);
    const { heap } = memory;
    heap.fill(0, HASH_STATE, HASH_STATE + 16);
    for (let done = 0; done < aadLength; done += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, aadLength - done);
      memory.putText(0, aad, done, bytes);
      this.#hashPiece(bytes);
    }
  }

  #hashPiece(bytes: number): void {
    for (let i = bytes; (i & 15) !== 0; i++) this.#memory.heap[TEXT + i] = 0;
    this.#memory.kernels.hash(this.#slot, TEXT, (bytes + 15) >>> 4);
  }

  /** The key stream of text[done, done + bytes), and of the block before it. */
  #cryptPiece(done: number, bytes: number): void {
    const blocks = 1 + ((bytes + 15) >>> 4);
    this.#memory.kernels.crypt(this.#slot, this.#quads, FRAMES, TAG_COUNTER + (done >>> 4), TAG_AND_TEXT, blocks);
  }

  /** Absorbs the lengths and leaves the tag in HASH_STATE. */
  #finishTag({ aadLength, length }: FrameJob): void {
    const { heap, kernels } = this.#memory;
    store32(heap, TEXT, (aadLength / TWO_TO_29) | 0);
    store32(heap, TEXT + 4, aadLength << 3);
    store32(heap, TEXT + 8, (length / TWO_TO_29) | 0);
    store32(heap, TEXT + 12, length << 3);
    kernels.hash(this.#slot, TEXT, 1);
    heap.fill(0, TAG_AND_TEXT, TEXT);
    this.#cryptPiece(0, 0);
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
