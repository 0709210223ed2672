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
 * Returns whether both arrays start at the same byte of one buffer. Throws RangeError where input[0, inputLength) and
 * out[0, outLength) overlap in another way: they must start together, or be disjoint.
 */
export function checkOverlap(input: Uint8Array, inputLength: number, out: Uint8Array, outLength: number): boolean {
  if (input.buffer !== out.buffer) return false;
  const distance = out.byteOffset - input.byteOffset;
  if (distance === 0) return true;
  const written = Math.min(outLength, out.length);
  if (inputLength > 0 && written > 0 && (distance > 0 ? distance < inputLength : -distance < written)) {
    throw new RangeError('out overlaps the input in part: it must start where the input starts, or lie apart');
  }
  return false;
}
