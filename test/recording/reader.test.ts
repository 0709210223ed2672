import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EntryKind,
  RecordingError,
  RecordingReader,
  RecordingRewriter,
  RecordingWriter,
  readPackets,
  udpPacket,
} from '../../src/recording/recording.js';
import { concat } from '../support/arrays.js';
import { block, EXTENSIONS, ipv4, ipv6, LINKS, wrongIn, zeros } from '../support/recordings.js';

const packet = ipv4([1, 2, 3, 4, 5]);

function kindsOf(recording: Uint8Array): EntryKind[] {
  const reader = new RecordingReader();
  reader.push(recording);
  const kinds: EntryKind[] = [];
  while (reader.next()) kinds.push(reader.entry.kind);
  return kinds;
}

function pcap(packets: readonly Uint8Array[], linkType = 101): Uint8Array {
  const writer = new RecordingWriter('pcap', { linkType });
  return concat(writer.start(), ...packets.map((each) => writer.packet(0n, each)));
}

function messageOf(recording: Uint8Array): string {
  try {
    const reader = new RecordingReader();
    reader.push(recording);
    while (reader.next());
    reader.end();
  } catch (error) {
    expect(error).toBeInstanceOf(RecordingError);
    return (error as Error).message;
  }
  return '';
}

/** Through a rewriter that takes nothing. */
function passed(recording: Uint8Array): Uint8Array {
  const rewriter = new RecordingRewriter({ growth: 30, takes: () => false, transform: () => {} });
  return concat(...Array.from(rewriter.push(recording), (part) => part.slice()));
}

describe('packets that pass as they are', () => {
  const fragment = ipv4([1, 2, 3], { fragment: 0x2000 });
  const late = ipv4([1, 2, 3], { fragment: 0x0010 });
  const fragment6 = ipv6([1], { extensions: [{ number: 44, rest: [0, 0, 1, 0, 0, 0, 9] }] });
  const short = ipv6([1]).subarray(0, 45);
  const cases: [string, Uint8Array, EntryKind][] = [
    ['TCP', ipv4([1], { protocol: 6 }), 'other'],
    ['a first fragment', fragment, 'fragment'],
    ['a late fragment', late, 'fragment'],
    ['an IPv6 fragment', fragment6, 'fragment'],
    ['a packet cut in its payload', packet.subarray(0, packet.length - 1), 'cut'],
    ['a packet cut in its UDP header', short, 'cut'],
    ['a packet cut in its IP header', packet.subarray(0, 19), 'other'],
    ['no bytes', new Uint8Array(0), 'other'],
    ['IP version 5', packet.with(0, 0x55), 'other'],
    ['a UDP length of 7', packet.with(25, 7), 'other'],
    ['a UDP length beyond IP', packet.with(25, 14), 'other'],
    ['an IP length that ends within the UDP header', packet.with(3, 27).subarray(0, 27), 'other'],
    ['an IPv4 header of 16 bytes', packet.with(0, 0x44).with(20, 0).with(21, 13), 'other'],
    ['IPv6 with ESP', ipv6([1]).with(6, 50), 'other'],
  ];
  it.each(cases)('%s', (_, bytes, kind) => {
    expect(kindsOf(pcap([bytes, packet]))).toEqual(['none', kind, 'udp']);
    expect(passed(pcap([bytes]))).toEqual(pcap([bytes]));
  });

  it('a link type that is not known', () => expect(kindsOf(pcap([packet], 105))).toEqual(['none', 'link']));

  it.each(Object.entries(LINKS))('%s, cut anywhere, whatever follows', (_, { linkType, frame }) => {
    for (const ip of [packet, ipv6([1, 2, 3], { extensions: Object.values(EXTENSIONS) })]) {
      const whole = frame(ip);
      const headBytes = whole.findIndex((_, at) => Buffer.compare(whole.subarray(at, at + ip.length), ip) === 0);
      for (let length = 0; length < headBytes + ip.length; length++) {
        const cut = pcap([whole.subarray(0, length)], linkType);
        const reader = new RecordingReader();
        reader.push(concat(cut, whole.subarray(length)));
        expect([reader.next(), reader.next()]).toEqual([true, true]);
        expect(['other', 'cut']).toContain(reader.entry.kind);
        expect(reader.entry.kind).toBe(kindsOf(cut)[1]);
      }
    }
  });

  it('ARP, and PPPoE that ends a session', () => {
    const arp = LINKS['Ethernet']!.frame(packet).with(13, 6);
    const end = LINKS['PPPoE']!.frame(packet).with(15, 0xa7);
    expect(kindsOf(pcap([arp, end], 1))).toEqual(['none', 'other', 'other']);
  });
});

