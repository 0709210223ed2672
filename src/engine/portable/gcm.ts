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
import type { FrameJob, GcmKey } from '../engine.js';
import { CounterMode } from './aes.js';
import { Ghash, loadPart } from './ghash.js';

const TWO_TO_29 = 0x20000000;
const ZERO_PREFIX = new Uint8Array(12);

export class PortableGcmKey implements GcmKey {
  readonly #counterMode: CounterMode;
  readonly #ghash = new Ghash();

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
  }

  seal(job: FrameJob): void {
    const { output, outputAt, length } = job;
    const { stream } = this.#counterMode;
    this.#counterMode.start(job.nonce);
    this.#crypt(job);
    this.#tag(job, output, outputAt);
    const at = outputAt + length;
    for (let i = 0; i < 4; i++) store32(output, at + 4 * i, stream[i]!);
  }

  open(job: FrameJob): boolean {
    const { input, inputAt, length } = job;
    const { stream } = this.#counterMode;
    this.#counterMode.start(job.nonce);
    this.#tag(job, input, inputAt);
    const at = inputAt + length;
    let difference = 0;
    for (let i = 0; i < 4; i++) difference |= stream[i]! ^ load32(input, at + 4 * i);
    if (difference !== 0) return false;
    this.#crypt(job);
    return true;
  }

  wipe(): void {
    this.#counterMode.wipe();
    this.#ghash.wipe();
  }

  /** Leaves the tag of the ciphertext at data[at, at + job.length) in the stream's words. */
  #tag(job: FrameJob, data: Uint8Array, at: number): void {
    const ghash = this.#ghash;
    const { aadLength, length } = job;
    ghash.reset();
    ghash.update(job.aad, 0, aadLength);
    ghash.update(data, at, length);
    ghash.block((aadLength / TWO_TO_29) | 0, aadLength << 3, (length / TWO_TO_29) | 0, length << 3);
    this.#counterMode.block(1);
    const { stream } = this.#counterMode;
    for (let i = 0; i < 4; i++) stream[i]! ^= ghash.word(i);
  }

  /** Counter mode from input to output, which is the same both ways. */
  #crypt(job: FrameJob): void {
    const { input, output, length } = job;
    const counterMode = this.#counterMode;
    const { stream } = counterMode;
    let counter = 2;
    let from = job.inputAt;
    let to = job.outputAt;
    const end = from + (length & ~15);
    for (; from < end; from += 16, to += 16) {
      counterMode.block(counter++);
      store32(output, to, load32(input, from) ^ stream[0]!);
      store32(output, to + 4, load32(input, from + 4) ^ stream[1]!);
      store32(output, to + 8, load32(input, from + 8) ^ stream[2]!);
      store32(output, to + 12, load32(input, from + 12) ^ stream[3]!);
    }
    const rest = length & 15;
    if (rest === 0) return;
    counterMode.block(counter);
    for (let i = 0; i < rest; i += 4) {
      const count = rest - i;
      const word = loadPart(input, from + i, count) ^ stream[i >>> 2]!;
      for (let k = 0; k < 4 && k < count; k++) output[to + i + k] = word >>> (24 - 8 * k);
    }
  }
}
