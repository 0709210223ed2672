import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readUdpPackets } from '../../src/cli/demo/pcap.js';

interface FileOptions {
  littleEndian?: boolean;
  nanoseconds?: boolean;
  linkType?: number;
}

interface Capture {
  frame: number[];
  seconds?: number;
  fraction?: number;
  originalBytes?: number;
}

/** A pcap file of these records; little-endian, microseconds, Ethernet unless told otherwise. */
function pcap(captures: Capture[], options: FileOptions = {}): Uint8Array {
  const { littleEndian = true, nanoseconds = false, linkType = 1 } = options;
  const word = (value: number) => {
    const bytes = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
    return littleEndian ? bytes.reverse() : bytes;
  };
  const version = littleEndian ? [2, 0, 4, 0] : [0, 2, 0, 4];
  const bytes = [...word(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4), ...version];
  for (const value of [0, 0, 262144, linkType]) bytes.push(...word(value));
  for (const { frame, seconds = 0, fraction = 0, originalBytes = frame.length } of captures) {
    for (const value of [seconds, fraction, frame.length, originalBytes]) bytes.push(...word(value));
    bytes.push(...frame);
  }
  return Uint8Array.from(bytes);
}

const u16 = (value: number) => [value >>> 8, value & 255];
const zeros = (count: number): number[] => new Array(count).fill(0);

/** A UDP datagram from port 40000. */
const udp = (port: number, payload: number[]) => [
  ...u16(40000),
  ...u16(port),
  ...u16(8 + payload.length),
  ...u16(0),
  ...payload,
];

/** An IPv4 packet, "don't fragment" set, options as given. */
const ipv4 = (body: number[], { protocol = 17, fragment = 0x4000, options = [] as number[] } = {}) => [
  0x45 + options.length / 4,
  0,
  ...u16(20 + options.length + body.length),
  ...u16(7),
  ...u16(fragment),
  64,
  protocol,
  ...u16(0),
  ...[127, 0, 0, 1],
  ...[127, 0, 0, 1],
  ...options,
  ...body,
];

const ipv6 = (body: number[], nextHeader = 17) => [
  ...[0x60, 0, 0, 0],
  ...u16(body.length),
  nextHeader,
  64,
  ...zeros(32),
  ...body,
];

const ethernet = (packet: number[], etherType = 0x0800) => [...zeros(12), ...u16(etherType), ...packet];

const hello = [1, 2, 3, 4, 5];
const helloFrame = ethernet(ipv4(udp(5004, hello)));

function ports(file: Uint8Array): number[] {
  return readUdpPackets(file).map((packet) => packet.destinationPort);
}

describe('file and record headers', () => {
  for (const littleEndian of [true, false]) {
    const order = littleEndian ? 'little-endian' : 'big-endian';

    it(`reads microseconds, ${order}`, () => {
      const file = pcap(
        [
          { frame: helloFrame, seconds: 4_000_000_000, fraction: 999_990 },
          { frame: ethernet(ipv4(udp(5006, []))), seconds: 4_000_000_001, fraction: 20 },
        ],
        { littleEndian },
      );
      expect(readUdpPackets(file)).toEqual([
        { timeUs: 0, destinationPort: 5004, payload: Uint8Array.from(hello) },
        { timeUs: 30, destinationPort: 5006, payload: new Uint8Array(0) },
      ]);
    });

    it(`reads nanoseconds, ${order}`, () => {
      const file = pcap(
        [
          { frame: helloFrame, seconds: 9, fraction: 999_999_500 },
          { frame: helloFrame, seconds: 10, fraction: 1_000 },
        ],
        { littleEndian, nanoseconds: true },
      );
      expect(readUdpPackets(file).map((packet) => packet.timeUs)).toEqual([0, 1.5]);
    });
  }

  it('reads a file without records', () => expect(readUdpPackets(pcap([]))).toEqual([]));

  it('counts time from the first packet that it returns', () => {
    const arp = { frame: ethernet(zeros(28), 0x0806), seconds: 1 };
    const file = pcap([arp, { frame: helloFrame, seconds: 5 }, { frame: helloFrame, seconds: 7 }]);
    expect(readUdpPackets(file).map((packet) => packet.timeUs)).toEqual([0, 2e6]);
  });

  it('returns views of the file, which may itself be a view', () => {
    const file = pcap([{ frame: helloFrame }]);
    const shifted = new Uint8Array(file.length + 20).subarray(3, 3 + file.length);
    shifted.set(file);
    const { payload } = readUdpPackets(shifted)[0]!;
    expect(payload).toEqual(Uint8Array.from(hello));
    expect(payload.buffer).toBe(shifted.buffer);
  });
});