describe('pcapng', () => {
  const section = new RecordingWriter('pcapng').start().subarray(0, 28);
  const interfaceOf = (linkType: number, options: readonly number[] = [], snap = [0, 0, 4, 0]) =>
    block(1, [linkType, 0, 0, 0, ...snap, ...options]);
  const enhanced = (
    index: number,
    bytes: Uint8Array,
    time = [0, 0, 0, 0, 5, 0, 0, 0],
    options: readonly number[] = [],
  ) =>
    block(
      6,
      concat(
        [index, 0, 0, 0],
        time,
        [bytes.length, 0, 0, 0],
        [bytes.length, 0, 0, 0],
        bytes,
        zeros(-bytes.length & 3),
        options,
      ),
    );

  function timesOf(recording: Uint8Array): bigint[] {
    const reader = new RecordingReader();
    reader.push(recording);
    const times = [];
    while (reader.next()) if (reader.entry.isPacket) times.push(reader.entry.timeNs);
    return times;
  }

  it('reads several sections, each with interfaces of its own', () => {
    const ethernet = LINKS['Ethernet']!.frame(packet);
    const bigEndian = new RecordingWriter('pcapng', { littleEndian: false, linkType: 1 });
    const recording = concat(
      section,
      interfaceOf(101),
      interfaceOf(1),
      enhanced(1, ethernet),
      enhanced(0, packet),
      bigEndian.start(),
      bigEndian.packet(7n, ethernet),
      section,
      interfaceOf(105),
      enhanced(0, packet),
    );
    expect(kindsOf(recording).filter((kind) => kind !== 'none')).toEqual(['udp', 'udp', 'udp', 'link']);
    expect(passed(recording)).toEqual(recording);
  });

  it('reads the units of time', () => {
    const microseconds = interfaceOf(101);
    const nanoseconds = interfaceOf(101, [9, 0, 1, 0, 9, 0, 0, 0]);
    const powerOfTwo = interfaceOf(101, [9, 0, 1, 0, 0x81, 0, 0, 0]);
    const offset = interfaceOf(101, [2, 0, 1, 0, 65, 0, 0, 0, 14, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // An option that its block does not hold.
    const beyond = interfaceOf(101, [9, 0, 1, 0]);
    const recording = concat(
      ...[section, microseconds, nanoseconds, powerOfTwo, offset, beyond],
      ...[0, 1, 2, 3, 4].map((index) => enhanced(index, packet)),
      enhanced(1, packet, [1, 0, 0, 0, 5, 0, 0, 0]),
    );
    expect(timesOf(recording)).toEqual([5000n, 5n, 2_500_000_000n, 2_000_005_000n, 5000n, 2n ** 32n + 5n]);
  });

  it('keeps unknown options and blocks, and no length is wrong after growth', () => {
    const options = [1, 0, 3, 0, 104, 105, 33, 0, 0, 0, 0, 0];
    const unknown = block(0x0bad, [1, 2, 3, 4, 5, 6, 7, 8]);
    const counted = section.with(16, 99).fill(0, 17, 24);
    const recording = concat(
      counted,
      interfaceOf(101, [], [60, 0, 0, 0]),
      unknown,
      enhanced(0, packet, zeros(8), options),
    );
    const rewriter = new RecordingRewriter({
      growth: 3,
      takes: () => true,
      transform(inputs, outs, results) {
        outs[0]!.set(inputs[0]!);
        results[0] = inputs[0]!.length + 3;
      },
    });
    const out = concat(...Array.from(rewriter.push(recording), (part) => part.slice()));
    const grown = ipv4([1, 2, 3, 4, 5, 0, 0, 0]);
    const expected = concat(section, interfaceOf(101), unknown, enhanced(0, grown, zeros(8), options));
    expect(Buffer.from(out).toString('hex')).toBe(Buffer.from(expected).toString('hex'));
  });

  it('reads simple and obsolete packet blocks', () => {
    const simple = block(3, concat([packet.length, 0, 0, 0], packet));
    const cut = block(3, concat([200, 0, 0, 0], packet.subarray(0, 32)));
    const obsolete = block(2, concat(zeros(12), [packet.length, 0, 0, 0], [packet.length, 0, 0, 0], packet));
    const recording = concat(section, interfaceOf(101, [], [32, 0, 0, 0]), simple.with(8, 32), cut, obsolete);
    expect(kindsOf(recording)).toEqual(['none', 'none', 'cut', 'cut', 'udp']);
    expect(kindsOf(concat(section, interfaceOf(101), simple))).toEqual(['none', 'none', 'udp']);
    // With the snapshot length raised, the length of a cut packet is that of its bytes.
    expect(passed(recording)).toEqual(concat(section, interfaceOf(101), simple.with(8, 32), cut.with(8, 32), obsolete));
  });

  const malformed: [string, Uint8Array][] = [
    ['a length below 12', concat(section, [9, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0])],
    ['a length that is no multiple of 4', concat(section, [1, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0])],
    ['a length of 4 GB', concat(section, [1, 0, 0, 0, 252, 255, 255, 255, 0, 0, 0, 0])],
    ['lengths that differ', concat(section, interfaceOf(1).with(16, 24))],
    ['no byte-order magic', section.with(8, 0)],
    ['version 2', section.with(12, 2)],
    ['an interface without a snapshot length', concat(section, block(1, [1, 0, 0, 0]))],
    ['a packet of no interface', concat(section, enhanced(0, packet))],
    ['a simple packet of no interface', concat(section, block(3, concat([5, 0, 0, 0], packet)))],
    ['a packet longer than its block', concat(section, interfaceOf(1), enhanced(0, packet).with(20, 99))],
    ['a packet block without a packet header', concat(section, interfaceOf(1), block(6, zeros(16)))],
  ];
  it.each(malformed)('refuses %s', (_, recording) => expect(messageOf(recording)).not.toBe(''));
});

describe('pcap and rtpdump', () => {
  it('raises a snapshot length that packets might grow beyond', () => {
    const recording = pcap([packet]);
    expect(passed(recording.with(17, 1).with(18, 0))).toEqual(recording);
    for (const other of [recording.with(18, 8), recording.with(18, 0)]) expect(passed(other)).toEqual(other);
  });

  it('reads a link type beside the length of frame check sequences', () => {
    expect(kindsOf(pcap([packet]).with(23, 0x14))).toEqual(['none', 'udp']);
  });

  it('says where a record is malformed', () => {
    const recording = concat(pcap([packet, packet]), zeros(8), [255, 255, 255, 255], zeros(4));
    expect(messageOf(recording)).toMatch(`at byte ${24 + 2 * (16 + packet.length)} of the recording`);
  });

  const line = new TextEncoder().encode('#!rtpplay1.0 127.0.0.1/5004\n');
  const refused: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /empty/],
    ['three bytes', Uint8Array.of(0xd4, 0xc3, 0xb2), /ends within/],
    ['text', new TextEncoder().encode('hello'), /68656c6c/],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0), /compressed/],
    ['the modified pcap', Uint8Array.of(0x34, 0xcd, 0xb2, 0xa1), /editcap/],
    ['a pcap record of 4 GB', concat(pcap([]), zeros(8), [255, 255, 255, 255], zeros(4)), /4294967295 bytes/],
    ['another #! line', new TextEncoder().encode('#!rtpplay2.0 127.0.0.1/5004\n'), /rtpplay1/],
    ['a line without an end', concat(line.subarray(0, 20), zeros(300)), /256/],
    ['an rtpdump record of 7 bytes', concat(line, zeros(16), [0, 7, 0, 0, 0, 0, 0, 0]), /7 bytes/],
  ];
  it.each(refused)('refuses %s', (_, recording, pattern) => expect(messageOf(recording)).toMatch(pattern));

  it('reports a last record that is cut short, and keeps whole ones', () => {
    const recording = pcap([packet, packet]);
    const rewriter = new RecordingRewriter({ growth: 0, takes: () => false, transform: () => {} });
    const parts = Array.from(rewriter.push(recording.subarray(0, recording.length - 5)), (part) => part.slice());
    expect(concat(...parts)).toEqual(pcap([packet]));
    expect(rewriter.end()).toBe(16 + packet.length - 5);
  });

  it('counts a packet as cut that was longer than its rtpdump record', () => {
    const recording = concat(line, zeros(16), [0, 11, 0, 9, 0, 0, 0, 0, 128, 8, 1], [0, 9, 0, 1, 0, 0, 0, 0, 7]);
    expect(kindsOf(recording)).toEqual(['none', 'cut', 'udp']);
  });
});

