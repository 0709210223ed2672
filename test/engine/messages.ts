/** What the tests of AES-GCM share: messages, with what OpenSSL makes of them. */
import { type CipherGCMTypes, createCipheriv } from 'node:crypto';
import { sample } from '../support/engines.js';

export const TAG_BYTES = 16;
export const EMPTY = new Uint8Array(0);

interface Message {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  /** What OpenSSL makes of it: ciphertext || tag. */
  readonly sealed: Uint8Array;
}

export function message(keyBytes: 16 | 32, length: number, aadLength: number, label = ''): Message {
  const name = `${label} ${keyBytes} ${length} ${aadLength}`;
  const [key, nonce] = [sample(`key ${name}`, keyBytes), sample(`nonce ${name}`, 12)];
  const [aad, plaintext] = [sample(`aad ${name}`, aadLength), sample(`plaintext ${name}`, length)];
  const algorithm: CipherGCMTypes = keyBytes === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(aad);
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return { key, nonce, aad, plaintext, sealed };
}

/** The array with one bit changed. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >>> 3]! ^= 0x80 >>> (bit & 7);
  return copy;
}
