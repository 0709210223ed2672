/** What stays in the clear, by codec, and what packetizers get: src/webrtc. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODECS, codecOf } from '../../src/webrtc/codecs.js';
import { withEmulationPrevention, withoutEmulationPrevention } from '../../src/webrtc/h264.js';

const bytes = (...values: (number | readonly number[])[]): Uint8Array => Uint8Array.from(values.flat());
const plain = (array: Uint8Array | undefined): number[] => [...(array ?? [])];

/** Bytes in which start codes are common. */
const fewValues = fc.uint8Array({ max: 4, maxLength: 60 });

describe('media types', () => {
  it.each([
    ['audio/opus', 'opus'],
    ['video/VP8', 'vp8'],
    ['video/H264', 'h264'],
    ['video/AV1', 'av1'],
    ['video/VP9', 'vp9'],
    ['video/H265', undefined],
    ['video/constructor', undefined],
    ['', undefined],
  ])('%s', (mimeType, codec) => {
    expect(codecOf(mimeType)).toBe(codec);
  });
});

it.each(['opus', 'vp9'] as const)('%s: nothing is in the clear', (codec) => {
  const frame = bytes(0x82, 0x49, 0x83, 0x42);
  for (const part of [CODECS[codec].toSeal(frame), CODECS[codec].unpack(frame)]) {
    expect([part?.clear, plain(part?.bytes)]).toEqual([0, plain(frame)]);
  }
});

describe('VP8', () => {
  it.each([
    ['a key frame', 0x10, 20, 10],
    ['another frame', 0x11, 20, 3],
    ['the shortest key frame', 0x10, 10, 10],
    ['a key frame without its size', 0x10, 9, undefined],
    ['a frame without its tag', 0x11, 2, undefined],
    ['an empty frame', 0, 0, undefined],
  ])('%s', (_, first, length, clear) => {
    const frame = new Uint8Array(length).fill(7);
    if (length > 0) frame[0] = first;
    expect(CODECS.vp8.toSeal(frame)?.clear).toBe(clear);
    expect(CODECS.vp8.unpack(frame)?.clear).toBe(clear);
  });
});

describe('H.264', () => {
  const SPS = [0, 0, 0, 1, 0x67, 1, 2, 3];
  const PPS = [0, 0, 0, 1, 0x68, 4];
  const SLICE = [0, 0, 0, 1, 0x65];

  it('is in the clear up to the header of the first slice', () => {
    expect(CODECS.h264.toSeal(bytes(SPS, PPS, SLICE, 9, 9, SLICE, 9))?.clear).toBe(
      SPS.length + PPS.length + SLICE.length,
    );
    expect(CODECS.h264.toSeal(bytes(SLICE))?.clear).toBe(SLICE.length);
  });

  it.each([1, 2, 3, 4, 5])('a slice is a NAL unit of type %i', (type) => {
    expect(CODECS.h264.toSeal(bytes(0, 0, 1, 0x60 | type, 9))?.clear).toBe(5);
  });

  it('has no form without a slice', () => {
    const noStartCodes = [bytes(5, 0, 0, 2, 0x65, 9), bytes(0, 5, 1, 0x65, 9), bytes(5, 0, 1, 0x65, 9)];
    // Type 17, of which the lower four bits are those of a slice.
    const otherType = bytes(0, 0, 1, 0x60 | 17, 9);
    for (const frame of [bytes(), bytes(0, 0, 1), bytes(SPS, PPS), otherType, ...noStartCodes]) {
      expect(CODECS.h264.toSeal(frame)).toBeUndefined();
      expect(CODECS.h264.unpack(frame)).toBeUndefined();
    }
  });

  it('gets long start codes, which depacketizers write', () => {
    const part = CODECS.h264.toSeal(bytes(0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 7, 0, 0, 1, 5));
    expect(plain(part?.bytes)).toEqual([
      ...[0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65],
      ...[7, 0, 0, 1, 5],
    ]);
    expect(part?.clear).toBe(16);
  });

  it('emulation prevention leaves no start code, and comes off again', () => {
    fc.assert(
      fc.property(fewValues, fc.nat(8), (content, from) => {
        const start = Math.min(from, content.length);
        const made = withEmulationPrevention(content, start);
        const text = [...made.subarray(start)].join();
        expect(text).not.toMatch(/(^|,)0,0,[012](,|$)/);
        expect(plain(withoutEmulationPrevention(made, start))).toEqual(plain(content));
      }),
    );
  });

  it.each([
    [
      [0, 0, 0, 0, 0, 0, 0],
      [0, 0, 3, 0, 0, 3, 0, 0, 3, 0],
    ],
    [
      [0, 0, 1, 0, 0, 2, 0, 0, 3],
      [0, 0, 3, 1, 0, 0, 3, 2, 0, 0, 3, 3],
    ],
    [
      [0, 0, 4, 0, 1, 0, 0],
      [0, 0, 4, 0, 1, 0, 0],
    ],
  ])('emulation prevention of %j', (content, expected) => {
    const made = withEmulationPrevention(bytes(content), 0);
    expect(plain(made)).toEqual(expected);
    expect(plain(withoutEmulationPrevention(made, 0))).toEqual(content);
  });

  it('a ciphertext of any bytes arrives as it left', () => {
    fc.assert(
      fc.property(fewValues, (ciphertext) => {
        const sealed = bytes(SPS, SLICE, [...ciphertext]);
        const clear = SPS.length + SLICE.length;
        const part = CODECS.h264.unpack(CODECS.h264.pack(sealed, clear));
        expect([part?.clear, plain(part?.bytes)]).toEqual([clear, plain(sealed)]);
      }),
    );
  });
});

