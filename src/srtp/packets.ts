/**
 * How a packet becomes a job for the engine, and where its index comes from: RTP and RTCP (FORMAT.md section 8; wire/srtp.ts has
 * the maps).
 *
 * What stays in the clear is copied first, and the copy alone counts from then on, for SSRC and sequence number too: another
 * thread may write to the input, and a nonce must belong to the packet that goes out under it.
 */
import { load32, store32 } from '../bytes.js';
import { TAG_BYTES } from '../engine/engine.js';
import type { Frame } from '../frames/pipeline.js';
import { MALFORMED, NO_ROOM } from '../status.js';
import { anyRtpHeaderLength, MAX_RTP_BYTES, RTCP_HEADER_BYTES } from '../wire/rtp.js';
import {
  ENCRYPTED,
  ESRTCP_BYTES,
  MAX_SRTCP_INDEX,
  RTCP_SSRC_AT,
  RTP_SEQUENCE_AT,
  RTP_SSRC_AT,
  rtcpHeaderLength,
} from '../wire/srtp.js';
import type { Stream } from './streams.js';

type Packet = Frame<Stream>;

/** One kind of packet. */
export interface PacketKind {
  /** What protecting adds. */
  readonly overhead: number;
  /** Indices are below the limit, which is also the number of packets per key. */
  readonly limit: number;
  readonly ssrcAt: number;
  /** Makes the job of a packet to protect, but for its key and nonce. Returns 0, or a status; then only the job has changed. */
  takePlain(packet: Packet): number;
  /** Makes the job of a packet that arrived, likewise. */
  takeProtected(packet: Packet): number;
  /** The index of a packet to protect, which `takePlain` has taken. */
  indexToProtect(packet: Packet, stream: Stream): number;
  /** Puts the index where the packet shows it. */
  showIndex(packet: Packet, index: number): void;
  /** The index of a packet that `takeProtected` has taken. */
  indexOf(packet: Packet, stream: Stream): number;
}

/** The longest packet to protect, of either kind. */
export const MAX_PACKET_BYTES: number = MAX_RTP_BYTES;

export const RTP: PacketKind = {
  overhead: TAG_BYTES,
  limit: 2 ** 48,
  ssrcAt: RTP_SSRC_AT,

  takePlain(packet) {
    const { job, length, room } = packet;
    const headerLength = anyRtpHeaderLength(job.input, length);
    if (headerLength < 0) return headerLength;
    if (room < length + TAG_BYTES) return NO_ROOM;
    job.length = length - headerLength;
    return takeRtpHeader(packet, headerLength);
  },

  takeProtected(packet) {
    const { job, length, room } = packet;
    const headerLength = anyRtpHeaderLength(job.input, length);
    if (headerLength < 0) return headerLength;
    if (length - headerLength < TAG_BYTES) return MALFORMED;
    if (room < length - TAG_BYTES) return NO_ROOM;
    job.length = length - headerLength - TAG_BYTES;
    return takeRtpHeader(packet, headerLength);
  },

  indexToProtect: ({ job }, stream) => stream.estimate(sequenceOf(job.aad)),
  showIndex() {},
  indexOf: ({ job }, stream) => stream.estimate(sequenceOf(job.aad)),
};

export const RTCP: PacketKind = {
  overhead: TAG_BYTES + ESRTCP_BYTES,
  limit: MAX_SRTCP_INDEX + 1,
  ssrcAt: RTCP_SSRC_AT,

  takePlain(packet) {
    const { job, length, room } = packet;
    const headerLength = rtcpHeaderLength(job.input, length);
    if (headerLength < 0) return headerLength;
    if (room < length + RTCP.overhead) return NO_ROOM;
    job.length = length - headerLength;
    if (job.tail.length !== ESRTCP_BYTES) job.tail = new Uint8Array(ESRTCP_BYTES);
    job.tailLength = ESRTCP_BYTES;
    return takeRtcpHeader(packet, headerLength);
  },

  takeProtected(packet) {
    const { job, length, room } = packet;
    const headerLength = rtcpHeaderLength(job.input, length);
    if (headerLength < 0) return headerLength;
    const plainLength = length - RTCP.overhead;
    if (plainLength < headerLength) return MALFORMED;
    if (room < plainLength) return NO_ROOM;
    const word = load32(job.input, length - ESRTCP_BYTES);
    const clearLength = (word & ENCRYPTED) !== 0 ? headerLength : plainLength;
    job.length = plainLength - clearLength;
    packet.counter = word & MAX_SRTCP_INDEX;
    const status = takeRtcpHeader(packet, clearLength);
    store32(job.aad, clearLength, word);
    return status;
  },

  indexToProtect: (_, stream) => stream.window.highest + 1,

  showIndex({ job }, index) {
    store32(job.tail, 0, ENCRYPTED | index);
    store32(job.aad, job.headLength, ENCRYPTED | index);
  },

  indexOf: ({ counter }) => counter,
};

function sequenceOf(header: Uint8Array): number {
  return (header[RTP_SEQUENCE_AT]! << 8) | header[RTP_SEQUENCE_AT + 1]!;
}

function takeRtpHeader(packet: Packet, headerLength: number): number {
  takeClear(packet, headerLength, headerLength);
  return anyRtpHeaderLength(packet.job.aad, packet.length) === headerLength ? 0 : MALFORMED;
}

/** The AAD goes on with the ESRTCP word, for which there is room. */
function takeRtcpHeader(packet: Packet, clearLength: number): number {
  takeClear(packet, clearLength, clearLength + ESRTCP_BYTES);
  return rtcpHeaderLength(packet.job.aad, packet.length) === RTCP_HEADER_BYTES ? 0 : MALFORMED;
}

/** Copies what stays in the clear to where AAD and head begin, and lays out the job around it. */
function takeClear({ job }: Packet, clearLength: number, aadLength: number): void {
  if (job.aad.length < aadLength) job.aad = new Uint8Array(2 * aadLength);
  const { aad, input } = job;
  let i = 0;
  // Four bytes a turn, because a turn costs more than a byte; `set` would need a view.
  for (; i + 4 <= clearLength; i += 4) {
    aad[i] = input[i]!;
    aad[i + 1] = input[i + 1]!;
    aad[i + 2] = input[i + 2]!;
    aad[i + 3] = input[i + 3]!;
  }
  for (; i < clearLength; i++) aad[i] = input[i]!;
  job.aadLength = aadLength;
  job.head = aad;
  job.headLength = job.inputAt = job.outputAt = clearLength;
}