describe('any bytes', () => {
  const section = new RecordingWriter('pcapng', { linkType: 1 });
  const ethernet = LINKS['QinQ']!.frame(ipv6([1, 2, 3]));
  const dump = new RecordingWriter('rtpdump');
  const samples = [
    pcap([packet, ethernet.subarray(0, 30), packet]),
    concat(section.start(), section.packet(1n, ethernet), block(9, [1, 2]), section.packet(2n, ethernet)),
    concat(dump.start(), dump.packet(0n, packet), dump.packet(0n, packet)),
  ];
  const changed = fc
    .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(260), fc.nat(255)), { maxLength: 6 }), fc.nat(260))
    .map(([sample, changes, length]) => {
      const bytes = sample.slice();
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return bytes.subarray(0, length > 200 ? bytes.length : length);
    });

  it('give records or a RecordingError, the same in chunks of every size', () => {
    const read = (recording: Uint8Array, chunkBytes: number): string => {
      const reader = new RecordingReader();
      const seen: string[] = [];
      try {
        for (let at = 0; at < recording.length; at += chunkBytes) {
          reader.push(recording.subarray(at, at + chunkBytes));
          while (reader.next()) {
            const { kind, offset, at: start, end, isPacket, packetAt, packetEnd, payloadAt, payloadEnd } = reader.entry;
            const inside = [payloadAt, payloadEnd, packetAt, packetEnd].map((place) => place - start);
            expect(end).toBeGreaterThan(start);
            if (isPacket) expect(inside.every((place) => place >= 0 && place <= end - start)).toBe(true);
            seen.push(`${kind} at ${offset}: ${isPacket ? inside : ''}`);
          }
        }
        seen.push(`${reader.end()} left`);
      } catch (error) {
        expect(error).toBeInstanceOf(RecordingError);
        seen.push((error as Error).message);
      }
      return seen.join('\n');
    };
    fc.assert(
      fc.property(changed, fc.integer({ min: 1, max: 50 }), (recording, chunkBytes) => {
        expect(read(recording, chunkBytes)).toBe(read(recording, recording.length || 1));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('packets of programs', () => {
  it.each([
    ['192.0.2.1', '198.51.100.7'],
    ['2001:db8::1', '::'],
    ['::1', 'fe80::1:0:0:2'],
    ['1:2:3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
    ['1::2:0:0:3:4', '1:0:0:2::'],
  ])('from %s to %s come back as they were written', (from, to) => {
    const datagram = {
      source: { address: from, port: 5004 },
      destination: { address: to, port: 6004 },
      payload: Uint8Array.of(1, 2, 3),
    };
    const writer = new RecordingWriter('pcapng');
    const timeNs = 1_700_000_000_123_456_789n;
    const bytes = udpPacket(datagram);
    expect(wrongIn(bytes)).toBe('');
    expect([...readPackets([concat(writer.start(), writer.packet(timeNs, bytes))])]).toEqual([{ timeNs, ...datagram }]);
  });

  it.each([
    ['127.0.0.1', '::1'],
    ['127.0.0.256', '127.0.0.1'],
    ['1:2:3:4:5:6:7', '::1'],
    ['1::2::3', '::1'],
    ['1:2:3:4:5:6:7::8', '::1'],
    ['host', '127.0.0.1'],
  ])('are refused from %s to %s', (from, to) => {
    const [source, destination] = [from, to].map((address) => ({ address, port: 1 }));
    expect(() => udpPacket({ source: source!, destination: destination!, payload: new Uint8Array(1) })).toThrow(
      RangeError,
    );
  });

  it('say in rtpdump that they are RTCP by a length of 0', () => {
    const writer = new RecordingWriter('rtpdump');
    expect([...writer.packet(0n, Uint8Array.of(0x80, 201, 0, 0)).subarray(0, 4)]).toEqual([0, 12, 0, 0]);
    expect([...writer.packet(0n, Uint8Array.of(0x80, 96, 0, 0)).subarray(0, 4)]).toEqual([0, 12, 0, 4]);
  });

  it('have a checksum of ffff where the sum is 0, because 0 means no checksum', () => {
    const endpoint = { address: '192.0.2.1', port: 5004 };
    const checksumOf = (payload: Uint8Array) =>
      udpPacket({ source: endpoint, destination: endpoint, payload }).subarray(26, 28);
    expect(checksumOf(checksumOf(new Uint8Array(2)))).toEqual(Uint8Array.of(0xff, 0xff));
  });

  it('are refused where they are too long', () => {
    const endpoint = { address: '127.0.0.1', port: 1 };
    const payload = new Uint8Array(65_508);
    expect(() => udpPacket({ source: endpoint, destination: endpoint, payload })).toThrow(/65508/);
    expect(() => new RecordingWriter('rtpdump').packet(0n, payload.subarray(0, 65_528 - 20))).not.toThrow();
    expect(() => new RecordingWriter('rtpdump').packet(0n, new Uint8Array(65_528))).toThrow(RangeError);
  });
});
