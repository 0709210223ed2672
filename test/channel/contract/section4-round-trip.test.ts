/** The contract of seal and open, FORMAT.md sections 4 and 5: every length there and back, in place, in any array, and as copies. */
import { describe, expect, test } from 'vitest';
import { BAD_TAG, describe as describeStatus, NO_ROOM, TOO_LARGE } from '../../../src/status.js';
import { concat, Guarded } from '../../support/arrays.js';
import { bytes, expectBytes, GCM_MODES } from '../../support/channel.js';
import { ARRAY_KINDS, ENGINES } from '../../support/engines.js';
import { tooLarge } from './refusals.js';
import {
  channelOf,
  clearBytes,
  dropWarnings,
  inputOf,
  isGcm,
  LENGTHS,
  overheadOf,
  pairOf,
  SETUPS,
  sealedLength,
  TITLE,
  thrown,
  twinSealers,
} from './setups.js';

dropWarnings();

describe.each(SETUPS)(TITLE, (setup) => {
  const clear = clearBytes(setup);

  test('the options show', () => {
    const channel = channelOf(setup);
    const { mode, engine, framing, bindHeader, rtcp } = channel;
    expect({ mode, engine, framing, bindHeader }).toEqual(setup);
    expect(rtcp).toBe(isGcm(setup) ? 'sealed' : 'clear');
    expect(channel.createSealer().overhead).toBe(overheadOf(setup));
  });

  describe('section 4 and 5: a round trip', () => {
    test('of 0 to 64 bytes and up to 1,400: exact lengths, clear header, nothing else written', () => {
      for (const length of LENGTHS) {
        const { sealer, opener } = pairOf(setup);
        const input = inputOf(setup, length);
        const expected = sealedLength(setup, input.length, 0);

        const sealed = new Guarded(expected + 40);
        expect(sealer.seal(input, sealed.bytes)).toBe(expected);
        const frame = sealed.bytes.slice(0, expected);
        expect(sealed.holds(frame)).toBe(true);
        expectBytes(input, inputOf(setup, length));
        expect(expected - input.length).toBeLessThanOrEqual(sealer.overhead);
        expectBytes(frame.subarray(0, clear), input.subarray(0, clear));
        if (length >= 16)
          expect(Buffer.from(frame).includes(Buffer.from(input.subarray(clear, clear + 16)))).toBe(false);

        const opened = new Guarded(expected + 40);
        expect(opener.open(frame, opened.bytes)).toBe(input.length);
        expect(opened.holds(input)).toBe(true);
      }
    });

    test('the exact room is enough, one byte less is NO_ROOM, and no counter is used', () => {
      const [sealer, twin] = twinSealers(setup);
      const { opener } = pairOf(setup);
      for (const length of LENGTHS) {
        const input = inputOf(setup, length);
        const frame = twin.sealCopy(input);
        const short = new Guarded(frame.length - 1);
        expect(sealer.seal(input, short.bytes)).toBe(NO_ROOM);
        expect(short.untouched).toBe(true);
        const exact = new Guarded(frame.length);
        expect(sealer.seal(input, exact.bytes)).toBe(frame.length);
        expect(exact.holds(frame)).toBe(true);

        const room = isGcm(setup) ? input.length : frame.length;
        if (room > 0) {
          const openShort = new Guarded(room - 1);
          expect(opener.open(frame, openShort.bytes)).toBe(NO_ROOM);
          expect(openShort.untouched).toBe(true);
        }
        const openExact = new Guarded(room);
        expect(opener.open(frame, openExact.bytes)).toBe(input.length);
        expect(openExact.holds(input)).toBe(true);
      }
      expect(sealer.senderId).toBe(twin.senderId);
    });

    test('in place: the same bytes as from one array to another', () => {
      const [sealer, twin] = twinSealers(setup);
      const { opener } = pairOf(setup);
      for (const length of LENGTHS) {
        const input = inputOf(setup, length);
        const frame = twin.sealCopy(input);
        const memory = new Guarded(frame.length);
        memory.bytes.set(input);
        // The same start, in turn with an input that is shorter and one that is longer than what counts.
        const view = length % 2 === 0 ? memory.bytes : memory.bytes.subarray(0, input.length);
        expect(sealer.seal(view, memory.bytes, input.length)).toBe(frame.length);
        expect(memory.holds(frame)).toBe(true);

        const out = isGcm(setup) && length % 3 === 0 ? memory.bytes.subarray(0, input.length) : memory.bytes;
        expect(opener.open(memory.bytes, out, frame.length)).toBe(input.length);
        // What lies behind the opened bytes is the rest of the frame, as it was.
        expect(memory.holds(concat(input, frame.subarray(input.length)))).toBe(true);
      }
    });

    test('in place: a refusal leaves the memory as it is', () => {
      const { sealer, opener } = pairOf(setup);
      const input = inputOf(setup, 33);
      const tight = input.slice();
      expect(sealer.seal(tight, tight)).toBe(NO_ROOM);
      expectBytes(tight, input);
      const cut = sealer.sealCopy(input).subarray(0, -1);
      const before = cut.slice();
      expect(opener.open(cut, cut)).toBe(BAD_TAG);
      expectBytes(cut, before);
    });

    test('the length argument: input[0, length) counts, and nothing behind it', () => {
      const [sealer, twin] = twinSealers(setup);
      const { opener } = pairOf(setup);
      const input = inputOf(setup, 100);
      const noise = bytes(50, 3);
      for (const length of [clear, clear + 1, clear + 16, clear + 99, clear + 100]) {
        const frame = twin.sealCopy(input.slice(0, length));
        const out = new Guarded(frame.length + 9);
        expect(sealer.seal(input, out.bytes, length)).toBe(length === 0 && setup.framing === 'rtp' ? -1 : frame.length);
        expect(out.holds(frame)).toBe(true);
        const opened = new Guarded(frame.length + 9);
        expect(opener.open(concat(frame, noise), opened.bytes, frame.length)).toBe(length);
        expect(opened.holds(input.slice(0, length))).toBe(true);
      }
    });

    test.each(ARRAY_KINDS)('takes %s, also at odd offsets', (_, kind) => {
      const [sealer, twin] = twinSealers(setup);
      const { opener } = pairOf(setup);
      for (const offset of [0, 1, 3]) {
        const input = inputOf(setup, 77);
        const frame = twin.sealCopy(input);
        const source = kind(concat(new Uint8Array(offset), input)).subarray(offset);
        const sealed = kind(new Uint8Array(frame.length + offset)).subarray(offset);
        expect(sealer.seal(source, sealed)).toBe(frame.length);
        expectBytes(sealed, frame);
        const opened = kind(new Uint8Array(frame.length + offset)).subarray(offset);
        expect(opener.open(sealed, opened)).toBe(input.length);
        expectBytes(opened.subarray(0, input.length), input);
      }
    });
  });

  describe('copies', () => {
    test('sealCopy and openCopy give new arrays, or throw FrameError with the status', () => {
      const [sealer, twin] = twinSealers(setup);
      const { opener } = pairOf(setup);
      for (const length of [0, 1, 16, 100]) {
        const input = inputOf(setup, length);
        const frame = sealer.sealCopy(input);
        const out = new Uint8Array(input.length + 29);
        expectBytes(frame, out.subarray(0, twin.seal(input, out)));
        expect(frame.buffer.byteLength).toBe(frame.length);
        const opened = opener.openCopy(frame);
        expectBytes(opened, input);
        expect(opened.buffer.byteLength).toBe(opened.length);
      }
      const cut = sealer.sealCopy(inputOf(setup, 20)).subarray(0, -1);
      expect(thrown(() => opener.openCopy(cut))).toMatchObject({ name: 'FrameError', status: BAD_TAG });
      expect(thrown(() => opener.openCopy(cut))).toHaveProperty('message', describeStatus(BAD_TAG));
      expect(thrown(() => sealer.sealCopy(tooLarge(setup, 'seal')))).toMatchObject({ status: TOO_LARGE });
    });
  });
});

test('every mode and every engine is in the table', () => {
  expect(SETUPS).toHaveLength(12 * ENGINES.length);
  expect(GCM_MODES).toHaveLength(2);
});
