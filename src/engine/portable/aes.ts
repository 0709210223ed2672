/**
 * AES-128 and AES-256 (FIPS 197) in counter mode (NIST SP 800-38D section 6.5), on tables.
 *
 * GCM needs the forward direction only. A round is sixteen look-ups in four tables of 256 words, which hold SubBytes
 * and MixColumns together; ShiftRows is in the choice of the bytes. State and round keys are big-endian words, one a
 * column. The tables are made at load; they are not exported, because V8 folds a module's own constants only.
 *
 * Under one nonce only the last byte changes from block to block, until it wraps. After round 1 that byte shows in
 * column 0 alone, and in round 2 one byte of column 0 goes into each column. The rest of rounds 1 and 2 is done once
 * for a run of up to 256 blocks, and a block costs five look-ups for them instead of 32.
 *
 * NOT constant-time: addresses of look-ups depend on key and data.
 */
import { load32 } from '../../bytes.js';

/** SubBytes (FIPS 197 section 5.1.1). */
const SBOX: Uint8Array = new Uint8Array(256);
const T0 = new Int32Array(256);
const T1 = new Int32Array(256);
const T2 = new Int32Array(256);
const T3 = new Int32Array(256);

/** Multiplication by x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
function xtime(a: number): number {
  return ((a << 1) ^ ((a >>> 7) * 0x11b)) & 0xff;
}

function makeTables(): void {
  // Walk the powers of the generator 3 and, beside them, those of its inverse: then each p has its inverse q.
  let p = 1;
  let q = 1;
  do {
    p ^= xtime(p);
    q ^= q << 1;
    q ^= q << 2;
    q ^= q << 4;
    q &= 0xff;
    if (q & 0x80) q ^= 0x09;
    const spread = q * 0x101;
    SBOX[p] = (spread ^ (spread >>> 4) ^ (spread >>> 5) ^ (spread >>> 6) ^ (spread >>> 7) ^ 0x63) & 0xff;
  } while (p !== 1);
  SBOX[0] = 0x63;
  for (let i = 0; i < 256; i++) {
    const s = SBOX[i]!;
    const s2 = xtime(s);
    const column = (s2 << 24) | (s << 16) | (s << 8) | (s2 ^ s);
    T0[i] = column;
    T1[i] = (column >>> 8) | (column << 24);
    T2[i] = (column >>> 16) | (column << 16);
    T3[i] = (column >>> 24) | (column << 8);
  }
}
makeTables();

/** Words of round key that a key of `keyBytes` bytes takes: 44 or 60. */
function roundKeyWords(keyBytes: 16 | 32): number {
  return keyBytes + 28;
}

function subWord(word: number): number {
  return (
    (SBOX[word >>> 24]! << 24) |
    (SBOX[(word >>> 16) & 0xff]! << 16) |
    (SBOX[(word >>> 8) & 0xff]! << 8) |
    SBOX[word & 0xff]!
  );
}

/** Expands a key of 16 or 32 bytes into `roundKeys` (FIPS 197 section 5.2). */
function expandKey(key: Uint8Array, roundKeys: Int32Array): void {
  const keyWords = key.length >>> 2;
  for (let i = 0; i < keyWords; i++) roundKeys[i] = load32(key, 4 * i);
  let roundConstant = 1;
  for (let i = keyWords; i < roundKeys.length; i++) {
    let word = roundKeys[i - 1]!;
    if (i % keyWords === 0) {
      word = subWord((word << 8) | (word >>> 24)) ^ (roundConstant << 24);
      roundConstant = xtime(roundConstant);
    } else if (keyWords === 8 && i % 8 === 4) {
      word = subWord(word);
    }
    roundKeys[i] = roundKeys[i - keyWords]! ^ word;
  }
}

/** A column of the last round: SubBytes and ShiftRows without MixColumns. */
function lastColumn(a: number, b: number, c: number, d: number): number {
  return (SBOX[a >>> 24]! << 24) | (SBOX[(b >>> 16) & 0xff]! << 16) | (SBOX[(c >>> 8) & 0xff]! << 8) | SBOX[d & 0xff]!;
}

export class CounterMode {
  readonly #roundKeys: Int32Array;
  /** Scratch: the state after rounds 1 and 2 without what the last byte brings: column 0 of round 1, all four of round 2. */
  readonly #run = new Int32Array(5);
  /** What the run belongs to: the prefix's words, and the counter's upper 24 bits. */
  readonly #prefix = new Int32Array(3);
  #runCounter = 0;
  /** The block that `block` made last, four words. */
  readonly stream: Int32Array = new Int32Array(4);

  constructor(keyBytes: 16 | 32) {
    this.#roundKeys = new Int32Array(roundKeyWords(keyBytes));
  }

