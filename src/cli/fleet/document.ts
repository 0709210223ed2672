/**
 * A keyset: the keys of a channel that a fleet of gateways shares, as the store holds it (encrypted, see age.ts).
 *
 *     { "version": 1,
 *       "keys": [ { "keyId", "encryptionMode", "encryptionKey", "encryptionKdfSalt", "context"?, "sealFrom"?: ISO time } ],
 *       "generation"?: number, "gateways"?: { NAME: RECIPIENT }, "operators"?: { NAME: RECIPIENT } }
 *
 * All keys open. Keys stand in the order of their announcement, oldest first; the one with the latest `sealFrom` that has
 * come seals. `generation` grows with each new beginning, as in a store that was wiped; `gateways` and `operators` are
 * those who can decrypt the keyset, so that all operators see the same ones. Messages show no key.
 */
import { createHash } from 'node:crypto';
import { ConfigError, type EncryptionConfig, enableEncryption } from 'frameseal';
import { JsonError, parseJson } from '../json.js';

/** A channel holds no more at once. */
export const MAX_KEYS = 4;
const VERSION = 1;
/** Generations are seconds since the epoch, or more where a clock was fast: there is always a later one. */
const MAX_GENERATION = 2 ** 48;

export interface KeysetKey {
  readonly keyId: number;
  readonly encryptionMode: string;
  readonly encryptionKey: string;
  readonly encryptionKdfSalt: string;
  readonly context?: string;
  /** When gateways begin to seal with it; undefined while it is only announced. */
  readonly sealFrom?: string;
}

export interface Keyset {
  readonly version: 1;
  readonly keys: readonly KeysetKey[];
  readonly generation?: number;
  readonly gateways?: Recipients;
  readonly operators?: Recipients;
}

/** age recipients by name. */
type Recipients = Readonly<Record<string, string>>;

/** What is wrong with a keyset. The message names the place and what is expected. */
export class KeysetError extends Error {
  override readonly name = 'KeysetError';
}

const FIELDS = ['version', 'keys', 'generation', 'gateways', 'operators'];
const KEY_FIELDS = ['keyId', 'encryptionMode', 'encryptionKey', 'encryptionKdfSalt', 'context', 'sealFrom'];
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const PLAIN_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;
const RECIPIENT = /^age1[02-9ac-hj-np-z]{58}$/;
/** Names are tokens of the store's subjects, and parts of messages. */
const GATEWAY_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** The keyset in a text. Throws KeysetError. */
export function readKeyset(text: string): Keyset {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    if (error instanceof JsonError) throw new KeysetError(`it is not right JSON: ${error.message}`);
    throw error;
  }
  return checkKeyset(value);
}

export function keysetText(keyset: Keyset): string {
  return JSON.stringify(keyset);
}

/** Checks every field. Throws KeysetError. */
export function checkKeyset(value: unknown): Keyset {
  const { version, keys, generation, gateways, operators } = fieldsOf(value, 'the keyset', FIELDS);
  if (version !== VERSION) {
    const newer = Number.isInteger(version) && Number(version) > VERSION;
    const advice = newer ? `: version ${version} needs a newer frameseal` : '';
    throw new KeysetError(`version must be ${VERSION}${advice}`);
  }
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS)
    throw new KeysetError(`keys must be a list of 1 to ${MAX_KEYS} keys`);
  const checked = keys.map((key, i) => checkKey(key, `keys[${i}]`));
  checkTogether(checked);
  if (generation !== undefined && !isGeneration(generation))
    throw new KeysetError(`generation must be a whole number from 0 to ${MAX_GENERATION}`);
  return {
    version,
    keys: checked,
    ...(generation !== undefined && { generation: generation as number }),
    ...(gateways !== undefined && { gateways: checkRecipients(gateways, 'gateways') }),
    ...(operators !== undefined && { operators: checkRecipients(operators, 'operators') }),
  };
}

/** When gateways begin to seal with a key, in milliseconds since the epoch; -Infinity where it is only announced. */
export function sealFromMs({ sealFrom }: KeysetKey): number {
  return sealFrom === undefined ? Number.NEGATIVE_INFINITY : Date.parse(sealFrom);
}

