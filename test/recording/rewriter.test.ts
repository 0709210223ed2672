import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EntryKind,
  LEAVE_OUT,
  type PayloadTransform,
  RecordingReader,
  RecordingRewriter,
  RecordingWriter,
} from '../../src/recording/recording.js';
import { concat } from '../support/arrays.js';
import { type ChecksumKind, EXTENSIONS, ipv4, ipv6, LINKS, wrongIn } from '../support/recordings.js';

/** Makes a payload longer by `growth` bytes and other than it was; `shorten` undoes it. */
function lengthen(growth: number): PayloadTransform {
  return {
    growth,
    takes: () => true,
    transform(inputs, outs, results, count) {
      for (let i = 0; i < count; i++) {
        outs[i]!.fill(0x3c);
        inputs[i]!.forEach((byte, at) => {
          outs[i]![at] = byte ^ 0xa7;
        });
        results[i] = inputs[i]!.length + growth;
      }
    },
  };
}

function shorten(growth: number): PayloadTransform {
  const { transform } = lengthen(0);
  return {
    growth: 0,
    takes: () => true,
    transform(inputs, outs, results, count) {
      transform(inputs, outs, results, count);
      for (let i = 0; i < count; i++) results[i] = inputs[i]!.length - growth;
    },
  };
}

function rewrite(recording: Uint8Array, transform: PayloadTransform, chunkBytes = recording.length): Uint8Array {
  const rewriter = new RecordingRewriter(transform);
  const parts: Uint8Array[] = [];
  // Each is copied as late as can be: when the next one is there.
  let last: Uint8Array = new Uint8Array(0);
  for (let at = 0; at < recording.length; at += chunkBytes) {
    for (const part of rewriter.push(recording.subarray(at, at + chunkBytes))) {
      parts.push(last.slice());
      last = part;
    }
  }
  expect(rewriter.end()).toBe(0);
  return concat(...parts, last);
}

function packetsOf(recording: Uint8Array): { packet: Uint8Array; kind: EntryKind; timeNs: bigint; original: number }[] {
  const reader = new RecordingReader();
  reader.push(recording);
  const packets = [];
  while (reader.next()) {
    const { entry } = reader;
    const {
      kind,
      timeNs,
      originalBytes: original,
    } = entry.isPacket ? entry : { kind: entry.kind, timeNs: 0n, originalBytes: 0 };
    if (entry.isPacket)
      packets.push({ packet: entry.bytes.slice(entry.packetAt, entry.packetEnd), kind, timeNs, original });
  }
  return packets;
}

function recordingOf(writer: RecordingWriter, packets: readonly Uint8Array[]): Uint8Array {
  return concat(
    writer.start(),
    ...packets.map((packet, i) => writer.packet(1_700_000_000_123_456_000n + BigInt(i), packet)),
  );
}

const payload = Uint8Array.from({ length: 173 }, (_, i) => (i * 7) & 255);
const IP_PACKETS = {
  IPv4: ipv4(payload),
  'IPv4 with options': ipv4(payload, { options: [7, 7, 4, 0, 0, 0, 0, 0] }),
  IPv6: ipv6(payload),
  'IPv6 with extension headers': ipv6(payload, { extensions: Object.values(EXTENSIONS) }),
};

describe.each(Object.keys(LINKS))('link layer %s', (name) => {
  const { linkType, frame } = LINKS[name]!;
  const headBytes = frame(IP_PACKETS.IPv4).length - IP_PACKETS.IPv4.length;
  const tailBytes = name === 'Ethernet, padded' ? 7 : 0;

  it.each(Object.keys(IP_PACKETS) as (keyof typeof IP_PACKETS)[])(
    '%s: longer, with lengths and checksums right, and back',
    (ip) => {
      const original = frame(IP_PACKETS[ip]);
      const recording = recordingOf(new RecordingWriter('pcap', { linkType }), [original, original]);
      const longer = rewrite(recording, lengthen(29));
      for (const { packet, kind } of packetsOf(longer)) {
        expect(kind).toBe('udp');
        expect(packet.length).toBe(original.length + 29);
        const start = headBytes - tailBytes;
        expect(wrongIn(packet.subarray(start, packet.length - tailBytes))).toBe('');
        if (name.startsWith('PPPoE'))
          expect(packet[start - 4]! * 256 + packet[start - 3]!).toBe(packet.length - start + 2);
      }
      expect(rewrite(longer, shorten(29))).toEqual(recording);
    },
  );
});

