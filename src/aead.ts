/**
 * `frameseal/aead`: the ciphers alone, for other protocols and for vector harnesses.
 *
 * The caller of AesGcm chooses the nonces, and must never use a nonce twice under a key; a channel of `frameseal` does that
 * itself. A key is set up once and used for any number of messages; a message allocates nothing.
 *
 * `out` may be the input's own memory from the same start, or disjoint; partial overlap throws RangeError. A message has
 * 64 MiB at most, because an engine holds it whole; where a call throws or returns a status, `out` is as it was.
 *
 * @module frameseal/aead
 */
import { copyInto, EMPTY, kindOf, lengthOf, secretBytes } from './bytes.js';
import { checkBytes, checkNames, checkOverlap, own } from './checks.js';
import { type Engine, FrameJob, type GcmKey, MAX_TEXT_BYTES, type Sm4Key, TAG_BYTES } from './engine/engine.js';
import { type EngineChoice, pickEngine } from './engine/pick.js';
import { BLOCK_BYTES, paddedLength } from './engine/pkcs7.js';
import { BAD_TAG, NO_ROOM } from './status.js';

export { EngineError } from './engine/pick.js';
export { BAD_TAG, describe, NO_ROOM } from './status.js';
export type { EngineChoice };

/** Options of a cipher; a wrong one throws TypeError. */
export interface AeadOptions {
  /** Which engine: `'auto'` (the default) takes the best that the platform has. */
  engine?: EngineChoice | undefined;
}

const NONCE_BYTES = 12;

/** Scratch of all ciphers: a job of its own for each would be more memory to fetch for each key. */
const JOB = new FrameJob();

function fill(nonce: Uint8Array, aad: Uint8Array, aadBytes: number): void {
  JOB.nonce = nonce;
  JOB.aad = aad;
  JOB.aadLength = aadBytes;
}

function fillText(input: Uint8Array, length: number, output: Uint8Array): void {
  JOB.input = input;
  JOB.length = length;
  JOB.output = output;
}

/** Lets go of the caller's arrays. */
function end(result: number): number {
  JOB.release();
  JOB.aad = EMPTY;
  return result;
}

/** AES-128-GCM or AES-256-GCM, by the key's length, with 96-bit nonces and 128-bit tags (NIST SP 800-38D). */
export class AesGcm {
  /** Bytes of the tag that `seal` adds: 16. */
  readonly tagBytes: number = TAG_BYTES;
  #key: GcmKey | undefined;

  /** `key`: 16 or 32 bytes; not kept. Throws RangeError for another length, EngineError where the engine is missing. */
  constructor(key: Uint8Array, options: AeadOptions = {}) {
    const keyBytes = checkBytes('key', key);
    if (keyBytes !== 16 && keyBytes !== 32) throw new RangeError(`key must be 16 or 32 bytes, got ${keyBytes}`);
    this.#key = keyed(engineOf(options).createGcmKey(keyBytes), key);
  }

  /**
   * Writes ciphertext || tag to out. `nonce`: 12 bytes, never twice under a key; `aad`: authenticated, not written. Returns
   * plaintext.length + 16, or NO_ROOM; then out is untouched. Throws TypeError or RangeError for wrong arguments, and Error after
   * `destroy`. (SP 800-38D section 7.1)
   */
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): number {
    const aadBytes = this.#check(nonce, aad);
    const length = checkText('plaintext', plaintext);
    const room = checkBytes('out', out);
    const written = length + TAG_BYTES;
    checkOverlap(plaintext, length, out, Math.min(room, written));
    if (room < written) return NO_ROOM;
    fill(nonce, aad, aadBytes);
    fillText(plaintext, length, out);
    this.#key!.seal(JOB);
    return end(written);
  }

  /**
   * Opens ciphertext || tag into out, with the nonce and the AAD of `seal`. Returns the plaintext's length in bytes; or BAD_TAG
   * or NO_ROOM, and out is untouched. Throws as `seal`. (SP 800-38D section 7.2)
   */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): number {
    const aadBytes = this.#check(nonce, aad);
    const length = checkText('sealed', sealed, TAG_BYTES) - TAG_BYTES;
    const room = checkBytes('out', out);
    if (length < 0) return BAD_TAG;
    checkOverlap(sealed, length + TAG_BYTES, out, Math.min(room, length));
    if (room < length) return NO_ROOM;
    fill(nonce, aad, aadBytes);
    fillText(sealed, length, out);
    return end(this.#key!.open(JOB) ? length : BAD_TAG);
  }

  /** Wipes the key; idempotent. Every call after it throws. */
  destroy(): void {
    this.#key?.wipe();
    this.#key = undefined;
  }

  /** Bytes of AAD. */
  #check(nonce: Uint8Array, aad: Uint8Array): number {
    if (this.#key === undefined) throw new Error('this AesGcm was destroyed: make a new one');
    const nonceBytes = checkBytes('nonce', nonce);
    if (nonceBytes !== NONCE_BYTES) throw new RangeError(`nonce must be 12 bytes, got ${nonceBytes}`);
    return checkText('aad', aad);
  }
}

