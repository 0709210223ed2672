/** What a sealer and an opener refuse, each with its status (FORMAT.md sections 4 to 7), and the check that no state has changed. */
import type { Channel } from '../../../src/channel/channel.js';
import type { Opener } from '../../../src/channel/opener.js';
import {
  BAD_TAG,
  MALFORMED,
  NO_ROOM,
  NOT_RTP,
  OWN_FRAME,
  REPLAYED,
  RTCP,
  TOO_LARGE,
  TOO_OLD,
  UNKNOWN_KEY,
} from '../../../src/status.js';
import { concat } from '../../support/arrays.js';
import { bytes, flipped, rtp } from '../../support/channel.js';
import {
  clearBytes,
  inputOf,
  isGcm,
  MAX_BYTES,
  NO_BYTES,
  overheadOf,
  pairOf,
  type Setup,
  sealAll,
  visible,
} from './setups.js';

const RTCP_PACKET = Uint8Array.of(0x80, 200, 0, 1, 1, 2, 3, 4, 0x81, 202, 0, 0);
/** The first byte of STUN, DTLS, TURN channels, ZRTP; and what borders on 128..191. */
const OTHER_PROTOCOLS = [0, 3, 20, 63, 64, 127, 192, 255];

export interface Refusal {
  readonly name: string;
  readonly status: number;
  readonly packet: Uint8Array;
  /** Bytes that `out` has; as many as the packet where nothing is said. */
  readonly room?: number;
}

/** Packets that no side takes for RTP, under any key. SM4 leaves RTCP in the clear. */
export function rtpRefusals(setup: Setup): Refusal[] {
  const tail = bytes(64, 7);
  return [
    { name: 'a first byte alone', status: MALFORMED, packet: Uint8Array.of(0x80) },
    { name: 'RTP of 11 bytes', status: MALFORMED, packet: rtp(NO_BYTES).subarray(0, 11) },
    { name: 'shorter than its CSRCs', status: MALFORMED, packet: rtp(NO_BYTES, { csrcs: 15 }).subarray(0, 71) },
    { name: 'X without an extension', status: MALFORMED, packet: rtp(NO_BYTES, { extension: 0 }).subarray(0, 15) },
    { name: 'an extension cut short', status: MALFORMED, packet: rtp(NO_BYTES, { extension: 9 }).subarray(0, 51) },
    { name: 'RTCP of 7 bytes', status: MALFORMED, packet: RTCP_PACKET.subarray(0, 7) },
    { name: 'RTCP of 2 bytes', status: MALFORMED, packet: RTCP_PACKET.subarray(0, 2) },
    ...(isGcm(setup) ? [] : rtcpInClear()),
    ...OTHER_PROTOCOLS.map((first) => ({
      name: `a first byte of ${first}`,
      status: NOT_RTP,
      packet: concat([first], tail),
    })),
  ];
}

/** Statuses of RTCP on a channel that leaves RTCP in the clear. */
export function rtcpInClear(): Refusal[] {
  const strange = (first: number, second: number) => concat(RTCP_PACKET, [first, second, 0, 0]);
  return [
    { name: 'RTCP', status: RTCP, packet: RTCP_PACKET },
    { name: 'RTCP of the highest type', status: RTCP, packet: flipped(RTCP_PACKET, 1, 200 ^ 223) },
    { name: 'RTCP of 8 bytes', status: RTCP, packet: RTCP_PACKET.subarray(0, 8) },
    { name: 'RTCP that does not add up', status: NOT_RTP, packet: RTCP_PACKET.subarray(0, 11) },
    {
      name: 'a second byte of 192 that does not add up',
      status: NOT_RTP,
      packet: concat([0x80, 192, 0, 9], bytes(64, 7)),
    },
    { name: 'a part of another version', status: NOT_RTP, packet: strange(0x41, 203) },
    { name: 'a part of another type', status: NOT_RTP, packet: strange(0x81, 111) },
  ];
}

/** Frames that an opener has seen, or will see, and refusals made of them. */
export interface Material {
  readonly setup: Setup;
  readonly sealed: readonly Uint8Array[];
  readonly own: Uint8Array;
}

export const FRAMES = 140;
export const WINDOW = 64;
/** Opened before the refusals: the window ends at 120, and frame 56 is the first behind it. */
export const SEEN = [0, 1, 3, 100, 60, 120, 119, 57];
/** Not opened yet, and still in the window. */
export const WAITING = 118;

export function material(setup: Setup): Material & { receiving: Channel } {
  const { sealer, receiving } = pairOf(setup, { replayWindow: WINDOW });
  const sealed = sealAll(
    sealer,
    Array.from({ length: FRAMES }, (_, i) => inputOf(setup, 20, i)),
  );
  return { setup, sealed, own: receiving.createSealer().sealCopy(inputOf(setup, 20)), receiving };
}

