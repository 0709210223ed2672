/** SFrame headers (RFC 9605 section 4.3), read and written by the second implementation. */
import { concat } from './arrays.js';
import { decodeHeader, encodeHeader } from './second/headers.mjs';

/** KID and CTR of the SFrame header at frame[at, ...), and its length. Throws where it is MALFORMED. */
export function sframeHeader(frame: Uint8Array, at = 0): { kid: bigint; ctr: number; length: number } {
  const header = decodeHeader(Buffer.from(frame.subarray(at)));
  if (typeof header === 'string') throw new Error(header);
  return { ...header, ctr: Number(header.ctr) };
}

/** The shortest SFrame header of a KID and a CTR. */
export function writeSframeHeader(kid: bigint, ctr: bigint): Uint8Array {
  return concat(encodeHeader(kid, ctr));
}
