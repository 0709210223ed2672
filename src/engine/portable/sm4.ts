/**
 * SM4 (GB/T 32907-2016; ISO/IEC 18033-3) in ECB mode, with PKCS#7 padding (RFC 5652 section 6.3) for whole frames.
 *
 * A round turns words (a, b, c, d) into (b, c, d, a ^ T(b ^ c ^ d ^ rk)); T is the S-box on each byte and then the
 * linear map L, held together in four tables. Decryption is encryption with the round keys in reverse.
 *
 * NOT constant-time: addresses of look-ups depend on key and data. The padding check is: which byte was wrong shows
 * in no branch.
 */
import { load32, store32 } from '../../bytes.js';
import type { FrameJob, Sm4Key } from '../engine.js';

const ROUNDS = 32;

/** The S-box (GB/T 32907 section 6.2). */
export const SM4_SBOX: Uint8Array = new Uint8Array(256);
const T0 = new Int32Array(256);
const T1 = new Int32Array(256);
const T2 = new Int32Array(256);
const T3 = new Int32Array(256);

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Product in GF(2^8) modulo SM4's polynomial x^8 + x^7 + x^6 + x^5 + x^4 + x^2 + 1. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    if ((b >>> bit) & 1) product ^= a;
    a = (a << 1) ^ ((a >>> 7) * 0x1f5);
  }
  return product;
}

/** The affine map of SM4's S-box: the sum of five rotations of the byte, and the constant 0xd3. */
function affine(byte: number): number {
  const twice = byte * 0x101;
  const rotated = twice ^ (twice >>> 1) ^ (twice >>> 2) ^ (twice >>> 5) ^ (twice >>> 7);
  return (rotated ^ 0xd3) & 0xff;
}

function makeTables(): void {
  for (let x = 0; x < 256; x++) {
    // S(x) = affine(1 / affine(x)), with 1 / 0 = 0; the inverse is the 254th power.
    const base = affine(x);
    let inverse = 1;
    for (let i = 0; i < 254; i++) inverse = multiply(inverse, base);
    const s = affine(inverse);
    SM4_SBOX[x] = s;
    const word = s << 24;
    const mixed = word ^ rotateLeft(word, 2) ^ rotateLeft(word, 10) ^ rotateLeft(word, 18) ^ rotateLeft(word, 24);
    T0[x] = mixed;
    T1[x] = rotateLeft(mixed, 24);
    T2[x] = rotateLeft(mixed, 16);
    T3[x] = rotateLeft(mixed, 8);
  }
}
makeTables();

/** The key expansion's T': the S-box and the linear map L' (GB/T 32907 section 7.3). */
function keyMap(word: number): number {
  const s =
    (SM4_SBOX[word >>> 24]! << 24) |
    (SM4_SBOX[(word >>> 16) & 0xff]! << 16) |
    (SM4_SBOX[(word >>> 8) & 0xff]! << 8) |
    SM4_SBOX[word & 0xff]!;
  return s ^ rotateLeft(s, 13) ^ rotateLeft(s, 23);
}

/** CK_i: its bytes are (4i + j) * 7 modulo 256. */
function constantKey(round: number): number {
  let word = 0;
  for (let j = 0; j < 4; j++) word = (word << 8) | (((4 * round + j) * 7) & 0xff);
  return word;
}

export class PortableSm4Key implements Sm4Key {
  readonly #encryptKeys = new Int32Array(ROUNDS);
  readonly #decryptKeys = new Int32Array(ROUNDS);
  /** Scratch: the frame's last block. */
  readonly #lastBlock = new Uint8Array(16);

