/**
 * One record of a recording: where its parts lie in memory. A reader fills an entry in anew for each record, and nothing is
 * copied: an entry is valid until the reader is given its next bytes.
 *
 *     at           packetAt         payloadAt    payloadEnd        packetEnd   end
 *     | record     | link | IP | UDP | payload   | rest of the packet | padding, |
 *     | header     | header          |           |                    | options  |
 */
import { addressText } from './address.js';
import { Area, load16 } from './area.js';

/** An IP address as text, and a UDP port. */
export interface RecordedEndpoint {
  /** IPv4 in dotted form, or IPv6 in the form of RFC 5952. */
  readonly address: string;
  /** 0 to 65,535. */
  readonly port: number;
}

/** What a record holds. */
export type EntryKind =
  /** A UDP datagram, whole. */
  | 'udp'
  /** A packet of another protocol, or with lengths that are not right. */
  | 'other'
  /** A piece of a datagram that IP has cut up. */
  | 'fragment'
  /** A UDP datagram of which the capture holds the first part alone. */
  | 'cut'
  /** A packet of a link type that is not known here. */
  | 'link'
  /** No packet: a header, statistics, names. */
  | 'none';

/** How a format counts time. */
export interface Clock {
  /** Nanoseconds since 1970 of an entry's `timeHigh` and `timeLow`. */
  nanoseconds(high: number, low: number): bigint;
}

/** The "link type" of rtpdump, whose packets are RTP and RTCP without any header below. */
export const LINK_RTP = -1;

/** What an entry refers to before its first record, and the clock of packets without a time. */
const NOTHING = new Area(0);
export const NO_CLOCK: Clock = { nanoseconds: () => 0n };

/** One record of a recording, as positions in memory; valid until its reader takes its next bytes. Nothing is copied. */
export class RecordingEntry {
  /** What the record holds. */
  kind: EntryKind = 'none';
  /** @internal The memory that the record lies in. */
  area: Area = NOTHING;
  /** Whether the record holds a packet. */
  isPacket = false;
  /** The record is bytes[at, end). */
  at = 0;
  /** Where the record ends. */
  end = 0;
  /** The packet is bytes[packetAt, packetEnd), where there is one. */
  packetAt = 0;
  /** Where the packet ends. */
  packetEnd = 0;
  /** The packet's length on the wire, which may be more than was captured. */
  originalBytes = 0;
  /** LINKTYPE_ number of the packet's interface; -1 in rtpdump, whose packets are RTP without headers below. */
  linkType = 0;
  /** Of kind 'udp': the payload is bytes[payloadAt, payloadEnd). */
  payloadAt = 0;
  /** Where the payload ends. */
  payloadEnd = 0;
  /** Of kind 'udp': where the IP header begins; -1 in rtpdump. */
  ipAt = -1;
  /** Of kind 'udp': where the UDP header begins; -1 in rtpdump. */
  udpAt = -1;
  /** @internal Where a PPPoE header begins, or -1. */
  pppoeAt = -1;
  /** @internal The byte order of the record, where its format has two. */
  littleEndian = false;
  /** The packet's time as the format counts it: `clock.nanoseconds(timeHigh, timeLow)` is `timeNs`, which allocates. */
  clock: Clock = NO_CLOCK;
  /** The upper part of the packet's time. */
  timeHigh = 0;
  /** The lower part of the packet's time. */
  timeLow = 0;
  /** Bytes of the recording before this record. */
  offset = 0;

  /** The memory that all positions refer to. */
  get bytes(): Uint8Array {
    return this.area.bytes;
  }

  /** When the packet was captured, in nanoseconds since 1970. */
  get timeNs(): bigint {
    return this.clock.nanoseconds(this.timeHigh, this.timeLow);
  }

  /** The UDP port that a datagram comes from, of kind 'udp'; 0 in rtpdump. */
  get sourcePort(): number {
    return this.udpAt < 0 ? 0 : load16(this.area.bytes, this.udpAt);
  }

  /** The UDP port that a datagram goes to, of kind 'udp'; 0 in rtpdump. */
  get destinationPort(): number {
    return this.udpAt < 0 ? 0 : load16(this.area.bytes, this.udpAt + 2);
  }

  /** Where a datagram comes from, of kind 'udp'; undefined in rtpdump, which has no addresses of packets. */
  get source(): RecordedEndpoint | undefined {
    return this.#endpoint(12, 8, this.sourcePort);
  }

  /** Where a datagram goes, of kind 'udp'; undefined in rtpdump. */
  get destination(): RecordedEndpoint | undefined {
    return this.#endpoint(16, 24, this.destinationPort);
  }

  /** With an address at one offset into an IPv4 header, and at another into an IPv6 header. */
  #endpoint(inIpv4: number, inIpv6: number, port: number): RecordedEndpoint | undefined {
    const { bytes } = this.area;
    const { ipAt } = this;
    if (this.kind !== 'udp' || ipAt < 0) return undefined;
    const isIpv4 = bytes[ipAt]! >>> 4 === 4;
    const at = ipAt + (isIpv4 ? inIpv4 : inIpv6);
    return { address: addressText(bytes.subarray(at, at + (isIpv4 ? 4 : 16))), port };
  }
}
