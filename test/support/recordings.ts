/** Captured packets with every kind of header, made byte by byte; and a checker of lengths and checksums, written once more. */
import { concat } from './arrays.js';

const u16 = (value: number): number[] => [(value >>> 8) & 255, value & 255];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value)];
export const zeros = (count: number): number[] => new Array(count).fill(0);

type Bytes = Uint8Array | readonly number[];

/** The checksum of RFC 1071, as the RFC has it. */
export function internetChecksum(bytes: Bytes): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += 256 * bytes[i]! + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return 0xffff - sum;
}

/** What a UDP checksum field holds: the right sum, 0, the pseudo-header's sum (offloaded), or a wrong sum. */
export type ChecksumKind = 'right' | 'none' | 'offloaded' | 'wrong';

interface UdpOptions {
  readonly checksum?: ChecksumKind;
  readonly sourcePort?: number;
  readonly port?: number;
}

const FROM_4 = [192, 0, 2, 1];
const TO_4 = [198, 51, 100, 7];
const FROM_6 = [0x20, 1, 0xd, 0xb8, ...zeros(11), 1];
const TO_6 = [0x20, 1, 0xd, 0xb8, ...zeros(10), 0xab, 0xcd];

function udp(payload: Bytes, addresses: readonly number[], options: UdpOptions): Uint8Array {
  const { checksum = 'right', sourcePort = 40_000, port = 5004 } = options;
  const header = [...u16(sourcePort), ...u16(port), ...u16(8 + payload.length)];
  const pseudo = [...addresses, 0, 17, ...u16(8 + payload.length)];
  const right = internetChecksum(concat(pseudo, header, [0, 0], payload)) || 0xffff;
  const sums = { right, none: 0, offloaded: 0xffff - internetChecksum(pseudo), wrong: right ^ 0x0505 || 1 };
  return concat(header, u16(sums[checksum]), payload);
}

interface Ipv4Options extends UdpOptions {
  /** A multiple of 4 bytes. */
  readonly options?: Bytes;
  readonly fragment?: number;
  readonly protocol?: number;
}

export function ipv4(payload: Bytes, given: Ipv4Options = {}): Uint8Array {
  const { options = [], fragment = 0x4000, protocol = 17 } = given;
  const body = udp(payload, [...FROM_4, ...TO_4], given);
  const length = 20 + options.length + body.length;
  const start = [0x45 + options.length / 4, 0, ...u16(length), 0x12, 0x34, ...u16(fragment), 64, protocol];
  const end = [...FROM_4, ...TO_4, ...options];
  return concat(start, u16(internetChecksum(concat(start, [0, 0], end))), end, body);
}

interface Ipv6Options extends UdpOptions {
  /** Extension headers in order: their numbers, and their bytes without the first, which is the next one's number. */
  readonly extensions?: readonly { readonly number: number; readonly rest: Bytes }[];
}

export function ipv6(payload: Bytes, given: Ipv6Options = {}): Uint8Array {
  const { extensions = [] } = given;
  const headers = extensions.map(({ rest }, i) => concat([extensions[i + 1]?.number ?? 17], rest));
  const body = concat(...headers, udp(payload, [...FROM_6, ...TO_6], given));
  return concat([0x60, 1, 2, 3, ...u16(body.length), extensions[0]?.number ?? 17, 64, ...FROM_6, ...TO_6], body);
}

const MACS = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
const etherType = (ip: Uint8Array): number => (ip[0]! >>> 4 === 4 ? 0x0800 : 0x86dd);

function pppoe(ip: Uint8Array): Uint8Array {
  return concat([0x11, 0, 0, 9, ...u16(ip.length + 2), ...u16(ip[0]! >>> 4 === 4 ? 0x21 : 0x57)], ip);
}

