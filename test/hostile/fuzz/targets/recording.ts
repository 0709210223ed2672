/**
 * Recordings of every format, changed in every byte: records or a RecordingError, in chunks of any size; and a rewriter that replaces
 * payloads, whose result is read again.
 */
import { concat } from '../../../support/arrays.js';
import { block, EXTENSIONS, ipv4, ipv6, LINKS } from '../../../support/recordings.js';
import type { Code } from '../code.js';
import { must, mustEqual, sameBytes } from '../invariants.js';
import { Reader } from '../reader.js';
import type { Target } from './target.js';

const GROWTHS = [0, 1, 30, 1000];
/** Beside the bytes of an input: the most that a reader and a rewriter may hold for it. */
const MOST_MEMORY = 1 << 21;

export function recordingTarget({ recording, recordingError }: Code): Target {
  /** All that a reader shows of a recording that arrives in chunks. */
  function read(bytes: Uint8Array, chunkBytes: number): string {
    const reader = new recording.RecordingReader();
    const seen: string[] = [];
    try {
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        reader.push(bytes.subarray(at, at + chunkBytes));
        while (reader.next()) seen.push(entryText(reader.entry, bytes));
        must(
          reader.entry.bytes === undefined || reader.entry.bytes.length < MOST_MEMORY,
          'memory is bounded',
          () => 'grew',
        );
      }
      seen.push(`${reader.end()} left`);
    } catch (error) {
      if (!(error instanceof recordingError.RecordingError)) throw error;
      seen.push(error.message);
    }
    return seen.join('\n');
  }

  function entryText(entry: InstanceType<Code['recording']['RecordingEntry']>, bytes: Uint8Array): string {
    const { at, end, offset, isPacket, packetAt, packetEnd, payloadAt, payloadEnd, kind } = entry;
    must(
      at < end && offset + end - at <= bytes.length,
      'a record is within the recording',
      () => `${offset}: ${at}, ${end}`,
    );
    const record = entry.bytes.subarray(at, end);
    must(
      sameBytes(record, bytes.subarray(offset, offset + end - at)),
      'a record is what was pushed',
      () => `${offset}`,
    );
    if (!isPacket) return `${kind} ${offset}`;
    const inOrder = at <= packetAt && packetAt <= payloadAt && payloadAt <= payloadEnd && payloadEnd <= packetEnd;
    must(inOrder && packetEnd <= end, 'parts of a record are in order', () => [packetAt, payloadAt, payloadEnd].join());
    return `${kind} ${offset} ${payloadAt - at} ${payloadEnd - at} ${entry.timeNs} ${entry.source?.address}`;
  }

  /** Replaces payloads by their bytes in reverse order with `growth` bytes after them; or removes these. */
  function rewrite(bytes: Uint8Array, growth: number, direction: 'longer' | 'shorter'): Uint8Array | undefined {
    const rewriter = new recording.RecordingRewriter({
      growth: direction === 'longer' ? growth : 0,
      takes: () => true,
      transform(inputs, outs, results, count) {
        for (let i = 0; i < count; i++) {
          const length = inputs[i]!.length + (direction === 'longer' ? 0 : -growth);
          results[i] = direction === 'longer' ? length + growth : length;
          for (let at = 0; at < length; at++) outs[i]![at] = inputs[i]![at]! ^ 0x5a;
          if (direction === 'longer') outs[i]!.fill(0, length);
        }
      },
    });
    const parts: Uint8Array[] = [];
    try {
      for (const part of rewriter.push(bytes)) parts.push(part.slice());
      rewriter.end();
    } catch (error) {
      if (!(error instanceof recordingError.RecordingError)) throw error;
      return undefined;
    }
    return rewriter.counts.tooLong > 0 ? undefined : concat(...parts);
  }

  /** A UDP checksum that was wrong may look like one that is unfinished, once in 65,536. */
  function withoutChecksums(bytes: Uint8Array): Uint8Array {
    const result = bytes.slice();
    const reader = new recording.RecordingReader();
    reader.push(bytes);
    while (reader.next()) {
      const { kind, udpAt, at, offset } = reader.entry;
      if (kind === 'udp' && udpAt >= 0) result.fill(0, offset + udpAt - at + 6, offset + udpAt - at + 8);
    }
    return result;
  }

  function run(input: Uint8Array): string {
    const reader = new Reader(input);
    const chunkBytes = 1 + reader.below(64);
    const growth = reader.pick(GROWTHS);
    const bytes = reader.rest();
    const whole = read(bytes, Math.max(1, bytes.length));
    mustEqual(read(bytes, chunkBytes), whole, 'a recording reads the same in chunks of any size');
    const longer = rewrite(bytes, growth, 'longer');
    if (longer === undefined) return 'refused';
    const back = rewrite(longer, growth, 'shorter');
    must(back !== undefined, 'what a rewriter writes can be read', () => whole);
    // A second time around, nothing changes any more: padding is 0, and lengths that were not known are left out.
    const again = rewrite(rewrite(back, growth, 'longer')!, growth, 'shorter')!;
    const same = sameBytes(withoutChecksums(again), withoutChecksums(back));
    must(same, 'payloads that are replaced and put back leave a recording as it was', () => whole);
    return /udp/.test(whole) ? 'datagrams' : 'records';
  }

  const packets = [
    ipv4([1, 2, 3]),
    ipv6([1, 2, 3], { extensions: Object.values(EXTENSIONS) }),
    ipv4([1], { checksum: 'offloaded', options: [1, 1, 1, 0] }),
    ipv4([1], { fragment: 0x2000 }),
  ];
  const seeds = Object.values(LINKS).map(({ linkType, frame }, i) => {
    const littleEndian = i % 2 === 0;
    const writer = new recording.RecordingWriter(i % 3 === 0 ? 'pcapng' : 'pcap', { linkType, littleEndian });
    return concat([7, 2], writer.start(), ...packets.map((packet) => writer.packet(5n, frame(packet))));
  });
  const dump = new recording.RecordingWriter('rtpdump');
  const pcapng = new recording.RecordingWriter('pcapng');
  const others = [
    concat([1, 2], dump.start(), dump.packet(0n, packets[0]!), dump.packet(0n, packets[1]!)),
    concat([9, 1], pcapng.start(), block(3, concat([32, 0, 0, 0], packets[0]!)), block(5, [1, 2, 3, 4])),
    concat([9, 1], pcapng.start(), block(2, concat(new Uint8Array(12), [31, 0, 0, 0, 31, 0, 0, 0], packets[0]!))),
    concat(
      [9, 1],
      pcapng.start(),
      block(1, [1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0x83, 0, 0, 0, 14, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
    ),
  ];
  return { name: 'recording', maxBytes: 1000, seeds: [...seeds, ...others], run };
}
