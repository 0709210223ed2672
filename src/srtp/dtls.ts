/**
 * Keys from a DTLS handshake (DTLS-SRTP): what its exporter gives for `EXTRACTOR-dtls_srtp` (RFC 5764 section 4.2).
 *
 *     client_write_key || server_write_key || client_write_salt || server_write_salt
 */
import { copyInto, isBytes, kindOf, lengthOf, secretBytes } from '../bytes.js';
import { keyBytesOf, refusal, SALT_BYTES, type SrtpKeys, type SrtpSuite, split } from './keys.js';

/**
 * The keys of both directions: `client` are those that the DTLS client sends with, and the server receives. `material` is 56
 * bytes for AEAD_AES_128_GCM, 88 for AEAD_AES_256_GCM. Throws ConfigError for another suite, type or length.
 */
export function keysFromDtls(material: Uint8Array, suite: SrtpSuite): { client: SrtpKeys; server: SrtpKeys } {
  const keyBytes = keyBytesOf(suite);
  const bytes = 2 * (keyBytes + SALT_BYTES);
  if (!isBytes(material) || lengthOf(material) !== bytes) {
    const code = isBytes(material) ? 'dtls_length' : 'dtls_type';
    const remedy = `Export ${bytes} bytes with the label EXTRACTOR-dtls_srtp, and without a context.`;
    throw refusal('material', code, `${bytes} bytes for ${suite} (a Uint8Array)`, kindOf(material), remedy);
  }
  const copy = secretBytes(bytes);
  copyInto(copy, material, 0);
  try {
    return {
      client: { suite, ...split(copy, 0, 2 * keyBytes, keyBytes) },
      server: { suite, ...split(copy, keyBytes, 2 * keyBytes + SALT_BYTES, keyBytes) },
    };
  } finally {
    copy.fill(0);
  }
}
