/**
 * FORMAT.md section 1, case by case. Each row of CASES is one way of getting a configuration wrong: the code and the
 * field it must give, and words that its message must hold. The rows together cover every code that parseConfig throws.
 */
import { createSecretKey } from 'node:crypto';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64 } from '../../src/bytes.js';
import { ConfigError, type ConfigErrorCode, generateKey, generateSalt, parseConfig } from '../../src/channel/config.js';

type ParseCode = Exclude<ConfigErrorCode, `rotate_${string}`>;

/** Every code that parseConfig can throw; the compiler refuses a code too many or too few. */
const CODES: Record<ParseCode, true> = {
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
};

// Secrets that are easy to recognise. In KEY both cases of hex, in SALT '+' and '/'.
const KEY = 'deadBEEF7e57ca5eF00Dfacec0ffee1122334455667788990badcafedefec8ed';
const KEY_BYTES = new Uint8Array(Buffer.from(KEY, 'hex'));
const KEY_16 = KEY.slice(0, 32);
const SALT = 'S4lt+S4ltS4ltyS4lt/PepperMustardVinegarOil8=';
const SALT_BYTES = new Uint8Array(Buffer.from(SALT, 'base64'));
const KEY_IN_BASE64 = toBase64(KEY_BYTES);
const URL_SALT = SALT.replaceAll('+', '-').replaceAll('/', '_');

const GCM2 = { encryptionMode: 'AES_256_GCM2', encryptionKey: KEY, encryptionKdfSalt: SALT };
const SM4 = { encryptionMode: 'SM4_128_ECB', encryptionKey: KEY };

const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

