/**
 * AES-GCM (NIST SP 800-38D section 7) with a 96-bit nonce and a 128-bit tag, one frame a call.
 *
 *     J0         = nonce || 0x00000001
 *     ciphertext = plaintext XOR E(K, J0 + 1), E(K, J0 + 2), ...
 *     tag        = E(K, J0) XOR GHASH(aad padded || ciphertext padded || u64 bits of aad || u64 bits of ciphertext)
 *
 * Round keys and GHASH tables belong to the key; a frame allocates nothing. `open` takes two passes: the tag is
 * compared before the first byte of plaintext is made.
 *
 * NOT constant-time, but for the comparison of tags: see portable.ts.
 */
import { load32, store32 } from '../../bytes.js';
import { EngineError, type FrameJob, type GcmKey, NO_KEY } from '../engine.js';
import { CounterMode } from './aes.js';
import { Ghash } from './ghash.js';

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
    job.moveInput();
    const { input, output, length } = job;
    const counterMode = this.#counterMode;
    const ghash = this.#ghash;
    const { stream } = counterMode;
    this.#start(job);
    // As #crypt, but each block of ciphertext goes to GHASH while it is at hand.
    let counter = FIRST_COUNTER;
    let from = job.inputAt;
    let to = job.outputAt;
    for (const end = from + (length & ~15); from < end; from += 16, to += 16) {
      counterMode.block(counter++);
      const c0 = load32(input, from) ^ stream[0]!;
      const c1 = load32(input, from + 4) ^ stream[1]!;
      const c2 = load32(input, from + 8) ^ stream[2]!;
      const c3 = load32(input, from + 12) ^ stream[3]!;
      store32(output, to, c0);
      store32(output, to + 4, c1);
      store32(output, to + 8, c2);
      store32(output, to + 12, c3);
      ghash.block(c0, c1, c2, c3);
    }
    const rest = length & 15;
    if (rest > 0) {
      counterMode.block(counter);
      xorPart(stream, input, from, output, to, rest);
      ghash.partBlock(output, to, rest);
    }
    this.#finishTag(job);
    for (let i = 0; i < 4; i++) store32(output, to + rest + 4 * i, stream[i]!);
  }

  open(job: FrameJob): boolean {
    if (!this.#hasKey) return false;
    const { input, inputAt, length } = job;
    const { stream } = this.#counterMode;
    this.#start(job);
    this.#ghash.update(input, inputAt, length);
    this.#finishTag(job);
    let difference = 0;
    for (let i = 0; i < 4; i++) difference |= stream[i]! ^ load32(input, inputAt + length + 4 * i);
    if (difference !== 0) return false;
    this.#crypt(job);
    return true;
  }

  wipe(): void {
    this.#hasKey = false;
    this.#counterMode.wipe();
    this.#ghash.wipe();
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

  /** Counter mode from input to output. */
  #crypt(job: FrameJob): void {
    const { input, output, length } = job;
    const counterMode = this.#counterMode;
    const { stream } = counterMode;
    let counter = FIRST_COUNTER;
    let from = job.inputAt;
    let to = job.outputAt;
    for (const end = from + (length & ~15); from < end; from += 16, to += 16) {
      counterMode.block(counter++);
      for (let i = 0; i < 4; i++) store32(output, to + 4 * i, load32(input, from + 4 * i) ^ stream[i]!);
    }
    const rest = length & 15;
    if (rest === 0) return;
    counterMode.block(counter);
    xorPart(stream, input, from, output, to, rest);
  }
}

/** output = input XOR stream for the last `length` bytes, 1 to 15. */
function xorPart(
  stream: Int32Array,
  input: Uint8Array,
  from: number,
  output: Uint8Array,
  to: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) output[to + i] = input[from + i]! ^ (stream[i >>> 2]! >>> (24 - 8 * (i & 3)));
}
