/** The RTP and RTCP streams of a recording: what is in each, and what became of its packets. */
import type { Clock, RecordingEntry } from 'frameseal/recording';

/** Streams that are counted separately; all further streams count as one. */
const MOST_STREAMS = 4096;
const HASH_BITS = 20;
/** More than there are statuses. */
const STATUSES = 32;
const RTCP_HEADER_BYTES = 8;
const RTP_HEADER_BYTES = 12;

class Moment {
  #clock: Clock | undefined;
  #high = 0;
  #low = 0;

  set({ clock, timeHigh, timeLow }: RecordingEntry): void {
    this.#clock = clock;
    this.#high = timeHigh;
    this.#low = timeLow;
  }

  get ns(): bigint {
    return this.#clock?.nanoseconds(this.#high, this.#low) ?? 0n;
  }
}

/** One SSRC in one direction between two endpoints, RTP or RTCP. */
export class Stream<Lane> {
  readonly ssrc: number;
  readonly isRtcp: boolean;
  /** Text; empty in rtpdump. */
  readonly source: string;
  readonly destination: string;
  readonly payloadTypes = new Set<number>();
  packets = 0;
  /** Bytes of UDP payload. */
  bytes = 0;
  /** Packets that came after one with a higher sequence number. */
  reordered = 0;
  readonly first = new Moment();
  readonly last = new Moment();
  /** Results: [0] counts packets that were sealed or opened, others a status by -status. */
  readonly results = new Float64Array(STATUSES);
  /** What seals or opens its packets. */
  lane: Lane | undefined;
  /** Sequence numbers with their wraps counted (RFC 3550 appendix A.3). */
  #lowest = 0;
  #highest = 0;
  #copies = 0;

  constructor(entry: RecordingEntry) {
    this.ssrc = ssrcOf(entry);
    this.isRtcp = isRtcp(entry);
    this.source = endpointOf(entry.source);
    this.destination = endpointOf(entry.destination);
    this.first.set(entry);
    this.#lowest = this.#sequenceOf(entry);
    this.#highest = this.#lowest;
    this.#copies = -1;
  }

  /** Packets that the sequence numbers have and the recording has not. */
  get lost(): number {
    return this.isRtcp ? 0 : Math.max(0, this.#highest - this.#lowest + 1 - (this.packets - this.#copies));
  }

  count(entry: RecordingEntry): void {
    this.packets++;
    this.bytes += entry.payloadEnd - entry.payloadAt;
    this.last.set(entry);
    if (this.isRtcp) return;
    this.payloadTypes.add(entry.bytes[entry.payloadAt + 1]! & 0x7f);
    const step = (this.#sequenceOf(entry) - this.#highest) & 0xffff;
    if (step === 0) this.#copies++;
    else if (step < 0x8000) this.#highest += step;
    else this.reordered++;
  }

  #sequenceOf({ bytes, payloadAt }: RecordingEntry): number {
    return (bytes[payloadAt + 2]! << 8) | bytes[payloadAt + 3]!;
  }
}

/** Whether a datagram looks like RTP or RTCP: version 2, and long enough for a header (RFC 3550, RFC 5761). */
export function isMedia(entry: RecordingEntry): boolean {
  const { bytes, payloadAt, payloadEnd } = entry;
  const least = isRtcp(entry) ? RTCP_HEADER_BYTES : RTP_HEADER_BYTES;
  return payloadEnd - payloadAt >= least && bytes[payloadAt]! >>> 6 === 2;
}

function isRtcp({ bytes, payloadAt }: RecordingEntry): boolean {
  return bytes[payloadAt + 1]! >>> 5 === 6;
}

/** The sender's SSRC. */
function ssrcOf(entry: RecordingEntry): number {
  const { bytes, payloadAt } = entry;
  const at = payloadAt + (isRtcp(entry) ? 4 : 8);
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function endpointOf(endpoint: RecordingEntry['source']): string {
  if (endpoint === undefined) return '';
  const { address, port } = endpoint;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** All streams of a recording, in the order in which they began. */
export class Streams<Lane> {
  readonly #byKey = new Map<number, Stream<Lane>>();
  #others: Stream<Lane> | undefined;

  get all(): Stream<Lane>[] {
    return [...this.#byKey.values(), ...(this.#others === undefined ? [] : [this.#others])];
  }

  /** Whether streams exceed the limit: the last one stands for the rest. */
  get hasOthers(): boolean {
    return this.#others !== undefined;
  }

  /** The stream of a datagram that isMedia takes; counts it. */
  count(entry: RecordingEntry): Stream<Lane> {
    const key = ssrcOf(entry) * 2 ** (HASH_BITS + 1) + flowHash(entry) * 2 + (isRtcp(entry) ? 1 : 0);
    const stream = this.#byKey.get(key) ?? this.#add(key, entry);
    stream.count(entry);
    return stream;
  }

  #add(key: number, entry: RecordingEntry): Stream<Lane> {
    const stream = this.#others ?? new Stream<Lane>(entry);
    if (this.#byKey.size < MOST_STREAMS) this.#byKey.set(key, stream);
    else this.#others = stream;
    return stream;
  }
}

/** Tells endpoints apart: addresses and ports, in HASH_BITS bits. */
function flowHash({ bytes, ipAt, udpAt }: RecordingEntry): number {
  if (ipAt < 0) return 0;
  let hash = 0;
  const isIpv4 = bytes[ipAt]! >>> 4 === 4;
  const end = ipAt + (isIpv4 ? 20 : 40);
  for (let at = ipAt + (isIpv4 ? 12 : 8); at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  for (let at = udpAt; at < udpAt + 4; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return (hash ^ (hash >>> HASH_BITS)) & (2 ** HASH_BITS - 1);
}
