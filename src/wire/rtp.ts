/**
 * RTP and RTCP: which of them a packet is, and how long an RTP header is (FORMAT.md section 4; RFC 3550 sections 5.1 and 5.3.1).
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *     |                           timestamp                           |
 *     |                             SSRC                              |
 *     |                    CSRC, CC words of it                       |
 *     |       profile (X only)        |   length: words that follow   |
 *     |                     extension (X only)                        |
 *
 * RTCP has its packet type in the second byte, 192 to 223 (RFC 5761 section 4).
 */
import { MALFORMED, NOT_RTP, RTCP } from '../status.js';

const FIXED_HEADER_BYTES = 12;

/** What SRTCP leaves of an RTCP packet in the clear: its first header, and the sender's SSRC (RFC 3711 section 3.4). */
export const RTCP_HEADER_BYTES = 8;

/** The longest datagram that counts as one RTP packet. */
export const MAX_RTP_BYTES = 65_535;

/** Whether the packet of `length` bytes at packet[at, ...) is of version 2, and says that it is RTCP. */
export function isRtcp(packet: Uint8Array, length: number, at = 0): boolean {
  return length >= 2 && packet[at]! >>> 6 === 2 && packet[at + 1]! >>> 5 === 6;
}

/** Bytes of the RTP header of the packet of `length` bytes at packet[at, ...); or MALFORMED; or NOT_RTP, of RTCP too. */
export function rtpHeaderLength(packet: Uint8Array, length: number, at = 0): number {
  return isRtcp(packet, length, at) ? NOT_RTP : anyRtpHeaderLength(packet, length, at);
}

/** The same of a packet with any payload type: where ports or calls tell RTP from RTCP. */
export function anyRtpHeaderLength(packet: Uint8Array, length: number, at = 0): number {
  if (length === 0) return MALFORMED;
  const first = packet[at]!;
  if (first >>> 6 !== 2) return NOT_RTP;
  let header = FIXED_HEADER_BYTES + 4 * (first & 15);
  if ((first & 0x10) !== 0) {
    if (length < header + 4) return MALFORMED;
    header += 4 + 4 * ((packet[at + header + 2]! << 8) | packet[at + header + 3]!);
  }
  return length < header ? MALFORMED : header;
}

/** RTCP where all packets of a compound one say that they are, and their lengths add up (RFC 3550 section 6.1); or NOT_RTP. */
export function compoundStatus(packet: Uint8Array, length: number): number {
  let at = 0;
  while (at + 4 <= length) {
    if (!isRtcp(packet, length, at)) return NOT_RTP;
    at += 4 * (((packet[at + 2]! << 8) | packet[at + 3]!) + 1);
  }
  return at === length ? RTCP : NOT_RTP;
}

/** The P bit in its place, 0x20 or 0x00. */
export function paddingBit(packet: Uint8Array, at = 0): number {
  return packet[at]! & 0x20;
}
