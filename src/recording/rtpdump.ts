/**
 * rtpdump, the format of rtptools: RTP and RTCP packets without headers below. All words are big-endian.
 *
 *     file:    #!rtpplay1.0 ADDRESS/PORT\n
 *              | start seconds 4 | microseconds 4 | source address 4 | port 2 | padding 2 | record ...
 *     record:  0                     2                                        4            8
 *              | bytes of the record | bytes of the RTP packet, 0: it is RTCP | ms 4       | packet |
 *
 * A packet that was longer than its record was cut.
 */
import { load16, store16, word32 } from './area.js';
import { type Clock, LINK_RTP, type RecordingEntry } from './entry.js';
import { RecordingError } from './error.js';
import type { RecordingFormat } from './format.js';

export const RTPDUMP_START = '#!rtpplay1.0 ';
export const RTPDUMP_HEADER_BYTES = 16;
export const RTPDUMP_RECORD_HEADER_BYTES = 8;
const MOST_LINE_BYTES = 256;
const NEWLINE = 10;

export class RtpdumpFormat implements RecordingFormat {
  readonly name = 'rtpdump';
  #startNs = 0n;
  #begun = false;
  readonly #clock: Clock = { nanoseconds: (_, ms) => this.#startNs + BigInt(ms) * 1_000_000n };

  read(entry: RecordingEntry, available: number): boolean {
    const { bytes } = entry.area;
    const { at } = entry;
    if (!this.#begun) return this.#readFileHeader(entry, available);
    if (available - at < RTPDUMP_RECORD_HEADER_BYTES) return false;
    const length = load16(bytes, at);
    if (length < RTPDUMP_RECORD_HEADER_BYTES) {
      throw new RecordingError(`an rtpdump record says that it has ${length} bytes: its header has 8`, entry.offset);
    }
    entry.end = at + length;
    if (entry.end > available) return false;
    entry.packetAt = at + RTPDUMP_RECORD_HEADER_BYTES;
    entry.packetEnd = entry.end;
    entry.originalBytes = load16(bytes, at + 2) || length - RTPDUMP_RECORD_HEADER_BYTES;
    entry.isPacket = true;
    entry.linkType = LINK_RTP;
    entry.clock = this.#clock;
    entry.timeLow = word32(bytes, at + 4, false);
    return true;
  }

  /** The line and the header after it, as one record. */
  #readFileHeader(entry: RecordingEntry, available: number): boolean {
    const { bytes } = entry.area;
    const most = entry.at + MOST_LINE_BYTES;
    let at = entry.at;
    while (at < available && at < most && bytes[at] !== NEWLINE) {
      const index = at - entry.at;
      if (index < RTPDUMP_START.length && bytes[at] !== RTPDUMP_START.charCodeAt(index)) {
        throw new RecordingError(`not a recording: an rtpdump file begins with ${RTPDUMP_START}`, 0);
      }
      at++;
    }
    if (at === most) throw new RecordingError(`the first line of an rtpdump file is over ${MOST_LINE_BYTES} bytes`, 0);
    entry.end = at + 1 + RTPDUMP_HEADER_BYTES;
    if (entry.end > available) return false;
    const seconds = word32(bytes, at + 1, false);
    this.#startNs = BigInt(seconds) * 1_000_000_000n + BigInt(word32(bytes, at + 5, false)) * 1000n;
    this.#begun = true;
    return true;
  }

  /** Nothing depends on the packets' lengths. */
  amend(): void {}

  finish(entry: RecordingEntry, out: Uint8Array, at: number, packetBytes: number): number {
    const end = at + RTPDUMP_RECORD_HEADER_BYTES + packetBytes;
    store16(out, at, end - at);
    const isRtp = load16(entry.area.bytes, entry.at + 2) !== 0;
    if (isRtp) store16(out, at + 2, packetBytes);
    return end;
  }
}
