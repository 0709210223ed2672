/** Makes UDP packets from payloads, for recordings of raw IP. */
import { addressBytes } from './address.js';
import { Area, fold, store16, sumOf } from './area.js';
import { UDP_HEADER_BYTES } from './datagram.js';
import type { RecordedPacket } from './packets.js';

const UDP = 17;
const HOP_LIMIT = 64;

/**
 * The IPv4 or IPv6 packet of a UDP datagram, with its checksums (RFC 768, RFC 791, RFC 8200). Throws RangeError for addresses that are
 * none or of two families, and for a payload that is too long.
 */
export function udpPacket({ source, destination, payload }: Omit<RecordedPacket, 'timeNs'>): Uint8Array {
  if (source === undefined || destination === undefined) throw new RangeError('source and destination must be given');
  const [from, to] = [addressBytes(source.address), addressBytes(destination.address)];
  if (from.length !== to.length) throw new RangeError('source and destination must both be IPv4, or both IPv6');
  const isIpv4 = from.length === 4;
  const udpAt = isIpv4 ? 20 : 40;
  const length = udpAt + UDP_HEADER_BYTES + payload.length;
  if (length > 0xffff) throw new RangeError(`a payload of ${payload.length} bytes is too long for a UDP packet`);
  const area = new Area(length);
  const { bytes } = area;
  const addressesAt = udpAt - 2 * from.length;
  bytes.set(from, addressesAt);
  bytes.set(to, udpAt - to.length);
  store16(bytes, udpAt, source.port);
  store16(bytes, udpAt + 2, destination.port);
  store16(bytes, udpAt + 4, length - udpAt);
  bytes.set(payload, udpAt + UDP_HEADER_BYTES);
  const sum = sumOf(area, addressesAt, udpAt) + UDP + (length - udpAt) + sumOf(area, udpAt, length);
  store16(bytes, udpAt + 6, ~fold(sum) & 0xffff || 0xffff);
  if (isIpv4) {
    bytes.set([0x45, 0, length >>> 8, length & 0xff, 0, 0, 0x40, 0, HOP_LIMIT, UDP]);
    store16(bytes, 10, ~sumOf(area, 0, udpAt) & 0xffff);
  } else {
    bytes.set([0x60, 0, 0, 0, (length - udpAt) >>> 8, (length - udpAt) & 0xff, UDP, HOP_LIMIT]);
  }
  return bytes.subarray(0, length);
}
