/**
 * The SIMD engine: WebAssembly kernels for AES-GCM and SM4 that take the same time whatever the key and the data are. No branch
 * and no memory address depends on a secret; a test reads the modules for that (test/engine/simd/walk.test.ts).
 */
import { load32, store32 } from '../../bytes.js';
import { type Engine, EngineError, type FrameJob, type GcmKey, NO_KEY, TAG_BYTES } from '../engine.js';
import {
  BEFORE_TEXT_BYTES,
  HASH_POWERS,
  HASH_STATE,
  HASH_TABLES,
  KEY_INPUT,
  PIECE_BYTES,
  POWER_BYTES,
  TAG_MASK,
  TEXT,
} from './layout.js';
import { type ModuleForm, moduleBytes, SimdMemory } from './memory.js';
import { SimdSm4Key } from './sm4.js';
import { Sm4Area } from './sm4-area.js';

/** Counter 1 of a nonce masks the tag; text begins at counter 2. */
const TAG_COUNTER = 1;
const TAG_AND_TEXT = TEXT - 16;
const TWO_TO_29 = 0x20000000;

class SimdGcmKey implements GcmKey {
  readonly #memory: SimdMemory;
  readonly #rounds: number;
  /** How many times four rounds of AES come before the last two. */
  readonly #quads: number;
  readonly #registry: FinalizationRegistry<number>;
  /** The nonce of a frame that passes in pieces: the caller's may lie where the output goes. */
  readonly #nonce = new Uint8Array(12);
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
    memory.wipeText(TAG_BYTES);
    kernels.crypt(slot, this.#quads, 0, 0, 0, 0, TEXT, 1);
    heap.copyWithin(KEY_INPUT, TEXT, TEXT + 16);
    kernels.powerTables(slot, HASH_TABLES + (HASH_POWERS - 1) * POWER_BYTES);
    for (let power = HASH_POWERS - 2; power >= 0; power--) {
      heap.copyWithin(TEXT, KEY_INPUT, KEY_INPUT + 16);
      heap.fill(0, HASH_STATE, HASH_STATE + 16);
      kernels.hash(slot, TEXT, 1);
      heap.copyWithin(KEY_INPUT, HASH_STATE, HASH_STATE + 16);
      kernels.powerTables(slot, HASH_TABLES + power * POWER_BYTES);
    }
    memory.wipeScratch();
  }

  seal(job: FrameJob): void {
    if (this.#slot === 0) throw new EngineError(NO_KEY);
    const { nonce, aadLength, length, output, outputAt } = job;
    if (aadLength > BEFORE_TEXT_BYTES || length > PIECE_BYTES) {
      this.#sealPieces(job);
      return;
    }
    const memory = this.#memory;
    memory.putText(job.input, job.inputAt, length);
    memory.putAad(job.aad, aadLength);
    const n0 = loadLittle(nonce, 0);
    const n1 = loadLittle(nonce, 4);
    const n2 = loadLittle(nonce, 8);
    memory.kernels.seal(this.#slot, this.#quads, n0, n1, n2, aadLength, length);
    memory.takeText(output, outputAt, length + TAG_BYTES);
  }

  open(job: FrameJob): boolean {
    if (this.#slot === 0) return false;
    const { nonce, aadLength, length, output, outputAt } = job;
    if (aadLength > BEFORE_TEXT_BYTES || length > PIECE_BYTES) return this.#openPieces(job);
    const memory = this.#memory;
    memory.putText(job.input, job.inputAt, length + TAG_BYTES);
    memory.putAad(job.aad, aadLength);
    const n0 = loadLittle(nonce, 0);
    const n1 = loadLittle(nonce, 4);
    const n2 = loadLittle(nonce, 8);
    if (memory.kernels.open(this.#slot, this.#quads, n0, n1, n2, aadLength, length) !== 0) {
      memory.wipeText(length);
      return false;
    }
    memory.takeText(output, outputAt, length);
    return true;
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
      memory.putText(input, inputAt + done, bytes);
      this.#cryptPiece(done, bytes);
      this.#hashPiece(bytes);
      memory.takeText(output, outputAt + done, bytes);
    }
    this.#finishTag(job);
    memory.heap.copyWithin(TEXT, HASH_STATE, HASH_STATE + TAG_BYTES);
    memory.takeText(output, outputAt + length, TAG_BYTES);
  }

  /** Two passes: nothing is deciphered before the whole text has authenticated. */
  #openPieces(job: FrameJob): boolean {
    const { input, inputAt, output, outputAt, length } = job;
    const memory = this.#memory;
    this.#startPieces(job);
    for (let done = 0; done < length; done += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, length - done);
      memory.putText(input, inputAt + done, bytes);
      this.#hashPiece(bytes);
    }
    this.#finishTag(job);
    let difference = 0;
    for (let i = 0; i < TAG_BYTES; i++) difference |= memory.heap[HASH_STATE + i]! ^ input[inputAt + length + i]!;
    if (difference !== 0) return false;
    for (let done = 0; done < length; done += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, length - done);
      memory.putText(input, inputAt + done, bytes);
      this.#cryptPiece(done, bytes);
      memory.takeText(output, outputAt + done, bytes);
    }
    return true;
  }