/** A key's identity: a hash of mode, key, salt and context. It tells nothing of a key. */
export function identityOf({ encryptionMode, encryptionKey, encryptionKdfSalt, context }: KeysetKey): string {
  const parts = [encryptionMode, encryptionKey.toLowerCase(), encryptionKdfSalt, context ?? ''];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** The configuration of a channel that has this key. */
export function configOf({ sealFrom: _sealFrom, ...config }: KeysetKey): EncryptionConfig {
  return config;
}

export function isGeneration(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_GENERATION;
}

export function isGatewayName(name: string): boolean {
  return GATEWAY_NAME.test(name);
}

export function isRecipient(text: string): boolean {
  return RECIPIENT.test(text);
}

function fieldsOf(value: unknown, what: string, names: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new KeysetError(`${what} must be an object with ${names.join(', ')}`);
  for (const name of Object.keys(value)) {
    if (names.includes(name)) continue;
    const shown = PLAIN_NAME.test(name) ? name : 'a field';
    throw new KeysetError(`${what} has ${shown}, which is unknown; it takes ${names.join(', ')}`);
  }
  return value as Record<string, unknown>;
}

function checkKey(value: unknown, at: string): KeysetKey {
  const fields = fieldsOf(value, at, KEY_FIELDS);
  const { keyId, encryptionMode, sealFrom } = fields;
  if (!Number.isInteger(keyId)) throw new KeysetError(`${at}.keyId must be a whole number from 0 to 15`);
  for (const name of ['encryptionMode', 'encryptionKey', 'encryptionKdfSalt']) {
    if (typeof fields[name] !== 'string') throw new KeysetError(`${at}.${name} must be text`);
  }
  if (encryptionMode !== 'AES_128_GCM2' && encryptionMode !== 'AES_256_GCM2')
    throw new KeysetError(`${at}.encryptionMode must be AES_128_GCM2 or AES_256_GCM2: other modes have no rotation`);
  if (sealFrom !== undefined && !(typeof sealFrom === 'string' && ISO_TIME.test(sealFrom) && Date.parse(sealFrom) > 0))
    throw new KeysetError(`${at}.sealFrom must be a time such as 2030-01-31T12:00:00Z`);
  const key = fields as unknown as KeysetKey;
  try {
    enableEncryption(configOf(key)).close();
  } catch (error) {
    if (error instanceof ConfigError) throw new KeysetError(`${at}: ${error.message}`);
    throw error;
  }
  return key;
}

function checkTogether(keys: readonly KeysetKey[]): void {
  const [first] = keys as [KeysetKey];
  for (const [i, key] of keys.entries()) {
    const before = keys.slice(0, i);
    const at = `keys[${i}]`;
    if (key.encryptionMode !== first.encryptionMode)
      throw new KeysetError(`${at}.encryptionMode differs from that of keys[0]: a keyset has one`);
    if (key.context !== first.context)
      throw new KeysetError(`${at}.context differs from that of keys[0]: a keyset has one`);
    if (before.some(({ keyId }) => keyId === key.keyId))
      throw new KeysetError(`${at}.keyId ${key.keyId} belongs to two keys: give each one of its own`);
    if (before.some((other) => identityOf(other) === identityOf(key)))
      throw new KeysetError(`${at} is a key that stands there already: make a new one`);
    if (key.sealFrom !== undefined && before.some((other) => sealFromMs(other) === sealFromMs(key)))
      throw new KeysetError(`${at}.sealFrom is that of another key: only one can seal`);
  }
}

function checkRecipients(value: unknown, what: string): Recipients {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new KeysetError(`${what} must be an object of names and recipients`);
  for (const [name, recipient] of Object.entries(value)) {
    if (!GATEWAY_NAME.test(name)) throw new KeysetError(`${what}: a name has 1 to 64 letters, digits, "_" or "-"`);
    if (typeof recipient !== 'string' || !RECIPIENT.test(recipient))
      throw new KeysetError(`${what}.${name} must be an age recipient: age1...`);
  }
  return value as Recipients;
}
