/**
 * What every call checks of its arguments first. These are mistakes of the programmer, so they throw; nothing that arrives
 * from a network can cause one. Arrays are asked for what they really are (bytes.ts), and objects for their own properties,
 * so that no subclass, accessor or polluted prototype has a say.
 */
import { bufferOf, byteOffsetOf, copyInto, EMPTY, isBytes, kindOf, lengthOf } from './bytes.js';

/** The array's real length. Throws TypeError unless `value` is a Uint8Array (of any realm, on any memory that is there). */
export function checkBytes(name: string, value: Uint8Array): number {
  if (!isBytes(value)) throw new TypeError(`${name} must be a Uint8Array, got ${kindOf(value)}`);
  if (value[0] === undefined) checkMemory(name, value);
  return lengthOf(value);
}

/** Throws TypeError for an array without memory: it looks empty, and was not meant to be. */
function checkMemory(name: string, array: Uint8Array): void {
  try {
    copyInto(array, EMPTY, 0);
  } catch (error) {
    // The end of the stack says nothing of the array.
    if (!(error instanceof TypeError)) throw error;
    throw new TypeError(`${name} has no memory: its buffer was transferred, or resized below it`);
  }
}

/** Throws RangeError unless `length` is an integer in 0..most. */
export function checkLength(length: number, most: number): void {
  if (typeof length !== 'number' || length >>> 0 !== length || length > most) {
    throw new RangeError(`length must be an integer from 0 to ${most}, the length of the input`);
  }
}

/** Throws RangeError unless `clear` is an integer from 0 up; what a frame has less is the frame's fault. */
export function checkClear(clear: number): void {
  if (typeof clear !== 'number' || !(clear >= 0 && clear % 1 === 0)) {
    throw new RangeError('clear must be an integer from 0 up: how many bytes of the payload stay in the clear');
  }
}

/**
 * Throws RangeError where input[0, inputLength) and out[0, outLength) overlap, unless both start at the same byte. The
 * buffers are looked at last: asking an array for its buffer costs more than all else here.
 */
export function checkOverlap(input: Uint8Array, inputLength: number, out: Uint8Array, outLength: number): void {
  const distance = byteOffsetOf(out) - byteOffsetOf(input);
  if (distance === 0 || inputLength === 0 || outLength <= 0) return;
  const apart = distance > 0 ? distance >= inputLength : -distance >= outLength;
  if (!apart && bufferOf(input) === bufferOf(out)) {
    throw new RangeError('out overlaps the input in part: it must start where the input starts, or lie apart');
  }
}

/** An own property of an object, read once; undefined where it has none of that name, whatever its prototypes have. */
export function own<T extends object, K extends keyof T>(object: T, name: K): T[K] | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Throws TypeError for what is no object, and for a name that is not known: a mistyped option would be a silent default. */
export function checkNames(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options must be an object, got ${kindOf(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`unknown option: there are ${names.join(', ')}`);
  }
}
