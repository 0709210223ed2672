/**
 * The contract of protecting and unprotecting (FORMAT.md section 8), of RTP and RTCP, one by one, in batches and in place: every
 * length against node:crypto, and what is refused, after which nothing has moved.
 */
import { describe, expect, test } from 'vitest';
import { SrtpReceiver, SrtpSender } from '../../src/srtp/index.js';
import * as statuses from '../../src/status.js';
import { CLOSED, MALFORMED, NO_ROOM, NOT_RTP, REPLAYED, TOO_LARGE } from '../../src/status.js';
import { concat, Guarded } from '../support/arrays.js';
import { bytes, expectBytes, flipped } from '../support/channel.js';
import { ARRAY_KINDS, ENGINES, mistyped, NOT_BYTES } from '../support/engines.js';
import { rtcpPacket, rtpPacket, SrtpReference, SUITES, srtpKeys } from '../support/srtp.js';

const MOST = 1500;
const SETUPS = ENGINES.flatMap((engine) => SUITES.map((suite) => ({ engine, suite })));
const payload = bytes(MOST, 1);

interface Direction {
  readonly kind: 'RTP' | 'RTCP';
  readonly overhead: number;
  /** Bytes before what is encrypted, at least. */
  readonly header: number;
  /** The packet of this number, with `length` bytes after its header. */
  packet(number: number, length: number): Uint8Array;
  reference(reference: SrtpReference, packet: Uint8Array, number: number): Uint8Array;
  protect(sender: SrtpSender, input: Uint8Array, out: Uint8Array, length?: number): number;
  unprotect(receiver: SrtpReceiver, input: Uint8Array, out: Uint8Array, length?: number): number;
  refused(owner: SrtpSender | SrtpReceiver): Readonly<Record<string, number>>;
}

const DIRECTIONS: readonly Direction[] = [
  {
    kind: 'RTP',
    overhead: 16,
    header: 12,
    packet: (number, length) => rtpPacket(payload.subarray(0, length), { sequence: number & 0xffff }),
    reference: (reference, packet, number) => reference.protect(packet, number >>> 16),
    protect: (sender, ...args) => sender.protect(...args),
    unprotect: (receiver, ...args) => receiver.unprotect(...args),
    refused: (owner) => owner.stats.refused,
  },
  {
    kind: 'RTCP',
    overhead: 20,
    header: 8,
    packet: (_, length) => rtcpPacket(payload.subarray(0, length)),
    reference: (reference, packet, number) => reference.protectRtcp(packet, number),
    protect: (sender, ...args) => sender.protectRtcp(...args),
    unprotect: (receiver, ...args) => receiver.unprotectRtcp(...args),
    refused: (owner) => owner.stats.rtcp.refused,
  },
];

