/** Writes recordings: a header, then a record for each packet. Bytes only; where they go is the caller's affair. */
import { putWord32, store16 } from './area.js';
import { type FormatName, MOST_RECORD_BYTES, SNAPSHOT_BYTES } from './format.js';
import { PCAP_FILE_HEADER_BYTES, PCAP_MICROSECONDS, PCAP_NANOSECONDS, PCAP_RECORD_HEADER_BYTES } from './pcap.js';
import { BYTE_ORDER_MAGIC, ENHANCED_HEADER_BYTES, ENHANCED_PACKET, INTERFACE, SECTION } from './pcapng.js';
import { RTPDUMP_HEADER_BYTES, RTPDUMP_RECORD_HEADER_BYTES, RTPDUMP_START } from './rtpdump.js';

/** Options of a RecordingWriter. */
export interface WriterOptions {
  /** LINKTYPE_ number; default 101, raw IP, which `udpPacket` makes. rtpdump has none. */
  linkType?: number | undefined;
  /** pcap and pcapng: the byte order of their words, default true. */
  littleEndian?: boolean | undefined;
  /** pcap and pcapng: default true; false counts microseconds. */
  nanoseconds?: boolean | undefined;
  /** rtpdump: when the recording began, in nanoseconds since 1970; default 0. */
  startNs?: bigint | undefined;
}

const LINK_RAW_IP = 101;
const MILLION = 1_000_000n;
const BILLION = 1_000_000_000n;

/** Makes the bytes of a recording: `start()`, then `packet()` for each packet. */
export class RecordingWriter {
  /** The recording's format. */
  readonly format: FormatName;
  readonly #linkType: number;
  readonly #littleEndian: boolean;
  readonly #tickNs: bigint;
  readonly #startNs: bigint;

  /** `format`: pcap, pcapng or rtpdump. */
  constructor(format: FormatName, options: WriterOptions = {}) {
    const { linkType = LINK_RAW_IP, littleEndian = true, nanoseconds = true, startNs = 0n } = options;
    this.format = format;
    this.#linkType = linkType;
    this.#littleEndian = littleEndian;
    this.#tickNs = nanoseconds ? 1n : 1000n;
    this.#startNs = startNs;
  }

  /** The bytes that a recording begins with. */
  start(): Uint8Array {
    if (this.format === 'pcap') return this.#pcapStart();
    return this.format === 'pcapng' ? this.#pcapngStart() : this.#rtpdumpStart();
  }

  /**
   * The record of a packet that was captured whole, `timeNs` nanoseconds after the beginning of 1970. For rtpdump it is an RTP or an
   * RTCP packet, for the others one with the headers of the link type. Throws RangeError where it is too long.
   */
  packet(timeNs: bigint, packet: Uint8Array): Uint8Array {
    const most = this.format === 'rtpdump' ? 0xffff - RTPDUMP_RECORD_HEADER_BYTES : MOST_RECORD_BYTES - 64;
    if (packet.length > most) throw new RangeError(`a packet of ${this.format} has ${most} bytes at most`);
    if (this.format === 'pcap') return this.#pcapRecord(timeNs, packet);
    return this.format === 'pcapng' ? this.#pcapngBlock(timeNs, packet) : this.#rtpdumpRecord(timeNs, packet);
  }

  #pcapStart(): Uint8Array {
    const bytes = new Uint8Array(PCAP_FILE_HEADER_BYTES);
    this.#words(bytes, 0, [this.#tickNs === 1n ? PCAP_NANOSECONDS : PCAP_MICROSECONDS]);
    this.#halves(bytes, 4, [2, 4]);
    this.#words(bytes, 8, [0, 0, SNAPSHOT_BYTES, this.#linkType]);
    return bytes;
  }

  #pcapRecord(timeNs: bigint, packet: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(PCAP_RECORD_HEADER_BYTES + packet.length);
    const fraction = Number((timeNs % BILLION) / this.#tickNs);
    this.#words(bytes, 0, [Number(timeNs / BILLION), fraction, packet.length, packet.length]);
    bytes.set(packet, PCAP_RECORD_HEADER_BYTES);
    return bytes;
  }

  /** A section and its one interface. */
  #pcapngStart(): Uint8Array {
    const [sectionBytes, interfaceBytes] = [28, 32];
    const bytes = new Uint8Array(sectionBytes + interfaceBytes);
    this.#words(bytes, 0, [SECTION, sectionBytes, BYTE_ORDER_MAGIC]);
    this.#halves(bytes, 12, [1, 0]);
    this.#words(bytes, 16, [0xffffffff, 0xffffffff, sectionBytes]);
    this.#words(bytes, 28, [INTERFACE, interfaceBytes]);
    this.#halves(bytes, 36, [this.#linkType, 0]);
    this.#words(bytes, 40, [SNAPSHOT_BYTES]);
    // if_tsresol: a power of ten; then the end of options.
    this.#halves(bytes, 44, [9, 1]);
    bytes[48] = this.#tickNs === 1n ? 9 : 6;
    this.#words(bytes, 56, [interfaceBytes]);
    return bytes;
  }

  #pcapngBlock(timeNs: bigint, packet: Uint8Array): Uint8Array {
    const length = ENHANCED_HEADER_BYTES + ((packet.length + 3) & ~3) + 4;
    const bytes = new Uint8Array(length);
    const ticks = timeNs / this.#tickNs;
    const time = [Number(ticks >> 32n), Number(ticks & 0xffffffffn)];
    this.#words(bytes, 0, [ENHANCED_PACKET, length, 0, ...time, packet.length, packet.length]);
    bytes.set(packet, ENHANCED_HEADER_BYTES);
    this.#words(bytes, length - 4, [length]);
    return bytes;
  }

  #rtpdumpStart(): Uint8Array {
    const line = `${RTPDUMP_START}0.0.0.0/0\n`;
    const bytes = new Uint8Array(line.length + RTPDUMP_HEADER_BYTES);
    for (let i = 0; i < line.length; i++) bytes[i] = line.charCodeAt(i);
    putWord32(bytes, line.length, Number(this.#startNs / BILLION), false);
    putWord32(bytes, line.length + 4, Number((this.#startNs % BILLION) / 1000n), false);
    return bytes;
  }

  #rtpdumpRecord(timeNs: bigint, packet: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(RTPDUMP_RECORD_HEADER_BYTES + packet.length);
    const isRtcp = packet.length >= 2 && packet[1]! >>> 5 === 6;
    store16(bytes, 0, bytes.length);
    store16(bytes, 2, isRtcp ? 0 : packet.length);
    putWord32(bytes, 4, Number((timeNs - this.#startNs) / MILLION), false);
    bytes.set(packet, RTPDUMP_RECORD_HEADER_BYTES);
    return bytes;
  }

  #words(bytes: Uint8Array, at: number, words: readonly number[]): void {
    for (const [i, word] of words.entries()) putWord32(bytes, at + 4 * i, word, this.#littleEndian);
  }

  #halves(bytes: Uint8Array, at: number, halves: readonly number[]): void {
    for (const [i, half] of halves.entries()) {
      bytes[at + 2 * i] = this.#littleEndian ? half : half >>> 8;
      bytes[at + 2 * i + 1] = this.#littleEndian ? half >>> 8 : half;
    }
  }
}
