/**
 * What an engine is: ciphers on the caller's arrays, one call per whole frame.
 *
 * An engine knows keys, nonces and byte ranges; it knows no RTP, SFrame, sockets, clocks or randomness. A key object
 * is a slot: what depends on the key alone (round keys, tables) is made by `setKey` and kept until the next `setKey`
 * or `wipe`, so that a frame allocates nothing and slots can be used again for other keys.
 *
 * Ranges: input and output lie apart, or start at the same byte of one memory. In place, output may be further on than
 * input only for `seal`. The caller has checked that the ranges fit; an engine reads and writes nothing else.
 */
import { EMPTY } from '../bytes.js';

/** Bytes of a GCM tag; shorter tags are not offered. */
export const TAG_BYTES = 16;

/** One frame's order to an engine, made once and filled in again for each frame. */
export class FrameJob {
  /** 12 bytes; ciphers without a nonce ignore it. */
  nonce: Uint8Array = EMPTY;
  /** The additional authenticated data is aad[0, aadLength). */
  aad: Uint8Array = EMPTY;
  aadLength = 0;
  input: Uint8Array = EMPTY;
  inputAt = 0;
  /** Bytes of text to work on, without the tag. */
  length = 0;
  output: Uint8Array = EMPTY;
  outputAt = 0;

  /** Lets go of the caller's input and output. */
  release(): void {
    this.input = EMPTY;
    this.output = EMPTY;
  }

  /** In place, where the output is further on, moves the input there: for engines that write before they have read all. */
  moveInput(): void {
    const { input, inputAt, output, outputAt } = this;
    if (outputAt <= inputAt || input.byteOffset !== output.byteOffset || input.buffer !== output.buffer) return;
    output.copyWithin(outputAt, inputAt, inputAt + this.length);
    this.input = output;
    this.inputAt = outputAt;
  }
}

/** What `seal` says without a key: nothing may be sealed under the zeros of a wiped slot. */
export const NO_KEY = 'this key was never set, or it was wiped';

/** A slot for one AES-GCM key (NIST SP 800-38D) with 96-bit nonces and 128-bit tags. */
export interface GcmKey {
  /** Takes a key of the slot's length; the array is not kept. */
  setKey(key: Uint8Array): void;
  /** Writes `length` bytes of ciphertext and the tag: length + 16 bytes at outputAt. Throws where no key is set. */
  seal(job: FrameJob): void;
  /**
   * Reads length + 16 bytes; writes `length` bytes of plaintext and returns true, or writes nothing and returns false.
   * Without a key nothing is genuine.
   */
  open(job: FrameJob): boolean;
  /** Zeroes what was made from the key. */
  wipe(): void;
}

/** A slot for one SM4 key (GB/T 32907) in ECB mode. */
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
  encryptBatch(jobs: readonly FrameJob[], count: number): void;
  /** `decrypt` likewise; what it would return goes to `lengths`. */
  decryptBatch(jobs: readonly FrameJob[], count: number, lengths: Int32Array): void;
  wipe(): void;
}

/**
 * Frames that an engine works on together, for engines that gain by it. One for an engine: whoever begins a batch ends it
 * before anything else is asked of the engine's keys.
 */
export interface FrameBatch {
  /** How many frames it holds. */
  readonly count: number;
  /**
   * Takes a frame in: input, nonce and AAD are read now. False where it holds as many as it can, or this one must go alone:
   * then nothing has happened.
   */
  addToSeal(key: GcmKey, job: FrameJob): boolean;
  addToOpen(key: GcmKey, job: FrameJob): boolean;
  /** Seals all frames, writes their outputs, and is empty. */
  seal(): void;
  /** Opens all frames and writes nothing: `isGenuine` and `write` by the order in which they came, then `clear`. */
  open(): void;
  isGenuine(index: number): boolean;
  /** Writes the plaintext of a genuine frame to its output. */
  write(index: number): void;
  /** Lets go of all frames, and zeroes what was not written. */
  clear(): void;
}

/** A set of ciphers; key slots are made here. */
export interface Engine {
  /** Undefined where one frame at a time is as good. */
  readonly batch: FrameBatch | undefined;
  readonly name: 'portable' | 'simd';
  /** Whether branches and memory addresses are independent of keys and plaintext. */
  readonly constantTime: boolean;
  createGcmKey(keyBytes: 16 | 32): GcmKey;
  createSm4Key(): Sm4Key;
}

/** Thrown where the engine that was asked for does not exist on this platform, or has no room for another key. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}
