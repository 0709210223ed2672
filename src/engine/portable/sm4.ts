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
import { EngineError, type FrameJob, NO_KEY, REFUSED, type Sm4Key } from '../engine.js';
import { pad, paddedLength, paddingOf } from '../pkcs7.js';
import { staging } from './staging.js';

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

/** Multiplication by x in GF(2^8) modulo SM4's polynomial x^8 + x^7 + x^6 + x^5 + x^4 + x^2 + 1. */
function timesX(a: number): number {
  return (a << 1) ^ ((a >>> 7) * 0x1f5);
}

/** The affine map of SM4's S-box: the sum of five rotations of the byte, and the constant 0xd3. */
function affine(byte: number): number {
  const twice = byte * 0x101;
  const rotated = twice ^ (twice >>> 1) ^ (twice >>> 2) ^ (twice >>> 5) ^ (twice >>> 7);
  return (rotated ^ 0xd3) & 0xff;
}

function makeTables(): void {
  // x generates the field: the inverse of x^i is x^(255 - i), and that of 0 is 0.
  const powers = new Uint8Array(256);
  const logarithms = new Uint8Array(256);
  for (let i = 0, power = 1; i < 255; i++) {
    powers[i] = power;
    logarithms[power] = i;
    power = timesX(power);
  }
  powers[255] = 1;
  for (let x = 0; x < 256; x++) {
    // S(x) = affine(1 / affine(x)).
    const base = affine(x);
    const s = affine(base === 0 ? 0 : powers[255 - logarithms[base]!]!);
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
  #hasKey = false;

  setKey(key: Uint8Array): void {
    this.#hasKey = false;
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
    this.#hasKey = true;
  }

  encryptBlocks(job: FrameJob): void {
    this.#cryptBlocks(this.#encryptKeys, job);
  }

  decryptBlocks(job: FrameJob): void {
    this.#cryptBlocks(this.#decryptKeys, job);
  }

  encrypt(job: FrameJob): number {
    if (!this.#hasKey) throw new EngineError(NO_KEY);
    const { length } = job;
    const padded = paddedLength(length);
    staging.reserve(padded);
    const { memory, area } = staging;
    area.put(job.input, job.inputAt, length);
    pad(memory, area.at, length);
    cryptBlocks(this.#encryptKeys, memory, area.at, padded);
    area.commit(job, padded);
    return padded;
  }

  decrypt(job: FrameJob): number {
    const { length } = job;
    job.written = REFUSED;
    if (!this.#hasKey || length === 0 || (length & 15) !== 0) return REFUSED;
    staging.reserve(length);
    const { memory, area } = staging;
    area.put(job.input, job.inputAt, length);
    cryptBlocks(this.#decryptKeys, memory, area.at, length);
    const padding = paddingOf(memory, area.at + length);
    if (padding === 0) area.wipe(length);
    else area.commit(job, length - padding);
    return job.written;
  }

  encryptAll(jobs: readonly FrameJob[], count: number): void {
    for (let i = 0; i < count; i++) this.encrypt(jobs[i]!);
  }

  decryptAll(jobs: readonly FrameJob[], count: number): void {
    for (let i = 0; i < count; i++) this.decrypt(jobs[i]!);
  }

  wipe(): void {
    this.#hasKey = false;
    this.#encryptKeys.fill(0);
    this.#decryptKeys.fill(0);
    staging.wipe();
  }

  #cryptBlocks(roundKeys: Int32Array, job: FrameJob): void {
    if (!this.#hasKey) throw new EngineError(NO_KEY);
    staging.reserve(job.length);
    const { memory, area } = staging;
    area.put(job.input, job.inputAt, job.length);
    cryptBlocks(roundKeys, memory, area.at, job.length);
    area.commit(job, job.length);
  }
}

function cryptBlocks(roundKeys: Int32Array, memory: Uint8Array, at: number, length: number): void {
  for (let block = at; block < at + length; block += 16) cryptBlock(roundKeys, memory, block);
}

function cryptBlock(roundKeys: Int32Array, memory: Uint8Array, at: number): void {
  let a = load32(memory, at);
  let b = load32(memory, at + 4);
  let c = load32(memory, at + 8);
  let d = load32(memory, at + 12);
  for (let k = 0; k < ROUNDS; k += 4) {
    a ^= roundMap(b ^ c ^ d ^ roundKeys[k]!);
    b ^= roundMap(a ^ c ^ d ^ roundKeys[k + 1]!);
    c ^= roundMap(a ^ b ^ d ^ roundKeys[k + 2]!);
    d ^= roundMap(a ^ b ^ c ^ roundKeys[k + 3]!);
  }
  store32(memory, at, d);
  store32(memory, at + 4, c);
  store32(memory, at + 8, b);
  store32(memory, at + 12, a);
}

/** T of section 6.2: S-box and linear map of all four bytes. */
function roundMap(word: number): number {
  return T0[word >>> 24]! ^ T1[(word >>> 16) & 0xff]! ^ T2[(word >>> 8) & 0xff]! ^ T3[word & 0xff]!;
}
