/** An implementation for harness.mjs: AES-GCM and HKDF of node:crypto. */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const bytes = (text) => Buffer.from(text, 'hex');

export function gcm(test) {
  const expected = test.expect ?? 'ok';
  const pairs = [[expected === 'ok' ? test.plaintext : expected, opened(test)]];
  if (expected === 'ok') pairs.push([test.ciphertext + test.tag, sealed(test)]);
  return pairs;
}

export function hkdf({ hash, ikm, salt, info, length, okm, expect }) {
  let got;
  try {
    got = hex(hkdfSync(hash, bytes(ikm), bytes(salt), bytes(info), length));
  } catch {
    got = 'TOO_LARGE';
  }
  return [[okm ?? expect, got]];
}

function sealed({ key, nonce, aad, plaintext }) {
  const cipher = createCipheriv(`aes-${4 * key.length}-gcm`, bytes(key), bytes(nonce)).setAAD(bytes(aad));
  return hex(Buffer.concat([cipher.update(bytes(plaintext)), cipher.final(), cipher.getAuthTag()]));
}

function opened({ key, nonce, aad, ciphertext, tag }) {
  const decipher = createDecipheriv(`aes-${4 * key.length}-gcm`, bytes(key), bytes(nonce));
  decipher.setAAD(bytes(aad)).setAuthTag(bytes(tag));
  try {
    return hex(Buffer.concat([decipher.update(bytes(ciphertext)), decipher.final()]));
  } catch {
    return 'BAD_TAG';
  }
}