describe('frames', () => {
  const packet = ipv4(udp(5004, hello));
  const packet6 = ipv6(udp(5006, hello));
  const links: [name: string, linkType: number, frames: number[][]][] = [
    ['Ethernet', 1, [ethernet(packet), ethernet(packet6, 0x86dd)]],
    [
      'null/loopback',
      0,
      [
        [2, 0, 0, 0, ...packet],
        [30, 0, 0, 0, ...packet6],
      ],
    ],
    ['raw IP (101)', 101, [packet, packet6]],
    ['raw IP (12)', 12, [packet, packet6]],
    [
      'Linux cooked v1',
      113,
      [
        [...zeros(14), 8, 0, ...packet],
        [...zeros(14), 0x86, 0xdd, ...packet6],
      ],
    ],
    [
      'Linux cooked v2',
      276,
      [
        [8, 0, ...zeros(18), ...packet],
        [0x86, 0xdd, ...zeros(18), ...packet6],
      ],
    ],
  ];
  for (const [name, linkType, frames] of links) {
    it(`finds UDP over IPv4 and IPv6 in ${name}`, () => {
      const file = pcap(
        frames.map((frame) => ({ frame })),
        { linkType },
      );
      expect(ports(file)).toEqual([5004, 5006]);
      for (const { payload } of readUdpPackets(file)) expect(payload).toEqual(Uint8Array.from(hello));
    });
  }

  it('steps over IPv4 options', () => {
    const frame = ethernet(ipv4(udp(5004, hello), { options: [0x94, 4, 0, 0, 1, 1, 1, 1] }));
    expect(readUdpPackets(pcap([{ frame }]))[0]!.payload).toEqual(Uint8Array.from(hello));
  });

  it('leaves out the padding of short Ethernet frames', () => {
    const frame = [...helloFrame, ...zeros(60 - helloFrame.length)];
    expect(readUdpPackets(pcap([{ frame }]))[0]!.payload).toEqual(Uint8Array.from(hello));
  });

  const skipped: Record<string, number[]> = {
    'an empty frame': [],
    'a frame of a link header alone': ethernet([]),
    'another EtherType': ethernet(packet, 0x88b5),
    'another IP version': ethernet([0x55, ...packet.slice(1)]),
    TCP: ethernet(ipv4(zeros(20), { protocol: 6 })),
    'ICMP that quotes a UDP packet': ethernet(ipv4([3, 3, ...zeros(6), ...packet], { protocol: 1 })),
    'a first fragment': ethernet(ipv4(udp(5004, hello), { fragment: 0x2000 })),
    'a later fragment': ethernet(ipv4(udp(5004, hello), { fragment: 0x00b9 })),
    'an IPv4 header length below 20': ethernet([0x44, ...packet.slice(1)]),
    'IPv4 options beyond the frame': ethernet([0x4f, ...packet.slice(1)]),
    'an IPv6 extension header': ethernet(ipv6([17, 0, ...zeros(6), ...udp(5006, hello)], 0), 0x86dd),
    'an IPv6 header cut short': ethernet(packet6.slice(0, 39), 0x86dd),
    'a UDP header cut short': ethernet(ipv4(udp(5004, []).slice(0, 7))),
    'a UDP length below 8': ethernet(ipv4([0, 1, 0, 2, 0, 7, 0, 0])),
    'a UDP length beyond the frame': helloFrame.slice(0, -1),
  };
  for (const [name, frame] of Object.entries(skipped)) {
    it(`leaves out ${name}`, () => expect(ports(pcap([{ frame }, { frame: helloFrame }]))).toEqual([5004]));
  }
});

