/** Keysets: what is read, and what is refused with which words. */
import { describe, expect, test } from 'vitest';
import { identityOf, KeysetError, keysetText, readKeyset } from '../../../src/cli/fleet/document.js';
import { key, keyset } from './keysets.js';

const RECIPIENT = `age1${'q'.repeat(58)}`;
const [A, B, C, D, E] = [1, 2, 3, 4, 5].map((n) => key(n)) as [
  ReturnType<typeof key>,
  ReturnType<typeof key>,
  ReturnType<typeof key>,
  ReturnType<typeof key>,
  ReturnType<typeof key>,
];

describe('a keyset', () => {
  test('is read as it was written', () => {
    for (const each of [
      keyset([A]),
      keyset([key(1, 1000), key(2, 2000), C]),
      keyset([{ ...A, context: 'room 7' }], { generation: 3, gateways: { 'gw-1': RECIPIENT } }),
    ])
      expect(readKeyset(keysetText(each))).toEqual(each);
  });

  test.each<[string, unknown, RegExp]>([
    ['no object', [], /the keyset must be an object with version, keys/],
    ['no version', { keys: [A] }, /version must be 1$/],
    ['a later version', { version: 2, keys: [A] }, /version 2 needs a newer frameseal/],
    ['no keys', keyset([]), /1 to 4 keys/],
    ['five keys', keyset([A, B, C, D, E]), /1 to 4 keys/],
    ['an unknown field', { ...keyset([A]), extra: 1 }, /has extra, which is unknown/],
    [
      'an unknown field that may be a secret',
      { ...keyset([A]), [A.encryptionKey]: 1 },
      /has a field, which is unknown/,
    ],
    ['an unknown field of a key', keyset([{ ...A, sealfrom: '' } as never]), /keys\[0\] has sealfrom/],
    ['no keyId', keyset([A, { ...B, keyId: undefined } as never]), /keys\[1\]\.keyId must be a whole number/],
    ['keyId 16', keyset([{ ...A, keyId: 16 }]), /keys\[0\]: .*0 to 15/],
    ['a key as a number', keyset([{ ...A, encryptionKey: 7 } as never]), /keys\[0\]\.encryptionKey must be text/],
    ['a short key', keyset([{ ...A, encryptionKey: 'abcd' }]), /keys\[0\]: encryptionKey/],
    ['SM4', keyset([{ ...A, encryptionMode: 'SM4_128_ECB' }]), /keys\[0\]\.encryptionMode must be/],
    ['two modes', keyset([A, { ...B, encryptionMode: 'AES_256_GCM2' }]), /keys\[1\]\.encryptionMode differs/],
    ['two contexts', keyset([A, { ...B, context: 'x' }]), /keys\[1\]\.context differs/],
    ['a keyId twice', keyset([A, { ...B, keyId: 1 }]), /keys\[1\]\.keyId 1 belongs to two keys/],
    ['a key twice', keyset([A, { ...A, keyId: 9 }]), /keys\[1\] is a key that stands there already/],
    [
      'a time without a zone',
      keyset([{ ...A, sealFrom: '2030-01-31T12:00:00' }]),
      /keys\[0\]\.sealFrom must be a time/,
    ],
    ['a time that is none', keyset([{ ...A, sealFrom: '2030-13-31T12:00:00Z' }]), /keys\[0\]\.sealFrom must be a time/],
    ['a time twice', keyset([key(1, 5000), key(2, 5000)]), /keys\[1\]\.sealFrom is that of another key/],
    ['the last of all generations', keyset([A], { generation: Number.MAX_SAFE_INTEGER }), /generation/],
    ['a negative generation', keyset([A], { generation: -1 }), /generation/],
    ['a name with a dot', keyset([A], { gateways: { 'a.b': RECIPIENT } }), /gateways: a name/],
    ['a recipient that is none', keyset([A], { gateways: { a: 'age1x' } }), /gateways\.a must be an age recipient/],
  ])('is refused with %s', (_, value, words) => {
    const text = JSON.stringify(value);
    expect(() => readKeyset(text)).toThrow(KeysetError);
    expect(() => readKeyset(text)).toThrow(words);
    try {
      readKeyset(text);
    } catch (error) {
      // Not a secret in any message, nor a piece of one.
      for (const { encryptionKey, encryptionKdfSalt } of [A, B]) {
        expect(String(error)).not.toContain(encryptionKey.slice(0, 8));
        expect(String(error)).not.toContain(encryptionKdfSalt.slice(0, 8));
      }
    }
  });

  test('that is no JSON is refused with the place', () => {
    expect(() => readKeyset('{"version":1,}')).toThrow(/it is not right JSON: line 1, column 14/);
  });

  test('knows a key by what it is, not by its number, time or letters', () => {
    const one = identityOf(A);
    expect(identityOf({ ...A, keyId: 9, sealFrom: '2030-01-31T12:00:00Z' })).toBe(one);
    expect(identityOf({ ...A, encryptionKey: A.encryptionKey.toUpperCase() })).toBe(one);
    for (const other of [B, { ...A, context: 'x' }, { ...A, encryptionKdfSalt: B.encryptionKdfSalt }])
      expect(identityOf(other)).not.toBe(one);
  });
});
