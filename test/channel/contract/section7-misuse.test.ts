/** The contract of seal and open, FORMAT.md section 7: misuse throws, what is closed stays closed, and what is counted. */
import { describe, expect, test } from 'vitest';
import { FrameError } from '../../../src/frames/error.js';
import { BAD_TAG, CLOSED, MALFORMED } from '../../../src/status.js';
import { Guarded } from '../../support/arrays.js';
import { config, expectBytes, flipped, KID, kidText } from '../../support/channel.js';
import { mistyped, NOT_BYTES } from '../../support/engines.js';
import {
  clearBytes,
  dropWarnings,
  inputOf,
  isGcm,
  NO_BYTES,
  pairOf,
  SETUPS,
  sealAll,
  TITLE,
  twinSealers,
} from './setups.js';

dropWarnings();

describe.each(SETUPS)(TITLE, (setup) => {
  const clear = clearBytes(setup);

  describe('section 7: misuse throws', () => {
    test('what is not a Uint8Array', () => {
      const [sealer, twin] = twinSealers(setup);
      const { opener } = pairOf(setup);
      const input = inputOf(setup, 20);
      const frame = twin.sealCopy(input);
      const out = new Guarded(200);
      for (const wrong of NOT_BYTES) {
        expect(() => sealer.seal(mistyped(wrong), out.bytes)).toThrow(TypeError);
        expect(() => sealer.seal(input, mistyped(wrong))).toThrow(TypeError);
        expect(() => opener.open(mistyped(wrong), out.bytes)).toThrow(TypeError);
        expect(() => opener.open(frame, mistyped(wrong))).toThrow(TypeError);
        expect(() => sealer.sealCopy(mistyped(wrong))).toThrow(TypeError);
        expect(() => opener.openCopy(mistyped(wrong))).toThrow(TypeError);
      }
      expect(out.untouched).toBe(true);
      expectBytes(sealer.sealCopy(input), frame);
      expectBytes(opener.openCopy(frame), input);
    });

    test('a length that is no integer, or out of range', () => {
      const [sealer, twin] = twinSealers(setup);
      const { opener } = pairOf(setup);
      const input = inputOf(setup, 20);
      const frame = twin.sealCopy(input);
      const out = new Guarded(200);
      for (const length of [-1, 1.5, 1e9, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY, null, '5', {}, 5n]) {
        expect(() => sealer.seal(input, out.bytes, mistyped(length)), String(length)).toThrow(RangeError);
        expect(() => opener.open(frame, out.bytes, mistyped(length)), String(length)).toThrow(RangeError);
      }
      expect(() => sealer.seal(input, out.bytes, input.length + 1)).toThrow(RangeError);
      expect(() => opener.open(frame, out.bytes, frame.length + 1)).toThrow(RangeError);
      expect(out.untouched).toBe(true);
      expectBytes(sealer.sealCopy(input), frame);
      expectBytes(opener.openCopy(frame), input);
    });

    test('a clear that is no integer of 0 or more', () => {
      const [sealer, twin] = twinSealers(setup);
      const { opener } = pairOf(setup);
      const input = inputOf(setup, 20);
      const frame = twin.sealCopy(input);
      const out = new Guarded(200);
      for (const wrong of [-1, 0.5, 2 ** 31 + 0.5, Number.NaN, Number.POSITIVE_INFINITY, null, '5', {}, 5n, true]) {
        expect(() => sealer.seal(input, out.bytes, undefined, mistyped(wrong)), String(wrong)).toThrow(RangeError);
        expect(() => opener.open(frame, out.bytes, undefined, mistyped(wrong)), String(wrong)).toThrow(RangeError);
        expect(() => opener.openCopy(frame, mistyped(wrong)), String(wrong)).toThrow(RangeError);
      }
      // More than any frame has is no misuse.
      for (const many of [21, 2 ** 31, 2 ** 32, 2 ** 52, Number.MAX_VALUE]) {
        expect(sealer.seal(input, out.bytes, undefined, many)).toBe(MALFORMED);
        expect(opener.open(frame, out.bytes, undefined, many + 26)).toBe(MALFORMED);
      }
      expect(out.untouched).toBe(true);
      expect(sealer.seal(input, out.bytes, undefined, -0)).toBe(frame.length);
      expectBytes(opener.openCopy(frame), input);
    });

    test('an out that overlaps the input in part', () => {
      const [sealer, twin] = twinSealers(setup);
      const { opener } = pairOf(setup);
      const input = inputOf(setup, 37);
      const start = 400;
      /** Calls with input at `start` and an out of exactly `written` bytes at each distance. */
      const sweep = (call: (source: Uint8Array, out: Uint8Array) => number, source: Uint8Array, written: number) => {
        for (let distance = -written; distance <= source.length; distance++) {
          if (distance === 0) continue;
          const memory = new Uint8Array(1000).fill(1);
          memory.set(source, start);
          const before = memory.slice();
          const view = memory.subarray(start, start + source.length);
          const out = memory.subarray(start + distance, start + distance + written);
          if (distance === -written || distance === source.length) {
            expect(call(view, out)).toBe(written);
          } else {
            expect(() => call(view, out), `distance ${distance}`).toThrow(RangeError);
            expectBytes(memory, before);
          }
        }
      };
      const first = twin.sealCopy(input);
      sweep((view, out) => sealer.seal(view, out), input, first.length);
      // Two calls went through, and those that threw used no counter.
      twin.sealCopy(input);
      const frame = twin.sealCopy(input);
      expectBytes(sealer.sealCopy(input), frame);
      // SM4 has no replay protection: there the frame itself opens twice. It asks for the room of its padding.
      const arriving = isGcm(setup) ? flipped(frame, clear + 20) : frame;
      const room = isGcm(setup) ? input.length : frame.length;
      const opens = (view: Uint8Array, out: Uint8Array) => {
        expect(opener.open(view, out)).toBe(isGcm(setup) ? BAD_TAG : input.length);
        return room;
      };
      sweep(opens, arriving, room);
      expectBytes(opener.openCopy(frame), input);
    });
  });

  describe('section 7: CLOSED', () => {
    test('after a sealer or an opener is closed; the others go on', () => {
      const { sealer, opener, sending, receiving } = pairOf(setup);
      const input = inputOf(setup, 20);
      const frame = sealer.sealCopy(input);
      const out = new Guarded(200);
      for (let twice = 0; twice < 2; twice++) {
        sealer.close();
        opener.close();
        expect(sealer.seal(input, out.bytes)).toBe(CLOSED);
        expect(opener.open(frame, out.bytes)).toBe(CLOSED);
      }
      expect(out.untouched).toBe(true);
      expectBytes(receiving.createOpener().openCopy(sending.createSealer().sealCopy(input)), input);
    });

    test('after the channel is closed: sealers, openers, batches and copies; no call throws but those that make something', () => {
      const { sealer, opener, sending, receiving } = pairOf(setup);
      const input = inputOf(setup, 20);
      const frame = sealer.sealCopy(input);
      expectBytes(opener.openCopy(frame), input);
      for (let twice = 0; twice < 2; twice++) {
        sending.close();
        receiving.close();
      }
      const out = new Guarded(200);
      expect(sealer.seal(input, out.bytes)).toBe(CLOSED);
      expect(opener.open(frame, out.bytes)).toBe(CLOSED);
      expect(sealer.seal(NO_BYTES, NO_BYTES)).toBe(CLOSED);
      expect(opener.open(NO_BYTES, NO_BYTES)).toBe(CLOSED);
      const results = new Int32Array(2);
      expect(sealer.sealBatch([input, input], [out.bytes, out.bytes], results)).toBe(0);
      expect([...results]).toEqual([CLOSED, CLOSED]);
      expect(opener.openBatch([frame, frame], [out.bytes, out.bytes], results.fill(0))).toBe(0);
      expect([...results]).toEqual([CLOSED, CLOSED]);
      expect(out.untouched).toBe(true);
      expect(() => sealer.sealCopy(input)).toThrow(FrameError);
      expect(() => opener.openCopy(frame)).toThrow(FrameError);
      expect(() => sending.createSealer()).toThrow('closed');
      expect(() => receiving.createOpener()).toThrow('closed');
      expect(() => sending.rotate(config('AES_128_GCM2', 9))).toThrow('closed');
      sealer.close();
      opener.close();
      expect(opener.stats).toMatchObject({ frames: 1, senders: 0 });
      expect(opener.lastSenderId).toBe(isGcm(setup) ? `3${kidText(KID).slice(1)}` : '');
    });
  });

  test('stats count frames, bytes and refusals; senderId and lastSenderId are KIDs', () => {
    const { sealer, opener } = pairOf(setup);
    expect(sealer.stats).toEqual({ frames: 0, bytesIn: 0, bytesOut: 0, refused: {} });
    expect(opener.stats).toEqual({ frames: 0, bytesIn: 0, bytesOut: 0, refused: {}, senders: 0 });
    expect(opener.lastSenderId).toBe('');
    const inputs = [10, 20, 30].map((length) => inputOf(setup, length));
    const frames = sealAll(sealer, inputs);
    const total = (arrays: Uint8Array[]) => arrays.reduce((sum, { length }) => sum + length, 0);
    sealer.seal(inputs[0]!, NO_BYTES);
    sealer.seal(inputs[0]!, NO_BYTES);
    const [bytesIn, bytesOut] = [total(inputs), total(frames)];
    expect(sealer.stats).toEqual({ frames: 3, bytesIn, bytesOut, refused: { NO_ROOM: 2 } });

    for (const frame of frames) opener.openCopy(frame);
    opener.open(NO_BYTES, NO_BYTES);
    const counted = { frames: 3, bytesIn: bytesOut, bytesOut: bytesIn, refused: { MALFORMED: 1 } };
    expect(opener.stats).toEqual({ ...counted, senders: isGcm(setup) ? 1 : 0 });
    const id = isGcm(setup) ? `3${kidText(KID).slice(1)}` : '';
    expect([sealer.senderId, opener.lastSenderId]).toEqual([id, id]);
  });
});
