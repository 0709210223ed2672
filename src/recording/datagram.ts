/**
 * The UDP datagram in a captured packet, below its link and IP headers (RFC 768, RFC 791, RFC 8200; link types of
 * draft-ietf-opsawg-pcaplinktype).
 *
 *     | link header | VLAN tags | PPPoE | IPv4 and options, or IPv6 and extension headers | UDP 8 | payload | padding
 */
import { load16, word32 } from './area.js';
import { type EntryKind, LINK_RTP, type RecordingEntry } from './entry.js';

const LINK_NULL = 0;
const LINK_ETHERNET = 1;
const LINK_LOOP = 108;
const LINK_SLL = 113;
const LINK_SLL2 = 276;
/** Raw IP: two of the BSDs, the number that files have, and one for each version. */
const LINKS_RAW = [12, 14, 101, 228, 229];

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const PPPOE_SESSION = 0x8864;
const VLAN_TAGS = [0x8100, 0x88a8, 0x9100];
const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;
/** AF_INET, and AF_INET6 of Linux, the BSDs and Darwin. */
const ADDRESS_FAMILIES = [2, 10, 24, 28, 30];

const UDP = 17;
export const UDP_HEADER_BYTES = 8;
const IPV4_HEADER_BYTES = 20;
export const IPV6_HEADER_BYTES = 40;
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff;
const FRAGMENT_HEADER = 44;
const AUTHENTICATION_HEADER = 51;
/** Hop-by-hop, routing, destination options, mobility, HIP, shim6: these give their lengths alike. */
const EXTENSION_HEADERS = [0, 43, 60, 135, 139, 140];

const NOT_IP = -1;
const OTHER_LINK = -2;

/** Finds the datagram in the entry's packet: fills in its kind, and where its headers and its payload are. */
export function findDatagram(entry: RecordingEntry): EntryKind {
  entry.pppoeAt = -1;
  entry.ipAt = -1;
  entry.udpAt = -1;
  entry.payloadAt = entry.packetAt;
  entry.payloadEnd = entry.packetEnd;
  entry.kind = kindOf(entry);
  return entry.kind;
}

function kindOf(entry: RecordingEntry): EntryKind {
  if (!entry.isPacket) return 'none';
  if (entry.linkType === LINK_RTP) return entry.originalBytes > entry.packetEnd - entry.packetAt ? 'cut' : 'udp';
  const ipAt = ipStart(entry);
  if (ipAt < 0) return ipAt === OTHER_LINK ? 'link' : 'other';
  entry.ipAt = ipAt;
  const version = ipAt < entry.packetEnd ? entry.bytes[ipAt]! >>> 4 : 0;
  if (version === 4) return readIpv4(entry);
  return version === 6 ? readIpv6(entry) : 'other';
}

/** Where the IP header begins; NOT_IP or OTHER_LINK where there is none. */
function ipStart(entry: RecordingEntry): number {
  const { bytes, packetAt: at, packetEnd, linkType } = entry;
  switch (linkType) {
    case LINK_ETHERNET:
      return at + 14 > packetEnd ? NOT_IP : afterTags(entry, load16(bytes, at + 12), at + 14);
    case LINK_SLL:
      return at + 16 > packetEnd ? NOT_IP : afterTags(entry, load16(bytes, at + 14), at + 16);
    case LINK_SLL2:
      return at + 20 > packetEnd ? NOT_IP : afterTags(entry, load16(bytes, at), at + 20);
    case LINK_NULL:
    case LINK_LOOP: {
      if (at + 4 > packetEnd) return NOT_IP;
      // In the byte order of the machine that captured.
      const isIp = [true, false].some((order) => ADDRESS_FAMILIES.includes(word32(bytes, at, order)));
      return isIp ? at + 4 : NOT_IP;
    }
    default:
      return LINKS_RAW.includes(linkType) ? at : OTHER_LINK;
  }
}

/** Goes past VLAN tags (802.1Q, 802.1ad) and PPPoE (RFC 2516) to IP; `type` is the EtherType of what is at `from`. */
function afterTags(entry: RecordingEntry, type: number, from: number): number {
  const { bytes, packetEnd } = entry;
  let at = from;
  let etherType = type;
  while (VLAN_TAGS.includes(etherType)) {
    if (at + 4 > packetEnd) return NOT_IP;
    etherType = load16(bytes, at + 2);
    at += 4;
  }
  if (etherType === IPV4 || etherType === IPV6) return at;
  if (etherType !== PPPOE_SESSION || at + 8 > packetEnd) return NOT_IP;
  const protocol = load16(bytes, at + 6);
  if (load16(bytes, at) !== 0x1100 || (protocol !== PPP_IPV4 && protocol !== PPP_IPV6)) return NOT_IP;
  entry.pppoeAt = at;
  return at + 8;
}

function readIpv4(entry: RecordingEntry): EntryKind {
  const { bytes, ipAt, packetEnd } = entry;
  if (ipAt + IPV4_HEADER_BYTES > packetEnd || bytes[ipAt + 9] !== UDP) return 'other';
  if ((load16(bytes, ipAt + 6) & MORE_FRAGMENTS_OR_OFFSET) !== 0) return 'fragment';
  const headerBytes = (bytes[ipAt]! & 15) * 4;
  return headerBytes < IPV4_HEADER_BYTES ? 'other' : readUdp(entry, ipAt + headerBytes, ipAt + load16(bytes, ipAt + 2));
}

function readIpv6(entry: RecordingEntry): EntryKind {
  const { bytes, ipAt, packetEnd } = entry;
  let at = ipAt + IPV6_HEADER_BYTES;
  if (at > packetEnd) return 'other';
  const ipEnd = at + load16(bytes, ipAt + 4);
  let next = bytes[ipAt + 6]!;
  while (next !== UDP) {
    if (at + 8 > packetEnd) return 'other';
    let length = 8;
    if (next === FRAGMENT_HEADER) {
      // The offset and "more fragments"; both 0 in an atomic fragment (RFC 6946), which is whole.
      if ((load16(bytes, at + 2) & 0xfff9) !== 0) return 'fragment';
    } else if (next === AUTHENTICATION_HEADER) length = 4 * (bytes[at + 1]! + 2);
    else if (EXTENSION_HEADERS.includes(next)) length = 8 * (bytes[at + 1]! + 1);
    else return 'other';
    next = bytes[at]!;
    at += length;
  }
  return readUdp(entry, at, ipEnd);
}

/** The UDP header at `at`, in an IP packet that says that it ends at `ipEnd`. */
function readUdp(entry: RecordingEntry, at: number, ipEnd: number): EntryKind {
  const { bytes, packetEnd } = entry;
  const payloadAt = at + UDP_HEADER_BYTES;
  if (payloadAt > ipEnd) return 'other';
  if (payloadAt > packetEnd) return 'cut';
  entry.udpAt = at;
  const end = at + load16(bytes, at + 4);
  if (end < payloadAt || end > ipEnd) return 'other';
  if (ipEnd > packetEnd) return 'cut';
  entry.payloadAt = payloadAt;
  entry.payloadEnd = end;
  return 'udp';
}
