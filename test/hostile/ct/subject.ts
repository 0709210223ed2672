/**
 * A subject of measurement: code that takes one input, of class 0 or class 1.
 *
 * Inputs of both classes are made alike, long before; each is copied to `input`, always the same array, and only `run` is
 * under the clock. So the content alone distinguishes the classes: no address, no content of a cache.
 */
export type InputClass = 0 | 1;

export interface Subject {
  readonly input: Uint8Array;
  /** Turns random bytes, as many as an input has, to an input of a class. */
  prepare(bytes: Uint8Array, inputClass: InputClass): void;
  /** Between the copy and the clock: takes a key, say. */
  ready(): void;
  run(): void;
}

/** Class 0 is always the same input, zeros, where tables and branches show most; class 1 is random. */
export function fixedAgainstRandom(bytes: Uint8Array, inputClass: InputClass): void {
  if (inputClass === 0) bytes.fill(0);
}

export function nothing(): void {}
