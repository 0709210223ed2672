/** `frameseal/aead` and `frameseal/vectors`: known answers, and the engine that a platform gets against the portable engine. */
import { AesGcm, BAD_TAG, NO_ROOM, Sm4Ecb } from 'frameseal/aead';
import { verifyVectors } from 'frameseal/vectors';
import vectors from '../vectors.mjs';
import { bytes, changed, equal, equalBytes, MOST_BYTES, refused, thrown } from './assert.mjs';

const TAG_BYTES = 16;
/** A tag is changed at every length, and each bit of the sealed bytes at a few. */
const THOROUGH_BYTES = [0, 1, 17];
const text = bytes(MOST_BYTES, 2);
const header = bytes(40, 3);

export const CIPHER_CHECKS = [
  ['vectors, engine auto', () => verifyAll('auto')],
  ['vectors, engine portable', () => verifyAll('portable')],
  ['AES-128-GCM, 0 to 1,500 bytes', () => gcm(16)],
  ['AES-256-GCM, 0 to 1,500 bytes', () => gcm(32)],
  ['AES-GCM, arguments and end', gcmContract],
  ['SM4-ECB, 0 to 1,500 bytes', sm4],
];

/** Runs all fixtures on an engine, and returns the number of cases that agree. */
export function verifyAll(engine) {
  let cases = 0;
  for (const [name, file] of Object.entries(vectors)) {
    const { agreed, disagreements } = verifyVectors(file, { engine });
    equal(JSON.stringify(disagreements.slice(0, 1)), '[]', name);
    cases += agreed;
  }
  return cases;
}

function gcm(keyBytes) {
  const [cipher, other] = ['auto', 'portable'].map((engine) => new AesGcm(bytes(keyBytes, keyBytes), { engine }));
  for (let length = 0; length <= MOST_BYTES; length++) {
    const plaintext = text.subarray(0, length);
    const aad = header.subarray(0, length % header.length);
    const nonce = bytes(12, length);
    const [sealed, expected] = [0, 1].map(() => new Uint8Array(length + TAG_BYTES));
    equal(cipher.seal(nonce, aad, plaintext, sealed), sealed.length, 'bytes sealed');
    other.seal(nonce, aad, plaintext, expected);
    equalBytes(sealed, expected, `${length} bytes`);
    refused(BAD_TAG, 'a changed tag', (out) =>
      cipher.open(nonce, aad, changed(sealed, -1 - (length % TAG_BYTES)), out),
    );
    if (THOROUGH_BYTES.includes(length)) {
      for (let i = 0; i < sealed.length; i++)
        refused(BAD_TAG, 'a changed byte', (out) => cipher.open(nonce, aad, changed(sealed, i), out));
    }
    // In place, and out of the other engine's bytes.
    equal(cipher.open(nonce, aad, expected, expected.subarray(0, length)), length, 'bytes opened');
    equalBytes(expected.subarray(0, length), plaintext, `${length} bytes, opened`);
  }
  for (const each of [cipher, other]) each.destroy();
}

function gcmContract() {
  thrown('RangeError', 'a key of 24 bytes', () => new AesGcm(new Uint8Array(24)));
  const cipher = new AesGcm(bytes(16));
  const [nonce, aad] = [bytes(12), header];
  thrown('RangeError', 'a nonce of 16 bytes', () => cipher.seal(bytes(16), aad, text, new Uint8Array(2000)));
  thrown('TypeError', 'a string', () => cipher.seal(nonce, aad, 'text', new Uint8Array(2000)));
  const memory = new Uint8Array(100);
  thrown('RangeError', 'an out that overlaps', () =>
    cipher.seal(nonce, aad, memory.subarray(0, 50), memory.subarray(1)),
  );
  equal(
    cipher.seal(nonce, aad, text, new Uint8Array(text.length + TAG_BYTES - 1)),
    NO_ROOM,
    'an out that is too small',
  );
  equal(cipher.open(nonce, aad, new Uint8Array(TAG_BYTES - 1), new Uint8Array(0)), BAD_TAG, 'less than a tag');
  cipher.destroy();
  cipher.destroy();
  thrown('Error', 'a destroyed cipher', () => cipher.seal(nonce, aad, text, new Uint8Array(2000)));
}

function sm4() {
  const [cipher, other] = ['auto', 'portable'].map((engine) => new Sm4Ecb(bytes(16, 4), { engine }));
  for (let length = 0; length <= MOST_BYTES; length++) {
    const plaintext = text.subarray(0, length);
    const [sealed, expected] = [0, 1].map(() => new Uint8Array((length | 15) + 1));
    equal(cipher.encrypt(plaintext, sealed), sealed.length, 'bytes encrypted');
    other.encrypt(plaintext, expected);
    equalBytes(sealed, expected, `${length} bytes`);
    equal(cipher.decrypt(sealed, sealed), length, 'bytes decrypted');
    equalBytes(sealed.subarray(0, length), plaintext, `${length} bytes, decrypted`);
    refused(BAD_TAG, 'a block cut short', (out) => cipher.decrypt(expected.subarray(1), out));
  }
  for (const each of [cipher, other]) each.destroy();
}
