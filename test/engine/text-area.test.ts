/** Copies from callers' arrays into an engine's memory: right wherever the frame lies, and bounded. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameJob } from '../../src/engine/engine.js';
import { SPARE_BYTES, TextArea } from '../../src/engine/text-area.js';
import { sample } from '../support/engines.js';

const BEFORE_BYTES = 128;
const AT = 4096;
const NOISE = sample('text area', 140_000);

/** A memory with a text area for texts of `room` bytes in its middle. */
function newArea(room: number): { memory: Uint8Array; area: TextArea; end: number } {
  const end = AT + room + SPARE_BYTES;
  const memory = new Uint8Array(end + 4096).fill(0xa5);
  return { memory, area: new TextArea(memory, AT, BEFORE_BYTES, end), end };
}

function check(input: Uint8Array, at: number, length: number, room = length): void {
  const { memory, area, end } = newArea(room);
  area.put(input, at, length);
  const copied = memory.subarray(AT, AT + length);
  expect(Buffer.compare(copied, NOISE.subarray(at, at + length)), `${length} at ${at} of ${input.length}`).toBe(0);
  const outside = [memory.subarray(0, AT - BEFORE_BYTES), memory.subarray(end)];
  expect(outside.every((bytes) => bytes.every((byte) => byte === 0xa5))).toBe(true);
}

describe('put', () => {
  it.each([0, 600, 2048, 65_536])(
    'every offset within a window and its borders, in an array of %i bytes more',
    (more) => {
      for (let at = 0; at < 300; at++) {
        for (const length of [0, 1, 63, 64, 65, 512, 960, 961, 1024, 1025]) {
          check(new Uint8Array(NOISE.subarray(0, at + length + more)), at, length);
        }
      }
    },
  );

  it('any place of one array, again and again, in areas large and small', () => {
    const array = new Uint8Array(NOISE);
    const place = fc.record({
      at: fc.nat(120_000),
      length: fc.oneof(fc.nat(2000), fc.nat(17_000), fc.constantFrom(1023, 1024, 2048, 16_384, 16_400, 16_512)),
      more: fc.constantFrom(0, 100, 20_000),
    });
    fc.assert(
      fc.property(place, ({ at, length, more }) => {
        check(array, at, length, length + more);
      }),
      { numRuns: 800 },
    );
  });

  it('a view with an offset of its own, and one on shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(9000), 333, 8000);
    shared.set(NOISE.subarray(0, 8000));
    const view = new Uint8Array(Uint8Array.from([1, 2, 3, ...NOISE.subarray(0, 8000)]).buffer, 3);
    for (const array of [shared, view]) for (const at of [0, 1, 129, 700, 6900]) check(array, at, 1000);
  });

  it('an array whose memory went, shrank and grew meanwhile', () => {
    type Resizable = ArrayBuffer & { resize(bytes: number): void };
    const buffer = new (ArrayBuffer as unknown as new (bytes: number, options: object) => Resizable)(9000, {
      maxByteLength: 20_000,
    });
    const array = new Uint8Array(buffer);
    array.set(NOISE.subarray(0, 9000));
    // In an area that has room for windows, and in one that has none.
    const checkAt = (at: number, length: number) => {
      check(array, at, length);
      check(array, at, length, 5000);
    };
    checkAt(3000, 200);
    buffer.resize(3200);
    checkAt(3000, 200);
    buffer.resize(3100);
    checkAt(3000, 100);
    buffer.resize(20_000);
    array.set(NOISE.subarray(0, 20_000));
    checkAt(3000, 900);
    checkAt(18_000, 2000);
  });

  it('arrays too long for windows: a view for a copy', () => {
    const long = new Uint8Array(3_000_000);
    long.set(NOISE);
    for (const at of [0, 5000, 100_001]) check(long, at, 1200);
  });
});

describe('commit', () => {
  const TAIL = Uint8Array.of(1, 2, 3, 4);

  function committed(written: number, headLength: number, tailLength: number): { output: Uint8Array; job: FrameJob } {
    const { memory, area } = newArea(1000);
    memory.set(NOISE.subarray(0, 1000), AT);
    const job = new FrameJob();
    const output = new Uint8Array(200).fill(0xa5);
    const head = { head: NOISE.subarray(2000), headAt: 3, headLength };
    Object.assign(job, { ...head, tail: TAIL, tailLength, output, outputAt: 20 + headLength });
    area.commit(job, written);
    return { output, job };
  }

  it('writes head, text and tail, of any length, and nothing else', () => {
    for (let headLength = 0; headLength < 20; headLength++) {
      for (const written of [0, 1, 100]) {
        const tail = TAIL.subarray(0, headLength % 5);
        const { output, job } = committed(written, headLength, tail.length);
        const result = [...NOISE.subarray(2003, 2003 + headLength), ...NOISE.subarray(0, written), ...tail];
        expect([...output.subarray(20, 20 + result.length)]).toEqual(result);
        expect(output.fill(0xa5, 20, 20 + result.length).every((byte) => byte === 0xa5)).toBe(true);
        expect(job.written).toBe(written);
      }
    }
  });

  it('writes nothing where the text does not fit', () => {
    const { area } = newArea(1000);
    const job = new FrameJob();
    const output = new Uint8Array(50).fill(0xa5);
    Object.assign(job, { head: NOISE, headLength: 10, output, outputAt: 10, written: -1 });
    expect(() => area.commit(job, 41)).toThrow(RangeError);
    // Here the tail alone would fit.
    Object.assign(job, { headLength: 0, tail: TAIL, tailLength: 4, outputAt: -1 });
    expect(() => area.commit(job, 20)).toThrow(RangeError);
    expect(output.every((byte) => byte === 0xa5)).toBe(true);
    expect(job.written).toBe(-1);
  });
});

describe('wipe', () => {
  it('zeroes the text, and nothing else', () => {
    const { memory, area } = newArea(1000);
    area.wipe(100);
    expect(memory.subarray(AT, AT + 100).every((byte) => byte === 0)).toBe(true);
    expect(memory[AT - 1]! & memory[AT + 100]!).toBe(0xa5);
  });
});
