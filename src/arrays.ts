/**
 * What every call with the caller's arrays checks first. These are mistakes of the programmer, so they throw; nothing
 * that arrives from a network can cause one.
 */
import { isBytes, kindOf } from './bytes.js';

/** Throws TypeError unless `value` is a Uint8Array (of any realm, on any buffer). */
export function checkBytes(name: string, value: Uint8Array): void {
  if (!isBytes(value)) throw new TypeError(`${name} must be a Uint8Array, got ${kindOf(value)}`);
}

/** Throws RangeError unless `length` is an integer in 0..array.length. */
export function checkLength(length: number, array: Uint8Array): void {
  if (length >>> 0 !== length || length > array.length) {
    throw new RangeError(`length must be an integer from 0 to ${array.length}, the length of the input`);
  }
}

/**
 * Throws RangeError where input[0, inputLength) and out[0, outLength) overlap, unless both start at the same byte. The
 * buffers are looked at last: asking an array for its buffer costs more than all else here.
 */
export function checkOverlap(input: Uint8Array, inputLength: number, out: Uint8Array, outLength: number): void {
  const distance = out.byteOffset - input.byteOffset;
  if (distance === 0) return;
  const written = Math.min(outLength, out.length);
  const apart = inputLength === 0 || written <= 0 || (distance > 0 ? distance >= inputLength : -distance >= written);
  if (!apart && input.buffer === out.buffer) {
    throw new RangeError('out overlaps the input in part: it must start where the input starts, or lie apart');
  }
}
