/** SFrame headers, read and written by RFC 9605 section 4.3 and no code of src/. They are not checked: fuzz/targets/sframe.ts does. */
import { concat } from './arrays.js';

/** KID and CTR of the SFrame header at frame[at, ...), and its length. */
export function sframeHeader(frame: Uint8Array, at = 0): { kid: bigint; ctr: number; length: number } {
  let next = at + 1;
  const [kid, ctr] = [frame[at]! >>> 4, frame[at]! & 15].map((nibble) => {
    if (nibble < 8) return BigInt(nibble);
    const hex = Buffer.from(frame.subarray(next, next + nibble - 7)).toString('hex');
    next += nibble - 7;
    return BigInt(`0x${hex}`);
  });
  return { kid: kid!, ctr: Number(ctr), length: next - at };
}

/** The shortest SFrame header of a KID and a CTR. */
export function writeSframeHeader(kid: bigint, ctr: bigint): Uint8Array {
  const digits = [kid, ctr].map((value) => {
    const hex = value.toString(16);
    return value < 8n ? Buffer.alloc(0) : Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  });
  const nibbles = [kid, ctr].map((value, i) => (value < 8n ? Number(value) : 7 + digits[i]!.length));
  return concat([(nibbles[0]! << 4) | nibbles[1]!], ...digits);
}
