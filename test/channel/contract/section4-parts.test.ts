/**
 * The contract of seal and open, FORMAT.md section 4: clear bytes, RTCP and padded packets of every length, against the second
 * implementation: one by one, in place, and in batches.
 */
import { describe, expect, test } from 'vitest';
import { MALFORMED, NO_ROOM, statusName } from '../../../src/status.js';
import { concat, Guarded } from '../../support/arrays.js';
import { bytes, config, expectBytes, flipped, KID, pair, type RtpFields, rtp } from '../../support/channel.js';
import { makeChannel, seal } from '../../support/second/format.mjs';
import { SecondOpener } from '../../support/second/opener.mjs';
import { rtcpInClear } from './refusals.js';
import {
  channelOf,
  dropWarnings,
  FIELDS,
  isGcm,
  KEY_ID,
  NO_BYTES,
  pairOf,
  SETUPS,
  type Setup,
  TITLE,
  thrown,
  twinSealers,
} from './setups.js';

dropWarnings();

interface Shape {
  readonly name: string;
  readonly clear: number;
  /** A frame with this many bytes after those that stay in the clear. */
  readonly make: (length: number) => Uint8Array;
}

/** An RTCP packet, or what its second byte says of it. */
const rtcp = (length: number): Uint8Array => concat([0xa1, 201, 0, 9, 1, 2, 3, 4], bytes(length, length));

function shapesOf(setup: Setup): Shape[] {
  const clearBytes = [1, 3, 4, 10, 16, 90, 130, 1100];
  if (setup.framing === 'frame') {
    return clearBytes.map((clear) => ({ name: `${clear} clear bytes`, clear, make: (n) => bytes(clear + n, n) }));
  }
  const media = (clear: number, fields: RtpFields) => (n: number) => {
    const packet = rtp(bytes(clear + n, n), fields);
    return fields.padding === undefined ? packet : packet.subarray(0, packet.length - fields.padding);
  };
  const padded = { ...FIELDS, padding: 1 };
  return [
    ...clearBytes.map((clear) => ({ name: `${clear} clear bytes`, clear, make: media(clear, FIELDS) })),
    { name: 'P set', clear: 0, make: media(0, padded) },
    { name: 'P set, 5 clear bytes', clear: 5, make: media(5, padded) },
    ...(isGcm(setup)
      ? [
          { name: 'RTCP', clear: 0, make: rtcp },
          { name: 'RTCP, 5 clear', clear: 5, make: rtcp },
        ]
      : []),
  ];
}

/** By the second implementation, as the sealer with this counter seals it. */
function reference(setup: Setup, input: Uint8Array, ctr: number, clear: number): Uint8Array {
  const hex = (value: unknown) => Buffer.from(value as Uint8Array).toString('hex');
  const settings = config(setup.mode, isGcm(setup) ? KEY_ID : 0);
  const secrets = { encryptionMode: setup.mode, encryptionKey: hex(settings.encryptionKey) };
  const salt = Buffer.from((settings.encryptionKdfSalt as Uint8Array) ?? NO_BYTES).toString('base64');
  const whole = isGcm(setup) ? { ...secrets, encryptionKdfSalt: salt, keyId: KEY_ID } : secrets;
  const kid = (KID & ((1n << 60n) - 1n)) | (BigInt(KEY_ID) << 60n);
  const channel = makeChannel(whole, setup);
  const sealed = seal(channel, kid, BigInt(ctr), Buffer.from(input), { clear }) as Buffer;
  expect(new SecondOpener(whole, setup).open(sealed, { clear }).toString('hex')).toBe(hex(input));
  return new Uint8Array(sealed);
}

const LENGTHS = [...Array(34).keys(), 63, 64, 65, 160, 1199, 1200, 1801, 16_384];

