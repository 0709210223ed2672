/** Every link type, in every format: made by our writer, and by text2pcap and editcap. */
import { writeFileSync } from 'node:fs';
import { RecordingWriter } from '../../src/recording/recording.js';
import { run } from '../e2e/tools.mjs';
import { concat } from '../support/arrays.js';
import { EXTENSIONS, ipv4, ipv6, LINKS } from '../support/recordings.js';
import { frameseal, mustComeBack, mustEqual, say, tshark } from './tools.js';

const PACKETS = 40;
type Files = (name: string) => string;

function rtp(sequence: number): Uint8Array {
  const header = [0x80, 96, 0, sequence, 0, 0, 0, sequence, 1, 2, 3, 4];
  return concat(header, new Uint8Array(100 + sequence).fill(sequence));
}

/** IPv4 and IPv6, plain and with all that may stand before UDP. */
function packet(sequence: number): Uint8Array {
  const payload = rtp(sequence);
  switch (sequence % 4) {
    case 0:
      return ipv4(payload);
    case 1:
      return ipv6(payload);
    case 2:
      return ipv4(payload, { options: [7, 7, 4, 0, 0, 0, 0, 0] });
    default: {
      const { hopByHop, atomicFragment, destination } = EXTENSIONS;
      return ipv6(payload, { extensions: [hopByHop, atomicFragment, destination] });
    }
  }
}

export function linkTypes(file: Files): void {
  const config = file('config.json');
  const recordings = Object.entries(LINKS).map(([name, { linkType, frame }], i) => {
    const recording = file(`link-${i}`);
    const writer = new RecordingWriter('pcap', { linkType, littleEndian: i % 2 === 0, nanoseconds: i % 3 === 0 });
    const records = Array.from({ length: PACKETS }, (_, at) =>
      writer.packet(BigInt(at) * 20_000_000n, frame(packet(at))),
    );
    writeFileSync(recording, concat(writer.start(), ...records));
    checkPlain(file, recording, config, PACKETS);
    say(`${name}: sealed, opened, byte for byte the same; no wrong checksums`);
    return recording;
  });
  const merged = file('merged');
  run('mergecap', ['-F', 'pcapng', '-w', merged, ...recordings]);
  checkPlain(file, merged, config, PACKETS * recordings.length);
  say('all of them in one pcapng, an interface each: the same');
  text2pcap(file, config);
  rtpdump(file, config);
}

/** All packets are sealed and come back, and tshark finds in the sealed recording as many of UDP, and no wrong checksum. */
function checkPlain(file: Files, recording: string, config: string, packets: number): void {
  mustEqual(mustComeBack(file, recording, config).replaced, packets, 'sealed packets');
  const statuses = tshark(file('sealed'), [
    ...['-Y', 'udp && !_ws.malformed', '-T', 'fields', '-E', 'separator=,'],
    ...['-e', 'udp.checksum.status', '-e', 'ip.checksum.status'],
  ]);
  mustEqual(statuses.filter((line) => /^1,1?$/.test(line)).length, packets, 'UDP packets with right checksums');
}

/** Recordings that Wireshark's tools make of our packets, and that go from format to format while they are sealed. */
function text2pcap(file: Files, config: string): void {
  const lines = Array.from({ length: PACKETS }, (_, i) => {
    const hex = [...rtp(i)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    return `000000 ${hex}\n`;
  });
  writeFileSync(file('text'), lines.join('\n'));
  const kinds = {
    Ethernet: ['-4', '192.0.2.1,192.0.2.2'],
    'Ethernet, IPv6': ['-6', '2001:db8::1,2001:db8::2'],
    raw: ['-E', 'rawip', '-4', '192.0.2.1,192.0.2.2'],
  };
  for (const [name, args] of Object.entries(kinds)) {
    const recording = file('recording');
    run('text2pcap', ['-q', ...args, '-u', '40000,5004', file('text'), recording]);
    checkPlain(file, recording, config, PACKETS);
    for (const format of ['pcap', 'nsecpcap', 'pcapng']) {
      const converted = file('converted');
      run('editcap', ['-F', format, file('sealed'), converted]);
      mustEqual(
        frameseal('open', converted, file('opened'), config).replaced,
        PACKETS,
        `packets that open as ${format}`,
      );
    }
    say(`text2pcap, ${name}: sealed, opened, byte for byte the same, also by way of editcap in three formats`);
  }
}

function rtpdump(file: Files, config: string): void {
  const writer = new RecordingWriter('rtpdump', { startNs: 1_700_000_000_000_000_000n });
  const start = 1_700_000_000_000_000_000n;
  const records = Array.from({ length: PACKETS }, (_, i) => writer.packet(start + BigInt(i) * 20_000_000n, rtp(i)));
  const recording = file('recording');
  writeFileSync(recording, concat(writer.start(), ...records));
  mustEqual(mustComeBack(file, recording, config).replaced, PACKETS, 'sealed packets');
  say('rtpdump: sealed, opened, byte for byte the same');
}