describe.each(SETUPS)('$engine, $suite', ({ engine, suite }) => {
  const keys = srtpKeys(suite);
  const reference = new SrtpReference(keys);
  const made = () => ({ sender: new SrtpSender(keys, { engine }), receiver: new SrtpReceiver(keys, { engine }) });

  describe.each(DIRECTIONS)('$kind', (direction) => {
    test('every length gives what node:crypto gives, and comes back', () => {
      const { sender, receiver } = made();
      for (let length = 0; length <= MOST; length++) {
        const packet = direction.packet(length, length);
        const expected = direction.reference(reference, packet, length);
        const out = new Guarded(expected.length, length);
        expect(direction.protect(sender, packet, out.bytes)).toBe(packet.length + direction.overhead);
        expectBytes(out.bytes, expected);
        const opened = new Guarded(packet.length, length);
        expect(direction.unprotect(receiver, out.bytes, opened.bytes)).toBe(packet.length);
        if (!out.holds(expected) || !opened.holds(packet)) expect(length).toBe('right');
      }
    });

    test('in place, at every length up to 300', () => {
      const { sender, receiver } = made();
      for (let length = 0; length <= 300; length++) {
        const packet = direction.packet(length, length);
        const expected = direction.reference(reference, packet, length);
        const memory = new Guarded(concat(packet, new Uint8Array(direction.overhead)), length);
        expect(direction.protect(sender, memory.bytes, memory.bytes, packet.length)).toBe(expected.length);
        expect(memory.holds(expected)).toBe(true);
        expect(direction.unprotect(receiver, memory.bytes, memory.bytes)).toBe(packet.length);
        expectBytes(memory.bytes.subarray(0, packet.length), packet);
        expect(memory.keepsAllBut(memory.bytes.length)).toBe(true);
      }
    });

    test('the length argument: input[0, length) counts, and nothing behind it', () => {
      const { sender, receiver } = made();
      const packet = direction.packet(0, 100);
      const expected = direction.reference(reference, packet, 0);
      const out = new Guarded(expected.length + 7);
      expect(direction.protect(sender, concat(packet, bytes(50)), out.bytes, packet.length)).toBe(expected.length);
      expect(out.holds(expected)).toBe(true);
      const opened = new Guarded(200);
      expect(direction.unprotect(receiver, concat(expected, bytes(50)), opened.bytes, expected.length)).toBe(
        packet.length,
      );
      expect(opened.holds(packet)).toBe(true);
    });

    test.each(ARRAY_KINDS)('takes %s, also at odd offsets', (_, kind) => {
      for (const offset of [0, 1, 3]) {
        const { sender, receiver } = made();
        const packet = direction.packet(0, 77);
        const expected = direction.reference(reference, packet, 0);
        const out = kind(new Uint8Array(expected.length + offset)).subarray(offset);
        expect(direction.protect(sender, kind(concat(new Uint8Array(offset), packet)).subarray(offset), out)).toBe(
          expected.length,
        );
        expectBytes(out, expected);
        const opened = kind(new Uint8Array(packet.length + offset)).subarray(offset);
        expect(direction.unprotect(receiver, out, opened)).toBe(packet.length);
        expectBytes(opened, packet);
      }
    });

    test('out needs exactly the room of the result; no index is used', () => {
      const { sender, receiver } = made();
      const packet = direction.packet(0, 50);
      const expected = direction.reference(reference, packet, 0);
      const tight = new Guarded(expected.length - 1);
      expect(direction.protect(sender, packet, tight.bytes)).toBe(NO_ROOM);
      expect(tight.untouched).toBe(true);
      const out = new Uint8Array(expected.length);
      expect(direction.protect(sender, packet, out)).toBe(expected.length);
      expectBytes(out, expected);
      const small = new Guarded(packet.length - 1);
      expect(direction.unprotect(receiver, expected, small.bytes)).toBe(NO_ROOM);
      expect(direction.unprotect(receiver, flipped(expected, -1), small.bytes)).toBe(NO_ROOM);
      expect(small.untouched).toBe(true);
      expect(direction.unprotect(receiver, expected, new Uint8Array(packet.length))).toBe(packet.length);
    });

    test('65,535 bytes are protected, and one more is TOO_LARGE', () => {
      const { sender, receiver } = made();
      const most = concat(direction.packet(0, 20), new Uint8Array(65_535 - 20 - direction.header));
      const out = new Uint8Array(65_535 + direction.overhead);
      expect(direction.protect(sender, concat(most, [0]), out)).toBe(TOO_LARGE);
      expect(direction.protect(sender, most, out)).toBe(out.length);
      expectBytes(out, direction.reference(reference, most, 0));
      expect(direction.unprotect(receiver, concat(out, [0]), new Uint8Array(70_000))).toBe(TOO_LARGE);
      const opened = new Uint8Array(65_535);
      expect(direction.unprotect(receiver, out, opened)).toBe(65_535);
      expectBytes(opened, most);
    });

    const short = direction.packet(0, 0);
    const notPackets: [name: string, status: number, packet: Uint8Array][] = [
      ['nothing', MALFORMED, new Uint8Array(0)],
      ['STUN', NOT_RTP, concat([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42], new Uint8Array(40))],
      ['DTLS', NOT_RTP, concat([22, 254, 253], new Uint8Array(60))],
      ['a first byte of 127', NOT_RTP, concat([127], short.subarray(1), new Uint8Array(40))],
      ['a first byte of 192', NOT_RTP, concat([192], short.subarray(1), new Uint8Array(40))],
      ['one byte', MALFORMED, short.subarray(0, 1)],
      ['a header without its last byte', MALFORMED, short.subarray(0, -1)],
    ];
    test.each(notPackets)('neither protected nor unprotected: %s', (_, status, packet) => {
      const { sender, receiver } = made();
      const out = new Guarded(200);
      expect(direction.protect(sender, packet, out.bytes)).toBe(status);
      expect(direction.unprotect(receiver, packet, out.bytes)).toBe(status);
      // The rules come before the room in out.
      expect(direction.protect(sender, packet, new Uint8Array(0))).toBe(status);
      expect(out.untouched).toBe(true);
      expect(sender.stats.streams + sender.stats.rtcp.streams + receiver.stats.streams).toBe(0);
      expect(direction.refused(sender)).toEqual({ [statuses.statusName(status)]: 2 });
    });

    test('a protected packet without room for its tag is MALFORMED', () => {
      const { receiver } = made();
      const whole = direction.reference(reference, short, 0);
      for (let length = short.length; length < whole.length; length++) {
        expect(direction.unprotect(receiver, whole.subarray(0, length), new Uint8Array(100))).toBe(MALFORMED);
      }
      expect(direction.unprotect(receiver, whole, new Uint8Array(100))).toBe(short.length);
    });

    test('a flipped bit anywhere is refused, and changes nothing', () => {
      const { receiver } = made();
      const packets = [0, 1].map((number) => direction.packet(number, 20));
      const [first, next] = packets.map((packet, i) => direction.reference(reference, packet, i));
      const out = new Guarded(200);
      for (const target of [first!, next!]) {
        for (let at = 0; at < target.length; at++) {
          for (let bit = 0; bit < 8; bit++) {
            if (direction.unprotect(receiver, flipped(target, at, 1 << bit), out.bytes) >= 0)
              expect(at).toBe('refused');
          }
        }
        expect(out.untouched).toBe(true);
        const { streams, rtcp } = receiver.stats;
        expect(streams + rtcp.streams).toBe(target === first ? 0 : 1);
        const opened = new Uint8Array(200);
        const expected = packets[target === first ? 0 : 1]!;
        expect(direction.unprotect(receiver, target, opened)).toBe(expected.length);
        expectBytes(opened.subarray(0, expected.length), expected);
      }
      expect(direction.unprotect(receiver, first!, out.bytes)).toBe(REPLAYED);
    });

    test('after close every call is CLOSED, and close may come again', () => {
      const { sender, receiver } = made();
      const packet = direction.packet(0, 20);
      const sealed = direction.reference(reference, packet, 0);
      for (const owner of [sender, receiver, sender, receiver]) owner.close();
      const out = new Guarded(200);
      expect(direction.protect(sender, packet, out.bytes)).toBe(CLOSED);
      expect(direction.unprotect(receiver, sealed, out.bytes)).toBe(CLOSED);
      expect(out.untouched).toBe(true);
    });

    test('what can never be right throws', () => {
      const { sender, receiver } = made();
      const packet = direction.packet(0, 20);
      for (const value of NOT_BYTES) {
        expect(() => direction.protect(sender, mistyped(value), new Uint8Array(99))).toThrow(TypeError);
        expect(() => direction.unprotect(receiver, packet, mistyped(value))).toThrow(TypeError);
      }
      for (const length of [-1, 0.5, packet.length + 1, Number.NaN, '3']) {
        expect(() => direction.protect(sender, packet, new Uint8Array(99), mistyped(length))).toThrow(RangeError);
      }
      const memory = concat(packet, new Uint8Array(60));
      expect(() => direction.protect(sender, memory.subarray(0, packet.length), memory.subarray(5))).toThrow(
        RangeError,
      );
      expect(direction.protect(sender, packet, new Uint8Array(99))).toBe(packet.length + direction.overhead);
    });
  });

  test('RTP headers of every form are AAD and stay in the clear; payload types and padding are any', () => {
    const { sender, receiver } = made();
    let sequence = 0;
    for (const csrcs of [0, 1, 15]) {
      for (const extension of [undefined, 0, 1, 40]) {
        for (const second of [0, 72, 111, 200, 223, 255]) {
          for (const padding of [false, true]) {
            const fields = {
              csrcs,
              second,
              padding,
              sequence: sequence++,
              ...(extension === undefined ? {} : { extension }),
            };
            const packet = rtpPacket(bytes(33), fields);
            const out = new Uint8Array(packet.length + 16);
            expect(sender.protect(packet, out)).toBe(out.length);
            expectBytes(out, reference.protect(packet));
            const opened = new Uint8Array(packet.length);
            expect(receiver.unprotect(out, opened)).toBe(packet.length);
            expectBytes(opened, packet);
          }
        }
      }
    }
    const cut = rtpPacket(bytes(3), { csrcs: 2, extension: 2 });
    for (let length = 1; length < 32; length++) {
      expect(sender.protect(cut.subarray(0, length), new Uint8Array(99))).toBe(MALFORMED);
    }
  });

  test('SRTCP: a packet that is authenticated only (E = 0) is taken, of every length', () => {
    const { receiver } = made();
    for (let length = 0; length <= MOST; length += length < 300 ? 1 : 97) {
      const packet = rtcpPacket(payload.subarray(0, length));
      const sealed = reference.protectRtcp(packet, length, false);
      const opened = new Guarded(packet.length, length);
      expect(receiver.unprotectRtcp(flipped(sealed, length % sealed.length), opened.bytes)).toBeLessThan(0);
      expect(opened.untouched).toBe(true);
      expect(receiver.unprotectRtcp(sealed, opened.bytes)).toBe(packet.length);
      expect(opened.holds(packet)).toBe(true);
      expect(receiver.unprotectRtcp(sealed, opened.bytes)).toBe(REPLAYED);
    }
    const long = rtcpPacket(bytes(65_527));
    expect(receiver.unprotectRtcp(reference.protectRtcp(long, 5000, false), new Uint8Array(70_000))).toBe(65_535);
    const next = rtcpPacket(bytes(9));
    expect(receiver.unprotectRtcp(reference.protectRtcp(next, 5001), new Uint8Array(70_000))).toBe(next.length);
  });

  test('SRTP is not taken for SRTCP, nor the other way round', () => {
    const { receiver } = made();
    const packet = rtcpPacket(bytes(40));
    expect(receiver.unprotect(reference.protectRtcp(packet, 0), new Uint8Array(200))).toBe(statuses.BAD_TAG);
    expect(receiver.unprotectRtcp(reference.protect(rtpPacket(bytes(40))), new Uint8Array(200))).toBe(statuses.BAD_TAG);
  });
});
