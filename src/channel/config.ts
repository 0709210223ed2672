/**
 * The configuration of a channel: what may stand in it, how strictly it is read, and how a good one is made.
 *
 * FORMAT.md section 1. A configuration is data from outside, so validation fails closed and in a fixed order; the first
 * fault is thrown as a ConfigError:
 *
 *     config's type -> unknown fields -> mode -> key -> salt -> keyId -> context
 *     within a field: missing -> type -> empty -> text passed as bytes -> white space -> alphabet -> length -> weak
 *
 * A message never holds content of a key or a salt, only kind and length. Reading takes time that depends on both; it
 * runs when a channel is made, never per frame.
 */
import {
  copyInto,
  EMPTY,
  fromBase64,
  fromHex,
  isBytes,
  kindOf,
  lengthOf,
  secretBytes,
  toBase64,
  toHex,
} from '../bytes.js';
import { own } from '../checks.js';
import { ConfigError, type ConfigErrorCode, type Field, refusal } from '../config-error.js';
import { fillRandom } from '../random.js';

/** The modes that this engine offers. */
export type KnownMode = 'AES_128_GCM2' | 'AES_256_GCM2' | 'SM4_128_ECB';

/** The configuration of a channel: a mode, a key, a salt and a context, the same for all members. (FORMAT.md section 1) */
export interface EncryptionConfig {
  /** Name, alias (any case, `-` or `_`) or number of the mode: 7, 8 or 4. There is no default. */
  encryptionMode: KnownMode | (string & {}) | number;
  /** What `openssl rand -hex 32` prints, or the 32 bytes. SM4_128_ECB also takes 32 hex digits or 16 bytes. */
  encryptionKey: string | Uint8Array;
  /** What `openssl rand -base64 32` prints, or the 32 bytes. Required by the GCM2 modes, refused with SM4_128_ECB. */
  encryptionKdfSalt?: string | Uint8Array | undefined;
  /** The key epoch, 0 to 15, for rotation; default 0. Refused with SM4_128_ECB. */
  keyId?: number | undefined;
  /**
   * What the keys are for: a room, a flow, a direction, such as `room 7/audio/a>b`. 1 to 255 bytes of UTF-8 without control
   * characters, taken as it stands. Frames of one context do not open in another. Refused with SM4_128_ECB.
   */
  context?: string | undefined;
}

/** @internal A configuration that was read: every value in the one shape that the rest of the library uses. */
export interface ParsedConfig {
  readonly mode: KnownMode;
  /** A copy: 32 bytes, or 16 for SM4_128_ECB where that many were given. */
  readonly key: Uint8Array;
  /** A copy of the 32 bytes; empty for SM4_128_ECB. */
  readonly salt: Uint8Array;
  /** 0 for SM4_128_ECB. */
  readonly keyId: number;
  /** Empty where there is none. */
  readonly context: string;
}

/** A field that holds a key or a salt: one procedure, `readSecret`, reads both. */
interface SecretField extends Field {
  readonly prefix: 'key' | 'salt';
  /** Lengths in bytes. */
  readonly sizes: readonly number[];
  readonly lengthHint: string;
  /** Text that matches is refused; the first match wins, so special cases stand before the plain alphabet. */
  readonly textFaults: readonly (readonly [pattern: RegExp, code: ConfigErrorCode, hint: string])[];
  readonly decode: (text: string) => Uint8Array | undefined;
  readonly zeroCode: ConfigErrorCode;
}

/** 16 or 32 bytes of Base64 or Base64url without padding, 44 characters of it, or what ends in padding; but not hex. */
const LIKE_BASE64 = /^(?=.*[^0-9a-f])(?:[\w+/-]{22}|[\w+/-]{43,44}|[\w+/-]+={1,2})$/i;
const LIKE_HEX = /^(?:[0-9a-f]{32}|[0-9a-f]{64}|(?=.*:)[0-9a-f:]+|0x[0-9a-f:]+)$/i;
const TRIM_HINT = 'it has white space, such as the newline that ends a file: trim it';