describe('AV1', () => {
  const DELIMITER = [0x12, 0];
  const SEQUENCE = [0x0a, 3, 1, 2, 3];
  const FRAME = [0x32, 2, 8, 9];

  it('leaves out the delimiter, and the sequence header in the clear', () => {
    const part = CODECS.av1.toSeal(bytes(DELIMITER, SEQUENCE, FRAME, FRAME));
    expect([part?.clear, plain(part?.bytes)]).toEqual([SEQUENCE.length, [...SEQUENCE, ...FRAME, ...FRAME]]);
    expect(CODECS.av1.toSeal(bytes(DELIMITER, FRAME))?.clear).toBe(0);
  });

  it('is one OBU of type frame on the wire, of any length', () => {
    for (const length of [0, 1, 127, 128, 16_383, 16_384, 70_000]) {
      const sealed = bytes(SEQUENCE, [...new Uint8Array(length).fill(0xff)]);
      const packed = CODECS.av1.pack(sealed, SEQUENCE.length);
      expect(packed[SEQUENCE.length]).toBe(0x32);
      for (const arrived of [packed, bytes(DELIMITER, [...packed])]) {
        const part = CODECS.av1.unpack(arrived);
        expect(part?.clear).toBe(SEQUENCE.length);
        expect(Buffer.compare(part!.bytes, sealed)).toBe(0);
      }
    }
  });

  it('takes an OBU whose size a depacketizer left out, or with an extension', () => {
    expect(plain(CODECS.av1.unpack(bytes(SEQUENCE, 0x30, 5, 6))?.bytes)).toEqual([...SEQUENCE, 5, 6]);
    expect(plain(CODECS.av1.unpack(bytes(0x36, 0x08, 2, 5, 6))?.bytes)).toEqual([5, 6]);
  });

  const NO_UNITS = {
    nothing: [],
    'a delimiter alone': DELIMITER,
    'a sequence header alone': SEQUENCE,
    'no size': [0x32],
    'an OBU that is cut short': [...SEQUENCE, 0x32, 5, 1],
    'the forbidden bit': [0xb2, 0],
    'a size that does not end': [0x32, ...Array(8).fill(0x80)],
    'a size of nine bytes': [0x32, ...Array(8).fill(0x80), 0],
  };

  it.each(Object.entries(NO_UNITS))('refuses %s', (_, frame) => {
    expect(CODECS.av1.toSeal(bytes(frame))).toBeUndefined();
    expect(CODECS.av1.unpack(bytes(frame))).toBeUndefined();
  });

  it.each([
    ['two OBUs', [...FRAME, ...FRAME]],
    ['an OBU of another type', [0x22, 1, 9]],
  ])('what was not packed here is not unpacked: %s', (_, frame) => {
    expect(CODECS.av1.toSeal(bytes(frame))).toBeDefined();
    expect(CODECS.av1.unpack(bytes(frame))).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (frame) => {
        CODECS.av1.toSeal(frame);
        CODECS.av1.unpack(frame);
        CODECS.h264.unpack(frame);
      }),
    );
  });
});
