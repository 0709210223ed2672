/**
 * The ciphers alone, for other protocols and for vector harnesses: `frameseal/aead`.
 *
 * Whoever uses AesGcm chooses the nonces, and must never use one twice under a key: the channel of `frameseal`
 * does that for you. A key is set up once and used for any number of messages; a message allocates nothing.
 *
 * `out` may be the input's own memory from the same start, or disjoint; partial overlap throws RangeError.
 */
import { checkBytes, checkOverlap } from './arrays.js';
import { EMPTY, kindOf } from './bytes.js';
import { FrameJob, type GcmKey, type Sm4Key, TAG_BYTES } from './engine/engine.js';
import { type EngineChoice, pickEngine } from './engine/pick.js';
import { BAD_TAG, NO_ROOM } from './status.js';

export { EngineError } from './engine/pick.js';
export { BAD_TAG, describe, NO_ROOM } from './status.js';
export type { EngineChoice };

export interface AeadOptions {
  /** Which engine: `'auto'` (the default) takes the best that the platform has. */
  engine?: EngineChoice;
}

const NONCE_BYTES = 12;

/** AES-128-GCM or AES-256-GCM, by the key's length, with 96-bit nonces and 128-bit tags (NIST SP 800-38D). */
export class AesGcm {
  readonly tagBytes: number = TAG_BYTES;
  readonly #job = new FrameJob();
  #key: GcmKey | undefined;

  /** `key`: 16 or 32 bytes; not kept. Throws RangeError for another length, EngineError where the engine is missing. */
  constructor(key: Uint8Array, options: AeadOptions = {}) {
    checkBytes('key', key);
    if (key.length !== 16 && key.length !== 32) throw new RangeError(`key must be 16 or 32 bytes, got ${key.length}`);
    this.#key = pickEngine(options.engine).createGcmKey(key.length);
    this.#key.setKey(key);
  }

  /** Writes ciphertext || tag: returns plaintext.length + 16, or NO_ROOM; then out is untouched. */
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): number {
    const key = this.#check(nonce, aad, plaintext, out);
    const written = plaintext.length + TAG_BYTES;
    checkOverlap(plaintext, plaintext.length, out, written);
    if (out.length < written) return NO_ROOM;
    key.seal(this.#fill(nonce, aad, plaintext, plaintext.length, out));
    this.#release();
    return written;
  }

  /** Opens ciphertext || tag: returns the plaintext's length; or BAD_TAG or NO_ROOM, and out is untouched. */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): number {
    const key = this.#check(nonce, aad, sealed, out);
    const length = sealed.length - TAG_BYTES;
    if (length < 0) return BAD_TAG;
    checkOverlap(sealed, sealed.length, out, length);
    if (out.length < length) return NO_ROOM;
    const genuine = key.open(this.#fill(nonce, aad, sealed, length, out));
    this.#release();
    return genuine ? length : BAD_TAG;
  }

  /** Wipes the key; idempotent. Every call after it throws. */
  destroy(): void {
    this.#key?.wipe();
    this.#key = undefined;
  }

  #check(nonce: Uint8Array, aad: Uint8Array, input: Uint8Array, out: Uint8Array): GcmKey {
    if (this.#key === undefined) throw new Error('this AesGcm was destroyed: make a new one');
    checkBytes('nonce', nonce);
    checkBytes('aad', aad);
    checkBytes('input', input);
    checkBytes('out', out);
    if (nonce.length !== NONCE_BYTES) throw new RangeError(`nonce must be 12 bytes, got ${nonce.length}`);
    return this.#key;
  }

  #fill(nonce: Uint8Array, aad: Uint8Array, input: Uint8Array, length: number, out: Uint8Array): FrameJob {
    const job = this.#job;
    job.nonce = nonce;
    job.aad = aad;
    job.aadLength = aad.length;
    job.input = input;
    job.length = length;
    job.output = out;
    return job;
  }

  #release(): void {
    this.#job.release();
    this.#job.nonce = EMPTY;
    this.#job.aad = EMPTY;
  }
}

/** SM4 in ECB mode (GB/T 32907), for peers that need it. No integrity; equal blocks show as equal blocks. */
export class Sm4Ecb {
  readonly #job = new FrameJob();
  #key: Sm4Key | undefined;

  /** `key`: 16 bytes; not kept. */
  constructor(key: Uint8Array, options: AeadOptions = {}) {
    checkBytes('key', key);
    if (key.length !== 16) throw new RangeError(`key must be 16 bytes, got ${key.length}`);
    this.#key = pickEngine(options.engine).createSm4Key();
    this.#key.setKey(key);
  }

  /** Whole blocks without padding: returns src.length, or NO_ROOM. Throws RangeError unless a multiple of 16 bytes. */
  encryptBlocks(src: Uint8Array, dst: Uint8Array): number {
    const key = this.#begin(src, dst, wholeBlocks(src));
    if (dst.length < src.length) return NO_ROOM;
    key.encryptBlocks(this.#fill(src, dst));
    return this.#end(src.length);
  }

  /** The inverse of encryptBlocks. */
  decryptBlocks(src: Uint8Array, dst: Uint8Array): number {
    const key = this.#begin(src, dst, wholeBlocks(src));
    if (dst.length < src.length) return NO_ROOM;
    key.decryptBlocks(this.#fill(src, dst));
    return this.#end(src.length);
  }

  /** With PKCS#7 padding: returns the bytes written, src.length + 1..16; or NO_ROOM. */
  encrypt(src: Uint8Array, dst: Uint8Array): number {
    const written = (lengthOf(src) & ~15) + 16;
    const key = this.#begin(src, dst, written);
    if (dst.length < written) return NO_ROOM;
    return this.#end(key.encrypt(this.#fill(src, dst)));
  }

  /** The plaintext's length; BAD_TAG for a bad length or padding; NO_ROOM where dst is smaller than src (section 7). */
  decrypt(src: Uint8Array, dst: Uint8Array): number {
    const key = this.#begin(src, dst, lengthOf(src));
    if (dst.length < src.length) return NO_ROOM;
    const length = key.decrypt(this.#fill(src, dst));
    return this.#end(length < 0 ? BAD_TAG : length);
  }

  /** Wipes the key; idempotent. Every call after it throws. */
  destroy(): void {
    this.#key?.wipe();
    this.#key = undefined;
  }

  #begin(src: Uint8Array, dst: Uint8Array, written: number): Sm4Key {
    if (this.#key === undefined) throw new Error('this Sm4Ecb was destroyed: make a new one');
    checkBytes('dst', dst);
    checkOverlap(src, src.length, dst, written);
    return this.#key;
  }

  #fill(src: Uint8Array, dst: Uint8Array): FrameJob {
    const job = this.#job;
    job.input = src;
    job.length = src.length;
    job.output = dst;
    return job;
  }

  #end(result: number): number {
    this.#job.release();
    return result;
  }
}

function lengthOf(src: Uint8Array): number {
  checkBytes('src', src);
  return src.length;
}

function wholeBlocks(src: Uint8Array): number {
  const length = lengthOf(src);
  if ((length & 15) !== 0) throw new RangeError(`src must be whole blocks of 16 bytes, got ${length}: ${kindOf(src)}`);
  return length;
}
