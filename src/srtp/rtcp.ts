/** Which packets of a port are RTCP (RFC 5761). */
import { checkBytes } from '../checks.js';
import { isRtcp as isRtcpPacket } from '../wire/rtp.js';

/**
 * Whether a packet, protected or not, is RTCP by its header: version 2, and a second byte from 192 to 223. For ports that carry
 * both: `unprotectRtcp` takes these, `unprotect` the others. Throws TypeError for what is no Uint8Array.
 */
export function isRtcp(packet: Uint8Array): boolean {
  return isRtcpPacket(packet, checkBytes('packet', packet));
}
