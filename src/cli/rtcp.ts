/** Whether a datagram says that it is RTCP, sealed or not: version 2, and a second byte of 192 to 223 (RFC 5761 section 4). */
export function isRtcp(packet: Uint8Array): boolean {
  return packet.length >= 2 && packet[0]! >>> 6 === 2 && packet[1]! >>> 5 === 6;
}
