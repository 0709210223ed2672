/**
 * Replaces UDP payloads in a recording, and leaves all else as it is, byte for byte. Records go through in groups, so that a
 * transform may seal or open many payloads in one call:
 *
 *     reader -> a group of entries -> transform: payloads into scratch memory -> records with new lengths into `out`
 */
import { Area, copyBytes } from './area.js';
import { RecordingEntry } from './entry.js';
import { type FormatName, MOST_FORMAT_GROWTH, MOST_RECORD_BYTES } from './format.js';
import { canGrow, HeaderWriter } from './headers.js';
import { RecordingReader } from './reader.js';

/** The program's part of a rewriter: which UDP payloads are replaced, and by what. */
export interface PayloadTransform {
  /** The most bytes that `transform` adds to a payload: 0 to 65,535. */
  readonly growth: number;
  /** Whether this datagram goes to `transform`. Asked once for each, in order; the entry is valid during the call. */
  takes(entry: RecordingEntry): boolean;
  /**
   * For each i below `count`, writes the new payload of inputs[i] to outs[i], which has room for `growth` bytes more, and its length
   * to results[i]. A result below 0 keeps the packet as it is, LEAVE_OUT drops the packet. `Sealer.sealBatch` and
   * `Opener.openBatch` have this shape. The payloads are those taken since the last call.
   */
  transform(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number): void;
}

/** The result of a packet that is to be left out of the recording. */
export const LEAVE_OUT = -0x80000000;

/** How many records there were, by what they hold. */
export interface RecordingCounts {
  /** All records. */
  records: number;
  /** Records that hold packets. */
  packets: number;
  /** Whole UDP datagrams. */
  datagrams: number;
  /** Datagrams whose payloads were replaced. */
  replaced: number;
  /** Datagrams that were left out. */
  leftOut: number;
  /** Datagrams that stayed as they were because no longer one would be valid. */
  tooLong: number;
  /** IP fragments, which stayed as they were. */
  fragments: number;
  /** Datagrams that the capture cut short, which stayed as they were. */
  cut: number;
  /** Packets of unknown link types, which stayed as they were. */
  otherLinkTypes: number;
}

const GROUP_ENTRIES = 64;
const MOST_DATAGRAM_BYTES = 65_535;
/** Scratch memory for payloads beside the room that one of the longest takes: a group of usual ones. */
const GROUP_BYTES = 131_072;
/** A chunk of half as much gives one part: one write. */
const OUT_BYTES = 524_288;

/** Replaces UDP payloads in a recording, and lengths and checksums with them; all other bytes stay as they are. */
export class RecordingRewriter {
  /** Counts so far. */
  readonly counts: RecordingCounts = {
    records: 0,
    packets: 0,
    datagrams: 0,
    replaced: 0,
    leftOut: 0,
    tooLong: 0,
    fragments: 0,
    cut: 0,
    otherLinkTypes: 0,
  };
  readonly #reader = new RecordingReader();
  readonly #transform: PayloadTransform;
  readonly #headers = new HeaderWriter();
  /** The group: its entries, and for each the index of its payload or -1. */
  readonly #entries = Array.from({ length: GROUP_ENTRIES }, () => new RecordingEntry());
  readonly #payloads = new Int32Array(GROUP_ENTRIES);
  readonly #inputs: Uint8Array[] = [];
  readonly #outs: Uint8Array[] = [];
  readonly #results = new Int32Array(GROUP_ENTRIES);
  readonly #scratch: Uint8Array;
  #out = new Area(OUT_BYTES);
  #outEnd = 0;
  /** The memory of the part before, which may be on its way to a file still. */
  #before = new Area(OUT_BYTES);

  /** Throws RangeError for a `growth` out of range. */
  constructor(transform: PayloadTransform) {
    const { growth } = transform;
    if (!(growth >= 0 && growth <= MOST_DATAGRAM_BYTES && growth % 1 === 0)) {
      throw new RangeError(`growth must be an integer from 0 to ${MOST_DATAGRAM_BYTES}`);
    }
    this.#transform = transform;
    this.#scratch = new Uint8Array(GROUP_BYTES + MOST_DATAGRAM_BYTES + growth);
  }

  /** The recording's format; undefined until its first bytes are there. */
  get format(): FormatName | undefined {
    return this.#reader.format;
  }