const GCM2_KEY: SecretField = {
  name: 'encryptionKey',
  expected: '64 hex digits (a string) or 32 bytes (a Uint8Array)',
  remedy: 'Make one with `openssl rand -hex 32` or `frameseal keygen`.',
  prefix: 'key',
  sizes: [32],
  lengthHint: 'both GCM2 modes take 32 bytes; 16 bytes or 32 hex digits are for SM4_128_ECB only',
  textFaults: [
    [/\s/, 'key_whitespace', TRIM_HINT],
    [/^0x[0-9a-f:-]*$/i, 'key_prefix', 'it starts with 0x: give the hex digits alone'],
    [/^(?=.*[:-])[0-9a-f:-]+$/i, 'key_separators', 'it has colons or dashes: give the hex digits alone'],
    [LIKE_BASE64, 'key_is_base64', 'it looks like Base64: a key is hex, Base64 is for encryptionKdfSalt'],
    [/[^0-9a-f]/i, 'key_alphabet', 'only 0-9, a-f and A-F are hex digits; a passphrase is not a key'],
  ],
  decode: (text) => (text.length % 2 === 0 ? fromHex(text) : undefined),
  zeroCode: 'key_weak',
};

const SM4_KEY: SecretField = {
  ...GCM2_KEY,
  expected: '64 or 32 hex digits (a string), or 32 or 16 bytes (a Uint8Array)',
  sizes: [32, 16],
  lengthHint: 'nothing is cut off or filled up',
};

const SALT: SecretField = {
  name: 'encryptionKdfSalt',
  expected: '44 characters of standard Base64 with padding (a string) or 32 bytes (a Uint8Array)',
  remedy: 'Make one with `openssl rand -base64 32` or `frameseal keygen`.',
  prefix: 'salt',
  sizes: [32],
  lengthHint: 'nothing is cut off or filled up',
  textFaults: [
    [/\s/, 'salt_whitespace', TRIM_HINT],
    [LIKE_HEX, 'salt_is_hex', 'it looks like hex: a salt is Base64; hex, without 0x and colons, is for encryptionKey'],
    [/^(?=.*[-_])[\w+/=-]+$/, 'salt_url_alphabet', "it is in the URL alphabet: write '+' for '-' and '/' for '_'"],
    [/[^A-Za-z0-9+/=]/, 'salt_alphabet', "only A-Z, a-z, 0-9, '+' and '/' are Base64, with '=' at the end"],
    [/^(?!(?:[^=]{4})*(?:[^=]{2}==|[^=]{3}=)?$)/, 'salt_padding', "its padding is wrong: 32 bytes end in one '='"],
    // The character before '=' has 2 spare bits, before '==' 4, and they are 0: one text for each value.
    [/(?:[^AQgw]==|[^AEIMQUYcgkosw048=]=)$/, 'salt_trailing_bits', "stray bits in the last character before '='"],
  ],
  decode: fromBase64,
  zeroCode: 'salt_all_zero',
};

interface Mode {
  readonly name: KnownMode;
  readonly number: number;
  readonly aliases: readonly string[];
  readonly key: SecretField;
}

/** Other spellings than these differ in case and `-` or `_` alone. */
const OFFERED: readonly Mode[] = [
  { name: 'AES_256_GCM2', number: 8, aliases: ['AES_256_GCM_2'], key: GCM2_KEY },
  { name: 'AES_128_GCM2', number: 7, aliases: ['AES_128_GCM_2'], key: GCM2_KEY },
  { name: 'SM4_128_ECB', number: 4, aliases: [], key: SM4_KEY },
];

const NOT_OFFERED = { AES_128_XTS: 1, AES_128_ECB: 2, AES_256_XTS: 3, AES_128_GCM: 5, AES_256_GCM: 6 };

