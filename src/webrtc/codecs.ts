/**
 * What must stay in the clear of an encoded frame, by codec: what browsers' packetizers, depacketizers and relays look at.
 *
 *     Opus, VP9   nothing: an RTP payload descriptor or nothing at all describes the payload
 *     VP8         the frame tag; of key frames also the start code and the size (RFC 6386 section 9.1). The receiver's
 *                 depacketizer takes the kind of frame from the first byte
 *     H.264       all up to the first slice's NAL unit header: parameter sets too. What is sealed is that NAL unit's payload,
 *                 with emulation prevention, because packetizers look for start codes (h264.ts)
 *     AV1         the sequence header; the rest is sealed into one OBU, because packetizers parse OBUs (av1.ts)
 *
 * All of the clear bytes are authenticated. The rules look at an encoded frame alone, so that no agreement is needed.
 */
import { AV1 } from './av1.js';
import { H264 } from './h264.js';

/** The codecs that have a rule, by the subtype of their media type in lower case. */
export type Codec = 'opus' | 'vp8' | 'vp9' | 'h264' | 'av1';

/** A part of an array: bytes[start, end), of which the first `clear` bytes stay in the clear. */
export interface Part {
  readonly bytes: Uint8Array;
  readonly clear: number;
}

/** What one codec does to a frame on its way; `undefined` for a frame that has not the form of the codec. */
export interface CodecRule {
  /** An encoder's frame as it is to be sealed. */
  toSeal(frame: Uint8Array): Part | undefined;
  /** What was sealed (clear bytes, then ciphertext) as the packetizer takes it. May be the same array. */
  pack(sealed: Uint8Array, clear: number): Uint8Array;
  /** The inverse of `pack`: what a depacketizer gave as it is to be opened. */
  unpack(frame: Uint8Array): Part | undefined;
}

/**
 * A codec whose packetizer minds nothing but the first bytes: `clearBytes` of them. A shorter frame is refused, because sealed it
 * would be longer, and opened with other clear bytes.
 */
function plain(clearBytes: (frame: Uint8Array) => number): CodecRule {
  const part = (bytes: Uint8Array): Part | undefined => {
    const clear = clearBytes(bytes);
    return clear > bytes.length ? undefined : { bytes, clear };
  };
  return { toSeal: part, pack: (sealed) => sealed, unpack: part };
}

const VP8_TAG_BYTES = 3;
const VP8_KEY_FRAME_BYTES = 10;
const isVp8KeyFrame = (frame: Uint8Array): boolean => (frame[0]! & 1) === 0;

export const CODECS: Readonly<Record<Codec, CodecRule>> = {
  opus: plain(() => 0),
  vp9: plain(() => 0),
  vp8: plain((frame) => (isVp8KeyFrame(frame) ? VP8_KEY_FRAME_BYTES : VP8_TAG_BYTES)),
  h264: H264,
  av1: AV1,
};

/** The codec of a media type such as `video/VP8`; undefined for one that has no rule. */
export function codecOf(mimeType: string): Codec | undefined {
  const name = mimeType.slice(mimeType.indexOf('/') + 1).toLowerCase();
  return Object.hasOwn(CODECS, name) ? (name as Codec) : undefined;
}
