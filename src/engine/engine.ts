/**
 * What an engine is: ciphers on the caller's arrays, one call per whole frame.
 *
 * An engine knows keys, nonces and byte ranges; it knows no RTP, SFrame, sockets, clocks or randomness. A key object
 * is a slot: what depends on the key alone (round keys, tables) is made by `setKey` and kept until the next `setKey`
 * or `wipe`, so that a frame allocates nothing and slots can be used again for other keys.
 *
 * Fail closed: an engine keeps nothing between calls but keys; an input is read once, into memory of the engine's own, and
 * an output is written once, at the end. So input and output may be the same memory, another thread may write to either,
 * and an exception at any point leaves an output as it was. The caller has checked that the ranges fit.
 */
import { EMPTY } from '../bytes.js';

/** @internal Bytes of a GCM tag; shorter tags are not offered. */
export const TAG_BYTES = 16;

/** @internal */
export const NONCE_BYTES = 12;

/** @internal What `written` says where nothing was written: tag or padding are wrong; there is no memory for a text so long. */
export const REFUSED = -1;
/** @internal */
export const NO_MEMORY = -2;

/**
 * @internal One frame's order to an engine, made once and filled in again for each frame. Its result, `head`, the text and `tail`,
 * is written whole or not at all, whatever throws: output[outputAt - headLength, outputAt + written + tailLength).
 */
export class FrameJob {
  /** GCM: the key. */
  key: GcmKey | undefined;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  /** The nonce's bytes as words, in the machine's order. */
  readonly nonceWords: Int32Array = new Int32Array(this.#nonce.buffer);
  /** The additional authenticated data is aad[0, aadLength). */
  aad: Uint8Array = EMPTY;
  aadLength = 0;
  input: Uint8Array = EMPTY;
  inputAt = 0;
  /** Bytes of text to work on, without the tag. */
  length = 0;
  /** What stands before the text in the result is head[headAt, headAt + headLength). */
  head: Uint8Array = EMPTY;
  headAt = 0;
  headLength = 0;
  /** What stands after the text is tail[0, tailLength). */
  tail: Uint8Array = EMPTY;
  tailLength = 0;
  output: Uint8Array = EMPTY;
  outputAt = 0;
  /** Out: bytes of text and tag written, REFUSED, or (opening) NO_MEMORY. */
  written = 0;

  /** 12 bytes; ciphers without a nonce ignore it. Setting it copies. */
  get nonce(): Uint8Array {
    return this.#nonce;
  }

  set nonce(bytes: Uint8Array) {
    // Byte by byte: for so few `set` takes longer.
    for (let i = 0; i < NONCE_BYTES; i++) this.#nonce[i] = bytes[i]!;
  }

  /** Lets go of the caller's input and output. */
  release(): void {
    this.input = EMPTY;
    this.output = EMPTY;
  }
}

/** @internal What `seal` says without a key: nothing may be sealed under the zeros of a wiped slot. */
export const NO_KEY = 'this key was never set, or it was wiped';

/** @internal The longest text of a job: engines hold a text whole while they work on it. */
export const MAX_TEXT_BYTES = 0x4000000;

/** @internal A slot for one AES-GCM key (NIST SP 800-38D) with 96-bit nonces and 128-bit tags. */
export interface GcmKey {
  /** Takes a key of the slot's length; the array is not kept. Where it throws, the slot has no key. */
  setKey(key: Uint8Array): void;
  /** Writes `length` bytes of ciphertext and the tag: length + 16 bytes at outputAt. Throws where no key is set. */
  seal(job: FrameJob): void;
  /**
   * Reads length + 16 bytes; writes `length` bytes of plaintext and returns true, or writes nothing and returns false.
   * Without a key nothing is genuine.
   */
  open(job: FrameJob): boolean;
  /**
   * AES alone (FIPS 197): encrypts input[0, 16) into output[0, 16), which may be the same array. For key derivation: a block
   * that is also a counter block of a frame would give away its key stream. Throws where no key is set.
   */
  encryptBlock(input: Uint8Array, output: Uint8Array): void;
  /** Zeroes what was made from the key. */
  wipe(): void;
}

/** @internal A slot for one SM4 key (GB/T 32907) in ECB mode. */
export interface Sm4Key {
  setKey(key: Uint8Array): void;
  /** Whole blocks: `length` is a multiple of 16. */
  encryptBlocks(job: FrameJob): void;
  decryptBlocks(job: FrameJob): void;
  /** PKCS#7: writes and returns length + 1..16 bytes. */
  encrypt(job: FrameJob): number;
  /** The plaintext's length; or -1, with nothing written, for a bad length or padding. */
  decrypt(job: FrameJob): number;
  /** `encrypt` for jobs[0, count), together where the engine gains by it. No output lies on another job's input. */
  encryptAll(jobs: readonly FrameJob[], count: number): void;
  /** `decrypt` likewise. */
  decryptAll(jobs: readonly FrameJob[], count: number): void;
  wipe(): void;
}

/** @internal A set of ciphers; key slots are made here. */
export interface Engine {
  readonly name: 'portable' | 'simd';
  /** Whether branches and memory addresses are independent of keys and plaintext. */
  readonly constantTime: boolean;
  createGcmKey(keyBytes: 16 | 32): GcmKey;
  createSm4Key(): Sm4Key;
  /** `seal` under its own key for each of jobs[0, count), together where the engine gains by it. No output lies on another job's input. */
  sealAll(jobs: readonly FrameJob[], count: number): void;
  /** `open` likewise; `written` tells. */
  openAll(jobs: readonly FrameJob[], count: number): void;
}

/** Thrown where the requested engine does not exist on this platform, fails its self-test, or has no room for another key. */
export class EngineError extends Error {
  /** `'EngineError'`. */
  override readonly name = 'EngineError';
}
