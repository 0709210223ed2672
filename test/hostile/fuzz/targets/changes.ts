/** Changes to a frame, as of a bad path or an attacker. */
import { concat } from '../../../support/arrays.js';
import type { Reader } from '../reader.js';
import { rtpVerdict } from './rtp.js';

const INTERESTING = [0x00, 0x01, 0x07, 0x08, 0x7f, 0x80, 0x88, 0x90, 0xf0, 0xf8, 0xff];
/** Bytes at either end of a frame that a sweep changes. */
const SWEPT_BYTES = 40;

/** Where the SFrame header begins, if the frame is RTP; or 0. */
function sframeAt(bytes: Uint8Array): number {
  const clear = rtpVerdict(bytes);
  return typeof clear === 'number' ? clear : 0;
}

/** A place in the frame: near the start, in the SFrame header, near the end, or anywhere. */
function placeIn(bytes: Uint8Array, reader: Reader): number {
  const from = reader.byte();
  const near = from >>> 2;
  const places = [near, sframeAt(bytes) + (near & 31), bytes.length - 1 - near, near * 31];
  return Math.max(0, Math.min(bytes.length - 1, places[from & 3]!));
}

type Change = (bytes: Uint8Array, earlier: readonly Uint8Array[], reader: Reader) => Uint8Array;

const CHANGES: readonly Change[] = [
  (bytes, _, reader) => {
    if (bytes.length > 0) bytes[placeIn(bytes, reader)]! ^= 1 << reader.below(8);
    return bytes;
  },
  (bytes, _, reader) => {
    if (bytes.length > 0) bytes[placeIn(bytes, reader)] = reader.pick(INTERESTING);
    return bytes;
  },
  (bytes, _, reader) => {
    if (bytes.length > 0) bytes[placeIn(bytes, reader)] = reader.byte();
    return bytes;
  },
  // Truncated.
  (bytes, _, reader) => bytes.slice(0, placeIn(bytes, reader)),
  // Longer.
  (bytes, _, reader) => concat(bytes, reader.bytes(1 + reader.below(20))),
  // Bytes inserted or removed.
  (bytes, _, reader) => {
    const at = placeIn(bytes, reader);
    return concat(bytes.subarray(0, at), reader.bytes(reader.below(9)), bytes.subarray(at + reader.below(9)));
  },
  // An earlier frame, unchanged.
  (bytes, earlier, reader) => earlier[earlier.length - 1 - reader.below(earlier.length || 1)]?.slice() ?? bytes,
  // The front of one and the rest of another.
  (bytes, earlier, reader) => {
    const other = earlier[earlier.length - 1 - reader.below(earlier.length || 1)] ?? bytes;
    const at = placeIn(bytes, reader);
    return concat(bytes.subarray(0, at), other.subarray(at));
  },
  // The SFrame header of the input's choice.
  (bytes, _, reader) => {
    const at = sframeAt(bytes);
    return concat(bytes.subarray(0, at), reader.bytes(1 + reader.below(18)), bytes.subarray(at + 1 + reader.below(18)));
  },
  // Bytes that are no frame.
  (_bytes, _, reader) => reader.bytes(reader.below(80)),
];

/** A changed copy; quite often unchanged. */
export function changesOf(frame: Uint8Array, earlier: readonly { bytes: Uint8Array }[], reader: Reader): Uint8Array {
  const seen = earlier.map(({ bytes }) => bytes);
  let bytes: Uint8Array = frame.slice();
  for (let i = reader.pick([0, 0, 1, 3]); i > 0; i--) bytes = reader.pick(CHANGES)(bytes, seen, reader);
  return bytes;
}

/** Every bit flipped, every length cut to, or every byte given one value; one at a time, and the frame itself last. */
export function sweepOf(frame: Uint8Array, reader: Reader): Uint8Array[] {
  const places = [...frame.keys()].filter((at) => at < SWEPT_BYTES || at >= frame.length - SWEPT_BYTES);
  const changed = (at: number, byte: number) => {
    const copy = frame.slice();
    copy[at] = byte;
    return copy;
  };
  const sweeps = [
    () => places.flatMap((at) => Array.from({ length: 8 }, (_, bit) => changed(at, frame[at]! ^ (1 << bit)))),
    () => places.map((at) => frame.slice(0, at)),
    () => {
      const byte = reader.byte();
      return places.map((at) => changed(at, byte));
    },
  ];
  return [...reader.pick(sweeps)(), frame.slice()];
}