function detachedBytes(): Uint8Array {
  const bytes = new Uint8Array(32).fill(7);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function faultOf(config: unknown): ConfigError {
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

function expectNoLeak(error: ConfigError): void {
  const text = everythingOf(error);
  expect(SECRET_SLICES.filter((slice) => text.includes(slice))).toEqual([]);
}

type Case = readonly [name: string, code: ParseCode, field: string, config: unknown, ...words: string[]];

const THREE_MODES = ['AES_256_GCM2', 'AES_128_GCM2', 'SM4_128_ECB'];
const KEY_COMMANDS = ['openssl rand -hex 32', 'frameseal keygen'];
const SALT_COMMANDS = ['openssl rand -base64 32', 'frameseal keygen'];

const whole = (name: string, config: unknown, ...words: string[]): Case => [
  `config: ${name}`,
  'config_type',
  'config',
  config,
  'expected an object with encryptionMode, encryptionKey, encryptionKdfSalt, keyId',
  ...words,
];
const mode = (name: string, code: ParseCode, value: unknown, ...words: string[]): Case => [
  `mode: ${name}`,
  code,
  'encryptionMode',
  { ...GCM2, encryptionMode: value },
  ...THREE_MODES,
  'frameseal keygen',
  ...words,
];
const key = (name: string, code: ParseCode, value: unknown, ...words: string[]): Case => [
  `key: ${name}`,
  code,
  'encryptionKey',
  { ...GCM2, encryptionKey: value },
  'expected 64 hex digits (a string) or 32 bytes (a Uint8Array)',
  ...KEY_COMMANDS,
  ...words,
];
const sm4Key = (name: string, code: ParseCode, value: unknown, ...words: string[]): Case => [
  `SM4 key: ${name}`,
  code,
  'encryptionKey',
  { ...SM4, encryptionKey: value },
  'expected 64 or 32 hex digits (a string), or 32 or 16 bytes (a Uint8Array)',
  ...KEY_COMMANDS,
  ...words,
];
const salt = (name: string, code: ParseCode, value: unknown, ...words: string[]): Case => [
  `salt: ${name}`,
  code,
  'encryptionKdfSalt',
  { ...GCM2, encryptionKdfSalt: value },
  'expected 44 characters of standard Base64',
  ...SALT_COMMANDS,
  ...words,
];
const keyId = (name: string, code: ParseCode, value: unknown, ...words: string[]): Case => [
  `keyId: ${name}`,
  code,
  'keyId',
  { ...GCM2, keyId: value },
  'expected a whole number from 0 to 15',
  ...words,
];
const unknownField = (name: string, field: string, ...words: string[]): Case => [
  `unknown field: ${name}`,
  'unknown_field',
  field,
  { ...GCM2, [name]: 1 },
  ...words,
];

const CASES: readonly Case[] = [
  whole('undefined', undefined, 'undefined'),
  whole('null', null, 'null'),
  whole('a string', JSON.stringify(GCM2), 'a string of'),
  whole('an array', [GCM2], 'an array of 1 elements'),
  whole('a function', () => GCM2, 'function'),
  whole('a Map', new Map(Object.entries(GCM2)), 'Map'),
  whole('a promise that nobody awaited', Promise.resolve(GCM2), 'Promise'),
  whole('bytes', KEY_BYTES, 'a Uint8Array of 32 bytes'),
  whole('a number', 7, 'number'),

  unknownField('encryption_key', 'encryption_key', "'encryption_key'", 'typo of encryptionKey)'),
  unknownField('EncryptionKey', 'EncryptionKey', 'typo of encryptionKey)'),
  unknownField('encryption-kdf-salt', 'encryption-kdf-salt', 'typo of encryptionKdfSalt)'),
  unknownField('ENCRYPTIONMODE', 'ENCRYPTIONMODE', 'typo of encryptionMode)'),
  unknownField('key_id', 'key_id', 'typo of keyId)'),
  unknownField('encryptionKey ', 'config', 'a string of 14 characters', 'typo of encryptionKey)'),
  unknownField('framing', 'framing', "'framing'", 'remove it', 'encryptionMode, encryptionKey'),
  unknownField('constructor', 'constructor', 'remove it'),
  unknownField('encryptionKdfSaltInBase', 'encryptionKdfSaltInBase', 'remove it'),
  unknownField('', 'config', 'a string of 0 characters'),
  unknownField(KEY, 'config', 'a string of 64 characters'),
  unknownField(KEY_16, 'config', 'a string of 32 characters'),
  unknownField(SALT, 'config', 'a string of 44 characters'),
  unknownField(URL_SALT.slice(0, 43), 'config', 'a string of 43 characters'),
  unknownField('SGVsbG8gd29ybGQhISEhIQ', 'config', 'a string of 22 characters'),
  unknownField('x'.repeat(33), 'config', 'a string of 33 characters'),
  ['unknown field: own __proto__', 'unknown_field', '__proto__', JSON.parse('{"__proto__": 1}'), "'__proto__'"],
  ['unknown field: undefined', 'unknown_field', 'salt', { ...GCM2, salt: undefined }, "'salt'"],

  mode('undefined', 'mode_missing', undefined, 'there is no default', 'got undefined'),
  mode('null', 'mode_missing', null, 'got null'),
  mode('left out', 'mode_missing', undefined),
  mode('true', 'mode_type', true, 'got boolean'),
  mode('an object', 'mode_type', { toString: () => 'AES_256_GCM2' }, 'got an object'),
  mode('a boxed string', 'mode_type', Object('AES_256_GCM2'), 'String'),
  mode('bytes', 'mode_type', ascii('AES_256_GCM2'), 'a Uint8Array of 12 bytes'),
  mode('a symbol', 'mode_type', Symbol(KEY), 'got symbol'),
  mode('empty', 'mode_empty', '', 'a string of 0 characters'),
  mode('a newline', 'mode_whitespace', 'AES_256_GCM2\n', 'trim'),
  mode('blanks for dashes', 'mode_whitespace', 'aes 256 gcm2', 'trim'),
  mode('no such name', 'mode_unknown', 'AES_256_GCM3', "got 'AES_256_GCM3'"),
  mode('none', 'mode_unknown', 'none', "got 'none'"),
  mode('a long name', 'mode_unknown', 'x'.repeat(21), 'a string of 21 characters'),
  mode('a name with a dot', 'mode_unknown', 'AES.256', 'a string of 7 characters'),
  mode('a key', 'mode_unknown', KEY, 'a string of 64 characters'),
  mode('digits', 'mode_unknown', '7', "got '7'", 'not as a string'),
  mode('a BigInt', 'mode_unknown', 8n, 'got bigint', 'BigInt'),
  ...[Number.NaN, Number.POSITIVE_INFINITY, 0, -7, 9].map((n) => mode(`${n}`, 'mode_unknown', n, `the number ${n}`)),
  mode('7.5', 'mode_unknown', 7.5, 'got number'),
  ...['constructor', '__proto__', 'toString', 'hasOwnProperty'].map((n) => mode(n, 'mode_unknown', n, `got '${n}'`)),
  mode('a letter whose upper case is S', 'mode_unknown', '\u017fm4_128_ecb'),
  ...(
    [
      ['AES_128_XTS', 1],
      ['AES_128_ECB', 2],
      ['AES_256_XTS', 3],
      ['AES_128_GCM', 5],
      ['AES_256_GCM', 6],
    ] as const
  ).flatMap(([name, number]) =>
    [name, name.toLowerCase(), name.replace('_', '-'), name.toLowerCase().replaceAll('_', '-'), number].map((id) =>
      mode(`${id}`, 'mode_not_offered', id, `${name} is known, but not offered`),
    ),
  ),

  key('undefined', 'key_missing', undefined, 'got undefined'),
  key('null', 'key_missing', null, 'got null'),
  key('a number', 'key_type', 12345678901234, 'got number'),
  key('an array', 'key_type', [...KEY_BYTES], 'an array of 32 elements'),
  key('an ArrayBuffer', 'key_type', KEY_BYTES.buffer, 'ArrayBuffer'),
  key('a DataView', 'key_type', new DataView(KEY_BYTES.slice().buffer), 'DataView'),
  key('a Uint16Array', 'key_type', new Uint16Array(16).fill(9), 'Uint16Array'),
  key('a Uint8ClampedArray', 'key_type', new Uint8ClampedArray(32).fill(9), 'Uint8ClampedArray'),
  key('a KeyObject', 'key_type', createSecretKey(KEY_BYTES), 'an object'),
  key('a Buffer that went through JSON', 'key_type', JSON.parse(JSON.stringify(Buffer.from(KEY_BYTES))), 'an object'),
  key('a boxed string', 'key_type', Object(KEY), 'String'),
  key('empty text', 'key_empty', '', 'empty', 'a string of 0 characters'),
  key('no bytes', 'key_empty', new Uint8Array(0), 'a Uint8Array of 0 bytes'),
  key('detached bytes', 'key_empty', detachedBytes(), 'a Uint8Array of 0 bytes'),
  key('64 digits as bytes', 'key_text_as_bytes', ascii(KEY), 'a Uint8Array of 64 bytes', 'as a string'),
  key(
    '64 digits and a newline as bytes',
    'key_text_as_bytes',
    ascii(`${KEY}\n`),
    'a Uint8Array of 65 bytes',
    'trimmed',
  ),
  key('64 digits and white space as bytes', 'key_text_as_bytes', ascii(`${KEY} \t\r\n`)),
  key('64 digits and pages of white space', 'key_text_as_bytes', ascii(`${KEY}${' '.repeat(5000)}`)),
  key('32 digits as bytes', 'key_text_as_bytes', ascii(KEY_16), 'a Uint8Array of 32 bytes', 'these bytes are text'),
  key('32 digits in a Buffer', 'key_text_as_bytes', Buffer.from(KEY_16.toUpperCase())),
  key('32 zero digits as bytes', 'key_text_as_bytes', ascii('0'.repeat(32))),
  key('32 digits and a newline as bytes', 'key_text_as_bytes', ascii(`${KEY_16}\r\n`)),
  key('Base64 as bytes', 'key_text_as_bytes', ascii(KEY_IN_BASE64), 'a Uint8Array of 44 bytes'),
  key('Base64 and a newline as bytes', 'key_text_as_bytes', ascii(`${KEY_IN_BASE64}\n`), 'a Uint8Array of 45 bytes'),
  key('a newline at the end', 'key_whitespace', `${KEY}\n`, 'trim', 'a string of 65 characters'),
  key('a carriage return', 'key_whitespace', `${KEY}\r\n`, 'trim'),
  key('a blank before', 'key_whitespace', ` ${KEY}`, 'trim'),
  key('blanks inside', 'key_whitespace', KEY.replaceAll(/..../g, '$& '), 'trim'),
  key('a byte order mark', 'key_whitespace', `\ufeff${KEY}`, 'trim'),
  key('only blanks', 'key_whitespace', '   '),
  key('Base64 and a newline', 'key_whitespace', `${KEY_IN_BASE64}\n`),
  key('0x', 'key_prefix', `0x${KEY}`, '0x', 'a string of 66 characters'),
  key('0X and 62 digits', 'key_prefix', `0X${KEY.slice(2)}`, '0x'),
  key('colons', 'key_separators', KEY.replaceAll(/..(?!$)/g, '$&:'), 'colons', 'a string of 95 characters'),
  key('a UUID', 'key_separators', '3f2b8c1e-5d47-4a90-9c3b-7e1f0a2d4b68', 'dashes'),
  key('Base64', 'key_is_base64', KEY_IN_BASE64, 'Base64', 'a string of 44 characters'),
  key('Base64 without padding', 'key_is_base64', KEY_IN_BASE64.slice(0, 43), 'Base64'),
  key('Base64url', 'key_is_base64', URL_SALT.slice(0, 43), 'Base64'),
  key('Base64url with padding', 'key_is_base64', URL_SALT, 'Base64'),
  key('the salt', 'key_is_base64', SALT, 'encryptionKdfSalt'),
  key('16 bytes in Base64', 'key_is_base64', toBase64(KEY_BYTES.slice(0, 16)), 'Base64'),
  key('64 bytes in Base64', 'key_is_base64', toBase64(new Uint8Array(64).fill(200)), 'Base64'),
  key('a passphrase', 'key_alphabet', 'correct-horse-battery-staple', 'a passphrase is not a key'),
  key('one digit that is none', 'key_alphabet', `${KEY.slice(0, 63)}g`, 'hex digits'),
  key('digits of another script', 'key_alphabet', '\uff11'.repeat(64), 'hex digits'),
  key('32 digits', 'key_length', KEY_16, 'a string of 32 characters', '16 bytes or 32 hex digits are for SM4_128_ECB'),
  key('16 bytes', 'key_length', KEY_BYTES.slice(0, 16), 'a Uint8Array of 16 bytes', 'both GCM2 modes take 32 bytes'),
  key('an odd digit', 'key_length', KEY.slice(1), 'a string of 63 characters'),
  key('66 digits', 'key_length', `${KEY}00`, 'a string of 66 characters'),
  key('31 bytes', 'key_length', KEY_BYTES.slice(1), 'a Uint8Array of 31 bytes'),
  key('33 bytes', 'key_length', new Uint8Array(33), 'a Uint8Array of 33 bytes'),
  key('very long text', 'key_length', 'a'.repeat(20_000_000), 'a string of 20000000 characters'),
  key('zeros', 'key_weak', '0'.repeat(64), 'zero'),
  key('zero bytes', 'key_weak', new Uint8Array(32), 'zero'),

  sm4Key('missing', 'key_missing', undefined),
  sm4Key('32 digits as bytes', 'key_text_as_bytes', ascii(KEY_16)),
  sm4Key('Base64', 'key_is_base64', KEY_IN_BASE64, 'Base64'),
  sm4Key('30 digits', 'key_length', KEY.slice(0, 30), 'a string of 30 characters'),
  sm4Key('33 digits', 'key_length', KEY.slice(0, 33), 'a string of 33 characters'),
  sm4Key('24 bytes', 'key_length', KEY_BYTES.slice(0, 24), 'a Uint8Array of 24 bytes'),
  sm4Key('32 zeros', 'key_weak', '0'.repeat(32), 'zero'),
  sm4Key('16 zero bytes', 'key_weak', new Uint8Array(16), 'zero'),

  salt('undefined', 'salt_missing', undefined, 'got undefined'),
  salt('null', 'salt_missing', null, 'got null'),
  salt('a number', 'salt_type', 5, 'got number'),
  salt('an ArrayBuffer', 'salt_type', SALT_BYTES.buffer, 'ArrayBuffer'),
  salt('a DataView', 'salt_type', new DataView(SALT_BYTES.slice().buffer), 'DataView'),
  salt('a Uint16Array', 'salt_type', new Uint16Array(16).fill(9), 'Uint16Array'),
  salt('a KeyObject', 'salt_type', createSecretKey(SALT_BYTES), 'an object'),
  salt('a Buffer that went through JSON', 'salt_type', JSON.parse(JSON.stringify(Buffer.from(SALT_BYTES)))),
  salt('empty text', 'salt_empty', '', 'a string of 0 characters'),
  salt('no bytes', 'salt_empty', Buffer.alloc(0), 'a Uint8Array of 0 bytes'),
  salt('Base64 as bytes', 'salt_text_as_bytes', ascii(SALT), 'a Uint8Array of 44 bytes', 'as a string'),
  salt('Base64 and a newline as bytes', 'salt_text_as_bytes', ascii(`${SALT}\n`), 'a Uint8Array of 45 bytes'),
  salt('64 digits and a newline as bytes', 'salt_text_as_bytes', ascii(`${KEY}\n`), 'a Uint8Array of 65 bytes'),
  salt('32 digits as bytes', 'salt_text_as_bytes', ascii(KEY_16), 'a Uint8Array of 32 bytes'),
  salt('a newline at the end', 'salt_whitespace', `${SALT}\n`, 'trim', 'a string of 45 characters'),
  salt('a blank before', 'salt_whitespace', ` ${SALT}`, 'trim'),
  salt('a line break inside', 'salt_whitespace', `${SALT.slice(0, 20)}\r\n${SALT.slice(20)}`, 'trim'),
  salt('64 hex digits', 'salt_is_hex', generateKey(), 'hex', 'a string of 64 characters'),
  salt('the key', 'salt_is_hex', KEY, 'encryptionKey'),
  salt('32 hex digits', 'salt_is_hex', KEY_16, 'hex'),
  salt('0x', 'salt_is_hex', `0x${KEY}`, 'hex', '0x'),
  salt('colons', 'salt_is_hex', KEY.replaceAll(/..(?!$)/g, '$&:'), 'hex', 'colons'),
  salt('Base64url', 'salt_url_alphabet', URL_SALT, 'URL alphabet'),
  salt('Base64url without padding', 'salt_url_alphabet', URL_SALT.slice(0, 43), 'URL alphabet'),
  salt('rubbish', 'salt_alphabet', `${SALT.slice(0, 42)}*=`, "'+' and '/' are Base64"),
  salt('a quoted salt', 'salt_alphabet', `"${SALT}"`, 'a string of 46 characters'),
  salt('no padding', 'salt_padding', SALT.slice(0, 43), 'padding', "one '='"),
  salt('too much padding', 'salt_padding', `${SALT}=`, 'padding'),
  salt('padding inside', 'salt_padding', `${SALT.slice(0, 20)}=${SALT.slice(21)}`, 'padding'),
  salt('padding alone', 'salt_padding', '====', 'padding'),
  salt('stray bits', 'salt_trailing_bits', `${SALT.slice(0, 42)}9=`, 'stray bits'),
  salt('stray bits, 31 bytes', 'salt_trailing_bits', `${SALT.slice(0, 41)}B==`, 'stray bits'),
  salt('16 bytes in Base64', 'salt_length', toBase64(SALT_BYTES.slice(0, 16)), 'a string of 24 characters'),
  salt('33 bytes in Base64', 'salt_length', 'A'.repeat(44), 'a string of 44 characters'),
  salt('31 bytes in Base64', 'salt_length', toBase64(SALT_BYTES.slice(1)), 'a string of 44 characters'),
  salt('16 bytes', 'salt_length', SALT_BYTES.slice(0, 16), 'a Uint8Array of 16 bytes'),
  salt('33 bytes', 'salt_length', new Uint8Array(33), 'a Uint8Array of 33 bytes'),
  salt('very long text', 'salt_length', 'A'.repeat(20_000_000), 'a string of 20000000 characters'),
  salt('zeros', 'salt_all_zero', `${'A'.repeat(43)}=`, 'zero'),
  salt('zero bytes', 'salt_all_zero', new Uint8Array(32), 'zero'),
  salt('the key in Base64', 'salt_equals_key', KEY_IN_BASE64, 'the same as encryptionKey'),
  salt('the bytes of the key', 'salt_equals_key', KEY_BYTES, 'the same as encryptionKey'),
  ...[SALT, null, '', 7].map(
    (value): Case => [
      `SM4 salt: ${value === SALT ? 'a good one' : JSON.stringify(value)}`,
      'salt_not_allowed',
      'encryptionKdfSalt',
      { ...SM4, encryptionKdfSalt: value },
      'SM4_128_ECB takes none',
      'leave it out',
    ],
  ),

  keyId('a string', 'key_id_type', '3', 'a string of 1 characters'),
  keyId('a BigInt', 'key_id_type', 3n, 'bigint'),
  keyId('null', 'key_id_type', null, 'null'),
  keyId('true', 'key_id_type', true, 'boolean'),
  keyId('a boxed number', 'key_id_type', Object(3), 'Number'),
  keyId('16', 'key_id_range', 16, 'a number above 15'),
  keyId('-1', 'key_id_range', -1, 'a negative number'),
  keyId('1.5', 'key_id_range', 1.5, 'not whole'),
  keyId('NaN', 'key_id_range', Number.NaN, 'not whole'),
  keyId('Infinity', 'key_id_range', Number.POSITIVE_INFINITY, 'not whole'),
  ...[0, 3, null, '0'].map(
    (value): Case => [
      `SM4 keyId: ${JSON.stringify(value)}`,
      'key_id_not_allowed',
      'keyId',
      { ...SM4, keyId: value },
      'SM4_128_ECB takes none',
      'leave it out',
    ],
  ),
];

describe('what is refused', () => {
  it.each(CASES)('%s -> %s', (_name, code, field, config, ...words) => {
    const error = faultOf(config);
    expect(error.code).toBe(code);
    expect(error.field).toBe(field);
    expect(error.name).toBe('ConfigError');
    expect(error.message.startsWith(`${field}: expected `)).toBe(true);
    for (const word of ['; got ', ...words]) expect(error.message).toContain(word);
    expect(error.message).toMatch(/`(openssl rand [^`]+|frameseal keygen)`/);
    expectNoLeak(error);
  });

  it('covers every code that parseConfig throws', () => {
    expect([...new Set(CASES.map(([, code]) => code))].sort()).toEqual(Object.keys(CODES).sort());
  });

  it('tells the first fault, in the order config, fields, mode, key, salt, keyId', () => {
    const faulty = { encryptionMode: 'x', encryptionKey: 'x', encryptionKdfSalt: 'x', keyId: 99 };
    const mended: [config: unknown, code: string][] = [
      [[{ ...faulty, mystery: 1 }], 'config_type'],
      [{ ...faulty, mystery: 1 }, 'unknown_field'],
      [faulty, 'mode_unknown'],
      [{ ...faulty, encryptionMode: 7 }, 'key_alphabet'],
      [{ ...faulty, encryptionMode: 7, encryptionKey: KEY }, 'salt_padding'],
      [{ ...GCM2, keyId: 99 }, 'key_id_range'],
    ];
    for (const [config, code] of mended) expect(faultOf(config).code).toBe(code);
    expect(faultOf({ ...SM4, encryptionKdfSalt: SALT, keyId: 1 }).code).toBe('salt_not_allowed');
  });

  it('shows no key that was pasted into another field', () => {
    const secrets = [KEY, KEY_16, KEY_BYTES, ascii(KEY), SALT, URL_SALT, KEY_IN_BASE64, SALT_BYTES, [...KEY_BYTES]];
    for (const field of ['encryptionMode', 'keyId', 'mystery', 'encryptionKdfSalt', 'encryptionKey']) {
      for (const secret of secrets) {
        for (const base of [GCM2, SM4]) {
          try {
            parseConfig({ ...base, [field]: secret });
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
            expectNoLeak(error as ConfigError);
          }
        }
      }
    }
    expectNoLeak(faultOf(KEY));
    expectNoLeak(faultOf(KEY_BYTES));
  });

  it('lets the throwing getter of a configuration through', () => {
    const failure = new Error('vault is sealed');
    const config = {
      ...GCM2,
      get keyId(): number {
        throw failure;
      },
    };
    expect(() => parseConfig(config)).toThrow(failure);
  });
});

describe('what is accepted', () => {
  it.each([
    ['AES_128_GCM2', 7, ['aes-128-gcm2', 'aes-128-gcm-2', 'AES_128_gcm_2', 'Aes-128_GCM2', 'AES-128_GCM-2']],
    ['AES_256_GCM2', 8, ['aes-256-gcm2', 'aes-256-gcm-2', 'aes_256_GCM-2', 'AES-256-GCM2', 'aEs_256-gcm_2']],
    ['SM4_128_ECB', 4, ['sm4-128-ecb', 'SM4-128_ecb', 'sm4_128_ecb']],
  ] as const)('%s, by name, number %i and aliases', (name, number, aliases) => {
    const base = name === 'SM4_128_ECB' ? SM4 : GCM2;
    for (const id of [name, number, ...aliases]) {
      expect(parseConfig({ ...base, encryptionMode: id }).mode).toBe(name);
    }
  });

  it('what the example commands print', () => {
    const parsed = parseConfig({ ...GCM2, keyId: 15 });
    expect(parsed).toEqual({ mode: 'AES_256_GCM2', key: KEY_BYTES, salt: SALT_BYTES, keyId: 15 });
    for (const text of [KEY.toLowerCase(), KEY.toUpperCase()]) {
      expect(parseConfig({ ...GCM2, encryptionKey: text }).key).toEqual(KEY_BYTES);
    }
  });

  it('SM4 keys of 16 and 32 bytes, with the other fields left out or undefined', () => {
    const empty = { mode: 'SM4_128_ECB', salt: new Uint8Array(0), keyId: 0 };
    const short = KEY_BYTES.slice(0, 16);
    expect(parseConfig(SM4)).toEqual({ ...empty, key: KEY_BYTES });
    expect(parseConfig({ ...SM4, encryptionKey: KEY_16 })).toEqual({ ...empty, key: short });
    expect(parseConfig({ ...SM4, encryptionKey: short })).toEqual({ ...empty, key: short });
    expect(parseConfig({ ...SM4, encryptionKdfSalt: undefined, keyId: undefined }).salt.length).toBe(0);
  });

  it('keyId 0 to 15, and 0 where it is left out', () => {
    for (let id = 0; id < 16; id++) expect(parseConfig({ ...GCM2, keyId: id }).keyId).toBe(id);
    expect(parseConfig(GCM2).keyId).toBe(0);
    expect(parseConfig({ ...GCM2, keyId: undefined }).keyId).toBe(0);
    expect(parseConfig({ ...GCM2, keyId: -0 }).keyId).toBe(0);
  });

  it('bytes of every make, copied into a plain Uint8Array', () => {
    const odd = new Uint8Array(64);
    odd.set(KEY_BYTES, 3);
    const shared = new Uint8Array(new SharedArrayBuffer(40), 5, 32);
    shared.set(KEY_BYTES);
    class OwnBytes extends Uint8Array {}
    const makes = {
      plain: KEY_BYTES.slice(),
      'odd offset': odd.subarray(3, 35),
      shared,
      Buffer: Buffer.from(KEY, 'hex'),
      subclass: OwnBytes.from(KEY_BYTES),
      'other realm': runInNewContext(`new Uint8Array([${KEY_BYTES}])`) as Uint8Array,
    };
    for (const [name, bytes] of Object.entries(makes)) {
      const asKey = parseConfig({ ...GCM2, encryptionKey: bytes }).key;
      const asSalt = parseConfig({ ...GCM2, encryptionKey: generateKey(), encryptionKdfSalt: bytes }).salt;
      for (const copy of [asKey, asSalt]) {
        bytes.fill(0);
        expect(Object.getPrototypeOf(copy), name).toBe(Uint8Array.prototype);
        expect(copy.buffer.byteLength, name).toBe(32);
        expect(copy, name).toEqual(KEY_BYTES);
      }
    }
  });

  it('null-prototype objects, class instances, another realm, symbols', () => {
    class Settings {
      encryptionMode = 'AES_256_GCM2';
      encryptionKey = KEY;
    }
    class MoreSettings extends Settings {
      encryptionKdfSalt = SALT;
    }
    const configs = [
      Object.assign(Object.create(null), GCM2),
      new MoreSettings(),
      Object.freeze({ ...GCM2 }),
      { ...GCM2, [Symbol('note')]: 'mine' },
      runInNewContext(`(${JSON.stringify(GCM2)})`),
    ];
    for (const config of configs) expect(parseConfig(config).key).toEqual(KEY_BYTES);
  });

  it('nothing that is inherited: a prototype that somebody polluted configures no channel', () => {
    expect(faultOf(Object.create(GCM2)).code).toBe('mode_missing');
    const { encryptionKdfSalt, ...rest } = GCM2;
    expect(faultOf(Object.assign(Object.create({ encryptionKdfSalt }), rest)).code).toBe('salt_missing');
    expect(parseConfig(Object.assign(Object.create({ keyId: 9 }), { ...GCM2, keyId: undefined })).keyId).toBe(0);
  });

  it('each field is read once', () => {
    const reads: string[] = [];
    const config = new Proxy({ ...GCM2, keyId: 3 } as Record<string, unknown>, {
      get(target, field) {
        if (typeof field === 'string') reads.push(field);
        return Reflect.get(target, field);
      },
    });
    expect(parseConfig(config).keyId).toBe(3);
    expect(reads.sort()).toEqual(['encryptionKdfSalt', 'encryptionKey', 'encryptionMode', 'keyId']);
  });

  it('of the 64 last characters of a salt only the 16 without stray bits', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const outcome = [...alphabet].map((last) => {
      const config = { ...GCM2, encryptionKdfSalt: `${SALT.slice(0, 42)}${last}=` };
      return alphabet.indexOf(last) % 4 === 0 ? parseConfig(config).mode : faultOf(config).code;
    });
    expect(outcome.filter((code) => code === 'AES_256_GCM2').length).toBe(16);
    expect(outcome.filter((code) => code === 'salt_trailing_bits').length).toBe(48);
  });
});

describe('arbitrary input', () => {
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
  });
  const secret = fc.constantFrom<unknown>(
    KEY,
    KEY_16,
    SALT,
    URL_SALT,
    KEY_IN_BASE64,
    KEY_BYTES,
    SALT_BYTES,
    ascii(KEY),
  );
  /** A key or salt with something cut off, added or changed. */
  const damaged = fc
    .tuple(fc.constantFrom(KEY, SALT), fc.nat(66), fc.nat(3), fc.string({ maxLength: 3 }), fc.boolean())
    .map(([text, at, cut, added, asBytes]) => {
      const result = text.slice(0, at) + added + text.slice(at + cut);
      return asBytes ? ascii(result) : result;
    });
  const junk = fc.oneof(anything, fc.string(), secret, damaged);

  /** Runs parseConfig; nothing but a well-formed result or a ConfigError without secrets may come of it. */
  function parseOrRefuse(config: unknown): void {
    try {
      const { mode, key, salt, keyId, ...rest } = parseConfig(config);
      expect(rest).toEqual({});
      expect(THREE_MODES).toContain(mode);
      expect(mode === 'SM4_128_ECB' ? [16, 32] : [32]).toContain(key.length);
      expect(salt.length).toBe(mode === 'SM4_128_ECB' ? 0 : 32);
      expect(key.some((byte) => byte !== 0)).toBe(true);
      expect(Number.isInteger(keyId) && keyId >= 0 && keyId <= 15).toBe(true);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      expect(CODES).toHaveProperty(error.code);
      expectNoLeak(error);
    }
  }

  it('as the configuration', () => {
    fc.assert(
      fc.property(anything, (config) => parseOrRefuse(config)),
      { numRuns: 300 },
    );
  });

  it('as one field of it', () => {
    const field = fc.constantFrom('encryptionMode', 'encryptionKey', 'encryptionKdfSalt', 'keyId');
    fc.assert(
      fc.property(fc.constantFrom<object>(GCM2, SM4), field, junk, (base, name, value) => {
        parseOrRefuse({ ...base, [name]: value });
      }),
      { numRuns: 1000 },
    );
  });

  it('as all fields of it', () => {
    const config = fc.record(
      {
        encryptionMode: fc.oneof(fc.constantFrom<unknown>(4, 7, 8, ...THREE_MODES), anything),
        encryptionKey: junk,
        encryptionKdfSalt: junk,
        keyId: fc.oneof(fc.integer({ min: -2, max: 17 }), anything),
      },
      { requiredKeys: [] },
    );
    fc.assert(fc.property(config, parseOrRefuse), { numRuns: 700 });
  });

  it('as a key in text: 64 hex digits pass, nothing else', () => {
    const digit = fc.constantFrom(...'0123456789abcdefABCDEF');
    const text = fc.oneof(
      fc.string({ unit: digit, minLength: 60, maxLength: 68 }),
      fc.string({
        unit: fc.oneof({ weight: 60, arbitrary: digit }, fc.string({ unit: 'binary', maxLength: 2 })),
        minLength: 64,
        maxLength: 64,
      }),
    );
    fc.assert(
      fc.property(text, (encryptionKey) => {
        const config = { ...GCM2, encryptionKey };
        if (/^[0-9a-fA-F]{64}$/.test(encryptionKey) && !/^0+$/.test(encryptionKey)) {
          expect(Buffer.from(parseConfig(config).key).toString('hex')).toBe(encryptionKey.toLowerCase());
        } else {
          expect(faultOf(config).field).toBe('encryptionKey');
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('as a salt in text: what Node prints for 32 bytes passes, nothing else', () => {
    const bytes = fc.uint8Array({ minLength: 30, maxLength: 34 });
    const edit = fc.tuple(
      fc.nat(50),
      fc.nat(2),
      fc.string({ unit: fc.constantFrom(...'AQz9+/=-_ :0x'), maxLength: 2 }),
    );
    fc.assert(
      fc.property(bytes, fc.option(edit), (source, change) => {
        let encryptionKdfSalt = Buffer.from(source).toString('base64');
        if (change) {
          const [at, cut, added] = change;
          encryptionKdfSalt = encryptionKdfSalt.slice(0, at) + added + encryptionKdfSalt.slice(at + cut);
        }
        const decoded = Buffer.from(encryptionKdfSalt, 'base64');
        const good =
          decoded.length === 32 &&
          decoded.toString('base64') === encryptionKdfSalt &&
          decoded.some((byte) => byte !== 0);
        const config = { ...GCM2, encryptionKdfSalt };
        if (good) expect(parseConfig(config).salt).toEqual(new Uint8Array(decoded));
        else expect(faultOf(config).field).toBe('encryptionKdfSalt');
      }),
      { numRuns: 3000 },
    );
  });
});

describe('generateKey and generateSalt', () => {
  it('print what a configuration takes, another one each time', () => {
    expect(generateKey()).toMatch(/^[0-9a-f]{64}$/);
    expect(generateSalt()).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(new Set(Array.from({ length: 50 }, generateKey)).size).toBe(50);
    expect(new Set(Array.from({ length: 50 }, generateSalt)).size).toBe(50);
    for (const encryptionMode of ['AES_128_GCM2', 'AES_256_GCM2']) {
      const config = { encryptionMode, encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
      expect(parseConfig(config).mode).toBe(encryptionMode);
    }
  });
});
