/**
 * The headers above a payload that was replaced by one of another length: PPPoE, IPv4 or IPv6, UDP.
 *
 * A checksum stays what it was. One that was right is right again, one that was wrong is wrong by as much (RFC 1624), and 0
 * stays 0: none was sent. Packets that a machine captures of its own often have the sum of the pseudo-header alone, because the
 * network card was to do the rest; they have that sum again. A payload that is replaced and put back leaves a packet as it was.
 */
import { type Area, fold, load16, store16, sumOf } from './area.js';
import { IPV6_HEADER_BYTES } from './datagram.js';
import type { RecordingEntry } from './entry.js';
import { RTPDUMP_RECORD_HEADER_BYTES } from './rtpdump.js';

const UDP = 17;
const MOST_BYTES = 0xffff;

/** Whether the lengths above a payload can say `growth` bytes more. */
export function canGrow(
  { area: { bytes }, packetAt, packetEnd, pppoeAt, ipAt }: RecordingEntry,
  growth: number,
): boolean {
  // rtpdump: the record's length, header included.
  if (ipAt < 0) return packetEnd - packetAt + RTPDUMP_RECORD_HEADER_BYTES + growth <= MOST_BYTES;
  if (pppoeAt >= 0 && load16(bytes, pppoeAt + 4) + growth > MOST_BYTES) return false;
  return load16(bytes, bytes[ipAt]! >>> 4 === 4 ? ipAt + 2 : ipAt + 4) + growth <= MOST_BYTES;
}

export class HeaderWriter {
  /** By ports: whether the last packets had the sum of the pseudo-header alone. It decides where a sum could be either. */
  readonly #unfinished = new Uint8Array(256);

  /**
   * Given a copy of the entry, from `shift` bytes later on in `out`, with a payload of `payloadBytes` in place of its own: writes
   * lengths and checksums.
   */
  write(entry: RecordingEntry, out: Area, shift: number, payloadBytes: number): void {
    if (entry.ipAt < 0) return;
    const growth = payloadBytes - (entry.payloadEnd - entry.payloadAt);
    const { bytes } = out;
    const ipAt = entry.ipAt + shift;
    if (entry.pppoeAt >= 0) addTo(bytes, entry.pppoeAt + shift + 4, growth);
    if (bytes[ipAt]! >>> 4 === 4) {
      const before = load16(bytes, ipAt + 2);
      addTo(bytes, ipAt + 2, growth);
      const checksum = replaced(load16(bytes, ipAt + 10), before, before + growth);
      store16(bytes, ipAt + 10, checksum);
    } else {
      addTo(bytes, ipAt + 4, growth);
    }
    const udpAt = entry.udpAt + shift;
    addTo(bytes, udpAt + 4, growth);
    if (load16(bytes, udpAt + 6) !== 0) this.#writeChecksum(entry, out, shift, payloadBytes);
  }

  #writeChecksum(entry: RecordingEntry, out: Area, shift: number, payloadBytes: number): void {
    const { area, udpAt, payloadAt, payloadEnd } = entry;
    const checksum = load16(area.bytes, udpAt + 6);
    const lengthBefore = load16(area.bytes, udpAt + 4);
    const lengthAfter = load16(out.bytes, udpAt + shift + 4);
    const before = sumOf(area, payloadAt, payloadEnd);
    const addresses = addressSum(entry);
    const unfinished = checksum === fold(addresses + UDP + lengthBefore);
    if (unfinished && this.#isUnfinished(entry, fold(addresses + UDP + lengthBefore) + before)) {
      store16(out.bytes, udpAt + shift + 6, fold(addresses + UDP + lengthAfter));
      return;
    }
    if (!unfinished) this.#unfinished[slotOf(entry)] = 0;
    const after = sumOf(out, payloadAt + shift, payloadAt + shift + payloadBytes);
    // The length counts twice: in the header and in the pseudo-header.
    const result = replaced(checksum, fold(before + 2 * lengthBefore), fold(after + 2 * lengthAfter));
    store16(out.bytes, udpAt + shift + 6, result === 0 ? 0xffff : result);
  }

  /** Whether a checksum that is the pseudo-header's sum is no more than that: it may be right all the same. */
  #isUnfinished(entry: RecordingEntry, sum: number): boolean {
    const slot = slotOf(entry);
    const isRight = fold(sum + sumOf(entry.area, entry.udpAt, entry.payloadAt)) === 0xffff;
    if (!isRight) this.#unfinished[slot] = 1;
    return this.#unfinished[slot] === 1;
  }
}

function slotOf({ sourcePort, destinationPort }: RecordingEntry): number {
  return (sourcePort ^ (destinationPort * 3)) & 255;
}

function addTo(bytes: Uint8Array, at: number, growth: number): void {
  store16(bytes, at, load16(bytes, at) + growth);
}

/** A checksum after the sum of a part has changed (RFC 1624 section 3). */
function replaced(checksum: number, before: number, after: number): number {
  return ~fold((~checksum & 0xffff) + (~before & 0xffff) + after) & 0xffff;
}

function addressSum({ area, ipAt }: RecordingEntry): number {
  const isIpv4 = area.bytes[ipAt]! >>> 4 === 4;
  return isIpv4 ? sumOf(area, ipAt + 12, ipAt + 20) : sumOf(area, ipAt + 8, ipAt + IPV6_HEADER_BYTES);
}
