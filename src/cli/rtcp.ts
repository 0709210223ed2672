/** Whether a datagram is RTCP: the rule of FORMAT.md section 4, for packets that no sealer or opener sees. */

/** True where version and packet type are RTCP's and the lengths in it add up to the datagram (RFC 3550 section 6.1). */
export function isRtcp(packet: Uint8Array): boolean {
  if (packet.length < 2 || packet[0]! >>> 6 !== 2 || packet[1]! < 192 || packet[1]! > 223) return false;
  let at = 0;
  while (at + 4 <= packet.length) at += 4 * (((packet[at + 2]! << 8) | packet[at + 3]!) + 1);
  return at === packet.length;
}