describe('checksums', () => {
  const verdicts: Record<ChecksumKind, string> = {
    right: '',
    none: '',
    offloaded: 'offloaded',
    wrong: 'the UDP checksum is wrong',
  };
  it.each(Object.entries(verdicts))('%s stays %j', (checksum, verdict) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.boolean(), (bytes, growth, isIpv4) => {
        const packet = (isIpv4 ? ipv4 : ipv6)(bytes, { checksum: checksum as ChecksumKind });
        const recording = recordingOf(new RecordingWriter('pcap'), [packet]);
        const longer = rewrite(recording, lengthen(growth));
        expect(wrongIn(packetsOf(longer)[0]!.packet)).toBe(verdict);
        expect(rewrite(longer, shorten(growth))).toEqual(recording);
      }),
    );
  });

  it('whose sum is 0 are ffff, because 0 means no checksum', () => {
    const recording = recordingOf(new RecordingWriter('pcap'), [ipv4([1, 2])]);
    const checksumWith = (bytes: Uint8Array) => {
      const put: PayloadTransform = {
        ...lengthen(0),
        transform(_, outs, results) {
          outs[0]!.set(bytes);
          results[0] = bytes.length;
        },
      };
      return packetsOf(rewrite(recording, put))[0]!.packet.subarray(26, 28);
    };
    expect(checksumWith(checksumWith(new Uint8Array(2)))).toEqual(Uint8Array.of(0xff, 0xff));
  });

  it('that are right, and also the sum of the pseudo-header, stay right', () => {
    // One payload in 65,536 of those that end in two bytes of any value.
    const both = (value: number) => ipv4([1, 2, value >>> 8, value & 255]);
    const offloaded = (value: number) => ipv4([1, 2, value >>> 8, value & 255], { checksum: 'offloaded' });
    const value = Array.from({ length: 65_536 }, (_, i) => i).find((i) => Buffer.compare(both(i), offloaded(i)) === 0)!;
    const recording = recordingOf(new RecordingWriter('pcap'), [ipv4(payload), both(value), both(value)]);
    const longer = rewrite(recording, lengthen(11));
    expect(packetsOf(longer).map(({ packet }) => wrongIn(packet))).toEqual(['', '', '']);
    expect(rewrite(longer, shorten(11))).toEqual(recording);
    const other = recordingOf(new RecordingWriter('pcap'), [ipv4(payload, { checksum: 'offloaded' }), both(value)]);
    expect(rewrite(rewrite(other, lengthen(11)), shorten(11))).toEqual(other);
    // Of two kinds the one that the last packets had.
    const mixed = [ipv4(payload, { checksum: 'offloaded' }), ipv4(payload), both(value)];
    const grown = rewrite(recordingOf(new RecordingWriter('pcap'), mixed), lengthen(11));
    expect(packetsOf(grown).map(({ packet }) => wrongIn(packet))).toEqual(['offloaded', '', '']);
  });
});

describe('formats', () => {
  const rtp = concat([0x80, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3], payload);
  const rtcp = concat([0x80, 201, 0, 1, 0, 0, 0, 3]);
  const writers = {
    'pcap, ns': new RecordingWriter('pcap'),
    'pcap, us, big-endian': new RecordingWriter('pcap', { littleEndian: false, nanoseconds: false }),
    'pcapng, ns': new RecordingWriter('pcapng'),
    'pcapng, us, big-endian': new RecordingWriter('pcapng', { littleEndian: false, nanoseconds: false }),
    rtpdump: new RecordingWriter('rtpdump', { startNs: 1_700_000_000_000_000_000n }),
  };
  it.each(Object.entries(writers))(
    '%s: grows and comes back, with its times, in chunks of any size',
    (name, writer) => {
      const packets = name === 'rtpdump' ? [rtp, rtcp, rtp] : [rtp, rtcp, rtp].map((bytes) => ipv4(bytes));
      const recording = recordingOf(writer, packets);
      const tickNs = name === 'rtpdump' ? 1_000_000n : name.includes('us') ? 1000n : 1n;
      const start = 1_700_000_000_123_456_000n;
      for (const chunkBytes of [1, 7, 64, recording.length]) {
        const longer = rewrite(recording, lengthen(30), chunkBytes);
        expect(packetsOf(longer).map(({ packet }) => packet.length)).toEqual(packets.map(({ length }) => length + 30));
        expect(packetsOf(longer).map(({ original }) => original)).toEqual(packets.map(({ length }) => length + 30));
        expect(packetsOf(longer).map(({ timeNs }) => timeNs)).toEqual(
          packets.map((_, i) => ((start + BigInt(i)) / tickNs) * tickNs),
        );
        expect(rewrite(longer, shorten(30), chunkBytes)).toEqual(recording);
      }
    },
  );

  it('leaves packets out that the transform drops', () => {
    const recording = recordingOf(new RecordingWriter('pcap'), [ipv4([1]), ipv4([2]), ipv4([3])]);
    const out = rewrite(recording, {
      growth: 0,
      takes: () => true,
      transform: (inputs, _outs, results, count) => {
        for (let i = 0; i < count; i++) results[i] = inputs[i]![0] === 2 ? LEAVE_OUT : -5;
      },
    });
    expect(packetsOf(out).map(({ packet }) => packet)).toEqual([ipv4([1]), ipv4([3])]);
  });
});
