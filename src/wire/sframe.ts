/**
 * The SFrame header (RFC 9605 section 4.3; FORMAT.md section 4).
 *
 *      0 1 2 3 4 5 6 7
 *     |X|  K  |Y|  C  |  KID, 0 to 8 bytes  |  CTR, 0 to 8 bytes  |
 *
 *     X = 0: K is the KID (0..7).   X = 1: the KID takes K + 1 bytes.   Y, C and CTR likewise.
 *
 * Lengths are minimal; anything else is refused, so that a header has one form. A KID is two signed 32-bit halves,
 * a CTR a number below 2^53.
 */
import { store32 } from '../bytes.js';
import { MALFORMED } from '../status.js';

/** Config byte, 8 bytes of KID, 8 of CTR: what any header takes at most. */
export const MAX_HEADER_BYTES = 17;

/** Config byte, 8 bytes of KID, 4 of CTR: what a sealer's header takes at most. */
export const MAX_SEALED_HEADER_BYTES = 13;

/** The largest CTR that a receiver takes. */
export const MAX_CTR: number = Number.MAX_SAFE_INTEGER;

/** 2^21: the upper half of a CTR stays below it, so that the CTR stays below 2^53. */
const CTR_HIGH_LIMIT = 0x200000;
const TWO_TO_32 = 0x100000000;

/** A parsed header; made once and filled in again for each frame. */
export class SframeHeader {
  kidHigh = 0;
  kidLow = 0;
  ctr = 0;
  /** Scratch: the halves of the field read last. */
  #high = 0;
  #low = 0;

  /** Reads the header at frame[at, end). Returns its length, or MALFORMED: cut short, not minimal, or CTR too large. */
  parse(frame: Uint8Array, at: number, end: number): number {
    if (at >= end) return MALFORMED;
    const config = frame[at]!;
    const kidBytes = (config & 0x80) !== 0 ? ((config >>> 4) & 7) + 1 : 0;
    const ctrBytes = (config & 0x08) !== 0 ? (config & 7) + 1 : 0;
    const length = 1 + kidBytes + ctrBytes;
    if (end - at < length) return MALFORMED;
    if (!this.#read(frame, at + 1, kidBytes, (config >>> 4) & 7)) return MALFORMED;
    this.kidHigh = this.#high;
    this.kidLow = this.#low;
    if (!this.#read(frame, at + 1 + kidBytes, ctrBytes, config & 7)) return MALFORMED;
    if (this.#high >>> 0 >= CTR_HIGH_LIMIT) return MALFORMED;
    this.ctr = (this.#high >>> 0) * TWO_TO_32 + (this.#low >>> 0);
    return length;
  }

  /** Reads one field of `bytes` bytes, or takes the `short` value where there are none. False: not minimal. */
  #read(frame: Uint8Array, at: number, bytes: number, short: number): boolean {
    let high = 0;
    let low = bytes === 0 ? short : 0;
    for (let i = 0; i < bytes; i++) {
      high = (high << 8) | (low >>> 24);
      low = (low << 8) | frame[at + i]!;
    }
    this.#high = high;
    this.#low = low;
    // A value below 8 fits into the config byte, and a longer one does not begin with a zero byte.
    if (bytes === 0) return true;
    return bytes === 1 ? low >= 8 : frame[at] !== 0;
  }
}

/** Bytes that a CTR below 2^32 takes after the config byte: 0 to 4. Takes signed words as well. */
export function ctrLength(ctr: number): number {
  if (ctr >>> 24 !== 0) return 4;
  if (ctr < 8) return 0;
  if (ctr < 0x100) return 1;
  if (ctr < 0x10000) return 2;
  return 3;
}

/** Writes the header of a KID of 8 bytes and a CTR below 2^32; returns its length, 9 + ctrLength(ctr). */
export function writeHeader(out: Uint8Array, at: number, kidHigh: number, kidLow: number, ctr: number): number {
  const bytes = ctrLength(ctr);
  out[at] = 0xf0 | (bytes === 0 ? ctr : 0x08 | (bytes - 1));
  store32(out, at + 1, kidHigh);
  store32(out, at + 5, kidLow);
  for (let i = 0; i < bytes; i++) out[at + 9 + i] = ctr >>> (8 * (bytes - 1 - i));
  return 9 + bytes;
}