export function refusals({ setup, sealed, own }: Material): Refusal[] {
  const genuine = sealed[WAITING]!;
  const at = clearBytes(setup);
  const bare = { name: 'an empty input', status: MALFORMED, packet: NO_BYTES };
  const large = { name: 'a byte too many', status: TOO_LARGE, packet: tooLarge(setup, 'open'), room: 100 };
  const common = [bare, large, ...(setup.framing === 'rtp' ? rtpRefusals(setup) : [])];
  if (!isGcm(setup)) {
    const clear = genuine.subarray(0, at);
    return [
      ...common,
      ...(at > 0 ? [{ name: 'no block', status: BAD_TAG, packet: clear }] : []),
      { name: 'part of a block', status: BAD_TAG, packet: genuine.subarray(0, -1) },
      { name: 'no room', status: NO_ROOM, packet: genuine, room: genuine.length - 1 },
      { name: 'no room for part of a block', status: NO_ROOM, packet: genuine.subarray(0, -1), room: 0 },
    ];
  }
  const sframe = (name: string, status: number, header: readonly number[], tail = bytes(40, 8)): Refusal => ({
    name,
    status,
    packet: concat(genuine.subarray(0, at), header, tail),
  });
  const opened = genuine.length - 26;
  return [
    ...common,
    sframe('no SFrame header', MALFORMED, [], NO_BYTES),
    sframe('a KID below 8 in a byte of its own', MALFORMED, [0x80, 7]),
    sframe('a KID that begins with zero', MALFORMED, [0x90, 0, 10]),
    sframe('a KID of 8 bytes that begins with zero', MALFORMED, [0xf0, 0, 1, 2, 3, 4, 5, 6, 7]),
    sframe('a CTR below 8 in a byte of its own', MALFORMED, [0x38, 7]),
    sframe('a CTR that begins with zero', MALFORMED, [0x39, 0, 8]),
    sframe('a CTR of 2^53', MALFORMED, [0x3e, 0x20, 0, 0, 0, 0, 0, 0]),
    sframe('a CTR of 8 bytes', MALFORMED, [0x3f, 1, 0, 0, 0, 0, 0, 0, 0]),
    sframe('a KID cut short', MALFORMED, [0xf0, 1, 2, 3, 4, 5, 6, 7], NO_BYTES),
    sframe('a CTR cut short', MALFORMED, [0x3f, 1, 2, 3, 4, 5, 6, 7], NO_BYTES),
    sframe('no room for a tag', MALFORMED, [0x30], bytes(15)),
    sframe('another keyId', UNKNOWN_KEY, [0xf0, 0x41, 2, 3, 4, 5, 6, 7, 8]),
    sframe('a short KID, which has keyId 0', UNKNOWN_KEY, [0x30]),
    sframe('a made-up KID', BAD_TAG, [0xf0, 0x31, 2, 3, 4, 5, 6, 7, 8]),
    sframe('a made-up KID with a tag alone', BAD_TAG, [0xf0, 0x31, 2, 3, 4, 5, 6, 7, 9], bytes(16)),
    { name: 'the frame opened first', status: TOO_OLD, packet: sealed[0]! },
    { name: 'a frame just behind the window', status: TOO_OLD, packet: sealed[56]! },
    { name: 'the last frame in the window again', status: REPLAYED, packet: sealed[57]! },
    { name: 'the newest frame again', status: REPLAYED, packet: sealed[120]! },
    { name: 'a forged copy of a frame opened before', status: REPLAYED, packet: flipped(sealed[119]!, -1) },
    { name: 'a forged frame behind the window', status: TOO_OLD, packet: flipped(sealed[2]!, -1) },
    { name: 'a wrong bit in the tag', status: BAD_TAG, packet: flipped(genuine, -1) },
    { name: 'a wrong bit in the payload', status: BAD_TAG, packet: flipped(genuine, -20, 0x80) },
    { name: 'the next CTR on an old frame', status: BAD_TAG, packet: flipped(genuine, at + 9, 118 ^ 121) },
    { name: 'a CTR far ahead', status: BAD_TAG, packet: flipped(genuine, at + 9, 0x80) },
    { name: 'a byte too few', status: BAD_TAG, packet: genuine.subarray(0, -1) },
    { name: 'a byte too many at the end', status: BAD_TAG, packet: concat(genuine, [0]) },
    { name: 'no room', status: NO_ROOM, packet: genuine, room: opened - 1 },
    { name: 'no room for a forged frame', status: NO_ROOM, packet: flipped(genuine, -1), room: opened - 1 },
    { name: 'no room at all', status: NO_ROOM, packet: genuine, room: 0 },
    { name: 'a frame of the channel itself', status: OWN_FRAME, packet: own },
    { name: 'a forged frame of the channel itself', status: OWN_FRAME, packet: flipped(own, -1) },
  ];
}

/** Zeros: NOT_RTP with framing 'rtp', where TOO_LARGE does not come first. */
export const largest = new Uint8Array(MAX_BYTES.frame + 30);

export function tooLarge(setup: Setup, direction: 'seal' | 'open'): Uint8Array {
  const overhead = direction === 'seal' ? 0 : overheadOf(setup);
  return largest.subarray(0, MAX_BYTES[setup.framing] + overhead + 1);
}

/** Opens all frames, backwards and then forwards: the results show every bit of the replay window. */
export function probe(opener: Opener, sealed: readonly Uint8Array[]): unknown[] {
  const seen: unknown[] = [];
  const out = new Uint8Array(sealed[0]!.length + 8);
  const indices = [...sealed.keys()];
  indices.push(...[...indices].reverse(), ...indices);
  for (const i of indices) seen.push(opener.open(sealed[i]!, out), opener.lastSenderId);
  return [...seen, visible(opener)];
}