  setKey(key: Uint8Array): void {
    expandKey(key, this.#roundKeys);
  }

  /** Starts a message whose blocks are prefix || u32 counter; the prefix is 12 bytes. */
  start(prefix: Uint8Array): void {
    for (let i = 0; i < 3; i++) this.#prefix[i] = load32(prefix, 4 * i);
    this.#startRun(0);
  }

  #startRun(counter: number): void {
    const rk = this.#roundKeys;
    const s0 = this.#prefix[0]! ^ rk[0]!;
    const s1 = this.#prefix[1]! ^ rk[1]!;
    const s2 = this.#prefix[2]! ^ rk[2]!;
    const s3 = counter ^ rk[3]!;
    const t1 = T0[s1 >>> 24]! ^ T1[(s2 >>> 16) & 0xff]! ^ T2[(s3 >>> 8) & 0xff]! ^ T3[s0 & 0xff]! ^ rk[5]!;
    const t2 = T0[s2 >>> 24]! ^ T1[(s3 >>> 16) & 0xff]! ^ T2[(s0 >>> 8) & 0xff]! ^ T3[s1 & 0xff]! ^ rk[6]!;
    const t3 = T0[s3 >>> 24]! ^ T1[(s0 >>> 16) & 0xff]! ^ T2[(s1 >>> 8) & 0xff]! ^ T3[s2 & 0xff]! ^ rk[7]!;
    const run = this.#run;
    run[0] = T0[s0 >>> 24]! ^ T1[(s1 >>> 16) & 0xff]! ^ T2[(s2 >>> 8) & 0xff]! ^ rk[4]!;
    run[1] = T1[(t1 >>> 16) & 0xff]! ^ T2[(t2 >>> 8) & 0xff]! ^ T3[t3 & 0xff]! ^ rk[8]!;
    run[2] = T0[t1 >>> 24]! ^ T1[(t2 >>> 16) & 0xff]! ^ T2[(t3 >>> 8) & 0xff]! ^ rk[9]!;
    run[3] = T0[t2 >>> 24]! ^ T1[(t3 >>> 16) & 0xff]! ^ T3[t1 & 0xff]! ^ rk[10]!;
    run[4] = T0[t3 >>> 24]! ^ T2[(t1 >>> 8) & 0xff]! ^ T3[t2 & 0xff]! ^ rk[11]!;
    this.#runCounter = counter;
  }

  /** Encrypts prefix || u32 counter into `stream`. */
  block(counter: number): void {
    if ((counter ^ this.#runCounter) >>> 8 !== 0) this.#startRun(counter & ~0xff);
    const rk = this.#roundKeys;
    const run = this.#run;
    const t = run[0]! ^ T3[(counter ^ rk[3]!) & 0xff]!;
    let s0 = run[1]! ^ T0[t >>> 24]!;
    let s1 = run[2]! ^ T3[t & 0xff]!;
    let s2 = run[3]! ^ T2[(t >>> 8) & 0xff]!;
    let s3 = run[4]! ^ T1[(t >>> 16) & 0xff]!;
    const last = rk.length - 4;
    let k = 12;
    for (; k < last; k += 4) {
      const t0 = T0[s0 >>> 24]! ^ T1[(s1 >>> 16) & 0xff]! ^ T2[(s2 >>> 8) & 0xff]! ^ T3[s3 & 0xff]! ^ rk[k]!;
      const t1 = T0[s1 >>> 24]! ^ T1[(s2 >>> 16) & 0xff]! ^ T2[(s3 >>> 8) & 0xff]! ^ T3[s0 & 0xff]! ^ rk[k + 1]!;
      const t2 = T0[s2 >>> 24]! ^ T1[(s3 >>> 16) & 0xff]! ^ T2[(s0 >>> 8) & 0xff]! ^ T3[s1 & 0xff]! ^ rk[k + 2]!;
      s3 = T0[s3 >>> 24]! ^ T1[(s0 >>> 16) & 0xff]! ^ T2[(s1 >>> 8) & 0xff]! ^ T3[s2 & 0xff]! ^ rk[k + 3]!;
      s0 = t0;
      s1 = t1;
      s2 = t2;
    }
    const stream = this.stream;
    stream[0] = lastColumn(s0, s1, s2, s3) ^ rk[k]!;
    stream[1] = lastColumn(s1, s2, s3, s0) ^ rk[k + 1]!;
    stream[2] = lastColumn(s2, s3, s0, s1) ^ rk[k + 2]!;
    stream[3] = lastColumn(s3, s0, s1, s2) ^ rk[k + 3]!;
  }

  /** Zeroes round keys and scratch. */
  wipe(): void {
    this.#roundKeys.fill(0);
    this.#run.fill(0);
    this.#prefix.fill(0);
    this.stream.fill(0);
  }
}
