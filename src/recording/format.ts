/** What a format of recordings does; each has a class, which is made from the first bytes of a recording. */
import type { RecordingEntry } from './entry.js';

/** The formats of recordings: libpcap's, pcapng, and rtpdump of rtptools. */
export type FormatName = 'pcap' | 'pcapng' | 'rtpdump';

export interface RecordingFormat {
  readonly name: FormatName;
  /**
   * Reads the record at entry.bytes[entry.at, available): fills in the entry, and returns true; or false where more bytes
   * are needed. Throws RecordingError where no bytes that follow could make it a record.
   */
  read(entry: RecordingEntry, available: number): boolean;
  /** Given a copy of the record at out[at, ...): changes what longer packets make untrue (snapshot lengths, section lengths). */
  amend(entry: RecordingEntry, out: Uint8Array, at: number): void;
  /**
   * Given the record's header at out[at, ...) and a packet of `packetBytes` after it: writes the lengths, and what follows
   * the packet. Returns where the record ends.
   */
  finish(entry: RecordingEntry, out: Uint8Array, at: number, packetBytes: number): number;
}

/** The longest record that is taken: what libpcap takes of a pcapng block. Whatever a length says, memory stays below. */
export const MOST_RECORD_BYTES: number = 16 * 1024 * 1024;

/** The most bytes by which a format makes a record longer than its packet has grown. */
export const MOST_FORMAT_GROWTH = 4;

/** A snapshot length below this one is raised, so that readers take packets that have grown; tools write it by default. */
export const SNAPSHOT_BYTES = 262_144;
