// @ts-check
/** Bytes for the cases: what looks random comes from SHA-256 of a name and a counter. */
import { createHash } from 'node:crypto';

/**
 * @param {string} name
 * @param {number} length
 */
export function bytes(name, length) {
  const blocks = [];
  for (let counter = 0; 32 * counter < length; counter++) {
    const hash = createHash('sha256').update(`frameseal ${name} ${counter}`);
    blocks.push(hash.digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** @param {string} hex */
export const unhex = (hex) => Buffer.from(hex, 'hex');

/** @param {(Buffer | number)[]} parts */
export const join = (...parts) =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : part)));

/**
 * A copy with the bits of a mask flipped in one byte; a negative offset counts from the end.
 * @param {Buffer} frame
 * @param {number} offset
 * @param {number} [mask]
 */
export function flip(frame, offset, mask = 1) {
  const copy = Buffer.from(frame);
  copy[offset < 0 ? copy.length + offset : offset] ^= mask;
  return copy;
}

/**
 * A copy with one byte set.
 * @param {Buffer} frame
 * @param {number} offset
 * @param {number} value
 */
export const put = (frame, offset, value) => flip(frame, offset, frame[offset] ^ value);

/**
 * A KID as a sealer draws it: section 3.
 * @param {number} keyId
 * @param {string} name
 */
export function drawKid(keyId, name) {
  for (let i = 0; ; i++) {
    const kid = bytes(`kid ${name} ${i}`, 8);
    kid[0] = (keyId << 4) | (kid[0] & 0x0f);
    if (kid[0] !== 0) return kid.readBigUInt64BE();
  }
}

/**
 * A number in a given number of bytes, which may be more than needed.
 * @param {bigint} value
 * @param {number} length
 */
export const wide = (value, length) => unhex(value.toString(16).padStart(2 * length, '0'));
