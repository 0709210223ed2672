/**
 * Master keys of SRTP (FORMAT.md section 8): which suites there are, and what a key may be. The application's own signalling
 * brings them; sdes.ts and dtls.ts read two forms of it. Messages never show a key or a salt.
 */
import { copyInto, isBytes, kindOf, lengthOf, secretBytes } from '../bytes.js';
import { own } from '../checks.js';
import { type ConfigError, type ConfigErrorCode, type Field, refusal } from '../config-error.js';

/** The suites of RFC 7714, by their names in signalling. */
export type SrtpSuite = 'AEAD_AES_128_GCM' | 'AEAD_AES_256_GCM';

/**
 * The master key of one direction. The key must not outlive a process that protected with it: the process takes the record of
 * used nonces with it, and nonces would be used twice. (SECURITY.md)
 */
export interface SrtpKeys {
  /** The suite, by its name in signalling. */
  suite: SrtpSuite;
  /** 16 bytes for AEAD_AES_128_GCM, 32 for AEAD_AES_256_GCM. */
  masterKey: Uint8Array;
  /** 12 bytes. */
  masterSalt: Uint8Array;
}

/** @internal */
export const SALT_BYTES = 12;

const KEY_BYTES: ReadonlyMap<unknown, 16 | 32> = new Map([
  ['AEAD_AES_128_GCM', 16],
  ['AEAD_AES_256_GCM', 32],
]);
const OFFERED = [...KEY_BYTES.keys()].join(' or ');
const SUITE: Field = { name: 'suite', expected: OFFERED, remedy: 'Agree on one of these in the signalling.' };
/** Names of suites, which a message may show; Base64 has no underscore. */
const SUITE_NAME = /^(?=.*_)[A-Z0-9_]{3,40}$/i;

/** @internal Bytes of a suite's master key. Throws ConfigError for what is no suite, or none of these two. */
export function keyBytesOf(suite: unknown): 16 | 32 {
  const bytes = KEY_BYTES.get(suite);
  if (bytes !== undefined) return bytes;
  if (suite === undefined || suite === null) throw refusal(SUITE, 'suite_missing', kindOf(suite));
  if (typeof suite !== 'string') throw refusal(SUITE, 'suite_type', kindOf(suite));
  if (!SUITE_NAME.test(suite)) throw refusal(SUITE, 'suite_unknown', kindOf(suite));
  throw refusal(SUITE, 'suite_not_offered', suite, 'not offered');
}

const KEYS: Field = {
  name: 'keys',
  expected: 'an object with suite, masterKey and masterSalt',
  remedy: 'keysFromSdes and keysFromDtls make one.',
};

/** @internal Master key and salt that were read: copies. */
export interface ParsedKeys {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
}

/** @internal Checks keys and copies them. Throws ConfigError for the first fault: type, suite, key, salt. */
export function parseKeys(keys: unknown): ParsedKeys {
  if (typeof keys !== 'object' || keys === null) {
    throw refusal(KEYS, 'config_type', kindOf(keys));
  }
  // Each field is read once.
  const fields = keys as Partial<Record<keyof SrtpKeys, unknown>>;
  const [suite, masterKey, masterSalt] = [own(fields, 'suite'), own(fields, 'masterKey'), own(fields, 'masterSalt')];
  const key = readSecret(masterKey, { name: 'masterKey', prefix: 'key', bytes: keyBytesOf(suite) });
  try {
    return { key, salt: readSecret(masterSalt, { name: 'masterSalt', prefix: 'salt', bytes: SALT_BYTES }) };
  } catch (error) {
    key.fill(0);
    throw error;
  }
}

/** @internal Copies of a key of `keyBytes` bytes and of a salt, from two places in an array. */
export function split(bytes: Uint8Array, keyAt: number, saltAt: number, keyBytes: number) {
  const [masterKey, masterSalt] = [secretBytes(keyBytes), secretBytes(SALT_BYTES)];
  masterKey.set(bytes.subarray(keyAt, keyAt + keyBytes));
  masterSalt.set(bytes.subarray(saltAt, saltAt + SALT_BYTES));
  return { masterKey, masterSalt };
}

/** A key or a salt: the field, and what its codes begin with. */
interface SecretField {
  readonly name: string;
  readonly prefix: 'key' | 'salt';
  readonly bytes: number;
}

function refuse({ name, bytes }: SecretField, code: ConfigErrorCode, arrived: string, hint?: string): ConfigError {
  const remedy = 'Take it as both sides agreed on it: from SDES, from DTLS, or from a random generator.';
  return refusal({ name, expected: `${bytes} bytes (a Uint8Array)`, remedy }, code, arrived, hint);
}

/** A copy of the bytes. */
function readSecret(value: unknown, field: SecretField): Uint8Array {
  const { prefix, bytes } = field;
  const arrived = kindOf(value);
  if (value === undefined || value === null) throw refuse(field, `${prefix}_missing`, arrived);
  if (!isBytes(value)) throw refuse(field, `${prefix}_type`, arrived);
  if (lengthOf(value) !== bytes) throw refuse(field, `${prefix}_length`, arrived);
  // Copied before it is judged: another thread may write to a SharedArrayBuffer.
  const copy = secretBytes(bytes);
  copyInto(copy, value, 0);
  if (copy.every((byte) => byte === 0)) {
    throw refuse(field, prefix === 'key' ? 'key_weak' : 'salt_all_zero', arrived, 'every byte is zero');
  }
  if (bytes === TEXT_BYTES && copy.every(isHexDigit)) {
    copy.fill(0);
    throw refuse(field, 'key_text_as_bytes', arrived, 'these bytes are hex written out: decode them first');
  }
  return copy;
}

/** What a key of 16 bytes is long when it is written out. */
const TEXT_BYTES = 32;

function isHexDigit(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || ((byte | 32) >= 97 && (byte | 32) <= 102);
}
