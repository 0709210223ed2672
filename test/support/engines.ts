/** What the contract tests of ciphers share: the engines they run on, and test data. */
import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';

/** Every test of a cipher runs on each of these. */
export const ENGINES = ['portable', 'simd'] as const;
export type EngineName = (typeof ENGINES)[number];

/** `length` bytes that look random and are the same in every run: SHAKE-256 of the label. */
export function sample(label: string, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(label).digest();
}

/** Ways to hold bytes that every call takes, each with a maker. */
export const ARRAY_KINDS: readonly [name: string, copy: (content: Uint8Array) => Uint8Array][] = [
  ['a Buffer', (content) => Buffer.from(content)],
  ['a Uint8Array of another realm', (content) => fill(runInNewContext(`new Uint8Array(${content.length})`), content)],
  ['a view of shared memory', (content) => fill(new Uint8Array(new SharedArrayBuffer(content.length)), content)],
  ['a subclass', (content) => fill(new (class extends Uint8Array {})(content.length), content)],
];

function fill(array: Uint8Array, content: Uint8Array): Uint8Array {
  array.set(content);
  return array;
}

/** What is not a Uint8Array, though some of it comes close. */
export const NOT_BYTES: readonly unknown[] = [
  undefined,
  null,
  16,
  '00112233445566778899aabbccddeeff',
  {},
  [1, 2, 3],
  new ArrayBuffer(16),
  new SharedArrayBuffer(16),
  new DataView(new ArrayBuffer(16)),
  new Uint16Array(16),
  new Int8Array(16),
  new Uint8ClampedArray(16),
  { length: 16, [Symbol.toStringTag]: 'Uint8Array' },
];

/** Passes to a parameter what its type forbids. */
export function mistyped<T>(value: unknown): T {
  return value as T;
}
