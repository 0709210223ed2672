/**
 * H.264 frames in the byte stream format (ITU-T H.264 Annex B), sealed from the first slice's payload on.
 *
 *     00 00 00 01 SPS  00 00 00 01 PPS  00 00 00 01 header | payload ...        as it was encoded
 *     |<------------------- in the clear ----------------->| ciphertext, with emulation prevention
 *
 * Packetizers cut the stream at start codes, 00 00 01, and write another one in place of it: a ciphertext with these three
 * bytes would arrive changed. Emulation prevention (section 7.4.1) puts 03 after two zeros where a byte of 00 to 03 follows.
 * Needs packetization mode 1: mode 0 has no fragments.
 */
import type { CodecRule, Part } from './codecs.js';

const FIRST_SLICE = 1;
const LAST_SLICE = 5;
const TYPE_MASK = 31;
const EMULATION_PREVENTION = 3;

/** Where the payload of the first slice begins (types 1 to 5, ITU-T H.264 table 7-1), or -1 where there is none. */
function firstPayload(stream: Uint8Array): number {
  for (let at = 3; at < stream.length; at++) {
    if (stream[at - 1] !== 1 || stream[at - 2] !== 0 || stream[at - 3] !== 0) continue;
    const type = stream[at]! & TYPE_MASK;
    if (type >= FIRST_SLICE && type <= LAST_SLICE) return at + 1;
  }
  return -1;
}

function part(bytes: Uint8Array): Part | undefined {
  const clear = firstPayload(bytes);
  return clear < 0 ? undefined : { bytes, clear };
}

/** The same stream with start codes of four bytes in its clear part, as depacketizers write them: what is in the clear arrives unchanged. */
function withLongStartCodes({ bytes, clear }: Part): Part {
  const added: number[] = [];
  for (let at = 2; at < clear; at++) {
    if (bytes[at] === 1 && bytes[at - 1] === 0 && bytes[at - 2] === 0 && bytes[at - 3] !== 0) added.push(at - 2);
  }
  if (added.length === 0) return { bytes, clear };
  const result = new Uint8Array(bytes.length + added.length);
  let from = 0;
  for (const [i, at] of added.entries()) {
    result.set(bytes.subarray(from, at), from + i);
    from = at;
  }
  result.set(bytes.subarray(from), from + added.length);
  return { bytes: result, clear: clear + added.length };
}

/** bytes[from, ...) with emulation prevention, after what stands before. */
export function withEmulationPrevention(bytes: Uint8Array, from: number): Uint8Array {
  const result = new Uint8Array(bytes.length + ((bytes.length - from) >>> 1));
  result.set(bytes.subarray(0, from));
  let zeros = 0;
  let to = from;
  for (let i = from; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (zeros === 2 && byte <= EMULATION_PREVENTION) {
      result[to++] = EMULATION_PREVENTION;
      zeros = 0;
    }
    result[to++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return result.subarray(0, to);
}

/** The inverse: bytes[from, ...) without the bytes that emulation prevention put there. */
export function withoutEmulationPrevention(bytes: Uint8Array, from: number): Uint8Array {
  const result = bytes.slice();
  let zeros = 0;
  let to = from;
  for (let i = from; i < bytes.length; i++) {
    const byte = bytes[i]!;
    const isExtra = zeros === 2 && byte === EMULATION_PREVENTION;
    if (!isExtra) result[to++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return result.subarray(0, to);
}

export const H264: CodecRule = {
  toSeal(frame) {
    const found = part(frame);
    return found && withLongStartCodes(found);
  },
  pack: withEmulationPrevention,
  unpack(frame) {
    const found = part(frame);
    return found && { bytes: withoutEmulationPrevention(frame, found.clear), clear: found.clear };
  },
};
