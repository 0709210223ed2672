/** What a rewriter takes and leaves: lengths that may grow too long, memory, results, and counts. */
import { describe, expect, it } from 'vitest';
import {
  LEAVE_OUT,
  type PayloadTransform,
  RecordingReader,
  RecordingRewriter,
  RecordingWriter,
} from '../../src/recording/recording.js';
import { concat } from '../support/arrays.js';
import { block, ipv4, ipv6, LINKS } from '../support/recordings.js';

function rewritten(recording: Uint8Array, transform: PayloadTransform) {
  const rewriter = new RecordingRewriter(transform);
  const out = concat(...Array.from(rewriter.push(recording), (part) => part.slice()));
  expect(rewriter.end()).toBe(0);
  return { out, counts: rewriter.counts };
}

/** Puts `growth` zeros after each payload. */
function pad(growth: number): PayloadTransform {
  return {
    growth,
    takes: () => true,
    transform(inputs, outs, results, count) {
      for (let i = 0; i < count; i++) {
        outs[i]!.set(inputs[i]!);
        outs[i]!.fill(0, inputs[i]!.length);
        results[i] = inputs[i]!.length + growth;
      }
    },
  };
}

function pcap(packets: readonly Uint8Array[], linkType = 101): Uint8Array {
  const writer = new RecordingWriter('pcap', { linkType });
  return concat(writer.start(), ...packets.map((packet) => writer.packet(0n, packet)));
}

/** `toEqual` is slow on large arrays. */
function expectSame(got: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(got, expected)).toBe(0);
}

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7) & 255);
}

describe('a packet that would grow too long stays as it is', () => {
  const dump = new RecordingWriter('rtpdump');
  const { linkType, frame } = LINKS['PPPoE']!;
  /** A recording of one packet with a payload of this length, and the longest payload in it. */
  const cases: [string, number, (bytes: Uint8Array) => Uint8Array][] = [
    ['IPv4', 65_535 - 28, (bytes) => pcap([ipv4(bytes)])],
    ['IPv6', 65_535 - 8, (bytes) => pcap([ipv6(bytes)])],
    ['PPPoE', 65_535 - 30, (bytes) => pcap([frame(ipv4(bytes))], linkType)],
    ['rtpdump', 65_535 - 8, (bytes) => concat(dump.start(), dump.packet(0n, bytes))],
  ];
  it.each(cases)('%s', (_, most, recordingOf) => {
    for (const growth of [1, 30]) {
      const grown = rewritten(recordingOf(bytesOf(most - growth)), pad(growth));
      expect(grown.counts).toMatchObject({ datagrams: 1, replaced: 1, tooLong: 0 });
      expect(grown.out.length).toBe(recordingOf(bytesOf(most)).length);
      const recording = recordingOf(bytesOf(most - growth + 1));
      const { out, counts } = rewritten(recording, pad(growth));
      expect(counts).toMatchObject({ datagrams: 1, replaced: 0, tooLong: 1 });
      expectSame(out, recording);
    }
  });
});

