/**
 * The contract of seal and open: one suite for every engine, mode, framing and bindHeader (FORMAT.md sections 4 to 7).
 */
import fc from 'fast-check';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../src/channel/channel.js';
import type { KnownMode } from '../../src/channel/config.js';
import type { GcmMode } from '../../src/channel/keys.js';
import type { Framing } from '../../src/channel/layout.js';
import type { Opener } from '../../src/channel/opener.js';
import type { Sealer } from '../../src/channel/sealer.js';
import { FrameError } from '../../src/frames/error.js';
import * as statuses from '../../src/status.js';
import {
  BAD_TAG,
  BUSY,
  CLOSED,
  describe as describeStatus,
  MALFORMED,
  NO_ROOM,
  NOT_RTP,
  OWN_FRAME,
  REPLAYED,
  RTCP,
  TOO_LARGE,
  TOO_OLD,
  UNFINISHED,
  UNKNOWN_KEY,
} from '../../src/status.js';
import { concat, Guarded } from '../support/arrays.js';
import {
  bytes,
  config,
  countedSessions,
  expectBytes,
  flipped,
  GCM_MODES,
  KID,
  kidText,
  MODES,
  type Pair,
  pair,
  type RtpFields,
  referenceSeal,
  rtp,
  sessions,
} from '../support/channel.js';
import { ARRAY_KINDS, ENGINES, mistyped, NOT_BYTES } from '../support/engines.js';
import { sframeHeader } from '../support/sframe.js';

interface Setup {
  readonly engine: (typeof ENGINES)[number];
  readonly mode: KnownMode;
  readonly framing: Framing;
  readonly bindHeader: boolean;
}

const FRAMINGS: readonly Framing[] = ['rtp', 'frame'];
const SETUPS: readonly Setup[] = ENGINES.flatMap((engine) =>
  MODES.flatMap((mode) =>
    FRAMINGS.flatMap((framing) => [true, false].map((bindHeader) => ({ engine, mode, framing, bindHeader }))),
  ),
);
const GCM_SETUPS = SETUPS.filter((setup): setup is Setup & { mode: GcmMode } => setup.mode !== 'SM4_128_ECB');
const RTP_SETUPS = SETUPS.filter((setup) => setup.framing === 'rtp');
const TITLE = '$engine, $mode, $framing, bindHeader $bindHeader';

const LENGTHS = [...Array(65).keys(), 100, 127, 128, 129, 160, 255, 256, 333, 511, 640, 999, 1199, 1200, 1399, 1400];
/** One CSRC and one word of extension: 12 + 4 + 8 bytes of header. */
const FIELDS: RtpFields = { csrcs: 1, extension: 1 };
const CLEAR_BYTES = 24;
const KEY_ID = 3;
const MAX_BYTES = { rtp: 65_535, frame: 16_777_215 };
const NO_BYTES = new Uint8Array(0);

const isGcm = (setup: Setup): boolean => setup.mode !== 'SM4_128_ECB';
const clearBytes = (setup: Setup): number => (setup.framing === 'rtp' ? CLEAR_BYTES : 0);

/** An input with a payload of this many bytes. */
function inputOf(setup: Setup, payloadBytes: number, seed = payloadBytes): Uint8Array {
  const payload = bytes(payloadBytes, seed);
  return setup.framing === 'rtp' ? rtp(payload, { ...FIELDS, sequence: seed & 0xffff }) : payload;
}

/** What FORMAT.md says of the length of a sealed frame. */
function sealedLength(setup: Setup, inputBytes: number, ctr: number): number {
  if (!isGcm(setup)) return clearBytes(setup) + ((inputBytes - clearBytes(setup)) & ~15) + 16;
  return inputBytes + 1 + 8 + (ctr < 8 ? 0 : Math.ceil(ctr.toString(16).length / 2)) + 16;
}

const keyId = (setup: Setup): number => (isGcm(setup) ? KEY_ID : 0);

function pairOf(setup: Setup, options = {}, source = countedSessions()): Pair {
  const { mode, ...rest } = setup;
  return pair(config(mode, keyId(setup)), { ...rest, ...options }, source);
}

function channelOf({ mode, ...options }: Setup, source = countedSessions()): Channel {
  return enableEncryptionWith(config(mode, isGcm({ mode, ...options }) ? KEY_ID : 0), options, source);
}

/** Two sealers that give the same frames, so that what they do can be compared. */
function twinSealers(setup: Setup): [Sealer, Sealer] {
  return [channelOf(setup).createSealer(), channelOf(setup).createSealer()];
}

function sealAll(sealer: Sealer, inputs: readonly Uint8Array[]): Uint8Array[] {
  return inputs.map((input) => sealer.sealCopy(input));
}

const RTCP_PACKET = Uint8Array.of(0x80, 200, 0, 1, 1, 2, 3, 4, 0x81, 202, 0, 0);
/** The first byte of STUN, DTLS, TURN channels, ZRTP; and what borders on 128..191. */
const OTHER_PROTOCOLS = [0, 3, 20, 63, 64, 127, 192, 255];