const WHOLE_REMEDY = '`frameseal keygen` prints a right configuration.';
const FIELD_NAMES = ['encryptionMode', 'encryptionKey', 'encryptionKdfSalt', 'keyId', 'context'];
const CONFIG: Field = { name: 'config', expected: `an object with ${FIELD_NAMES.join(', ')}`, remedy: WHOLE_REMEDY };
const MODE: Field = {
  name: 'encryptionMode',
  expected: `one of ${OFFERED.map((mode) => `${mode.name} (or ${mode.number})`).join(', ')}`,
  remedy: WHOLE_REMEDY,
};
const KEY_ID: Field = { name: 'keyId', expected: 'a whole number from 0 to 15, or nothing', remedy: WHOLE_REMEDY };
const CONTEXT: Field = {
  name: 'context',
  expected: "1 to 255 bytes of text without control characters, such as 'room 7/audio/a>b', or nothing",
  remedy: WHOLE_REMEDY,
};
const MAX_CONTEXT_BYTES = 255;

// Lower case, because 'S' is also the upper case of a letter outside ASCII; no small letter in a mode has such a twin.
const foldMode = (id: unknown): unknown => (typeof id === 'string' ? id.toLowerCase().replaceAll('_', '-') : id);
const foldField = (text: string): string => text.replace(/[^A-Za-z0-9]/g, '').toLowerCase();

// Maps, so that names from the prototype are not in them.
const OFFERED_BY_ID = new Map<unknown, Mode>(
  OFFERED.flatMap((mode) => [mode.number, mode.name, ...mode.aliases].map((id) => [foldMode(id), mode])),
);
const NOT_OFFERED_BY_ID = new Map<unknown, string>(
  Object.entries(NOT_OFFERED).flatMap(([name, number]) => [number, name].map((id) => [foldMode(id), name])),
);
const FIELD_BY_FOLDED = new Map(FIELD_NAMES.map((name) => [foldField(name), name]));

/** Bytes that, read as text, are a key or a salt written out: 32 or 64 hex digits, or 44 characters of Base64. */
const WRITTEN_OUT = /^(?:[0-9a-f]{32}|[0-9a-f]{64}|(?=.{44}\s*$)[\w+/-]+={0,2})\s*$/i;

/** Field names that may be shown: short, or long without a digit, and not hex. The others could be a pasted secret. */
const SHOWN_NAME = /^(?![0-9a-f]{16,}$)(?:[\w-]{1,19}|[a-z_-]{20,32})$/i;

/** The configuration as something to read fields from, once it has turned out to have none but known ones. */
function readFields(config: unknown): Readonly<Record<string, unknown>> {
  // The tag lets in literals, null-prototype objects and class instances, and keeps out arrays, Map, Promise, Date...
  if (typeof config !== 'object' || Object.prototype.toString.call(config) !== '[object Object]') {
    throw refusal(CONFIG, 'config_type', kindOf(config));
  }
  const stray = Object.keys(config as object).find((name) => !FIELD_NAMES.includes(name));
  if (stray !== undefined) {
    const shown = SHOWN_NAME.test(stray);
    const arrived = shown ? `the unknown field '${stray}'` : `an unknown field, its name ${kindOf(stray)}`;
    const meant = FIELD_BY_FOLDED.get(foldField(stray));
    const hint = meant === undefined ? 'remove it' : `likely a typo of ${meant}`;
    throw refusal(shown ? { ...CONFIG, name: stray } : CONFIG, 'unknown_field', arrived, hint);
  }
  return config as Readonly<Record<string, unknown>>;
}

/** The mode, as far as a message may show it: names and numbers, nothing that could be a key in the wrong field. */
function showMode(value: unknown): string {
  if (typeof value === 'string' && /^[\w-]{1,20}$/.test(value)) return `'${value}'`;
  if (typeof value === 'number' && /^[\w-]{1,20}$/.test(String(value))) return `the number ${value}`;
  return kindOf(value);
}

