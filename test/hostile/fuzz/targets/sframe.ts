/** The SFrame header parser against RFC 9605 section 4.3 written once more, with BigInt; and what it reads outside its range. */
import { Guarded } from '../../../support/arrays.js';
import type { Code } from '../code.js';
import { hexOf, must, mustEqual, mustKeepAllBut, sameBytes } from '../invariants.js';
import { Reader } from '../reader.js';
import type { Target } from './target.js';

const MOST_OUTSIDE = 8;
const MAX_HEADER_BYTES = 17;

interface Header {
  readonly kid: bigint;
  readonly ctr: bigint;
  readonly length: number;
}

/** One of the two fields: its value and how many bytes it takes; undefined where it is cut short or not minimal. */
function readField(nibble: number, bytes: Uint8Array): { value: bigint; length: number } | undefined {
  if (nibble < 8) return { value: BigInt(nibble), length: 0 };
  const length = nibble - 7;
  if (bytes.length < length) return undefined;
  const value = BigInt(`0x${hexOf(bytes.subarray(0, length))}`);
  const least = length === 1 ? 8n : 1n << BigInt(8 * (length - 1));
  return value < least ? undefined : { value, length };
}

/** The header at the start of the bytes, or undefined where it must be refused. */
export function readHeader(bytes: Uint8Array): Header | undefined {
  const [config] = bytes;
  if (config === undefined) return undefined;
  const kid = readField(config >>> 4, bytes.subarray(1));
  const ctr = kid && readField(config & 15, bytes.subarray(1 + kid.length));
  if (kid === undefined || ctr === undefined || ctr.value >= 1n << 53n) return undefined;
  return { kid: kid.value, ctr: ctr.value, length: 1 + kid.length + ctr.length };
}

export function sframeTarget({ sframe, status }: Code): Target {
  const parser = new sframe.SframeHeader();

  /** The parser's answer on `bytes` with this on both sides of them. */
  function parse(bytes: Uint8Array, before: number, after: number, outside: number): string {
    const frame = new Uint8Array(before + bytes.length + after).fill(outside);
    frame.set(bytes, before);
    const length = parser.parse(frame, before, before + bytes.length);
    if (length < 0) return status.describe(length);
    const kid = (BigInt(parser.kidHigh >>> 0) << 32n) | BigInt(parser.kidLow >>> 0);
    return `KID ${kid}, CTR ${parser.ctr}, ${length} bytes`;
  }

  function run(input: Uint8Array): string {
    const reader = new Reader(input);
    const before = reader.below(MOST_OUTSIDE);
    const after = reader.below(MOST_OUTSIDE);
    const bytes = reader.rest();
    const header = readHeader(bytes);
    const expected = header
      ? `KID ${header.kid}, CTR ${header.ctr}, ${header.length} bytes`
      : status.describe(status.MALFORMED);
    for (const outside of [0x00, 0xff]) {
      mustEqual(parse(bytes, before, after, outside), expected, 'the SFrame header is read as RFC 9605 has it');
    }
    if (header === undefined) return 'MALFORMED';
    if (header.kid >> 56n > 0n && header.ctr < 1n << 32n) mustWrite(bytes, header);
    return `${header.length} bytes`;
  }

  function mustWrite(bytes: Uint8Array, { kid, ctr, length }: Header): void {
    mustEqual(9 + sframe.ctrLength(Number(ctr)), length, 'a sealer writes the shortest counter');
    const out = new Guarded(MAX_HEADER_BYTES, length);
    const [high, low] = [Number(BigInt.asIntN(32, kid >> 32n)), Number(BigInt.asIntN(32, kid))];
    const written = sframe.writeHeader(out.bytes, 0, high, low, Number(ctr));
    mustEqual(written, length, 'a header is written as it was read');
    mustKeepAllBut(out, written, 'a header is written in its own bytes');
    must(
      sameBytes(out.bytes.subarray(0, written), bytes.subarray(0, length)),
      'a header is written as it was read',
      () => `${hexOf(bytes)} became ${hexOf(out.bytes)}`,
    );
  }

  const seeds = ['000000', '0000f7', '000099ff', '0202ff0102030405060708001fffffffffffff'];
  return { name: 'sframe', maxBytes: 40, seeds: seeds.map((hex) => Buffer.from(hex, 'hex')), run };
}