describe.each(SETUPS)(TITLE, (setup) => {
  const shapes = shapesOf(setup);

  test.each(shapes)('$name: every length, there and back, exact room, in place', ({ clear, make }) => {
    const [sealer, second] = twinSealers(setup);
    const { opener } = pairOf(setup);
    for (const [ctr, length] of LENGTHS.entries()) {
      const input = make(length);
      const expected = reference(setup, input, ctr, clear);

      const short = new Guarded(expected.length - 1);
      expect(sealer.seal(input, short.bytes, undefined, clear)).toBe(NO_ROOM);
      expect(short.untouched).toBe(true);
      const exact = new Guarded(expected.length);
      expect(sealer.seal(input, exact.bytes, undefined, clear), `${length}`).toBe(expected.length);
      expect(exact.holds(expected)).toBe(true);
      const memory = new Guarded(expected.length);
      memory.bytes.set(input);
      expect(second.seal(memory.bytes, memory.bytes, input.length, clear)).toBe(expected.length);
      expect(memory.holds(expected)).toBe(true);

      const room = isGcm(setup) ? input.length : expected.length;
      const narrow = new Guarded(room - 1);
      expect(opener.open(expected, narrow.bytes, undefined, clear)).toBe(NO_ROOM);
      expect(narrow.untouched).toBe(true);
      expect(opener.open(memory.bytes, memory.bytes, expected.length, clear)).toBe(input.length);
      expect(memory.holds(concat(input, expected.subarray(input.length)))).toBe(true);
    }
    const frame = reference(setup, make(20), 9, clear);
    expectBytes(pairOf(setup).opener.openCopy(frame, clear), make(20));
  });

  test.each(shapes.filter(({ clear }) => clear > 0))('$name: too few bytes are MALFORMED', ({ name, clear, make }) => {
    if (name.startsWith('RTCP')) return;
    const { sealer, opener } = pairOf(setup);
    const whole = make(0);
    const out = new Guarded(whole.length + 40);
    for (const cut of [1, clear]) {
      expect(sealer.seal(whole, out.bytes, whole.length - cut, clear)).toBe(MALFORMED);
      expect(opener.open(whole, out.bytes, whole.length - cut, clear)).toBe(MALFORMED);
    }
    expect(out.untouched).toBe(true);
    expect(thrown(() => opener.openCopy(whole.subarray(1), clear))).toHaveProperty('name', 'FrameError');
  });

  test('batches: RTCP and padded packets among others, in order', () => {
    const kinds = shapes.filter(({ clear }) => clear === 0);
    const media: Shape = {
      name: 'media',
      clear: 0,
      make: (n) => (setup.framing === 'rtp' ? rtp(bytes(n, n)) : bytes(n, n)),
    };
    for (const count of [3, 8, 16, 40]) {
      const [sealer] = twinSealers(setup);
      const { opener } = pairOf(setup);
      const inputs = Array.from({ length: count }, (_, i) => [media, ...kinds][i % (kinds.length + 1)]!.make(5 * i));
      const outs = inputs.map((input) => new Uint8Array(input.length + sealer.overhead));
      const results = new Int32Array(count);
      expect(sealer.sealBatch(inputs, outs, results)).toBe(count);
      const frames = outs.map((out, i) => out.subarray(0, results[i]));
      for (const [i, frame] of frames.entries()) expectBytes(frame, reference(setup, inputs[i]!, i, 0));
      expect(opener.openBatch(frames, frames, results)).toBe(count);
      for (const [i, frame] of frames.entries()) expectBytes(frame.subarray(0, results[i]), inputs[i]!);
    }
  });

  test('a single frame with clear bytes leaves none to the next one, nor to a batch', () => {
    const [sealer, twin] = twinSealers(setup);
    const input = setup.framing === 'rtp' ? rtp(bytes(50)) : bytes(50);
    const out = new Uint8Array(200);
    for (const s of [sealer, twin]) s.seal(input, out, undefined, 7);
    const results = new Int32Array(1);
    expect(sealer.sealBatch([input], [out], results)).toBe(1);
    expectBytes(out.subarray(0, results[0]), reference(setup, input, 1, 0));
    expectBytes(twin.sealCopy(input), reference(setup, input, 1, 0));
  });
});

describe.each(SETUPS.filter(({ framing }) => framing === 'rtp'))(`rtcp clear: ${TITLE}`, (setup) => {
  test.each(rtcpInClear())('$name: its status, under either option, and out untouched', ({ packet, status }) => {
    for (const rtcp of isGcm(setup) ? (['clear'] as const) : (['clear', 'sealed'] as const)) {
      const { mode, ...options } = setup;
      const { sealer, opener, sending } = pair(config(mode), { ...options, rtcp });
      expect(sending.rtcp).toBe('clear');
      const out = new Guarded(packet.length + 40);
      for (const clear of [0, 3, 1000]) {
        expect(statusName(sealer.seal(packet, out.bytes, undefined, clear))).toBe(statusName(status));
        expect(statusName(opener.open(packet, out.bytes, undefined, clear))).toBe(statusName(status));
      }
      expect(sealer.seal(packet, NO_BYTES)).toBe(status);
      expect(opener.open(packet, NO_BYTES)).toBe(status);
      expect(out.untouched).toBe(true);
      const media = flipped(rtp(bytes(30)), 0, 0x20);
      expectBytes(opener.openCopy(sealer.sealCopy(media)), media);
    }
  });

  test('rtcp sealed: only 8 bytes of a packet are in the clear, with any length fields', () => {
    if (!isGcm(setup)) return;
    const sealer = channelOf(setup).createSealer();
    const opener = pairOf(setup).opener;
    for (let second = 192; second < 224; second++) {
      for (const third of [0, 9, 255]) {
        const packet = concat([0x80, second, third, 10, 1, 2, 3, 4], bytes(36, second));
        const frame = sealer.sealCopy(packet);
        expectBytes(frame.subarray(0, 8), packet.subarray(0, 8));
        expect(Buffer.from(frame).includes(Buffer.from(packet.subarray(8, 24)))).toBe(false);
        expectBytes(opener.openCopy(frame), packet);
      }
    }
  });
});