function readMode(value: unknown): Mode {
  const refuse = (code: ConfigErrorCode, hint?: string) => refusal(MODE, code, showMode(value), hint);
  if (value === undefined || value === null) throw refuse('mode_missing', 'there is no default');
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') throw refuse('mode_type');
  if (value === '') throw refuse('mode_empty', 'there is no default');
  const id = foldMode(value);
  const mode = OFFERED_BY_ID.get(id);
  if (mode) return mode;
  const other = NOT_OFFERED_BY_ID.get(id);
  if (other !== undefined) throw refuse('mode_not_offered', `${other} is known, but not offered by this engine`);
  if (typeof value === 'string' && /\s/.test(value)) throw refuse('mode_whitespace', TRIM_HINT);
  const digits = typeof value !== 'number' && /^\d+$/.test(String(value));
  throw refuse('mode_unknown', digits ? 'a number is given as a number, not as a string or BigInt' : 'no such mode');
}

/** Judging this much is enough: whatever follows, the length is wrong. Bounds the patterns' work and stack. */
const LONGEST = 1000;

function readText(value: string, field: SecretField): Uint8Array | undefined {
  const text = value.slice(0, LONGEST);
  for (const [pattern, code, hint] of field.textFaults) {
    if (pattern.test(text)) throw refusal(field, code, kindOf(value), hint);
  }
  return field.decode(text);
}

function readBytes(value: Uint8Array, field: SecretField): Uint8Array {
  // Copied before it is judged: another thread may write to a SharedArrayBuffer.
  const bytes = secretBytes(lengthOf(value));
  copyInto(bytes, value, 0);
  // A key is hardly ever ASCII, so it does not become a string, which cannot be wiped.
  const isAscii = bytes.every((byte) => byte < 0x80);
  if (isAscii && WRITTEN_OUT.test(new TextDecoder().decode(bytes.subarray(0, LONGEST)))) {
    const hint = 'these bytes are text, hex or Base64 written out: pass them as a string, trimmed';
    throw refusal(field, `${field.prefix}_text_as_bytes`, kindOf(value), hint);
  }
  return bytes;
}

/** A copy of the bytes of a key or a salt, checked in the order that FORMAT.md section 1 gives. */
function readSecret(value: unknown, field: SecretField): Uint8Array {
  const refuse = (code: ConfigErrorCode, hint?: string) => refusal(field, code, kindOf(value), hint);
  if (value === undefined || value === null) throw refuse(`${field.prefix}_missing`);
  if (typeof value !== 'string' && !isBytes(value)) throw refuse(`${field.prefix}_type`);
  if ((typeof value === 'string' ? value.length : lengthOf(value)) === 0)
    throw refuse(`${field.prefix}_empty`, 'an empty file or variable');
  const bytes = typeof value === 'string' ? readText(value, field) : readBytes(value, field);
  if (!bytes || !field.sizes.includes(bytes.length)) throw refuse(`${field.prefix}_length`, field.lengthHint);
  if (bytes.every((byte) => byte === 0)) throw refuse(field.zeroCode, 'every byte is zero: that is no secret');
  return bytes;
}

function readSalt(value: unknown, key: Uint8Array): Uint8Array {
  const salt = readSecret(value, SALT);
  if (salt.some((byte, i) => byte !== key[i])) return salt;
  throw refusal(SALT, 'salt_equals_key', kindOf(value), 'it is the same as encryptionKey: make one of its own');
}

function readKeyId(value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value !== 'number') throw refusal(KEY_ID, 'key_id_type', kindOf(value));
  if (!Number.isInteger(value)) throw refusal(KEY_ID, 'key_id_range', 'a number that is not whole');
  if (value < 0) throw refusal(KEY_ID, 'key_id_range', 'a negative number');
  if (value > 15) throw refusal(KEY_ID, 'key_id_range', 'a number above 15');
  return value + 0; // -0 becomes 0
}