  /**
   * Takes the next bytes of a recording. Yields parts of the new one; take all of them before the next push. A part is valid
   * until the next but one is asked for, in this push or a later one: it can be written while the next is made. Throws
   * RecordingError where the recording is malformed, after all that is whole was yielded.
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    this.#reader.push(chunk);
    for (;;) {
      let count = 0;
      try {
        count = this.#readGroup();
      } catch (error) {
        if (this.#outEnd > 0) yield this.#take();
        throw error;
      }
      if (count === 0) break;
      for (let i = 0; i < count; i++) {
        if (this.#outEnd > 0 && !this.#hasRoom(i)) yield this.#take();
        this.#append(i);
      }
    }
    if (this.#outEnd > 0) yield this.#take();
  }

  /** For the end of the recording: the bytes of a last record that was cut short, and is left out. Throws as RecordingReader.end. */
  end(): number {
    return this.#reader.end();
  }

  /** Reads records until the group is full or bytes are missing, and transforms their payloads. Returns how many there are. */
  #readGroup(): number {
    const { growth } = this.#transform;
    let count = 0;
    let taken = 0;
    let used = 0;
    while (count < GROUP_ENTRIES && used <= GROUP_BYTES && this.#readNext(count)) {
      const entry = this.#entries[count]!;
      this.#payloads[count++] = -1;
      if (!this.#takes(entry)) continue;
      const { payloadAt, payloadEnd } = entry;
      const slotEnd = used + payloadEnd - payloadAt + growth;
      this.#inputs[taken] = entry.bytes.subarray(payloadAt, payloadEnd);
      this.#outs[taken] = this.#scratch.subarray(used, slotEnd);
      this.#payloads[count - 1] = taken++;
      used = slotEnd;
    }
    if (taken > 0) {
      this.#results.fill(-1);
      this.#transform.transform(this.#inputs, this.#outs, this.#results, taken);
    }
    return count;
  }

  #readNext(index: number): boolean {
    try {
      return this.#reader.next(this.#entries[index]);
    } catch (error) {
      // The records before it come first; the next group begins with the same error.
      if (index === 0) throw error;
      return false;
    }
  }

  #takes(entry: RecordingEntry): boolean {
    const { counts } = this;
    counts.records++;
    if (entry.isPacket) counts.packets++;
    switch (entry.kind) {
      case 'udp':
        counts.datagrams++;
        if (canGrow(entry, this.#transform.growth)) return this.#transform.takes(entry);
        counts.tooLong++;
        return false;
      case 'fragment':
        counts.fragments++;
        return false;
      case 'cut':
        counts.cut++;
        return false;
      case 'link':
        counts.otherLinkTypes++;
        return false;
      default:
        return false;
    }
  }

  #hasRoom(index: number): boolean {
    const { at, end } = this.#entries[index]!;
    return this.#outEnd + end - at + this.#transform.growth + MOST_FORMAT_GROWTH <= this.#out.bytes.length;
  }

  #append(index: number): void {
    // A record longer than all of `out`, which is empty then.
    if (!this.#hasRoom(index)) this.#out = new Area(MOST_RECORD_BYTES + this.#transform.growth + MOST_FORMAT_GROWTH);
    const entry = this.#entries[index]!;
    const payload = this.#payloads[index]!;
    const result = payload < 0 ? -1 : this.#results[payload]!;
    const { bytes } = this.#out;
    if (result === LEAVE_OUT) {
      this.counts.leftOut++;
    } else if (result < 0) {
      copyBytes(entry.bytes, entry.at, entry.end, bytes, this.#outEnd);
      this.#reader.codec.amend(entry, bytes, this.#outEnd);
      this.#outEnd += entry.end - entry.at;
    } else {
      this.counts.replaced++;
      this.#appendReplaced(entry, this.#outs[payload]!, result);
    }
  }

  /** The record with the first `length` bytes of `payload` in the place of its own. */
  #appendReplaced(entry: RecordingEntry, payload: Uint8Array, length: number): void {
    const { bytes } = this.#out;
    const { at, packetAt, payloadAt, payloadEnd, packetEnd } = entry;
    const shift = this.#outEnd - at;
    copyBytes(entry.bytes, at, payloadAt, bytes, this.#outEnd);
    // All of the slot: a view of its first bytes would cost more, and what follows is written next.
    bytes.set(payload, payloadAt + shift);
    copyBytes(entry.bytes, payloadEnd, packetEnd, bytes, payloadAt + shift + length);
    this.#headers.write(entry, this.#out, shift, length);
    const packetBytes = payloadAt - packetAt + length + packetEnd - payloadEnd;
    this.#outEnd = this.#reader.codec.finish(entry, bytes, this.#outEnd, packetBytes);
  }

  #take(): Uint8Array {
    const part = this.#out.bytes.subarray(0, this.#outEnd);
    [this.#out, this.#before] = [this.#before, this.#out];
    this.#outEnd = 0;
    return part;
  }
}
