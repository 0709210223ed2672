/**
 * AV1 temporal units (AV1 Bitstream and Decoding Process Specification, section 5.3), sealed behind the sequence header.
 *
 *     temporal delimiter | sequence header | frame header, tile groups, frames, metadata ...        as it was encoded
 *     left out           | in the clear    | 0x32, size, ciphertext: one OBU of type "frame"
 *
 * Packetizers parse OBUs and drop the delimiter, so it is left out here; a decoder does not need one. A unit has a sequence
 * header where it begins with a key frame.
 */
import type { CodecRule } from './codecs.js';

const SEQUENCE_HEADER = 1;
const TEMPORAL_DELIMITER = 2;
const FRAME = 6;
const EXTENSION_FLAG = 4;
const SIZE_FLAG = 2;
const FRAME_WITH_SIZE = (FRAME << 3) | SIZE_FLAG;
const LONGEST_SIZE_BYTES = 8;

/** One OBU: bytes[start, end), with its payload from `payload` on. */
interface Obu {
  readonly type: number;
  readonly payload: number;
  readonly end: number;
}

/** The OBU at bytes[start, ...); undefined where that is none. */
function obuAt(bytes: Uint8Array, start: number): Obu | undefined {
  const header = bytes[start];
  if (header === undefined || (header & 0x80) !== 0) return undefined;
  const type = (header >>> 3) & 15;
  let at = start + ((header & EXTENSION_FLAG) === 0 ? 1 : 2);
  if ((header & SIZE_FLAG) === 0) return at > bytes.length ? undefined : { type, payload: at, end: bytes.length };
  // leb128 (section 4.10.5).
  let size = 0;
  for (let i = 0; i < LONGEST_SIZE_BYTES; i++) {
    const byte = bytes[at++];
    if (byte === undefined) return undefined;
    size += (byte & 0x7f) * 2 ** (7 * i);
    if ((byte & 0x80) === 0) return at + size > bytes.length ? undefined : { type, payload: at, end: at + size };
  }
  return undefined;
}

/** Where what is sealed begins, and where the sequence header does: behind delimiters. undefined where bytes are no OBUs. */
function boundaries(bytes: Uint8Array): { start: number; sealed: number } | undefined {
  let start = 0;
  let obu = obuAt(bytes, 0);
  for (; obu?.type === TEMPORAL_DELIMITER; obu = obuAt(bytes, start)) start = obu.end;
  let sealed = start;
  for (; obu?.type === SEQUENCE_HEADER; obu = obuAt(bytes, sealed)) sealed = obu.end;
  return obu === undefined ? undefined : { start, sealed };
}

function leb128(value: number): number[] {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

export const AV1: CodecRule = {
  toSeal(frame) {
    const found = boundaries(frame);
    return found && { bytes: frame.subarray(found.start), clear: found.sealed - found.start };
  },
  pack(sealed, clear) {
    const head = [FRAME_WITH_SIZE, ...leb128(sealed.length - clear)];
    const packed = new Uint8Array(sealed.length + head.length);
    packed.set(sealed.subarray(0, clear));
    packed.set(head, clear);
    packed.set(sealed.subarray(clear), clear + head.length);
    return packed;
  },
  unpack(frame) {
    const found = boundaries(frame);
    const obu = found && obuAt(frame, found.sealed);
    if (found === undefined || obu?.type !== FRAME || obu.end !== frame.length) return undefined;
    const clear = found.sealed - found.start;
    const bytes = new Uint8Array(clear + obu.end - obu.payload);
    bytes.set(frame.subarray(found.start, found.sealed));
    bytes.set(frame.subarray(obu.payload), clear);
    return { bytes, clear };
  },
};