function readContext(value: unknown): string {
  if (value === undefined) return '';
  const refuse = (code: ConfigErrorCode, hint?: string) => refusal(CONTEXT, code, kindOf(value), hint);
  if (typeof value !== 'string') throw refuse('context_type');
  if (value === '') throw refuse('context_empty', 'leave it out where there is none');
  if (/\p{Cc}/u.test(value)) throw refuse('context_control', 'it has a control character, such as a newline');
  if (/\p{Cs}/u.test(value))
    throw refuse('context_surrogate', 'it has half of a surrogate pair, which UTF-8 cannot write');
  if (new TextEncoder().encode(value).length > MAX_CONTEXT_BYTES) throw refuse('context_length', 'too long in UTF-8');
  return value;
}

/** @internal Checks a configuration and copies its values. Throws ConfigError for the first fault. (FORMAT.md section 1) */
export function parseConfig(config: unknown): ParsedConfig {
  // Each field is read once: a getter cannot show one value to the checks and another one afterwards.
  const fields = readFields(config);
  const encryptionMode = own(fields, 'encryptionMode');
  const encryptionKey = own(fields, 'encryptionKey');
  const encryptionKdfSalt = own(fields, 'encryptionKdfSalt');
  const keyId = own(fields, 'keyId');
  const context = own(fields, 'context');
  const mode = readMode(encryptionMode);
  const key = readSecret(encryptionKey, mode.key);
  if (mode.name !== 'SM4_128_ECB') {
    const salt = readSalt(encryptionKdfSalt, key);
    return { mode: mode.name, key, salt, keyId: readKeyId(keyId), context: readContext(context) };
  }
  const hint = 'SM4_128_ECB takes none, leave it out (not even null)';
  if (encryptionKdfSalt !== undefined) throw refusal(SALT, 'salt_not_allowed', kindOf(encryptionKdfSalt), hint);
  if (keyId !== undefined) throw refusal(KEY_ID, 'key_id_not_allowed', kindOf(keyId), hint);
  if (context !== undefined) throw refusal(CONTEXT, 'context_not_allowed', kindOf(context), hint);
  return { mode: mode.name, key, salt: EMPTY, keyId: 0, context: '' };
}

/** @internal Does something with a configuration that was read, and wipes it. */
export function withConfig<Result>(config: EncryptionConfig, action: (parsed: ParsedConfig) => Result): Result {
  const parsed = parseConfig(config);
  try {
    return action(parsed);
  } finally {
    wipe(parsed);
  }
}

/** @internal The same for several. Throws TypeError for what is no array, ConfigError for more than `most`. */
export function withConfigs(
  configs: readonly EncryptionConfig[],
  most: number,
  action: (parsed: readonly ParsedConfig[]) => void,
): void {
  if (!Array.isArray(configs))
    throw new TypeError(`configs must be an array of configurations, got ${kindOf(configs)}`);
  const { length } = configs;
  if (length > most) {
    const message = `a channel has at most ${most} keys at once, and these are ${length}`;
    throw new ConfigError('encryptionKey', 'rotate_too_many_keys', message);
  }
  const all: ParsedConfig[] = [];
  try {
    while (all.length < length) all.push(parseConfig(configs[all.length]!));
    action(all);
  } finally {
    all.forEach(wipe);
  }
}

function wipe({ key, salt }: ParsedConfig): void {
  key.fill(0);
  salt.fill(0);
}

const random32 = (): Uint8Array => fillRandom(new Uint8Array(32));

/** A new key for any mode: 64 lower-case hex digits, from the system's CSPRNG. */
export function generateKey(): string {
  return toHex(random32());
}

/** A new salt for the GCM2 modes: Base64 of 32 bytes, from the system's CSPRNG. */
export function generateSalt(): string {
  return toBase64(random32());
}
