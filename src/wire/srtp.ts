/**
 * SRTP and SRTCP packets with AES-GCM: what is where in them (FORMAT.md section 8; RFC 7714 sections 8 and 9).
 *
 *     SRTP     RTP header || ciphertext || tag(16)
 *     SRTCP    first 8 bytes of the RTCP packet || ciphertext || tag(16) || ESRTCP word
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |E|                         SRTCP index                         |
 *
 * The RTP header with CSRCs and extension, and the ESRTCP word after the first 8 bytes, are the AAD. Where E is 0, an SRTCP packet is
 * authenticated only: the AAD is all of the RTCP packet, and the word.
 */
import { MALFORMED, NOT_RTP } from '../status.js';

const FIXED_HEADER_BYTES = 12;
/** What stays in the clear of an RTCP packet: its first header, and the sender's SSRC (RFC 3711 section 3.4). */
export const RTCP_HEADER_BYTES = 8;
/** Where the sequence number and the SSRC of an RTP packet are, and the SSRC of an RTCP packet. */
export const RTP_SEQUENCE_AT = 2;
export const RTP_SSRC_AT = 8;
export const RTCP_SSRC_AT = 4;
export const ESRTCP_BYTES = 4;
/** E of the ESRTCP word: the packet is encrypted. */
export const ENCRYPTED: number = 0x80000000 | 0;
export const MAX_SRTCP_INDEX = 0x7fffffff;

/** Whether the packet of `length` bytes is of version 2, and says that it is RTCP (RFC 5761 section 4). */
export function isRtcpPacket(packet: Uint8Array, length: number): boolean {
  return length >= 2 && packet[0]! >>> 6 === 2 && packet[1]! >>> 5 === 6;
}

/** Bytes of the RTP header of the packet of `length` bytes, whatever its payload type; or MALFORMED, or NOT_RTP. */
export function srtpHeaderLength(packet: Uint8Array, length: number): number {
  if (length === 0) return MALFORMED;
  const first = packet[0]!;
  if (first >>> 6 !== 2) return NOT_RTP;
  let header = FIXED_HEADER_BYTES + 4 * (first & 15);
  if ((first & 0x10) !== 0) {
    if (length < header + 4) return MALFORMED;
    header += 4 + 4 * ((packet[header + 2]! << 8) | packet[header + 3]!);
  }
  return length < header ? MALFORMED : header;
}

/** RTCP_HEADER_BYTES for an RTCP packet of `length` bytes; or MALFORMED, or NOT_RTP. */
export function rtcpHeaderLength(packet: Uint8Array, length: number): number {
  if (length === 0) return MALFORMED;
  if (packet[0]! >>> 6 !== 2) return NOT_RTP;
  return length < RTCP_HEADER_BYTES ? MALFORMED : RTCP_HEADER_BYTES;
}
