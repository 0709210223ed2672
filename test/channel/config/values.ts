/** What the tests of configurations share: secrets that are easy to recognise, every error code, and a search for leaks. */
import { inspect } from 'node:util';
import { expect } from 'vitest';
import { toBase64 } from '../../../src/bytes.js';
import { parseConfig } from '../../../src/channel/config.js';
import { ConfigError, type ConfigErrorCode } from '../../../src/config-error.js';

export type ParseCode = Exclude<ConfigErrorCode, `${'rotate' | 'suite' | 'sdes' | 'dtls'}_${string}`>;

/** Every code that parseConfig can throw; the compiler refuses a code too many or too few. */
export const CODES: Record<ParseCode, true> = {
  config_type: true,
  unknown_field: true,
  mode_missing: true,
  mode_type: true,
  mode_empty: true,
  mode_whitespace: true,
  mode_unknown: true,
  mode_not_offered: true,
  key_missing: true,
  key_type: true,
  key_empty: true,
  key_text_as_bytes: true,
  key_whitespace: true,
  key_alphabet: true,
  key_length: true,
  key_prefix: true,
  key_separators: true,
  key_is_base64: true,
  key_weak: true,
  salt_missing: true,
  salt_type: true,
  salt_empty: true,
  salt_text_as_bytes: true,
  salt_whitespace: true,
  salt_alphabet: true,
  salt_length: true,
  salt_is_hex: true,
  salt_url_alphabet: true,
  salt_padding: true,
  salt_trailing_bits: true,
  salt_all_zero: true,
  salt_equals_key: true,
  salt_not_allowed: true,
  key_id_type: true,
  key_id_range: true,
  key_id_not_allowed: true,
  context_type: true,
  context_empty: true,
  context_control: true,
  context_surrogate: true,
  context_length: true,
  context_not_allowed: true,
};

// Secrets that are easy to recognise. In KEY both cases of hex, in SALT '+' and '/'.
export const KEY = 'deadBEEF7e57ca5eF00Dfacec0ffee1122334455667788990badcafedefec8ed';
export const KEY_BYTES = new Uint8Array(Buffer.from(KEY, 'hex'));
export const KEY_16 = KEY.slice(0, 32);
export const SALT = 'S4lt+S4ltS4ltyS4lt/PepperMustardVinegarOil8=';
export const SALT_BYTES = new Uint8Array(Buffer.from(SALT, 'base64'));
export const KEY_IN_BASE64 = toBase64(KEY_BYTES);
export const URL_SALT = SALT.replaceAll('+', '-').replaceAll('/', '_');

export const THREE_MODES = ['AES_256_GCM2', 'AES_128_GCM2', 'SM4_128_ECB'];

export const GCM2 = { encryptionMode: 'AES_256_GCM2', encryptionKey: KEY, encryptionKdfSalt: SALT };
export const SM4 = { encryptionMode: 'SM4_128_ECB', encryptionKey: KEY };

export const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

export function faultOf(config: unknown): ConfigError {
  try {
    parseConfig(config);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('expected a ConfigError, but the configuration was accepted');
}

/** All that a log could print of an error. */
const everythingOf = (error: ConfigError): string =>
  [error.message, error.stack, String(error), JSON.stringify(error), inspect(error, { depth: 9, showHidden: true })]
    .join('\n')
    .toLowerCase();

const slicesOf = (secret: string): string[] =>
  Array.from({ length: Math.max(secret.length - 7, 0) }, (_, i) => secret.slice(i, i + 8).toLowerCase());

const SECRET_SLICES = [
  KEY,
  SALT,
  URL_SALT,
  KEY_IN_BASE64,
  toBase64(ascii(KEY)),
  Buffer.from(SALT_BYTES).toString('hex'),
  KEY_BYTES.join(','),
  KEY_BYTES.join(', '),
  SALT_BYTES.join(','),
  SALT_BYTES.join(', '),
  [...KEY_BYTES].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
].flatMap(slicesOf);

export function expectNoLeak(error: ConfigError): void {
  const text = everythingOf(error);
  expect(SECRET_SLICES.filter((slice) => text.includes(slice))).toEqual([]);
}
