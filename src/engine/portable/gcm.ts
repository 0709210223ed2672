/**
 * AES-GCM (NIST SP 800-38D section 7) with a 96-bit nonce and a 128-bit tag, one frame a call.
 *
 *     J0         = nonce || 0x00000001
 *     ciphertext = plaintext XOR E(K, J0 + 1), E(K, J0 + 2), ...
 *     tag        = E(K, J0) XOR GHASH(aad padded || ciphertext padded || u64 bits of aad || u64 bits of ciphertext)
 *
 * Round keys and GHASH tables belong to the key; a frame allocates nothing. `open` takes two passes over the engine's own
 * copy: the tag is compared before the first byte of plaintext is made.
 *
 * NOT constant-time, but for the comparison of tags: see portable.ts.
 */
import { load32, store32 } from '../../bytes.js';
import { EngineError, type FrameJob, type GcmKey, NO_KEY, REFUSED, TAG_BYTES } from '../engine.js';
import { CounterMode } from './aes.js';
import { Ghash } from './ghash.js';
import { staging } from './staging.js';

const TWO_TO_29 = 0x20000000;
const TAG_COUNTER = 1;
const FIRST_COUNTER = 2;
const ZERO_PREFIX = new Uint8Array(12);

export class PortableGcmKey implements GcmKey {
  readonly #counterMode: CounterMode;
  readonly #ghash = new Ghash();
  #hasKey = false;

  constructor(keyBytes: 16 | 32) {
    this.#counterMode = new CounterMode(keyBytes);
  }

  setKey(key: Uint8Array): void {
    this.#hasKey = false;
    const { stream } = this.#counterMode;
    this.#counterMode.setKey(key);
    this.#counterMode.start(ZERO_PREFIX);
    this.#counterMode.block(0);
    this.#ghash.setKey(stream[0]!, stream[1]!, stream[2]!, stream[3]!);
    stream.fill(0);
    this.#hasKey = true;
  }

  seal(job: FrameJob): void {
    if (!this.#hasKey) throw new EngineError(NO_KEY);
    const { length } = job;
    staging.reserve(length + TAG_BYTES);
    const { memory, area } = staging;
    area.put(job.input, job.inputAt, length);
    const counterMode = this.#counterMode;
    const ghash = this.#ghash;
    const { stream } = counterMode;
    this.#start(job);
    // As #crypt, but each block of ciphertext goes to GHASH while it is at hand.
    let counter = FIRST_COUNTER;
    let at = area.at;
    for (const end = at + (length & ~15); at < end; at += 16) {
      counterMode.block(counter++);
      const c0 = load32(memory, at) ^ stream[0]!;
      const c1 = load32(memory, at + 4) ^ stream[1]!;
      const c2 = load32(memory, at + 8) ^ stream[2]!;
      const c3 = load32(memory, at + 12) ^ stream[3]!;
      store32(memory, at, c0);
      store32(memory, at + 4, c1);
      store32(memory, at + 8, c2);
      store32(memory, at + 12, c3);
      ghash.block(c0, c1, c2, c3);
    }
    const rest = length & 15;
    if (rest > 0) {
      counterMode.block(counter);
      xorPart(stream, memory, at, rest);
      ghash.partBlock(memory, at, rest);
    }
    this.#finishTag(job);
    for (let i = 0; i < 4; i++) store32(memory, at + rest + 4 * i, stream[i]!);
    area.commit(job, length + TAG_BYTES);
  }

  open(job: FrameJob): boolean {
    job.written = REFUSED;
    if (!this.#hasKey) return false;
    const { length } = job;
    staging.reserve(length + TAG_BYTES);
    const { memory, area } = staging;
    area.put(job.input, job.inputAt, length + TAG_BYTES);
    const { stream } = this.#counterMode;
    this.#start(job);
    this.#ghash.update(memory, area.at, length);
    this.#finishTag(job);
    let difference = 0;
    for (let i = 0; i < 4; i++) difference |= stream[i]! ^ load32(memory, area.at + length + 4 * i);
    if (difference !== 0) return false;
    this.#crypt(memory, area.at, length);
    area.commit(job, length);
    return true;
  }

  encryptBlock(input: Uint8Array, output: Uint8Array): void {
    if (!this.#hasKey) throw new EngineError(NO_KEY);
    const { stream } = this.#counterMode;
    this.#counterMode.start(input);
    this.#counterMode.block(load32(input, 12));
    for (let i = 0; i < 4; i++) store32(output, 4 * i, stream[i]!);
    stream.fill(0);
  }

  wipe(): void {
    this.#hasKey = false;
    this.#counterMode.wipe();
    this.#ghash.wipe();
    staging.wipe();
  }

  #start(job: FrameJob): void {
    this.#counterMode.start(job.nonce);
    this.#ghash.reset();
    this.#ghash.update(job.aad, 0, job.aadLength);
  }

  /** After aad and ciphertext: leaves the tag in the stream's words. */
  #finishTag({ aadLength, length }: FrameJob): void {
    const ghash = this.#ghash;
    const { stream } = this.#counterMode;
    ghash.block((aadLength / TWO_TO_29) | 0, aadLength << 3, (length / TWO_TO_29) | 0, length << 3);
    this.#counterMode.block(TAG_COUNTER);
    for (let i = 0; i < 4; i++) stream[i]! ^= ghash.word(i);
  }

  /** Counter mode over memory[at, at + length). */
  #crypt(memory: Uint8Array, from: number, length: number): void {
    const counterMode = this.#counterMode;
    const { stream } = counterMode;
    let counter = FIRST_COUNTER;
    let at = from;
    for (const end = at + (length & ~15); at < end; at += 16) {
      counterMode.block(counter++);
      for (let i = 0; i < 4; i++) store32(memory, at + 4 * i, load32(memory, at + 4 * i) ^ stream[i]!);
    }
    const rest = length & 15;
    if (rest === 0) return;
    counterMode.block(counter);
    xorPart(stream, memory, at, rest);
  }
}

/** memory[at, at + length) ^= stream, for the last 1 to 15 bytes. */
function xorPart(stream: Int32Array, memory: Uint8Array, at: number, length: number): void {
  for (let i = 0; i < length; i++) memory[at + i]! ^= stream[i >>> 2]! >>> (24 - 8 * (i & 3));
}