/** SM4 in ECB mode (GB/T 32907), for peers that need it. No integrity; equal blocks show as equal blocks. */
export class Sm4Ecb {
  #key: Sm4Key | undefined;

  /** `key`: 16 bytes; not kept. Throws RangeError for another length, EngineError where the engine is missing. */
  constructor(key: Uint8Array, options: AeadOptions = {}) {
    const keyBytes = checkBytes('key', key);
    if (keyBytes !== 16) throw new RangeError(`key must be 16 bytes, got ${keyBytes}`);
    this.#key = keyed(engineOf(options).createSm4Key(), key);
  }

  /** Whole blocks without padding: returns src.length, or NO_ROOM. Throws RangeError unless a multiple of 16 bytes. */
  encryptBlocks(src: Uint8Array, dst: Uint8Array): number {
    const length = wholeBlocks(src);
    const key = this.#begin(src, length, dst, length);
    if (key === undefined) return NO_ROOM;
    key.encryptBlocks(JOB);
    return end(length);
  }

  /** The inverse of encryptBlocks: returns src.length, or NO_ROOM; throws likewise. */
  decryptBlocks(src: Uint8Array, dst: Uint8Array): number {
    const length = wholeBlocks(src);
    const key = this.#begin(src, length, dst, length);
    if (key === undefined) return NO_ROOM;
    key.decryptBlocks(JOB);
    return end(length);
  }

  /** Encrypts with PKCS#7 padding: returns the bytes written, src.length + 1..16; or NO_ROOM, and dst is untouched. */
  encrypt(src: Uint8Array, dst: Uint8Array): number {
    const length = checkText('src', src);
    const key = this.#begin(src, length, dst, paddedLength(length));
    if (key === undefined) return NO_ROOM;
    return end(key.encrypt(JOB));
  }

  /**
   * Decrypts and removes PKCS#7 padding. Returns the plaintext's length; BAD_TAG for a bad length or padding, NO_ROOM where dst
   * is smaller than src; then dst is untouched. (FORMAT.md section 7)
   */
  decrypt(src: Uint8Array, dst: Uint8Array): number {
    const length = checkText('src', src, BLOCK_BYTES);
    const key = this.#begin(src, length, dst, length);
    if (key === undefined) return NO_ROOM;
    const written = key.decrypt(JOB);
    return end(written < 0 ? BAD_TAG : written);
  }

  /** Wipes the key; idempotent. Every call after it throws. */
  destroy(): void {
    this.#key?.wipe();
    this.#key = undefined;
  }

  /** The key, with the job filled in; undefined where dst has no room for `written` bytes. */
  #begin(src: Uint8Array, length: number, dst: Uint8Array, written: number): Sm4Key | undefined {
    if (this.#key === undefined) throw new Error('this Sm4Ecb was destroyed: make a new one');
    const room = checkBytes('dst', dst);
    checkOverlap(src, length, dst, Math.min(room, written));
    if (room < written) return undefined;
    fillText(src, length, dst);
    return this.#key;
  }
}

function engineOf(options: AeadOptions): Engine {
  checkNames(options, ['engine']);
  return pickEngine(own(options, 'engine'));
}

/** A slot with its key set; wiped where that throws. */
function keyed<Key extends GcmKey | Sm4Key>(slot: Key, key: Uint8Array): Key {
  // Copied first: another thread may write to shared memory, and the slot takes the array as it finds it.
  const copy = secretBytes(lengthOf(key));
  copyInto(copy, key, 0);
  try {
    slot.setKey(copy);
  } catch (error) {
    slot.wipe();
    throw error;
  } finally {
    copy.fill(0);
  }
  return slot;
}

/** The array's length. Throws RangeError where it is longer than a message and `more` bytes may be. */
function checkText(name: string, text: Uint8Array, more = 0): number {
  const length = checkBytes(name, text);
  if (length - more > MAX_TEXT_BYTES) {
    throw new RangeError(
      `${name} has ${length} bytes: a message may have ${MAX_TEXT_BYTES} (64 MiB) at most; split it`,
    );
  }
  return length;
}

function wholeBlocks(src: Uint8Array): number {
  const length = checkText('src', src);
  if ((length & 15) !== 0) throw new RangeError(`src must be whole blocks of 16 bytes, got ${length}: ${kindOf(src)}`);
  return length;
}