/** Every link layer: its LINKTYPE_ number, and its header before an IP packet. */
export const LINKS: Readonly<Record<string, { linkType: number; frame: (ip: Uint8Array) => Uint8Array }>> = {
  null: { linkType: 0, frame: (ip) => concat([ip[0]! >>> 4 === 4 ? 2 : 30, 0, 0, 0], ip) },
  'null, big-endian': { linkType: 0, frame: (ip) => concat([0, 0, 0, ip[0]! >>> 4 === 4 ? 2 : 24], ip) },
  loop: { linkType: 108, frame: (ip) => concat([0, 0, 0, ip[0]! >>> 4 === 4 ? 2 : 28], ip) },
  Ethernet: { linkType: 1, frame: (ip) => concat(MACS, u16(etherType(ip)), ip) },
  'Ethernet, padded': { linkType: 1, frame: (ip) => concat(MACS, u16(etherType(ip)), ip, zeros(7)) },
  VLAN: { linkType: 1, frame: (ip) => concat(MACS, [0x81, 0, 0x20, 5], u16(etherType(ip)), ip) },
  QinQ: { linkType: 1, frame: (ip) => concat(MACS, [0x88, 0xa8, 0, 9, 0x81, 0, 0, 5], u16(etherType(ip)), ip) },
  'QinQ, its older tag': {
    linkType: 1,
    frame: (ip) => concat(MACS, [0x91, 0, 0, 9, 0x81, 0, 0, 5], u16(etherType(ip)), ip),
  },
  PPPoE: { linkType: 1, frame: (ip) => concat(MACS, [0x88, 0x64], pppoe(ip)) },
  'PPPoE in VLAN': { linkType: 1, frame: (ip) => concat(MACS, [0x81, 0, 0, 5, 0x88, 0x64], pppoe(ip)) },
  SLL: { linkType: 113, frame: (ip) => concat([0, 0, 0, 1, 0, 6, ...MACS.slice(0, 6), 0, 0], u16(etherType(ip)), ip) },
  'SLL, VLAN': {
    linkType: 113,
    frame: (ip) => concat([0, 0, 0, 1, 0, 6, ...MACS.slice(0, 6), 0, 0, 0x81, 0, 0, 5], u16(etherType(ip)), ip),
  },
  SLL2: {
    linkType: 276,
    frame: (ip) => concat(u16(etherType(ip)), [0, 0, 0, 0, 0, 3, 0, 1, 0, 6, ...MACS.slice(0, 6), 0, 0], ip),
  },
  'SLL2, VLAN': {
    linkType: 276,
    frame: (ip) =>
      concat([0x81, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, ...MACS.slice(0, 6), 0, 0, 0, 5], u16(etherType(ip)), ip),
  },
  raw: { linkType: 101, frame: (ip) => ip },
  'raw, BSD': { linkType: 12, frame: (ip) => ip },
};

export const EXTENSIONS = {
  hopByHop: { number: 0, rest: [0, 1, 4, 0, 0, 0, 0] },
  routing: { number: 43, rest: [0, 4, 0, 0, 0, 0, 0] },
  atomicFragment: { number: 44, rest: [0, 0, 0, 0, 0, 0, 9] },
  authentication: { number: 51, rest: [4, ...zeros(22)] },
  destination: { number: 60, rest: [1, 1, 12, ...zeros(12)] },
} as const;

/** What is wrong with the lengths and checksums of an IP packet with UDP, read from the front; '' where nothing is. */
export function wrongIn(ip: Uint8Array): string {
  const view = new DataView(ip.buffer, ip.byteOffset, ip.length);
  const isIpv4 = ip[0]! >>> 4 === 4;
  const length = isIpv4 ? view.getUint16(2) : 40 + view.getUint16(4);
  if (length !== ip.length) return `IP says ${length} bytes of ${ip.length}`;
  let udpAt = isIpv4 ? 4 * (ip[0]! & 15) : 40;
  if (isIpv4 && internetChecksum(ip.subarray(0, udpAt)) !== 0) return 'the IPv4 checksum is wrong';
  let next = isIpv4 ? ip[9]! : ip[6]!;
  while (next !== 17) {
    const bytes = { 44: 8, 51: 4 * (ip[udpAt + 1]! + 2) }[next] ?? 8 * (ip[udpAt + 1]! + 1);
    next = ip[udpAt]!;
    udpAt += bytes;
  }
  const datagram = ip.subarray(udpAt);
  if (view.getUint16(udpAt + 4) !== datagram.length) return `UDP says ${view.getUint16(udpAt + 4)} bytes`;
  const addresses = isIpv4 ? ip.subarray(12, 20) : ip.subarray(8, 40);
  const checksum = view.getUint16(udpAt + 6);
  if (checksum === 0) return '';
  const pseudo = concat(addresses, [0, 17], u16(datagram.length));
  if (internetChecksum(concat(pseudo, datagram)) === 0) return '';
  return checksum === 0xffff - internetChecksum(pseudo) ? 'offloaded' : 'the UDP checksum is wrong';
}

/** A pcapng block, little-endian. */
export function block(type: number, body: Bytes): Uint8Array {
  const length = 12 + body.length + (-body.length & 3);
  const little = (value: number): number[] => u32(value).reverse();
  return concat(little(type), little(length), body, zeros(-body.length & 3), little(length));
}
