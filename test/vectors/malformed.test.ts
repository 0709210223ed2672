/** Vector files that break their format: a VectorFormatError each, and nothing that counts as agreed. */
import { expect, test } from 'vitest';
import { VectorFormatError, verifyVectors } from '../../src/vectors/verify.js';

const own = (...cases: readonly unknown[]): unknown => ({ format: 'frameseal-vectors/1', title: 'test', cases });

const BROKEN: readonly [name: string, file: unknown][] = [
  ['a case that is null', own(null)],
  ['a case that is a number', own(1)],
  ['a case of no kind', own({ id: 'a' })],
  ['a case of an unknown kind', own({ id: 'a', kind: 'aes-gcm' })],
  ['a kind that is a name of the prototype', own({ id: 'a', kind: 'toString' })],
  ['work without end', own({ id: 'a', kind: 'sm4-ecb', iterations: 1e15 })],
  ['work that is text', own({ id: 'a', kind: 'sm4-ecb', iterations: '3' })],
  ['room for more than any frame', own({ id: 'a', kind: 'channel', outLength: 2 ** 40 })],
  ['clear bytes without end', own({ id: 'a', kind: 'channel', clear: 2 ** 40 })],
  ['neither cases nor channels', { format: 'frameseal-vectors/1', title: 'test' }],
  ['channels that are no array', { ...(own() as object), channels: {} }],
  ['a channel that is null', { ...(own() as object), channels: [null] }],
  ['a channel without cases', { ...(own() as object), channels: [{ name: 'a' }] }],
  ['a channel with a case that is null', { ...(own() as object), channels: [{ name: 'a', cases: [null] }] }],
  ['a title that is no text', { ...(own() as object), title: { toString: 0 } }],
  ['a Wycheproof group that is null', { algorithm: 'AES-GCM', testGroups: [null] }],
  ['a Wycheproof test that is null', { algorithm: 'HKDF-SHA-256', testGroups: [{ tests: [null] }] }],
  ['an SFrame entry that is null', { header: [], sframe: [null] }],
  ['an SFrame header without a counter', { header: [{ kid: 0 }], sframe: [] }],
  ['an SFrame section that is a number', { header: [], sframe: [], others: 1 }],
];

test.each(BROKEN)('%s', (_, file) => {
  expect(() => verifyVectors(JSON.stringify(file))).toThrow(VectorFormatError);
});

test('a section with the name of something in the prototype is counted', () => {
  const { outOfScope } = verifyVectors(JSON.stringify({ header: [], sframe: [], constructor: [1, 2] }));
  expect({ ...outOfScope }).toEqual({ constructor: 2 });
});