describe('memory', () => {
  it('of a reader is what its longest record needs', () => {
    const reader = new RecordingReader();
    const recording = pcap(Array.from({ length: 100 }, () => ipv4(bytesOf(1000))));
    for (let i = 0; i < 50; i++) {
      reader.push(i === 0 ? recording : recording.subarray(24));
      while (reader.next());
    }
    expect(reader.entry.bytes.length).toBeLessThan(4 * recording.length);
  });

  it('of a reader has old bytes behind the new ones, which are not read', () => {
    const writer = new RecordingWriter('pcap');
    const records = Array.from({ length: 200 }, () => writer.packet(0n, new Uint8Array(1000).fill(0xff)));
    const recording = concat(writer.start(), ...records);
    const reader = new RecordingReader();
    let count = 0;
    for (let at = 0; at < recording.length; at += 333) {
      reader.push(recording.subarray(at, at + 333));
      while (reader.next()) count++;
    }
    expect(count).toBe(201);
  });

  it('is enough for a group of the longest payloads', () => {
    const payload = bytesOf(60_000);
    const recording = (bytes: Uint8Array) => pcap(Array.from({ length: 9 }, () => ipv4(bytes)));
    expectSame(rewritten(recording(payload), pad(500)).out, recording(concat(payload, new Uint8Array(500))));
  });

  it('is enough for packets that grow many times longer', () => {
    const recording = (bytes: Uint8Array) => pcap(Array.from({ length: 500 }, () => ipv4(bytes)));
    const grown = concat(bytesOf(100), new Uint8Array(5000));
    expectSame(rewritten(recording(bytesOf(100)), pad(5000)).out, recording(grown));
  });

  it('is enough for a record of a megabyte', () => {
    const start = new RecordingWriter('pcapng').start();
    const recording = concat(start, block(0x0bad, bytesOf(1 << 20)), block(0x0bad, bytesOf(1 << 20)));
    expectSame(rewritten(recording, pad(5)).out, recording);
  });

  it('has a limit of interfaces', () => {
    const section = new RecordingWriter('pcapng').start().subarray(0, 28);
    const one = block(1, [1, 0, 0, 0, 0, 0, 4, 0]);
    const reader = new RecordingReader();
    reader.push(concat(section, ...new Array<Uint8Array>(65_536).fill(one)));
    while (reader.next());
    expect(reader.end()).toBe(0);
    reader.push(one);
    expect(() => reader.next()).toThrow(/65536 interfaces/);
  });
});

it('what is whole before a malformed record comes first, and then the error', () => {
  const recording = pcap([ipv4([1]), ipv4([2])]);
  const rewriter = new RecordingRewriter(pad(3));
  const parts: Uint8Array[] = [];
  const push = (bytes: Uint8Array) => {
    for (const part of rewriter.push(bytes)) parts.push(part.slice());
  };
  expect(() => push(concat(recording, new Uint8Array(16).fill(0xff)))).toThrow(/4294967295 bytes/);
  expect(concat(...parts)).toEqual(pcap([ipv4([1, 0, 0, 0]), ipv4([2, 0, 0, 0])]));
  expect(() => push(recording)).toThrow(/4294967295 bytes/);
});

describe('results', () => {
  it('that the transform does not give leave a packet as it is', () => {
    const rewriter = new RecordingRewriter({
      growth: 0,
      takes: () => true,
      transform(_inputs, outs, results) {
        if (rewriter.counts.records > 2) return;
        outs[0]!.fill(9);
        results[0] = 3;
      },
    });
    const recording = pcap([ipv4([1, 2, 3])]);
    const packet = ipv4([4, 5, 6]);
    const record = new RecordingWriter('pcap').packet(0n, packet);
    const parts = [recording, record].flatMap((chunk) => Array.from(rewriter.push(chunk), (part) => part.slice()));
    expect(concat(...parts)).toEqual(concat(pcap([ipv4([9, 9, 9])]), record));
  });

  it('are counted', () => {
    const packets = [
      ...[ipv4([1]), ipv4([2]), ipv4([3])],
      ...[ipv4([4], { fragment: 0x2000 }), ipv4([5]).subarray(0, 28), ipv4([6], { protocol: 6 })],
    ];
    const pcapng = new RecordingWriter('pcapng');
    const other = block(1, [105, 0, 0, 0, 0, 0, 4, 0]);
    const unknown = pcapng.packet(0n, ipv4([7])).with(8, 1);
    const recording = concat(pcapng.start(), other, ...packets.map((packet) => pcapng.packet(0n, packet)), unknown);
    const { counts } = rewritten(recording, {
      growth: 0,
      takes: () => true,
      transform(inputs, _outs, results, count) {
        for (let i = 0; i < count; i++) results[i] = [-1, 1, -5, LEAVE_OUT][inputs[i]![0]!]!;
      },
    });
    expect(counts).toEqual({
      ...{ records: 10, packets: 7, datagrams: 3, replaced: 1, leftOut: 1, tooLong: 0 },
      ...{ fragments: 1, cut: 1, otherLinkTypes: 1 },
    });
  });
});

it.each([-1, 0.5, 65_536, Number.NaN])('a growth of %d is refused', (growth) => {
  expect(() => new RecordingRewriter({ growth, takes: () => false, transform: () => {} })).toThrow(RangeError);
});
