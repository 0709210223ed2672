/** Reads recordings of any format, from chunks of any size. */
import { Area, copyBytes, word32 } from './area.js';
import { findDatagram } from './datagram.js';
import { RecordingEntry } from './entry.js';
import { RecordingError } from './error.js';
import type { FormatName, RecordingFormat } from './format.js';
import { PCAP_MICROSECONDS, PCAP_NANOSECONDS, PcapFormat } from './pcap.js';
import { PcapngFormat, SECTION } from './pcapng.js';
import { RTPDUMP_START, RtpdumpFormat } from './rtpdump.js';

const FIRST_BYTES = 65_536;
const MAGIC_BYTES = 4;
const PCAP_MODIFIED = 0xa1b2cd34;
const GZIP = 0x1f8b;
const ZSTD = 0x28b52ffd;

/** Reads the records of a recording that comes in chunks; pcap, pcapng and rtpdump are told apart by their first bytes. */
export class RecordingReader {
  /** The record that `next` read last. */
  readonly entry = new RecordingEntry();
  #area = new Area(FIRST_BYTES);
  /** The bytes that are not read yet are [at, end) of the area. */
  #at = 0;
  #end = 0;
  /** Bytes of the recording before #at. */
  #offset = 0;
  #format: RecordingFormat | undefined;

  /** The recording's format; undefined until its first bytes are there. */
  get format(): FormatName | undefined {
    return this.#format?.name;
  }

  /** @internal */
  get codec(): RecordingFormat {
    return this.#format!;
  }

  /** Bytes of the recording that have been read as records. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes the next bytes of the recording, which are copied. Entries read before are not valid afterwards. */
  push(chunk: Uint8Array): void {
    this.#makeRoom(chunk.length);
    copyBytes(chunk, 0, chunk.length, this.#area.bytes, this.#end);
    this.#end += chunk.length;
  }

  /**
   * Reads the next record into `entry`. False: more bytes are needed. Throws RecordingError where the recording is malformed,
   * and again after that.
   */
  next(entry: RecordingEntry = this.entry): boolean {
    this.#format ??= this.#detect();
    if (this.#format === undefined) return false;
    entry.area = this.#area;
    entry.at = this.#at;
    entry.offset = this.#offset;
    entry.isPacket = false;
    if (!this.#format.read(entry, this.#end)) return false;
    this.#at = entry.end;
    this.#offset += entry.end - entry.at;
    findDatagram(entry);
    return true;
  }

  /**
   * For the end of the recording: the bytes of a last record that is cut short, 0 where there is none. Throws RecordingError
   * where there was no recording.
   */
  end(): number {
    if (this.#offset === 0) {
      const found = this.#end === this.#at ? 'the recording is empty' : 'the recording ends within its first header';
      throw new RecordingError(found, 0);
    }
    return this.#end - this.#at;
  }

  /** Moves what is not read yet to the front, and takes more memory where that is not enough. */
  #makeRoom(bytes: number): void {
    const pending = this.#end - this.#at;
    if (this.#end + bytes <= this.#area.bytes.length) return;
    const source = this.#area.bytes;
    if (pending + bytes > source.length) this.#area = new Area(Math.max(2 * source.length, pending + bytes));
    this.#area.bytes.set(source.subarray(this.#at, this.#end));
    this.#at = 0;
    this.#end = pending;
  }

  #detect(): RecordingFormat | undefined {
    const { bytes } = this.#area;
    if (this.#end - this.#at < MAGIC_BYTES) return undefined;
    for (const littleEndian of [true, false]) {
      const magic = word32(bytes, this.#at, littleEndian);
      if (magic === PCAP_MICROSECONDS || magic === PCAP_NANOSECONDS) return new PcapFormat(littleEndian, magic);
      if (magic === PCAP_MODIFIED) {
        throw new RecordingError(
          'this is the modified pcap of old Linux tools: save it as pcap with editcap -F pcap',
          0,
        );
      }
    }
    const magic = word32(bytes, this.#at, false);
    if (magic === SECTION) return new PcapngFormat();
    if (
      String.fromCharCode(...bytes.subarray(this.#at, this.#at + MAGIC_BYTES)) === RTPDUMP_START.slice(0, MAGIC_BYTES)
    ) {
      return new RtpdumpFormat();
    }
    if (magic >>> 16 === GZIP || magic === ZSTD)
      throw new RecordingError('this file is compressed: unpack it first', 0);
    const start = magic.toString(16).padStart(8, '0');
    throw new RecordingError(`not a recording: it begins with ${start}, and is no pcap, pcapng or rtpdump`, 0);
  }
}