  #startPieces({ nonce, aad, aadLength }: FrameJob): void {
    this.#nonce.set(nonce);
    const { heap } = this.#memory;
    heap.fill(0, HASH_STATE, HASH_STATE + 16);
    for (let done = 0; done < aadLength; done += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, aadLength - done);
      this.#memory.putText(aad, done, bytes);
      this.#hashPiece(bytes);
    }
  }

  #hashPiece(bytes: number): void {
    for (let i = bytes; (i & 15) !== 0; i++) this.#memory.heap[TEXT + i] = 0;
    this.#memory.kernels.hash(this.#slot, TEXT, (bytes + 15) >>> 4);
  }

  /** The key stream of text[done, done + bytes), and of the block before it. */
  #cryptPiece(done: number, bytes: number): void {
    const n0 = loadLittle(this.#nonce, 0);
    const n1 = loadLittle(this.#nonce, 4);
    const n2 = loadLittle(this.#nonce, 8);
    const blocks = 1 + ((bytes + 15) >>> 4);
    this.#memory.kernels.crypt(this.#slot, this.#quads, n0, n1, n2, TAG_COUNTER + (done >>> 4), TAG_AND_TEXT, blocks);
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
    heap.copyWithin(TAG_MASK, TAG_AND_TEXT, TEXT);
    for (let i = 0; i < TAG_BYTES; i++) heap[HASH_STATE + i]! ^= heap[TAG_MASK + i]!;
  }
}

/** The engine on one form of the module; tests make both. */
export function createSimdEngine(form: ModuleForm): Engine {
  let shared: Shared | undefined;
  return {
    name: 'simd',
    constantTime: true,
    createGcmKey(keyBytes) {
      shared ??= createShared(form);
      return new SimdGcmKey(shared.memory, keyBytes, shared.registry);
    },
    createSm4Key() {
      shared ??= createShared(form);
      return new SimdSm4Key(shared.memory, shared.sm4Area, shared.registry);
    },
  };
}

/** What all keys of an engine share; made for the first one. */
interface Shared {
  readonly memory: SimdMemory;
  readonly sm4Area: Sm4Area;
  /** Slots of keys that nobody wiped come back when their owners are collected. */
  readonly registry: FinalizationRegistry<number>;
}

function createShared(form: ModuleForm): Shared {
  const memory = new SimdMemory(form);
  const registry = new FinalizationRegistry<number>((slot) => memory.giveSlot(slot));
  return { memory, sm4Area: new Sm4Area(memory), registry };
}

/** Whether the platform runs a form of the module. */
export function hasSimd(form: ModuleForm): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(moduleBytes(form));
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

/** The word at `at` as the kernels' vectors take it: little-endian. */
function loadLittle(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
