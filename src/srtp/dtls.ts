/**
 * Keys from a DTLS handshake (DTLS-SRTP): what its exporter gives for `EXTRACTOR-dtls_srtp` (RFC 5764 section 4.2).
 *
 *     client_write_key || server_write_key || client_write_salt || server_write_salt
 */
import { copyInto, isBytes, kindOf, lengthOf, secretBytes } from '../bytes.js';
import { type Field, refusal } from '../config-error.js';
import { keyBytesOf, SALT_BYTES, type SrtpKeys, type SrtpSuite, split } from './keys.js';

/** The keys of both directions of a DTLS-SRTP association. */
export interface DtlsKeys {
  /** The DTLS client sends with these keys, and the server receives. */
  client: SrtpKeys;
  /** The DTLS server sends with these keys, and the client receives. */
  server: SrtpKeys;
}

/**
 * The keys of both directions. `material` is what the exporter gives for `EXTRACTOR-dtls_srtp`: 56 bytes for AEAD_AES_128_GCM, 88
 * for AEAD_AES_256_GCM; copied. Throws ConfigError for another suite, type or length. (RFC 5764 section 4.2)
 */
export function keysFromDtls(material: Uint8Array, suite: SrtpSuite): DtlsKeys {
  const keyBytes = keyBytesOf(suite);
  const bytes = 2 * (keyBytes + SALT_BYTES);
  if (!isBytes(material) || lengthOf(material) !== bytes) {
    const remedy = `Export ${bytes} bytes with the label EXTRACTOR-dtls_srtp, and without a context.`;
    const field: Field = { name: 'material', expected: `${bytes} bytes for ${suite} (a Uint8Array)`, remedy };
    throw refusal(field, isBytes(material) ? 'dtls_length' : 'dtls_type', kindOf(material));
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