interface Refusal {
  readonly name: string;
  readonly status: number;
  readonly packet: Uint8Array;
  /** Bytes that `out` has; as many as the packet where nothing is said. */
  readonly room?: number;
}

/** What no side takes for RTP, whatever the keys. */
function rtpRefusals(): Refusal[] {
  const tail = bytes(64, 7);
  return [
    { name: 'a first byte alone', status: MALFORMED, packet: Uint8Array.of(0x80) },
    { name: 'RTP of 11 bytes', status: MALFORMED, packet: rtp(NO_BYTES).subarray(0, 11) },
    { name: 'shorter than its CSRCs', status: MALFORMED, packet: rtp(NO_BYTES, { csrcs: 15 }).subarray(0, 71) },
    { name: 'X without an extension', status: MALFORMED, packet: rtp(NO_BYTES, { extension: 0 }).subarray(0, 15) },
    { name: 'an extension cut short', status: MALFORMED, packet: rtp(NO_BYTES, { extension: 9 }).subarray(0, 51) },
    { name: 'RTCP', status: RTCP, packet: RTCP_PACKET },
    { name: 'RTCP of the highest type', status: RTCP, packet: flipped(RTCP_PACKET, 1, 200 ^ 223) },
    { name: 'RTCP that does not add up', status: NOT_RTP, packet: RTCP_PACKET.subarray(0, 11) },
    { name: 'a second byte of 192 that does not add up', status: NOT_RTP, packet: concat([0x80, 192, 0, 9], tail) },
    ...OTHER_PROTOCOLS.map((first) => ({
      name: `a first byte of ${first}`,
      status: NOT_RTP,
      packet: concat([first], tail),
    })),
  ];
}

/** Frames that an opener has seen, or will see, and refusals made of them. */
interface Material {
  readonly setup: Setup;
  readonly sealed: readonly Uint8Array[];
  readonly own: Uint8Array;
}

const FRAMES = 140;
const WINDOW = 64;
/** Opened before the refusals: the window ends at 120, and frame 56 is the first behind it. */
const SEEN = [0, 1, 3, 100, 60, 120, 119, 57];
/** Not opened yet, and still in the window. */
const WAITING = 118;

function material(setup: Setup): Material & { receiving: Channel } {
  const { sealer, receiving } = pairOf(setup, { replayWindow: WINDOW });
  const sealed = sealAll(
    sealer,
    Array.from({ length: FRAMES }, (_, i) => inputOf(setup, 20, i)),
  );
  return { setup, sealed, own: receiving.createSealer().sealCopy(inputOf(setup, 20)), receiving };
}

