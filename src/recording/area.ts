/**
 * Memory that is read as bytes and as words, and the checksum of the Internet protocols over it (RFC 1071). That sum does not
 * depend on the byte order in which words are added, so it adds words as the machine loads them and turns the result around.
 */

const WORD_VALUES = 0x100000000;
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export class Area {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array;

  constructor(length: number) {
    const buffer = new ArrayBuffer((length + 3) & ~3);
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
  }
}

/** The one's complement sum of bytes[from, to), at most 65,535 of them, as big-endian words of 16 bits: 0 to 0xffff. */
export function sumOf({ bytes, words }: Area, from: number, to: number): number {
  let sum = 0;
  let at = from;
  for (; at < to && (at & 3) !== 0; at++) sum += weighed(bytes[at]!, at);
  const lastWord = to >>> 2;
  let word = at >>> 2;
  // A float64 holds the sum exactly, and takes one addition for a word; 32-bit integers take two: for upper and lower halves.
  // Eight words at a time take 0.7 of the time.
  let all = 0;
  for (; word + 8 <= lastWord; word += 8) {
    const first = words[word]! + words[word + 1]! + (words[word + 2]! + words[word + 3]!);
    const second = words[word + 4]! + words[word + 5]! + (words[word + 6]! + words[word + 7]!);
    all += first + second;
  }
  for (; word < lastWord; word++) all += words[word]!;
  for (at = Math.max(at, word << 2); at < to; at++) sum += weighed(bytes[at]!, at);
  const folded = fold(fold((all / WORD_VALUES) >>> 0) + fold(all >>> 0) + sum);
  const isTurned = LITTLE_ENDIAN === ((from & 1) === 0);
  return isTurned ? ((folded & 0xff) << 8) | (folded >>> 8) : folded;
}

/** What a byte at this address counts in a word as the machine loads it. */
function weighed(byte: number, at: number): number {
  return ((at & 1) === 0) === LITTLE_ENDIAN ? byte : byte << 8;
}

/** A sum below 2^32 with its carries added in: 0 to 0xffff. */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

export function load16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function store16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** The unsigned word of 32 bits at `at`, in either byte order. */
export function word32(bytes: Uint8Array, at: number, littleEndian: boolean): number {
  const big = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  const swapped = ((big >>> 8) & 0x00ff00ff) | ((big & 0x00ff00ff) << 8);
  return (littleEndian ? (swapped >>> 16) | (swapped << 16) : big) >>> 0;
}

export function putWord32(bytes: Uint8Array, at: number, value: number, littleEndian: boolean): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = value >>> (8 * (littleEndian ? i : 3 - i));
}

/** target[at, ...) = source[from, to). */
export function copyBytes(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  // A view costs more than a loop over a header.
  if (to - from > MOST_LOOPED) target.set(source.subarray(from, to), at);
  else for (let i = from; i < to; i++) target[at + i - from] = source[i]!;
}

const MOST_LOOPED = 128;
