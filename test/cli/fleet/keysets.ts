/** Keysets for tests: keys by number, with times in seconds. */
import { createHash } from 'node:crypto';
import { type Keyset, type KeysetKey, keysetText } from '../../../src/cli/fleet/document.js';
import type { Reading } from '../../../src/cli/fleet/rotation.js';

const secrets = new Map<number, Pick<KeysetKey, 'encryptionKey' | 'encryptionKdfSalt'>>();

function secretsOf(n: number) {
  const bytes = (what: string) => createHash('sha256').update(`${what} ${n}`).digest();
  const made = { encryptionKey: bytes('key').toString('hex'), encryptionKdfSalt: bytes('salt').toString('base64') };
  secrets.set(n, made);
  return made;
}

/** Key number `n`, with keyId n % 16; it seals from `sealFromMs` on, or is only announced. */
export function key(n: number, sealFromMs?: number): KeysetKey {
  return {
    keyId: n % 16,
    encryptionMode: 'AES_128_GCM2',
    ...(secrets.get(n) ?? secretsOf(n)),
    ...(sealFromMs !== undefined && { sealFrom: new Date(sealFromMs).toISOString() }),
  };
}

export function keyset(keys: readonly KeysetKey[], more: Partial<Keyset> = {}): Keyset {
  return { version: 1, keys, ...more };
}

export function reading(revision: number, keys: readonly KeysetKey[], more: Partial<Keyset> = {}): Reading {
  const whole = keyset(keys, more);
  return { revision, keyset: whole, digest: createHash('sha256').update(keysetText(whole)).digest('hex') };
}