function refusals({ setup, sealed, own }: Material): Refusal[] {
  const genuine = sealed[WAITING]!;
  const at = clearBytes(setup);
  const bare = { name: 'an empty input', status: MALFORMED, packet: NO_BYTES };
  const large = { name: 'a byte too many', status: TOO_LARGE, packet: tooLarge(setup, 'open'), room: 100 };
  const common = [bare, large, ...(setup.framing === 'rtp' ? rtpRefusals() : [])];
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
const largest = new Uint8Array(MAX_BYTES.frame + 30);

function tooLarge(setup: Setup, direction: 'seal' | 'open'): Uint8Array {
  const overhead = direction === 'seal' ? 0 : isGcm(setup) ? 29 : 16;
  return largest.subarray(0, MAX_BYTES[setup.framing] + overhead + 1);
}

/** Everything that shows of an opener, counters of refusals aside. */
function visible(opener: Opener) {
  const { frames, bytesIn, bytesOut, senders } = opener.stats;
  return { frames, bytesIn, bytesOut, senders, last: opener.lastSenderId };
}

/** Opens all frames, backwards and then forwards: what comes of it tells every bit of the replay window. */
function probe(opener: Opener, sealed: readonly Uint8Array[]): unknown[] {
  const seen: unknown[] = [];
  const out = new Uint8Array(sealed[0]!.length + 8);
  const indices = [...sealed.keys()];
  indices.push(...[...indices].reverse(), ...indices);
  for (const i of indices) seen.push(opener.open(sealed[i]!, out), opener.lastSenderId);
  return [...seen, visible(opener)];
}

// SM4 warns when a channel is made, and the tables of refusals below make some.
vi.spyOn(console, 'warn').mockImplementation(() => {});
afterAll(() => {
  vi.restoreAllMocks();
});

describe.each(SETUPS)(TITLE, (setup) => {
  const clear = clearBytes(setup);

  test('the options show', () => {
    const channel = channelOf(setup);
    const { mode, engine, framing, bindHeader } = channel;
    expect({ mode, engine, framing, bindHeader }).toEqual(setup);
    expect(channel.createSealer().overhead).toBe(isGcm(setup) ? 29 : 16);
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
        const openShort = new Guarded(Math.max(0, room - 1));
        if (room > 0) expect(opener.open(frame, openShort.bytes)).toBe(NO_ROOM);
        expect(openShort.untouched).toBe(true);
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
        expectBytes(memory.bytes.subarray(0, input.length), input);
        expect(memory.holds(memory.bytes.slice())).toBe(true);
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
      if (!isGcm(setup)) return;
      const second = flipped(frame, clear + 20);
      const opens = (view: Uint8Array, out: Uint8Array) => {
        expect(opener.open(view, out)).toBe(BAD_TAG);
        return input.length;
      };
      sweep(opens, second, input.length);
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

  describe('sections 4 and 7: what a sealer refuses', () => {
    const refused: Refusal[] = [
      { name: 'a byte too many', status: TOO_LARGE, packet: tooLarge(setup, 'seal') },
      ...(setup.framing === 'rtp' ? [{ name: 'an empty input', status: MALFORMED, packet: NO_BYTES }] : []),
      ...(setup.framing === 'rtp' ? rtpRefusals() : []),
    ];
    test.each(refused)('$name: its status, out untouched, no counter used', ({ packet, status }) => {
      const [sealer, twin] = twinSealers(setup);
      const input = inputOf(setup, 20);
      const out = new Guarded(300);
      expect(sealer.seal(packet, out.bytes)).toBe(status);
      // The rules come before the room in out.
      expect(sealer.seal(packet, NO_BYTES)).toBe(status);
      expect(out.untouched).toBe(true);
      expectBytes(sealer.sealCopy(input), twin.sealCopy(input));
      expect(sealer.stats).toMatchObject({ frames: 1, refused: { [statuses.statusName(status)]: 2 } });
    });
  });

  describe('sections 5 and 6: what an opener refuses, and that nothing comes of it', () => {
    const made = material(setup);
    const { sealed, receiving } = made;
    const known = SEEN.map((i) => sealed[i]!);

    test.each(refusals(made))('$name', ({ packet, status, room = packet.length }) => {
      const [opener, twin] = [receiving.createOpener(), receiving.createOpener()];
      const scratch = new Uint8Array(200);
      for (const frame of known) expect(opener.open(frame, scratch)).toBe(twin.open(frame, scratch));
      const before = visible(opener);
      const copy = packet.length < 1000 ? packet.slice() : packet;
      const out = new Guarded(room);
      for (let i = 0; i < 3; i++) {
        expect(opener.open(packet, out.bytes)).toBe(status);
        expect(out.untouched).toBe(true);
      }
      expectBytes(packet, copy);
      expect(visible(opener)).toEqual(before);
      expect(opener.stats.refused).toEqual({ [statuses.statusName(status)]: 3 });
      expect(opener.open(sealed[WAITING]!, scratch)).toBe(twin.open(sealed[WAITING]!, scratch));
      expectBytes(scratch.subarray(0, clear + 20), inputOf(setup, 20, WAITING));
      expect(probe(opener, sealed)).toEqual(probe(twin, sealed));
    });

    test('a refusal of a frame of an unknown sender: the genuine frame makes it known', () => {
      for (const { packet, status, room = packet.length } of refusals(made)) {
        if (status === TOO_OLD || status === REPLAYED) continue;
        const opener = receiving.createOpener();
        const out = new Guarded(room);
        const forgedFirst = packet === sealed[WAITING] ? flipped(packet, clear) : packet;
        expect(opener.open(forgedFirst, out.bytes)).toBeLessThan(0);
        expect(out.untouched).toBe(true);
        expect(visible(opener)).toEqual({ frames: 0, bytesIn: 0, bytesOut: 0, senders: 0, last: '' });
        expect(probe(opener, sealed)).toEqual(probe(receiving.createOpener(), sealed));
      }
    });

    test('every frame cut short', () => {
      const frame = sealed[WAITING]!;
      const opener = receiving.createOpener();
      for (let length = 0; length < frame.length; length++) {
        const out = new Guarded(200);
        const status = opener.open(frame, out.bytes, length);
        const least = isGcm(setup) ? clear + 10 + 16 : Math.max(clear, 1);
        expect(status, `${length} bytes`).toBe(length < least ? MALFORMED : BAD_TAG);
        expect(out.untouched).toBe(true);
      }
      expect(opener.stats.senders).toBe(0);
      expectBytes(opener.openCopy(frame), inputOf(setup, 20, WAITING));
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

  describe('section 6: batches equal the calls one by one', () => {
    const frames = 12;
    const inputs = Array.from({ length: frames }, (_, i) => inputOf(setup, 3 * i, i));
    const { sealer: sealing, receiving } = pairOf(setup, { maxSenders: 2 });
    const sealed = sealAll(sealing, inputs);
    const item = fc.record({
      what: fc.constantFrom('genuine', 'forged', 'cut', 'tight', 'empty', 'stray'),
      frame: fc.nat(frames - 1),
    });
    const mixes = fc.array(item, { maxLength: 24, size: 'max' });
    type Item = typeof item extends fc.Arbitrary<infer T> ? T : never;

    function packetOf(from: readonly Uint8Array[], { what, frame }: Item): Uint8Array {
      const packet = from[frame]!;
      if (what === 'forged') return flipped(packet, -1, 0x20);
      if (what === 'cut') return packet.subarray(0, packet.length >>> 1);
      if (what === 'empty') return NO_BYTES;
      return what === 'stray' ? bytes(60, frame) : packet;
    }

    /** Runs a batch on one object and single calls on the other, and compares all that shows. */
    function compare(
      from: readonly Uint8Array[],
      mix: readonly Item[],
      count: number,
      batch: (inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count?: number) => number,
      single: (input: Uint8Array, out: Uint8Array) => number,
    ): void {
      const packets = mix.map((one) => packetOf(from, one));
      const outs = () => mix.map(({ what }, i) => new Guarded(what === 'tight' ? 5 : packets[i]!.length + 29));
      const [batchOuts, singleOuts] = [outs(), outs()];
      const results = new Int32Array(mix.length + 2).fill(99);
      const views = batchOuts.map((out) => out.bytes);
      const succeeded = count === mix.length ? batch(packets, views, results) : batch(packets, views, results, count);
      const expected = packets.slice(0, count).map((packet, i) => single(packet, singleOuts[i]!.bytes));
      expect([...results]).toEqual([...expected, ...Array(mix.length + 2 - count).fill(99)]);
      expect(succeeded).toBe(expected.filter((result) => result >= 0).length);
      batchOuts.forEach((out, i) => {
        const written = Math.max(0, expected[i] ?? 0);
        expect(out.holds(singleOuts[i]!.bytes.slice(0, written))).toBe(true);
      });
    }

    test('openBatch', () => {
      fc.assert(
        fc.property(mixes, fc.nat(), (mix, some) => {
          const count = some % 2 === 0 ? mix.length : some % (mix.length + 1);
          const [batching, single] = [receiving.createOpener(), receiving.createOpener()];
          compare(
            sealed,
            mix,
            count,
            (...batch) => batching.openBatch(...batch),
            (input, out) => single.open(input, out),
          );
          expect(batching.stats).toEqual(single.stats);
          expect(batching.lastSenderId).toBe(single.lastSenderId);
          expect(probe(batching, sealed)).toEqual(probe(single, sealed));
        }),
        { numRuns: 40 },
      );
    });

    test('sealBatch', () => {
      fc.assert(
        fc.property(mixes, fc.nat(), (mix, some) => {
          const count = some % 2 === 0 ? mix.length : some % (mix.length + 1);
          const [batching, single] = twinSealers(setup);
          compare(
            inputs,
            mix,
            count,
            (...batch) => batching.sealBatch(...batch),
            (input, out) => single.seal(input, out),
          );
          expect(batching.stats).toEqual(single.stats);
          expectBytes(batching.sealCopy(inputs[3]!), single.sealCopy(inputs[3]!));
        }),
        { numRuns: 40 },
      );
    });

    test('of two copies in one batch the second is REPLAYED; SM4 has no replay protection', () => {
      const opener = receiving.createOpener();
      const outs = [0, 1, 2].map(() => new Uint8Array(200));
      const results = new Int32Array(3);
      const copies = [sealed[4]!, sealed[4]!, sealed[3]!];
      expect(opener.openBatch(copies, outs, results)).toBe(isGcm(setup) ? 2 : 3);
      const [first, last] = [inputs[4]!.length, inputs[3]!.length];
      expect([...results]).toEqual([first, isGcm(setup) ? REPLAYED : first, last]);
    });

    test('misuse throws before anything is done', () => {
      const [sealer, twin] = twinSealers(setup);
      const opener = receiving.createOpener();
      const one = inputs[5]!;
      const outs = [new Uint8Array(200), new Uint8Array(200)];
      const results = new Int32Array(2).fill(77);
      const calls: ((...batch: Parameters<Sealer['sealBatch']>) => number)[] = [
        (...batch) => sealer.sealBatch(...batch),
        (...batch) => opener.openBatch(...batch),
      ];
      for (const call of calls) {
        for (const count of [-1, 3, 1.5, Number.NaN, null, '1'])
          expect(() => call([one, one], outs, results, mistyped(count)), String(count)).toThrow(RangeError);
        expect(() => call([one, one, one], [...outs, outs[0]!], results)).toThrow(RangeError);
        expect(() => call([one, one], [outs[0]!], results)).toThrow(RangeError);
        expect(() => call([one], outs, results, 2)).toThrow(RangeError);
        expect(() => call(mistyped(undefined), outs, results)).toThrow(TypeError);
        expect(() => call([one], mistyped(null), results)).toThrow(TypeError);
        expect(() => call([one], outs, mistyped(undefined))).toThrow(TypeError);
        expect(call([], [], new Int32Array(0))).toBe(0);
        expect(call([one], outs, results, 0)).toBe(0);
      }
      expect([...results]).toEqual([77, 77]);
      for (const call of calls) {
        results.fill(77);
        expect(() => call(mistyped(['text']), outs, results)).toThrow(TypeError);
        expect([...results]).toEqual([UNFINISHED, 77]);
        expect(() => call([one], mistyped([[1, 2]]), results)).toThrow(TypeError);
        expect([...results]).toEqual([UNFINISHED, 77]);
      }
      expectBytes(sealer.sealCopy(one), twin.sealCopy(one));
    });
  });

  test('a batch whose results are no Int32Array throws', () => {
    const { sealer } = pairOf(setup);
    const outs = [new Uint8Array(200)];
    for (const wrong of [[0], new Uint8Array(1), new Float64Array(1), new Uint32Array(1)])
      expect(() => sealer.sealBatch([inputOf(setup, 20)], outs, mistyped(wrong))).toThrow(TypeError);
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

describe.each(GCM_SETUPS)(`SFrame: ${TITLE}`, (setup) => {
  const clear = clearBytes(setup);
  const settings = config(setup.mode, KEY_ID);

  test('section 6: CTR and KID of every length, of other senders', () => {
    const { receiving } = pairOf(setup);
    const atKeyZero = enableEncryptionWith(config(setup.mode, 0), { ...setupOptions(setup) }, countedSessions());
    const input = inputOf(setup, 50);
    const metadata = metadataOf(setup, input);
    const kids = [0n, 7n, 8n, 255n, 256n, 0xffffn, 0x10000n, ...[3n, 4n, 5n, 6n, 7n].map((n) => 1n << (8n * n))];
    const ctrs = [0n, 7n, 8n, 255n, 256n, 1n << 16n, 1n << 24n, (1n << 32n) - 1n, 1n << 32n, (1n << 53n) - 1n];
    const settingsAtZero = config(setup.mode, 0);
    for (const kid of kids) {
      const opener = atKeyZero.createOpener();
      for (const ctr of ctrs) {
        const frame = referenceSeal(settingsAtZero, kid, ctr, input.subarray(clear), metadata);
        expectBytes(opener.openCopy(concat(input.subarray(0, clear), frame)), input);
        expect(opener.lastSenderId).toBe(kidText(kid));
      }
    }
    const kid = (BigInt(KEY_ID) << 60n) | 5n;
    const frame = referenceSeal(settings, kid, 9n, input.subarray(clear), metadata);
    expectBytes(receiving.createOpener().openCopy(concat(input.subarray(0, clear), frame)), input);
  });

  test('section 4: a sealer gives what FORMAT.md says, byte for byte', () => {
    for (const ctr of [0, 7, 8, 0x1234, 2 ** 32 - 1]) {
      const sealer = channelOf(setup, sessions({ kid: KID, ctr })).createSealer();
      const input = inputOf(setup, 100);
      const kid = (KID & ((1n << 60n) - 1n)) | (BigInt(KEY_ID) << 60n);
      const frame = referenceSeal(settings, kid, BigInt(ctr), input.subarray(clear), metadataOf(setup, input));
      expectBytes(sealer.sealCopy(input), concat(input.subarray(0, clear), frame));
    }
  });

  test('section 6: loopback opens frames of the channel itself; without it they are OWN_FRAME, of closed sealers too', () => {
    const channel = channelOf(setup);
    const sealer = channel.createSealer();
    const frame = sealer.sealCopy(inputOf(setup, 20));
    const out = new Guarded(200);
    expect(channel.createOpener().open(frame, out.bytes)).toBe(OWN_FRAME);
    expect(channel.createOpener({ loopback: false }).open(frame, out.bytes)).toBe(OWN_FRAME);
    sealer.close();
    expect(channel.createOpener().open(frame, out.bytes)).toBe(OWN_FRAME);
    expect(out.untouched).toBe(true);
    expectBytes(channel.createOpener({ loopback: true }).openCopy(frame), inputOf(setup, 20));
    for (const wrong of [null, 1, 'true'])
      expect(() => channel.createOpener({ loopback: mistyped(wrong) })).toThrow(TypeError);
  });

  test('section 6: the KID of an own sealer that has not sealed yet is OWN_FRAME as well', () => {
    const channel = channelOf(setup);
    const { senderId } = channel.createSealer();
    const input = inputOf(setup, 20);
    const frame = referenceSeal(settings, BigInt(`0x${senderId}`), 5n, input.subarray(clear), metadataOf(setup, input));
    const forged = concat(input.subarray(0, clear), frame);
    expect(channel.createOpener().open(forged, new Uint8Array(200))).toBe(OWN_FRAME);
  });

  test('section 6: the window, against a plain model, whatever the order of frames', () => {
    const { sealed, receiving } = material(setup);
    const orders = fc.array(fc.nat(FRAMES - 1), { maxLength: 2 * FRAMES, size: 'max' });
    fc.assert(
      fc.property(orders, (order) => {
        const opener = receiving.createOpener();
        const out = new Uint8Array(100);
        const seen = new Set<number>();
        let highest = -1;
        for (const ctr of order) {
          const expected = highest - ctr >= WINDOW ? TOO_OLD : seen.has(ctr) ? REPLAYED : clear + 20;
          expect(opener.open(sealed[ctr]!, out), `CTR ${ctr}`).toBe(expected);
          seen.add(ctr);
          highest = Math.max(highest, ctr);
        }
        opener.close();
      }),
      { numRuns: 20 },
    );
  });

  test('section 6: BUSY changes nothing either', () => {
    const { receiving, sealer } = pairOf(setup, { maxSenders: 1 });
    const now = vi.spyOn(performance, 'now').mockReturnValue(5000);
    try {
      const opener = receiving.createOpener();
      const known = sealAll(
        sealer,
        [1, 2, 3, 4].map((i) => inputOf(setup, 20, i)),
      );
      opener.openCopy(known[1]!);
      const stray = (kid: number) =>
        concat(known[0]!.subarray(0, clear), [0xf0, 0x31, 0, 0, 0, 0, 0, 0, kid], bytes(40));
      const out = new Guarded(200);
      expect(opener.open(stray(1), out.bytes)).toBe(BAD_TAG);
      const before = visible(opener);
      expect(opener.open(stray(2), out.bytes)).toBe(BUSY);
      expect(opener.open(stray(2), out.bytes)).toBe(BUSY);
      expect(out.untouched).toBe(true);
      expect(visible(opener)).toEqual(before);
      expect(opener.open(known[1]!, out.bytes)).toBe(REPLAYED);
      expectBytes(opener.openCopy(known[0]!), inputOf(setup, 20, 1));
      now.mockReturnValue(6000);
      expect(opener.open(stray(2), out.bytes)).toBe(BAD_TAG);
    } finally {
      now.mockRestore();
    }
  });

  test('section 6: the order is fixed: where two steps refuse, the first one decides', () => {
    const { sealed, own, receiving } = material(setup);
    const opener = receiving.createOpener();
    for (const i of SEEN) opener.openCopy(sealed[i]!);
    const out = new Guarded(200);
    const ordered: [string, number, Uint8Array, Uint8Array][] = [
      ['length before RTP', TOO_LARGE, tooLarge(setup, 'open'), out.bytes],
      ['header before room', MALFORMED, concat(sealed[0]!.subarray(0, clear), [0x80, 7], bytes(40)), NO_BYTES],
      ['room before own frame', NO_ROOM, own, NO_BYTES.subarray(0, 0)],
      ['room before key', NO_ROOM, flipped(sealed[9]!, clear + 1, 0x40), NO_BYTES],
      ['room before window', NO_ROOM, sealed[120]!, NO_BYTES],
      ['own frame before tag', OWN_FRAME, flipped(own, -1), out.bytes],
      ['key before tag', UNKNOWN_KEY, flipped(sealed[9]!, clear + 1, 0x40), out.bytes],
      ['window before tag: seen', REPLAYED, flipped(sealed[120]!, -1), out.bytes],
      ['window before tag: old', TOO_OLD, flipped(sealed[2]!, -1), out.bytes],
    ];
    for (const [name, status, packet, room] of ordered) expect(opener.open(packet, room), name).toBe(status);
    expect(out.untouched).toBe(true);
  });
});

describe.each(RTP_SETUPS.filter(isGcm))(`RTP: ${TITLE}`, (setup) => {
  const at = CLEAR_BYTES;
  const input = inputOf(setup, 40);

  /** The statuses that turning over this bit of a sealed packet can give; with a result of 0, it opens. */
  function possible(index: number, mask: number): number[] {
    const broken = [MALFORMED, UNKNOWN_KEY, BAD_TAG];
    if (index === 0) return mask >= 0x40 ? [NOT_RTP] : mask === 0x20 ? [BAD_TAG] : broken;
    // CC, X and the length of the extension say where the SFrame header is.
    if (index === 18 || index === 19) return broken;
    if (index === 1 && ((111 ^ mask) & 0xe0) === 0xc0) return [NOT_RTP];
    if (index < at) return [setup.bindHeader ? BAD_TAG : 0];
    if (index === at) return [MALFORMED, UNKNOWN_KEY, BAD_TAG];
    if (index === at + 1) return [UNKNOWN_KEY, BAD_TAG];
    // CTR 9 becomes 1, which fits into the config byte.
    if (index === at + 9 && mask === 8) return [MALFORMED];
    return [BAD_TAG];
  }

  test('section 4: every single wrong bit of a sealed packet', () => {
    const { sealer, receiving } = pairOf(setup);
    for (let i = 0; i < 9; i++) sealer.sealCopy(input);
    const frame = sealer.sealCopy(input);
    expect(sframeHeader(frame, at)).toMatchObject({ ctr: 9, length: 10 });
    const counts: Record<string, number> = {};
    const opener = receiving.createOpener();
    for (let index = 0; index < frame.length; index++) {
      for (let mask = 1; mask < 256; mask <<= 1) {
        const out = new Guarded(frame.length);
        const packet = flipped(frame, index, mask);
        const allowed = possible(index, mask);
        const result = (allowed.includes(0) ? receiving.createOpener() : opener).open(packet, out.bytes);
        const name = statuses.statusName(result);
        counts[name] = (counts[name] ?? 0) + 1;
        expect(allowed, `bit ${mask} of byte ${index}: ${name}`).toContain(Math.min(0, result));
        if (result < 0) expect(out.untouched).toBe(true);
        else expect(out.holds(concat(packet.subarray(0, at), input.subarray(at)))).toBe(true);
      }
    }
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(8 * frame.length);
    const expected = ['BAD_TAG', 'MALFORMED', 'NOT_RTP', ...(setup.bindHeader ? [] : ['OK']), 'UNKNOWN_KEY'];
    expect(Object.keys(counts).sort()).toEqual(expected);
    expect(opener.stats).toMatchObject({ frames: 0, senders: 0 });
    expectBytes(opener.openCopy(frame), input);
  });

  test('section 4: what a relay may rewrite', () => {
    const { sealer, receiving } = pairOf(setup);
    const frame = sealer.sealCopy(input);
    const rewrites: [field: string, index: number, mask: number][] = [
      ['M', 1, 0x80],
      ['PT', 1, 1],
      ['sequence number', 2, 0xff],
      ['timestamp', 7, 0xff],
      ['SSRC', 11, 0xff],
      ['CSRC', 15, 0xff],
      ['profile of the extension', 17, 0xff],
      ['word of the extension', 23, 0xff],
    ];
    for (const [field, index, mask] of rewrites) {
      const packet = flipped(frame, index, mask);
      const out = new Guarded(200);
      const result = receiving.createOpener().open(packet, out.bytes);
      expect(result, field).toBe(setup.bindHeader ? BAD_TAG : input.length);
      if (!setup.bindHeader) expectBytes(out.bytes.subarray(0, result), flipped(input, index, mask));
    }
    // A relay can also drop the extension altogether, but not set or take away P.
    const bare = concat(flipped(frame, 0, 0x10).subarray(0, 16), frame.subarray(at));
    const out = new Uint8Array(200);
    expect(receiving.createOpener().open(bare, out)).toBe(setup.bindHeader ? BAD_TAG : input.length - 8);
    expect(receiving.createOpener().open(flipped(frame, 0, 0x20), out)).toBe(BAD_TAG);
  });

  test('section 4: padding stays inside, its count unread, and P is authenticated', () => {
    const { sealer, receiving } = pairOf(setup);
    for (const padding of [1, 4, 255]) {
      const padded = rtp(bytes(30), { ...FIELDS, padding });
      const frame = sealer.sealCopy(padded);
      expect(frame[0]! & 0x20).toBe(0x20);
      expectBytes(receiving.createOpener().openCopy(frame), padded);
      expect(receiving.createOpener().open(flipped(frame, 0, 0x20), new Uint8Array(999))).toBe(BAD_TAG);
    }
    const nonsense = flipped(rtp(bytes(3), { padding: 4 }), -1, 0xff);
    expectBytes(receiving.createOpener().openCopy(sealer.sealCopy(nonsense)), nonsense);
    const paddedOnly = rtp(NO_BYTES, { padding: 1 }).subarray(0, 12);
    expectBytes(receiving.createOpener().openCopy(sealer.sealCopy(paddedOnly)), paddedOnly);
  });

  test('section 4: headers of every length, up to a packet that is all header', () => {
    const { sealer, opener } = pairOf(setup);
    const shapes: RtpFields[] = [
      {},
      { csrcs: 15 },
      { extension: 0 },
      { csrcs: 15, extension: 300 },
      { extension: 16_379 },
    ];
    for (const shape of shapes) {
      const packet = rtp(NO_BYTES, shape);
      const frame = sealer.sealCopy(packet);
      expectBytes(frame.subarray(0, packet.length), packet);
      expectBytes(opener.openCopy(frame), packet);
    }
  });
});

describe.each(SETUPS.filter((setup) => !isGcm(setup)))(`SM4: ${TITLE}`, (setup) => {
  const clear = clearBytes(setup);

  test('section 5: no KID, no replay protection, no rotation, headers that nobody checks', () => {
    const { sealer, opener, receiving } = pairOf(setup);
    const frame = sealer.sealCopy(inputOf(setup, 20));
    expectBytes(sealer.sealCopy(inputOf(setup, 20)), frame);
    expectBytes(opener.openCopy(frame), inputOf(setup, 20));
    expectBytes(opener.openCopy(frame), inputOf(setup, 20));
    expectBytes(receiving.createOpener({ loopback: true }).openCopy(frame), inputOf(setup, 20));
    if (clear > 0) expectBytes(opener.openCopy(flipped(frame, 11)), flipped(inputOf(setup, 20), 11));
  });

  test('section 5: frames of the channel itself open: there is no KID to know them by', () => {
    const channel = channelOf(setup);
    const frame = channel.createSealer().sealCopy(inputOf(setup, 20));
    expectBytes(channel.createOpener().openCopy(frame), inputOf(setup, 20));
  });

  test('section 5: the padding is checked in full, before out is written', () => {
    // ECB: the last block can be put on any other. Payloads that end in a block of text give last blocks at will.
    const { sealer, opener } = pairOf(setup);
    const start = setup.framing === 'rtp' ? rtp(NO_BYTES, FIELDS) : NO_BYTES;
    const ending = (last: readonly number[]) => sealer.sealCopy(concat(start, bytes(16), last)).subarray(0, clear + 32);
    const filled = (count: number, byte: number) => [
      ...bytes(16 - count, 5).map(() => 0x77),
      ...Array(count).fill(byte),
    ];
    for (let padding = 1; padding <= 16; padding++) {
      expect(opener.open(ending(filled(padding, padding)), new Uint8Array(99))).toBe(clear + 32 - padding);
      for (let wrong = 16 - padding; wrong < 15; wrong++) {
        const last = filled(padding, padding);
        last[wrong] = 0x55;
        const out = new Guarded(99);
        expect(opener.open(ending(last), out.bytes), `${padding}, ${wrong}`).toBe(BAD_TAG);
        expect(out.untouched).toBe(true);
      }
    }
    for (const padding of [0, 17, 32, 128, 255]) {
      const out = new Guarded(99);
      expect(opener.open(ending(filled(16, padding)), out.bytes)).toBe(BAD_TAG);
      expect(out.untouched).toBe(true);
    }
  });
});

describe('section 7: the largest inputs', () => {
  test.each(RTP_SETUPS)(`${TITLE}: 65,535 bytes and the overhead`, (setup) => {
    const { sealer, opener } = pairOf(setup, {}, sessions({ kid: KID, ctr: 2 ** 24 }));
    const input = inputOf(setup, 65_535 - CLEAR_BYTES);
    const frame = sealer.sealCopy(input);
    expect(frame.length).toBe(isGcm(setup) ? 65_564 : 65_544);
    expectBytes(opener.openCopy(frame), input);
    const longest = concat(frame, new Uint8Array(65_535 + sealer.overhead - frame.length));
    expect(opener.open(longest, new Uint8Array(70_000))).toBe(isGcm(setup) ? REPLAYED : BAD_TAG);
    expect(opener.open(concat(longest, [0]), new Uint8Array(70_000))).toBe(TOO_LARGE);
    expect(sealer.seal(concat(input, [0]), new Uint8Array(70_000))).toBe(TOO_LARGE);
  });

  test.each(ENGINES)('%s: 16,777,215 bytes and the overhead', (engine) => {
    const setup: Setup = { engine, mode: 'AES_128_GCM2', framing: 'frame', bindHeader: true };
    const { sealer, opener } = pairOf(setup, {}, sessions({ kid: KID, ctr: 2 ** 24 }));
    const memory = bytes(16_777_245);
    const head = memory.slice(0, 1000);
    expect(sealer.seal(memory, memory, 16_777_216)).toBe(TOO_LARGE);
    expect(sealer.seal(memory, memory, 16_777_215)).toBe(16_777_244);
    const copy = flipped(memory, 20);
    expect(opener.open(copy, copy)).toBe(TOO_LARGE);
    expect(opener.open(copy, copy, 16_777_244)).toBe(BAD_TAG);
    expect(opener.open(memory, memory, 16_777_244)).toBe(16_777_215);
    expectBytes(memory.subarray(0, 1000), head);
    expectBytes(memory.subarray(16_776_000, 16_777_215), bytes(16_777_215).subarray(16_776_000));
  });

  test.each(ENGINES)('%s, SM4: frames that are too large, and one that is not', (engine) => {
    const { sealer, opener } = pairOf({ engine, mode: 'SM4_128_ECB', framing: 'frame', bindHeader: true });
    expect(sealer.seal(largest, NO_BYTES, 16_777_215)).toBe(NO_ROOM);
    expect(sealer.seal(largest, NO_BYTES, 16_777_216)).toBe(TOO_LARGE);
    expect(opener.open(largest, largest, 16_777_231)).toBe(BAD_TAG);
    expect(opener.open(largest, largest, 16_777_232)).toBe(TOO_LARGE);
  });
});

describe('section 7: describe', () => {
  const codes = Object.entries(statuses).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  test.each(codes.filter(([name]) => name !== 'STATUS_COUNT'))('%s is %i and is explained', (name, status) => {
    expect(describeStatus(status)).toMatch(new RegExp(`^${name}: [a-zA-Z].{20,}`));
    expect(new FrameError(status).message).toBe(describeStatus(status));
  });

  test('success, and numbers that are no status', () => {
    expect(describeStatus(0)).toMatch(/^OK: /);
    expect(describeStatus(1500)).toMatch(/^OK: /);
    expect(describeStatus(-99)).toContain('-99');
  });
});

function setupOptions({ engine, framing, bindHeader }: Setup) {
  return { engine, framing, bindHeader };
}

/** Section 4: the metadata of an input. */
function metadataOf(setup: Setup, input: Uint8Array): Uint8Array {
  if (setup.framing === 'frame') return NO_BYTES;
  return setup.bindHeader ? input.subarray(0, CLEAR_BYTES) : Uint8Array.of(input[0]! & 0x20);
}

function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test('every mode and every engine is in the table', () => {
  expect(SETUPS).toHaveLength(12 * ENGINES.length);
  expect(GCM_MODES).toHaveLength(2);
});