  setKey(key: Uint8Array): void {
    let a = load32(key, 0) ^ 0xa3b1bac6;
    let b = load32(key, 4) ^ 0x56aa3350;
    let c = load32(key, 8) ^ 0x677d9197;
    let d = load32(key, 12) ^ 0xb27022dc;
    for (let round = 0; round < ROUNDS; round++) {
      const next = a ^ keyMap(b ^ c ^ d ^ constantKey(round));
      a = b;
      b = c;
      c = d;
      d = next;
      this.#encryptKeys[round] = next;
      this.#decryptKeys[ROUNDS - 1 - round] = next;
    }
  }

  encryptBlocks(job: FrameJob): void {
    cryptBlocks(this.#encryptKeys, job, job.length);
  }

  decryptBlocks(job: FrameJob): void {
    cryptBlocks(this.#decryptKeys, job, job.length);
  }

  encrypt(job: FrameJob): number {
    const { input, output, length } = job;
    const whole = length & ~15;
    const rest = length - whole;
    const last = this.#lastBlock;
    for (let i = 0; i < 16; i++) last[i] = i < rest ? input[job.inputAt + whole + i]! : 16 - rest;
    cryptBlocks(this.#encryptKeys, job, whole);
    cryptBlock(this.#encryptKeys, last, 0, output, job.outputAt + whole);
    last.fill(0);
    return whole + 16;
  }

  decrypt(job: FrameJob): number {
    const { input, output, length } = job;
    if (length === 0 || (length & 15) !== 0) return -1;
    const whole = length - 16;
    const last = this.#lastBlock;
    cryptBlock(this.#decryptKeys, input, job.inputAt + whole, last, 0);
    const padding = last[15]!;
    let wrong = ((padding - 1) >>> 31) | ((16 - padding) >>> 31);
    for (let i = 0; i < 16; i++) {
      const isPadding = (15 - i - padding) >> 31;
      wrong |= (last[i]! ^ padding) & isPadding;
    }
    const rest = 16 - padding;
    if (wrong === 0) {
      cryptBlocks(this.#decryptKeys, job, whole);
      for (let i = 0; i < rest; i++) output[job.outputAt + whole + i] = last[i]!;
    }
    last.fill(0);
    return wrong === 0 ? whole + rest : -1;
  }

  encryptBatch(jobs: readonly FrameJob[], count: number): void {
    for (let i = 0; i < count; i++) this.encrypt(jobs[i]!);
  }

  decryptBatch(jobs: readonly FrameJob[], count: number, lengths: Int32Array): void {
    for (let i = 0; i < count; i++) lengths[i] = this.decrypt(jobs[i]!);
  }

  wipe(): void {
    this.#encryptKeys.fill(0);
    this.#decryptKeys.fill(0);
    this.#lastBlock.fill(0);
  }
}

function cryptBlocks(roundKeys: Int32Array, job: FrameJob, length: number): void {
  const { input, inputAt, output, outputAt } = job;
  for (let i = 0; i < length; i += 16) cryptBlock(roundKeys, input, inputAt + i, output, outputAt + i);
}

function cryptBlock(roundKeys: Int32Array, input: Uint8Array, at: number, output: Uint8Array, to: number): void {
  let a = load32(input, at);
  let b = load32(input, at + 4);
  let c = load32(input, at + 8);
  let d = load32(input, at + 12);
  for (let k = 0; k < ROUNDS; k += 4) {
    a ^= roundMap(b ^ c ^ d ^ roundKeys[k]!);
    b ^= roundMap(a ^ c ^ d ^ roundKeys[k + 1]!);
    c ^= roundMap(a ^ b ^ d ^ roundKeys[k + 2]!);
    d ^= roundMap(a ^ b ^ c ^ roundKeys[k + 3]!);
  }
  store32(output, to, d);
  store32(output, to + 4, c);
  store32(output, to + 8, b);
  store32(output, to + 12, a);
}

/** T of section 6.2: S-box and linear map of all four bytes. */
function roundMap(word: number): number {
  return T0[word >>> 24]! ^ T1[(word >>> 16) & 0xff]! ^ T2[(word >>> 8) & 0xff]! ^ T3[word & 0xff]!;
}
