/** The UDP packets of a recording, as objects: for programs in which speed does not matter. */
import type { RecordedEndpoint, RecordingEntry } from './entry.js';
import { RecordingReader } from './reader.js';

/** A UDP packet of a recording. */
export interface RecordedPacket {
  /** When the packet was captured, in nanoseconds since 1970. */
  readonly timeNs: bigint;
  /** undefined in rtpdump, which has no addresses of packets. */
  readonly source: RecordedEndpoint | undefined;
  /** undefined in rtpdump. */
  readonly destination: RecordedEndpoint | undefined;
  /** The UDP payload, copied. */
  readonly payload: Uint8Array;
}

/**
 * The whole UDP packets of a recording that comes in chunks; a recording that is one array is one chunk. A last record that is
 * cut short is left out. Throws RecordingError where the recording is malformed.
 */
export function* readPackets(chunks: Iterable<Uint8Array>): Generator<RecordedPacket, void> {
  const reader = new RecordingReader();
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.next()) if (reader.entry.kind === 'udp') yield packetOf(reader.entry);
  }
  reader.end();
}

function packetOf(entry: RecordingEntry): RecordedPacket {
  const { timeNs, source, destination, bytes, payloadAt, payloadEnd } = entry;
  return { timeNs, source, destination, payload: bytes.slice(payloadAt, payloadEnd) };
}
