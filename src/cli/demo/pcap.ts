/**
 * Reads the UDP packets of a classic pcap file (the PCAP capture file format, draft-ietf-opsawg-pcap; the link types
 * are those of draft-ietf-opsawg-pcaplinktype). pcapng is another format: readUdpPackets refuses it by name.
 *
 *   file:    0        4        6        8          12         16           20          24
 *            | magic  | major  | minor  | reserved | reserved | snap bytes | link type | record ...
 *   record:  0        4          8                12               16
 *            | seconds | fraction | captured bytes | original bytes | frame (captured bytes) |
 *   frame:   | link header | IPv4 or IPv6 | source port | destination port | UDP bytes | checksum | payload |
 *
 * Words of the file and record headers are in the writer's byte order, which the magic shows: a1b2c3d4 where fractions
 * are microseconds, a1b23c4d where they are nanoseconds. Words of the frame are big-endian.
 */

export interface UdpPacket {
  /** Microseconds since the first packet returned; with decimals if the file counts nanoseconds. */
  timeUs: number;
  destinationPort: number;
  /** The payload after the UDP header: a view of the file's bytes. */
  payload: Uint8Array;
}

const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
const PCAPNG = 0x0a0d0d0a;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const UDP_HEADER_BYTES = 8;
const UDP_PROTOCOL = 17;

interface LinkLayer {
  headerBytes: number;
  /** Where the EtherType stands, if there is one. */
  etherTypeAt?: number;
}

/** By link type: null/loopback, Ethernet, raw IP (two numbers), Linux cooked v1 and v2. */
const LINK_LAYERS: ReadonlyMap<number, LinkLayer> = new Map([
  [0, { headerBytes: 4 }],
  [1, { headerBytes: 14, etherTypeAt: 12 }],
  [12, { headerBytes: 0 }],
  [101, { headerBytes: 0 }],
  [113, { headerBytes: 16, etherTypeAt: 14 }],
  [276, { headerBytes: 20, etherTypeAt: 0 }],
]);

/**
 * The UDP packets of a pcap file, in its order. Leaves out packets other than UDP over IPv4 or IPv6, fragments, IPv6 with
 * extension headers, VLANs. Throws RangeError where the bytes are not a pcap file, it is cut short, its link type is
 * none of the above, or its packets were not captured whole.
 */
export function readUdpPackets(file: Uint8Array): UdpPacket[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const { littleEndian, ticksPerUs } = readMagic(view);
  if (file.length < FILE_HEADER_BYTES) {
    throw new RangeError(`pcap file is cut short: ${file.length} bytes, and its header takes ${FILE_HEADER_BYTES}`);
  }
  const linkType = view.getUint32(20, littleEndian) & 0xffff; // the upper half tells of frame check sequences
  const link = LINK_LAYERS.get(linkType);
  if (link === undefined) {
    const known = [...LINK_LAYERS.keys()].join(', ');
    throw new RangeError(`pcap file has link type ${linkType}, expected one of ${known} (1 is Ethernet)`);
  }

  const packets: UdpPacket[] = [];
  let firstSeconds = 0;
  let firstTicks = 0;
  let at = FILE_HEADER_BYTES;
  for (let record = 1; at < file.length; record++) {
    const frameAt = at + RECORD_HEADER_BYTES;
    if (frameAt > file.length) throw cutShort(record, RECORD_HEADER_BYTES, file.length - at);
    const seconds = view.getUint32(at, littleEndian);
    const ticks = view.getUint32(at + 4, littleEndian);
    const capturedBytes = view.getUint32(at + 8, littleEndian);
    const originalBytes = view.getUint32(at + 12, littleEndian);
    at = frameAt + capturedBytes;
    if (at > file.length) throw cutShort(record, capturedBytes, file.length - frameAt);
    if (capturedBytes < originalBytes) {
      const kept = `${capturedBytes} of the ${originalBytes} bytes`;
      throw new RangeError(`pcap record ${record} holds ${kept} of its packet: capture whole packets (tshark -s 0)`);
    }

    const udp = findUdp(file.subarray(frameAt, at), link);
    if (udp === undefined) continue;
    if (packets.length === 0) {
      firstSeconds = seconds;
      firstTicks = ticks;
    }
    packets.push({ timeUs: (seconds - firstSeconds) * 1e6 + (ticks - firstTicks) / ticksPerUs, ...udp });
  }
  return packets;
}

/** Byte order and time unit of a pcap file, from its first four bytes. Throws RangeError for any other file. */
function readMagic(view: DataView): { littleEndian: boolean; ticksPerUs: number } {
  if (view.byteLength < 4) throw new RangeError(`not a pcap file: ${view.byteLength} bytes, and its magic takes 4`);
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic === MICROSECONDS) return { littleEndian, ticksPerUs: 1 };
    if (magic === NANOSECONDS) return { littleEndian, ticksPerUs: 1000 };
    if (magic === PCAPNG) {
      throw new RangeError('this is a pcapng file: save it as pcap: tshark -F pcap -r in.pcapng -w out.pcap');
    }
  }
  const start = view.getUint32(0).toString(16).padStart(8, '0');
  throw new RangeError(`not a pcap file: starts with ${start}, expected a1b2c3d4 or a1b23c4d in either byte order`);
}

function cutShort(record: number, neededBytes: number, leftBytes: number): RangeError {
  return new RangeError(`pcap file is cut short: record ${record} needs ${neededBytes} bytes, ${leftBytes} are left`);
}

/** Port and payload of a frame, or undefined where it is not one whole UDP packet. (RFC 768, RFC 791, RFC 8200) */
function findUdp(frame: Uint8Array, link: LinkLayer): Omit<UdpPacket, 'timeUs'> | undefined {
  if (link.etherTypeAt !== undefined) {
    const etherType = load16(frame, link.etherTypeAt);
    if (etherType !== 0x0800 && etherType !== 0x86dd) return undefined;
  }
  const ipAt = link.headerBytes;
  if (ipAt + 20 > frame.length) return undefined;
  const version = frame[ipAt]! >>> 4;
  let udpAt: number;
  if (version === 4) {
    const headerBytes = (frame[ipAt]! & 15) * 4;
    const fragment = load16(frame, ipAt + 6) & 0x3fff; // "more fragments" and the offset
    if (headerBytes < 20 || fragment !== 0 || frame[ipAt + 9] !== UDP_PROTOCOL) return undefined;
    udpAt = ipAt + headerBytes;
  } else {
    if (version !== 6 || frame[ipAt + 6] !== UDP_PROTOCOL) return undefined;
    udpAt = ipAt + 40;
  }
  if (udpAt + UDP_HEADER_BYTES > frame.length) return undefined;
  const udpEnd = udpAt + load16(frame, udpAt + 4);
  if (udpEnd < udpAt + UDP_HEADER_BYTES || udpEnd > frame.length) return undefined;
  return {
    destinationPort: load16(frame, udpAt + 2),
    payload: frame.subarray(udpAt + UDP_HEADER_BYTES, udpEnd),
  };
}

function load16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
