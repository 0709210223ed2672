/**
 * Master keys of SRTP (FORMAT.md section 8): which suites there are, and what a key may be. The application's own signalling
 * brings them; sdes.ts and dtls.ts read two forms of it. Messages never show a key or a salt.
 */
import { copyInto, isBytes, kindOf, lengthOf, secretBytes } from '../bytes.js';
import { own } from '../checks.js';
import { ConfigError, type ConfigErrorCode } from '../config-error.js';

/** The suites of RFC 7714, by their names in signalling. */
export type SrtpSuite = 'AEAD_AES_128_GCM' | 'AEAD_AES_256_GCM';

/**
 * The master key of one direction. It must not outlive a process that protected with it: what was sent is forgotten, and
 * nonces would be used twice.
 */
export interface SrtpKeys {
  suite: SrtpSuite;
  /** 16 bytes for AEAD_AES_128_GCM, 32 for AEAD_AES_256_GCM. */
  masterKey: Uint8Array;
  /** 12 bytes. */
  masterSalt: Uint8Array;
}

export const SALT_BYTES = 12;

const KEY_BYTES: ReadonlyMap<unknown, 16 | 32> = new Map([
  ['AEAD_AES_128_GCM', 16],
  ['AEAD_AES_256_GCM', 32],
]);
const OFFERED = [...KEY_BYTES.keys()].join(' or ');
/** Names of suites, which a message may show; Base64 has no underscore. */
const SUITE_NAME = /^(?=.*_)[A-Z0-9_]{3,40}$/i;

/** The error for a field: what was expected, what arrived, and what to do. */
export function refusal(
  field: string,
  code: ConfigErrorCode,
  expected: string,
  got: string,
  remedy: string,
): ConfigError {
  return new ConfigError(field, code, `${field}: expected ${expected}; got ${got}. ${remedy}`);
}

/** Bytes of a suite's master key. Throws ConfigError for what is no suite, or none of these two. */
export function keyBytesOf(suite: unknown): 16 | 32 {
  const bytes = KEY_BYTES.get(suite);
  if (bytes !== undefined) return bytes;
  const remedy = `Offer ${OFFERED} in the signalling: RFC 7714.`;
  const refuse = (code: ConfigErrorCode, got: string) => refusal('suite', code, OFFERED, got, remedy);
  if (suite === undefined || suite === null) throw refuse('suite_missing', `${suite}`);
  if (typeof suite !== 'string') throw refuse('suite_type', kindOf(suite));
  if (!SUITE_NAME.test(suite)) throw refuse('suite_unknown', kindOf(suite));
  throw refuse('suite_not_offered', `${suite}, which is not offered`);
}

/** Master key and salt that were read: copies. */
export interface ParsedKeys {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
}

/** Checks keys and copies them. Throws ConfigError for the first fault: type, suite, key, salt. */
export function parseKeys(keys: unknown): ParsedKeys {
  if (typeof keys !== 'object' || keys === null) {
    const remedy = 'keysFromSdes and keysFromDtls make such an object.';
    throw refusal('keys', 'config_type', 'an object with suite, masterKey and masterSalt', kindOf(keys), remedy);
  }
  // Each field is read once.
  const fields = keys as Partial<Record<keyof SrtpKeys, unknown>>;
  const [suite, masterKey, masterSalt] = [own(fields, 'suite'), own(fields, 'masterKey'), own(fields, 'masterSalt')];
  const keyBytes = keyBytesOf(suite);
  const key = readBytes('masterKey', 'key', masterKey, keyBytes);
  try {
    if (key.every((byte) => byte === 0)) throw zeros('masterKey', 'key_weak', keyBytes);
    const salt = readBytes('masterSalt', 'salt', masterSalt, SALT_BYTES);
    if (salt.every((byte) => byte === 0)) throw zeros('masterSalt', 'salt_all_zero', SALT_BYTES);
    return { key, salt };
  } catch (error) {
    key.fill(0);
    throw error;
  }
}

/** Copies of a key of `keyBytes` bytes and of a salt, from two places in an array. */
export function split(bytes: Uint8Array, keyAt: number, saltAt: number, keyBytes: number) {
  const [masterKey, masterSalt] = [secretBytes(keyBytes), secretBytes(SALT_BYTES)];
  masterKey.set(bytes.subarray(keyAt, keyAt + keyBytes));
  masterSalt.set(bytes.subarray(saltAt, saltAt + SALT_BYTES));
  return { masterKey, masterSalt };
}

const AGREED = 'Take them as both sides agreed on them: from SDES, from DTLS, or at random.';

function zeros(field: string, code: ConfigErrorCode, bytes: number): ConfigError {
  return refusal(field, code, `${bytes} bytes`, 'zeros, which are no secret', AGREED);
}

function readBytes(field: string, prefix: 'key' | 'salt', value: unknown, bytes: number): Uint8Array {
  const expected = `${bytes} bytes (a Uint8Array)`;
  if (value === undefined || value === null) throw refusal(field, `${prefix}_missing`, expected, `${value}`, AGREED);
  if (!isBytes(value)) throw refusal(field, `${prefix}_type`, expected, kindOf(value), AGREED);
  if (lengthOf(value) !== bytes) throw refusal(field, `${prefix}_length`, expected, kindOf(value), AGREED);
  // Copied before it is judged: another thread may write to a SharedArrayBuffer.
  const copy = secretBytes(bytes);
  copyInto(copy, value, 0);
  if (prefix === 'salt' || bytes === 16 || !copy.every(isHexDigit)) return copy;
  copy.fill(0);
  throw refusal(field, 'key_text_as_bytes', expected, 'hex digits written out', 'Decode the hex first.');
}

function isHexDigit(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || ((byte | 32) >= 97 && (byte | 32) <= 102);
}
