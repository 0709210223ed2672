/** What is RTP and how long its header is, and what is RTCP, against FORMAT.md section 4 written once more with a DataView. */
import { concat } from '../../../support/arrays.js';
import type { Code } from '../code.js';
import { mustEqual } from '../invariants.js';
import { Reader } from '../reader.js';
import type { Target } from './target.js';

const MOST_OUTSIDE = 80;

type Verdict = number | 'MALFORMED' | 'NOT_RTP' | 'RTCP';

const isRtcpByte = (second: number) => second >= 192 && second <= 223;

/** Whether the packets of a compound add up, read from the front one packet at a time (RFC 3550 section 6.1). */
function addsUp(packet: DataView): boolean {
  if (packet.byteLength === 0) return true;
  if (packet.byteLength < 4 || packet.getUint8(0) >> 6 !== 2 || !isRtcpByte(packet.getUint8(1))) return false;
  const bytes = 4 * (packet.getUint16(2) + 1);
  return (
    bytes <= packet.byteLength &&
    addsUp(new DataView(packet.buffer, packet.byteOffset + bytes, packet.byteLength - bytes))
  );
}

/** Bytes of the clear header of a packet, 8 of RTCP that is sealed; or why it has none. */
export function rtpVerdict(bytes: Uint8Array, rtcp: 'sealed' | 'clear' = 'sealed'): Verdict {
  const packet = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === 0) return 'MALFORMED';
  const first = packet.getUint8(0);
  if (first < 128 || first > 191) return 'NOT_RTP';
  if (bytes.length > 1 && isRtcpByte(packet.getUint8(1))) {
    if (bytes.length < 8) return 'MALFORMED';
    if (rtcp === 'sealed') return 8;
    return addsUp(packet) ? 'RTCP' : 'NOT_RTP';
  }
  const fixed = 12 + 4 * (first % 16);
  const extended = (first & 16) === 16;
  if (bytes.length < fixed + (extended ? 4 : 0)) return 'MALFORMED';
  const header = extended ? fixed + 4 + 4 * packet.getUint16(fixed + 2) : fixed;
  return bytes.length < header ? 'MALFORMED' : header;
}

function check({ rtp, status }: Code, bytes: Uint8Array, after: number): Verdict {
  const isRtcp = bytes.length > 1 && bytes[0]! >> 6 === 2 && isRtcpByte(bytes[1]!);
  const expected = isRtcp ? 'NOT_RTP' : rtpVerdict(bytes);
  mustEqual(rtp.isRtcp(bytes, bytes.length), isRtcp, 'what is RTCP');
  for (const outside of [0x00, 0xff]) {
    const packet = new Uint8Array(bytes.length + after).fill(outside);
    packet.set(bytes);
    const result = rtp.rtpHeaderLength(packet, bytes.length);
    const got = result < 0 ? status.describe(result).split(':')[0] : result;
    mustEqual(got, expected, 'what is RTP, and where its header ends');
    if (!isRtcp) continue;
    const compound = status.describe(rtp.compoundStatus(packet, bytes.length)).split(':')[0];
    mustEqual(compound, addsUp(new DataView(bytes.slice().buffer)) ? 'RTCP' : 'NOT_RTP', 'what is a compound packet');
  }
  if (isRtcp) return rtpVerdict(bytes, 'clear');
  if (typeof expected === 'number') {
    mustEqual(rtp.paddingBit(bytes), bytes[0]! & 0x20, 'the P bit is in its place');
  }
  return expected;
}

export function rtpTarget(code: Code): Target {
  function run(input: Uint8Array): string {
    const reader = new Reader(input);
    const after = reader.below(MOST_OUTSIDE);
    const verdict = check(code, reader.rest(), after);
    return typeof verdict === 'number' ? `${Math.min(verdict, 100)} bytes` : verdict;
  }

  const headers = [
    '80',
    '80000000000000000000000000',
    '90600001000000000000000000000000',
    '9f6f0001000000000000000000000000',
  ];
  const seeds = headers.map((hex) => concat(Uint8Array.of(4), Buffer.from(hex, 'hex'), new Uint8Array(64)));
  return { name: 'rtp', maxBytes: 400, seeds, run };
}

/** Compound packets are put together from the input, so that their lengths often add up, or nearly do. */
export function rtcpTarget(code: Code): Target {
  function compound(reader: Reader): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let i = reader.below(6); i >= 0; i--) {
      const words = reader.below(9);
      const part = new Uint8Array(4 + 4 * words);
      part.set(reader.bytes(4 * words), 4);
      part.set([0x80 | reader.below(64), reader.pick([200, 201, 202, 192, 223, 191, 224, 72, 205, 206])]);
      const said = words + reader.pick([0, 0, 0, 0, 0, 1, -1, 256]);
      part.set([said >>> 8, said], 2);
      parts.push(part);
    }
    return concat(...parts, reader.rest());
  }

  function run(input: Uint8Array): string {
    const verdict = check(code, compound(new Reader(input)), 4);
    return typeof verdict === 'number' ? 'RTP' : verdict;
  }

  return { name: 'rtcp', maxBytes: 200, seeds: [Buffer.alloc(1), Buffer.from('0101040000000000000000', 'hex')], run };
}
