/**
 * `frameseal/recording`: streams of packets out of and into pcap, pcapng and rtpdump; bytes only, no files.
 *
 * @module frameseal/recording
 */
export { type Clock, type EntryKind, type RecordedEndpoint, RecordingEntry } from './entry.js';
export { RecordingError } from './error.js';
export type { FormatName } from './format.js';
export { type RecordedPacket, readPackets } from './packets.js';
export { RecordingReader } from './reader.js';
export { LEAVE_OUT, type PayloadTransform, type RecordingCounts, RecordingRewriter } from './rewriter.js';
export { udpPacket } from './udp.js';
export { RecordingWriter, type WriterOptions } from './writer.js';
