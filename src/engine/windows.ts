/**
 * Windows on callers' arrays: views that begin at multiples of 64 bytes and have one of a few lengths, kept for as long as the
 * array lives. A frame anywhere in a large buffer is copied by the window that holds it, with some bytes too many: that takes
 * the time of a whole-array copy, and makes nothing once a buffer has been seen.
 */
import { bufferOf, byteOffsetOf, lengthOf } from '../bytes.js';

const STEP_BITS = 6;
const LENGTHS = [1024, 2048, 4096, 8192, 16_384 + 128] as const;
/** In longer arrays there would be too many. */
const MAX_ARRAY_BYTES = 1 << 20;

type Windows = (Uint8Array | undefined)[];

const windowsOf = new WeakMap<Uint8Array, readonly Windows[]>();

/** How many bytes before `at` the window begins in which it is. */
export function bytesBefore(at: number): number {
  return at & ((1 << STEP_BITS) - 1);
}

/**
 * The window on `array` that holds array[at, at + length), of `most` bytes at most; undefined where there is none. The caller
 * has checked that the array has these bytes.
 */
export function windowOn(array: Uint8Array, at: number, length: number, most: number): Uint8Array | undefined {
  const needed = bytesBefore(at) + length;
  let size = 0;
  while (size < LENGTHS.length && LENGTHS[size]! < needed) size++;
  if (size === LENGTHS.length || LENGTHS[size]! > most) return undefined;
  const windows = windowsOf.get(array)?.[size];
  const window = windows?.[at >>> STEP_BITS];
  // A window whose memory has gone or shrunk holds less than it did.
  if (window !== undefined && window[needed - 1] !== undefined) return window;
  return makeWindow(array, at - bytesBefore(at), size);
}

function makeWindow(array: Uint8Array, start: number, size: number): Uint8Array | undefined {
  const length = lengthOf(array);
  if (length > MAX_ARRAY_BYTES) return undefined;
  let bySize = windowsOf.get(array);
  if (bySize === undefined) {
    bySize = LENGTHS.map(() => []);
    windowsOf.set(array, bySize);
  }
  const bytes = Math.min(LENGTHS[size]!, length - start);
  const window = new Uint8Array(bufferOf(array), byteOffsetOf(array) + start, bytes);
  bySize[size]![start >>> STEP_BITS] = window;
  return window;
}
