/**
 * RTP: what is a packet, and how long its header is (FORMAT.md section 4; RFC 3550 sections 5.1 and 5.3.1).
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *     |                           timestamp                           |
 *     |                             SSRC                              |
 *     |                    CSRC, CC words of it                       |
 *     |       profile (X only)        |   length: words that follow   |
 *     |                     extension (X only)                        |
 */
import { MALFORMED, NOT_RTP, RTCP } from '../status.js';

const FIXED_HEADER_BYTES = 12;

/** The longest datagram that counts as one RTP packet. */
export const MAX_RTP_BYTES = 65_535;

/** Bytes of the RTP header of the packet of `length` bytes at packet[at, ...); or MALFORMED, NOT_RTP, or RTCP. */
export function rtpHeaderLength(packet: Uint8Array, length: number, at = 0): number {
  if (length === 0) return MALFORMED;
  const first = packet[at]!;
  if (first >>> 6 !== 2) return NOT_RTP;
  if (length >= 2) {
    const second = packet[at + 1]!;
    if (second >= 192 && second <= 223) return isCompoundRtcp(packet, at, length) ? RTCP : NOT_RTP;
  }
  let header = FIXED_HEADER_BYTES + 4 * (first & 15);
  if ((first & 0x10) !== 0) {
    if (length < header + 4) return MALFORMED;
    header += 4 + 4 * ((packet[at + header + 2]! << 8) | packet[at + header + 3]!);
  }
  return length < header ? MALFORMED : header;
}

/** True where the lengths of the packets in a compound RTCP packet add up to the datagram (RFC 3550 section 6.1). */
function isCompoundRtcp(packet: Uint8Array, start: number, length: number): boolean {
  const end = start + length;
  let at = start;
  while (at + 4 <= end) at += 4 * (((packet[at + 2]! << 8) | packet[at + 3]!) + 1);
  return at === end;
}

/** The P bit in its place, 0x20 or 0x00: the metadata of a channel that leaves the header unbound. */
export function paddingBit(packet: Uint8Array, at = 0): number {
  return packet[at]! & 0x20;
}
