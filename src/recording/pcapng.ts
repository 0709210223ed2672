/**
 * pcapng (draft-ietf-opsawg-pcapng): sections, each with its byte order and interfaces, made of blocks. Blocks that hold no packet
 * pass as they are, known or not.
 *
 *     block:               0      4              8                           length - 4
 *                          | type | length       | body                      | length |
 *     section header:      | 0a0d0d0a | length   | 1a2b3c4d | major 2 | minor 2 | section bytes 8 | options
 *     interface:           | 1    | length       | link type 2 | reserved 2 | snap bytes 4 | options
 *     enhanced packet:     | 6    | length       | interface 4 | time 8 | captured 4 | original 4 | packet, padding, options
 *     packet (obsolete):   | 2    | length       | interface 2 | drops 2 | time 8 | captured 4 | original 4 | as above
 *     simple packet:       | 3    | length       | original 4 | packet, padding
 */
import { copyBytes, load16, putWord32, word32 } from './area.js';
import { type Clock, NO_CLOCK, type RecordingEntry } from './entry.js';
import { RecordingError } from './error.js';
import { MOST_RECORD_BYTES, type RecordingFormat } from './format.js';
import { raiseSnapshot } from './pcap.js';

export const SECTION = 0x0a0d0d0a;
export const INTERFACE = 1;
const PACKET = 2;
const SIMPLE_PACKET = 3;
export const ENHANCED_PACKET = 6;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const LEAST_BLOCK_BYTES = 12;
const SECTION_HEADER_BYTES = 28;
const INTERFACE_BYTES = 20;
export const ENHANCED_HEADER_BYTES = 28;
const SIMPLE_HEADER_BYTES = 12;
const SECTION_LENGTH_AT = 16;
const SNAPSHOT_AT = 12;
const CAPTURED_AT = 20;
const ORIGINAL_AT = 24;
const SIMPLE_ORIGINAL_AT = 8;
/** Interfaces of a section: each takes memory. */
const MOST_INTERFACES = 65_536;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;

interface Interface {
  readonly linkType: number;
  readonly snapshotBytes: number;
  readonly clock: Clock;
}

export class PcapngFormat implements RecordingFormat {
  readonly name = 'pcapng';
  #littleEndian = true;
  #interfaces: Interface[] = [];

  read(entry: RecordingEntry, available: number): boolean {
    const { bytes } = entry.area;
    const { at } = entry;
    if (available - at < LEAST_BLOCK_BYTES) return false;
    // The section's type reads the same in both byte orders, and its length has that of the magic after it.
    const isSection = word32(bytes, at, true) === SECTION;
    const littleEndian = isSection ? byteOrderOf(entry) : this.#littleEndian;
    const type = word32(bytes, at, littleEndian);
    const length = word32(bytes, at + 4, littleEndian);
    if (length < LEAST_BLOCK_BYTES || length % 4 !== 0 || length > MOST_RECORD_BYTES) {
      throw new RecordingError(`a pcapng block says that it has ${length} bytes`, entry.offset);
    }
    entry.end = at + length;
    if (entry.end > available) return false;
    entry.littleEndian = littleEndian;
    if (word32(bytes, entry.end - 4, littleEndian) !== length) {
      throw new RecordingError('the two lengths of a pcapng block differ', entry.offset);
    }
    if (isSection) this.#beginSection(entry, littleEndian);
    else if (type === INTERFACE) this.#addInterface(entry);
    else if (type === ENHANCED_PACKET || type === PACKET) this.#readPacket(entry, type);
    else if (type === SIMPLE_PACKET) this.#readSimplePacket(entry);
    return true;
  }

