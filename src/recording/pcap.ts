/**
 * pcap (draft-ietf-opsawg-pcap), in both byte orders, with microseconds or nanoseconds.
 *
 *     file:    0        4        6        8          12         16           20          24
 *              | magic  | major  | minor  | reserved | reserved | snap bytes | link type | record ...
 *     record:  0         4          8                12               16
 *              | seconds | fraction | captured bytes | original bytes | packet (captured bytes) |
 *
 * Words are in the writer's byte order, which the magic shows: a1b2c3d4 with microseconds, a1b23c4d with nanoseconds.
 */
import { putWord32, word32 } from './area.js';
import type { Clock, RecordingEntry } from './entry.js';
import { RecordingError } from './error.js';
import { MOST_RECORD_BYTES, type RecordingFormat, SNAPSHOT_BYTES } from './format.js';

export const PCAP_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_NANOSECONDS = 0xa1b23c4d;
export const PCAP_FILE_HEADER_BYTES = 24;
export const PCAP_RECORD_HEADER_BYTES = 16;
const SNAPSHOT_AT = 16;
const LINK_TYPE_AT = 20;
const CAPTURED_AT = 8;
const ORIGINAL_AT = 12;

export class PcapFormat implements RecordingFormat {
  readonly name = 'pcap';
  readonly #littleEndian: boolean;
  readonly #clock: Clock;
  #linkType = 0;
  #begun = false;

  constructor(littleEndian: boolean, magic: number) {
    this.#littleEndian = littleEndian;
    const tickNs = magic === PCAP_NANOSECONDS ? 1n : 1000n;
    this.#clock = {
      nanoseconds: (seconds, fraction) => BigInt(seconds) * 1_000_000_000n + BigInt(fraction) * tickNs,
    };
  }

  read(entry: RecordingEntry, available: number): boolean {
    const { bytes } = entry.area;
    const { at } = entry;
    if (!this.#begun) return this.#readFileHeader(entry, available);
    if (available - at < PCAP_RECORD_HEADER_BYTES) return false;
    const captured = word32(bytes, at + CAPTURED_AT, this.#littleEndian);
    if (captured > MOST_RECORD_BYTES) {
      throw new RecordingError(
        `a pcap record says that it holds ${captured} bytes: no packet is so long`,
        entry.offset,
      );
    }
    entry.packetAt = at + PCAP_RECORD_HEADER_BYTES;
    entry.packetEnd = entry.packetAt + captured;
    entry.end = entry.packetEnd;
    if (entry.end > available) return false;
    entry.originalBytes = word32(bytes, at + ORIGINAL_AT, this.#littleEndian);
    entry.isPacket = true;
    entry.linkType = this.#linkType;
    entry.clock = this.#clock;
    entry.timeHigh = word32(bytes, at, this.#littleEndian);
    entry.timeLow = word32(bytes, at + 4, this.#littleEndian);
    return true;
  }

  #readFileHeader(entry: RecordingEntry, available: number): boolean {
    entry.end = entry.at + PCAP_FILE_HEADER_BYTES;
    if (entry.end > available) return false;
    // The upper half tells of frame check sequences.
    this.#linkType = word32(entry.area.bytes, entry.at + LINK_TYPE_AT, this.#littleEndian) & 0xffff;
    this.#begun = true;
    return true;
  }

  amend(entry: RecordingEntry, out: Uint8Array, at: number): void {
    if (!entry.isPacket) raiseSnapshot(out, at + SNAPSHOT_AT, this.#littleEndian);
  }

  finish(entry: RecordingEntry, out: Uint8Array, at: number, packetBytes: number): number {
    const growth = packetBytes - (entry.packetEnd - entry.packetAt);
    putWord32(out, at + CAPTURED_AT, packetBytes, this.#littleEndian);
    putWord32(out, at + ORIGINAL_AT, entry.originalBytes + growth, this.#littleEndian);
    return at + PCAP_RECORD_HEADER_BYTES + packetBytes;
  }
}

/** Raises a snapshot length that packets may grow beyond; 0 means no limit. */
export function raiseSnapshot(out: Uint8Array, at: number, littleEndian: boolean): void {
  const snapshot = word32(out, at, littleEndian);
  if (snapshot !== 0 && snapshot < SNAPSHOT_BYTES) putWord32(out, at, SNAPSHOT_BYTES, littleEndian);
}