describe('files that are refused', () => {
  const whole = pcap([{ frame: helloFrame }, { frame: helloFrame }]);
  const refused: [name: string, file: Uint8Array, message: RegExp][] = [
    ['nothing', new Uint8Array(0), /^not a pcap file: 0 bytes/],
    ['text', new TextEncoder().encode('v=0\r\no=- 0 0'), /^not a pcap file: starts with 763d300d, expected a1b2c3d4/],
    ['pcapng', Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0), /pcapng file: save it as pcap: tshark -F pcap/],
    ['half a file header', whole.subarray(0, 20), /cut short: 20 bytes, and its header takes 24$/],
    ['half a record header', whole.subarray(0, 30), /cut short: record 1 needs 16 bytes, 6 are left$/],
    ['half a frame', whole.subarray(0, whole.length - 1), /cut short: record 2 needs 47 bytes, 46 are left$/],
    ['Wi-Fi', pcap([], { linkType: 105 }), /link type 105, expected one of 0, 1, 12, 101, 113, 276/],
    ['a snap length', pcap([{ frame: helloFrame, originalBytes: 1242 }]), /record 1 holds 47 of the 1242 bytes/],
  ];
  for (const [name, file, message] of refused) {
    it(`says what is wrong with ${name}`, () => {
      expect(() => readUdpPackets(file)).toThrow(RangeError);
      expect(() => readUdpPackets(file)).toThrow(message);
    });
  }

  it('cut at any length, a file gives its whole records or a RangeError', () => {
    const recordBytes = 16 + helloFrame.length;
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      const records = (length - 24) / recordBytes;
      if (records >= 0 && Number.isInteger(records)) expect(readUdpPackets(cut)).toHaveLength(records);
      else expect(() => readUdpPackets(cut), `${length} bytes`).toThrow(RangeError);
    }
  });

  it('with any bytes changed, throws nothing but RangeError', () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const file = whole.slice();
        for (const [at, byte] of changes) file[at] = byte;
        try {
          readUdpPackets(file);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

describe('the recording in fixtures', () => {
  const packets = readUdpPackets(readFileSync(new URL('../../fixtures/recording.pcap', import.meta.url)));
  const to = (port: number) =>
    packets.filter((packet) => packet.destinationPort === port).map(({ payload }) => payload);

  it('holds 276 packets of audio, 217 of video and 3 reports of each', () => {
    expect(packets).toHaveLength(499);
    expect([5004, 5005, 5006, 5007].map((port) => to(port).length)).toEqual([276, 3, 217, 3]);
  });

  it('lasts 5.5 seconds and is in order', () => {
    const times = packets.map((packet) => packet.timeUs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBe(5_501_649);
  });

  it.each([
    { port: 5004, payloadType: 111, firstSequence: 65436, smallestBytes: 55, largestBytes: 181 },
    { port: 5006, payloadType: 96, firstSequence: 1000, smallestBytes: 23, largestBytes: 1200 },
  ])('has RTP without gaps to port $port', ({ port, payloadType, firstSequence, smallestBytes, largestBytes }) => {
    const sizes = to(port).map((rtp) => rtp.length);
    expect([Math.min(...sizes), Math.max(...sizes)]).toEqual([smallestBytes, largestBytes]);
    to(port).forEach((rtp, i) => {
      expect(rtp[0]).toBe(0x80);
      expect(rtp[1]! & 0x7f).toBe(payloadType);
      expect((rtp[2]! << 8) | rtp[3]!).toBe((firstSequence + i) & 0xffff);
    });
  });
});