  #beginSection(entry: RecordingEntry, littleEndian: boolean): void {
    mustHold(entry, SECTION_HEADER_BYTES);
    const major = littleEndian ? entry.bytes[entry.at + 12]! : entry.bytes[entry.at + 13]!;
    if (major !== 1) throw new RecordingError(`a pcapng section is of version ${major}, expected 1`, entry.offset);
    this.#littleEndian = littleEndian;
    this.#interfaces = [];
  }

  #addInterface(entry: RecordingEntry): void {
    mustHold(entry, INTERFACE_BYTES);
    if (this.#interfaces.length === MOST_INTERFACES) {
      throw new RecordingError(`a pcapng section has over ${MOST_INTERFACES} interfaces`, entry.offset);
    }
    const { bytes, at } = entry;
    this.#interfaces.push({
      linkType: this.#word16(bytes, at + 8),
      snapshotBytes: word32(bytes, at + SNAPSHOT_AT, this.#littleEndian),
      clock: this.#clockOf(entry),
    });
  }

  /** Reads if_tsresol and if_tsoffset: the unit of time, by default a microsecond, and seconds that are added. */
  #clockOf({ bytes, at, end }: RecordingEntry): Clock {
    let resolution = 6;
    let offsetSeconds = 0n;
    for (let option = at + 16; option + 4 <= end - 4; ) {
      const code = this.#word16(bytes, option);
      const length = this.#word16(bytes, option + 2);
      const value = option + 4;
      option = value + ((length + 3) & ~3);
      if (code === 0 || option > end - 4) break;
      if (code === OPTION_RESOLUTION && length === 1) resolution = bytes[value]!;
      if (code === OPTION_OFFSET && length === 8) {
        const [first, second] = [value, value + 4].map((place) => BigInt(word32(bytes, place, this.#littleEndian)));
        const [high, low] = this.#littleEndian ? [second!, first!] : [first!, second!];
        offsetSeconds = BigInt.asIntN(64, (high << 32n) | low);
      }
    }
    const exponent = BigInt(resolution & 0x7f);
    const ticksPerSecond = (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
    return {
      nanoseconds: (high, low) =>
        offsetSeconds * 1_000_000_000n + (((BigInt(high) << 32n) | BigInt(low)) * 1_000_000_000n) / ticksPerSecond,
    };
  }

  #readPacket(entry: RecordingEntry, type: number): void {
    mustHold(entry, ENHANCED_HEADER_BYTES + 4);
    const { bytes, at } = entry;
    const littleEndian = this.#littleEndian;
    const index = type === PACKET ? this.#word16(bytes, at + 8) : word32(bytes, at + 8, littleEndian);
    const captured = word32(bytes, at + CAPTURED_AT, littleEndian);
    this.#place(entry, index, ENHANCED_HEADER_BYTES, captured);
    entry.originalBytes = word32(bytes, at + ORIGINAL_AT, littleEndian);
    entry.timeHigh = word32(bytes, at + 12, littleEndian);
    entry.timeLow = word32(bytes, at + 16, littleEndian);
  }

  /** A simple packet has no captured length: all of it, up to the first interface's snapshot length. */
  #readSimplePacket(entry: RecordingEntry): void {
    mustHold(entry, SIMPLE_HEADER_BYTES + 4);
    const original = word32(entry.bytes, entry.at + SIMPLE_ORIGINAL_AT, this.#littleEndian);
    const snapshot = this.#interfaces[0]?.snapshotBytes || original;
    this.#place(entry, 0, SIMPLE_HEADER_BYTES, Math.min(original, snapshot));
    entry.originalBytes = original;
    entry.clock = NO_CLOCK;
  }

  #place(entry: RecordingEntry, index: number, headerBytes: number, captured: number): void {
    const source = this.#interfaces[index];
    if (source === undefined) {
      throw new RecordingError(`a pcapng packet is of interface ${index}, which its section lacks`, entry.offset);
    }
    if (captured > entry.end - 4 - entry.at - headerBytes) {
      throw new RecordingError(`a pcapng packet of ${captured} bytes is longer than its block`, entry.offset);
    }
    entry.packetAt = entry.at + headerBytes;
    entry.packetEnd = entry.packetAt + captured;
    entry.isPacket = true;
    entry.linkType = source.linkType;
    entry.clock = source.clock;
  }

  amend({ bytes, at: from, packetAt, packetEnd, littleEndian }: RecordingEntry, out: Uint8Array, at: number): void {
    const type = word32(bytes, from, littleEndian);
    if (type === INTERFACE) raiseSnapshot(out, at + SNAPSHOT_AT, littleEndian);
    // "Not known": the section's packets may change their lengths.
    if (type === SECTION) out.fill(0xff, at + SECTION_LENGTH_AT, at + SECTION_LENGTH_AT + 8);
    // The snapshot length says how much was captured, and has been raised.
    if (type === SIMPLE_PACKET) putWord32(out, at + SIMPLE_ORIGINAL_AT, packetEnd - packetAt, littleEndian);
  }

  finish(entry: RecordingEntry, out: Uint8Array, at: number, packetBytes: number): number {
    const { littleEndian } = entry;
    const headerBytes = entry.packetAt - entry.at;
    const captured = entry.packetEnd - entry.packetAt;
    const packetEnd = at + headerBytes + packetBytes;
    const paddedEnd = packetEnd + (-packetBytes & 3);
    out.fill(0, packetEnd, paddedEnd);
    const optionsAt = entry.packetEnd + (-captured & 3);
    copyBytes(entry.bytes, optionsAt, entry.end, out, paddedEnd);
    const end = paddedEnd + entry.end - optionsAt;
    putWord32(out, at + 4, end - at, littleEndian);
    putWord32(out, end - 4, end - at, littleEndian);
    if (headerBytes === SIMPLE_HEADER_BYTES) {
      putWord32(out, at + SIMPLE_ORIGINAL_AT, packetBytes, littleEndian);
    } else {
      putWord32(out, at + CAPTURED_AT, packetBytes, littleEndian);
      putWord32(out, at + ORIGINAL_AT, entry.originalBytes + packetBytes - captured, littleEndian);
    }
    return end;
  }

  #word16(bytes: Uint8Array, at: number): number {
    return this.#littleEndian ? bytes[at]! | (bytes[at + 1]! << 8) : load16(bytes, at);
  }
}

/** Whether the section at the entry is little-endian. */
function byteOrderOf({ bytes, at, offset }: RecordingEntry): boolean {
  for (const littleEndian of [true, false]) {
    if (word32(bytes, at + 8, littleEndian) === BYTE_ORDER_MAGIC) return littleEndian;
  }
  throw new RecordingError('a pcapng section has no byte-order magic', offset);
}

/** Throws where the block is shorter than its kind. */
function mustHold({ at, end, offset }: RecordingEntry, least: number): void {
  if (end - at < least) throw new RecordingError(`a pcapng block has ${end - at} bytes, expected ${least}`, offset);
}
