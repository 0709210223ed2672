/**
 * The key schedule (FORMAT.md sections 2, 3 and 5; RFC 9605 section 4.4.2; HKDF of RFC 5869).
 *
 *     prk          = Extract(kdfSalt, key)
 *     base_key     = Expand(prk, "frameseal/1 MODE base key " || u64 KID || context, Nh)
 *     secret       = Extract("", base_key)
 *     frame_key    = Expand(secret, "SFrame 1.0 Secret key "  || u64 KID || u16 suite, Nk)
 *     frame_salt   = Expand(secret, "SFrame 1.0 Secret salt " || u64 KID || u16 suite, 12)
 *     fingerprint  = Expand(prk, "frameseal/1 MODE fingerprint" || context, 8)
 *
 * Every output is at most one hash long, so an Expand is one HMAC of info || 0x01. The hash states that depend on
 * prk alone are made once; a derivation copies them into scratch states, so that a flood of unknown senders leaves
 * no buffers behind. The time of a derivation does not depend on secrets.
 */
import { expand, extract } from '@noble/hashes/hkdf.js';
import { type _HMAC, hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { load32, secretBytes, store32, toHex } from '../bytes.js';
import type { FrameJob } from '../engine/engine.js';
import type { KnownMode } from './config.js';

/** The modes whose frames are SFrame ciphertexts. */
export type GcmMode = Exclude<KnownMode, 'SM4_128_ECB'>;

interface Suite {
  readonly hash: typeof sha256 | typeof sha512;
  /** SFrame's number of the cipher suite (RFC 9605 section 8.1). */
  readonly id: number;
  readonly hashBytes: number;
  readonly keyBytes: 16 | 32;
}

export const SUITES: Readonly<Record<GcmMode, Suite>> = {
  AES_128_GCM2: { hash: sha256, id: 4, hashBytes: 32, keyBytes: 16 },
  AES_256_GCM2: { hash: sha512, id: 5, hashBytes: 64, keyBytes: 32 },
};

const SALT_BYTES = 12;
const BLOCK_ONE = 1;
const encoder = new TextEncoder();

/** `label || u64 KID || trailer || 0x01` with room for the KID: what one Expand takes. */
class Info {
  readonly bytes: Uint8Array;
  readonly #kidAt: number;

  constructor(label: string, trailer: ArrayLike<number>) {
    const text = encoder.encode(label);
    this.#kidAt = text.length;
    this.bytes = new Uint8Array(text.length + 8 + trailer.length + 1);
    this.bytes.set(text);
    this.bytes.set(trailer, text.length + 8);
    this.bytes[this.bytes.length - 1] = BLOCK_ONE;
  }

  withKid(kidHigh: number, kidLow: number): Uint8Array {
    store32(this.bytes, this.#kidAt, kidHigh);
    store32(this.bytes, this.#kidAt + 4, kidLow);
    return this.bytes;
  }
}

type Hmac = _HMAC<ReturnType<Suite['hash']['create']>>;

/** Room for the frame key and the frame salt of one KID. */
export class DerivedKeys {
  readonly key: Uint8Array;
  readonly salt: Uint8Array = secretBytes(SALT_BYTES);
  readonly #saltWords: Int32Array = new Int32Array(this.salt.buffer);

  constructor(keyBytes: 16 | 32) {
    this.key = secretBytes(keyBytes);
  }

  /** The job's nonce: the salt XOR the counter as 12 bytes, from the counter's two words (RFC 9605 section 4.4.3). */
  setNonce({ nonce, nonceWords }: FrameJob, high: number, low: number): void {
    nonceWords[0] = this.#saltWords[0]!;
    nonceWords[1] = this.#saltWords[1]!;
    if (high !== 0) store32(nonce, 4, load32(this.salt, 4) ^ high);
    store32(nonce, 8, load32(this.salt, 8) ^ low);
  }

  wipe(): void {
    this.key.fill(0);
    this.salt.fill(0);
  }
}

/** The keys of one configuration in a GCM2 mode: derives a frame key and salt for each KID. */
export class KeySchedule {
  readonly mode: GcmMode;
  readonly keyBytes: 16 | 32;
  /** Four groups of four hex digits, to compare by eye. */
  readonly fingerprint: string;
  readonly #hash: Suite['hash'];
  readonly #prk: Hmac;
  readonly #noSalt: Hmac;
  readonly #scratch: Hmac;
  readonly #block: Uint8Array;
  readonly #baseKeyInfo: Info;
  readonly #keyInfo: Info;
  readonly #saltInfo: Info;

  constructor(mode: GcmMode, key: Uint8Array, salt: Uint8Array, context = '') {
    const { hash, id, hashBytes, keyBytes } = SUITES[mode];
    this.mode = mode;
    this.keyBytes = keyBytes;
    this.#hash = hash;
    this.#block = secretBytes(hashBytes);
    const prk = extract(hash, key, salt);
    this.fingerprint = fingerprintText(
      expand(hash, prk, encoder.encode(`frameseal/1 ${mode} fingerprint${context}`), 8),
    );
    this.#prk = hmac.create(hash, prk);
    this.#noSalt = hmac.create(hash, new Uint8Array(hashBytes));
    this.#scratch = this.#prk.clone();
    prk.fill(0);
    this.#baseKeyInfo = new Info(`frameseal/1 ${mode} base key `, encoder.encode(context));
    this.#keyInfo = new Info('SFrame 1.0 Secret key ', [id >>> 8, id & 0xff]);
    this.#saltInfo = new Info('SFrame 1.0 Secret salt ', [id >>> 8, id & 0xff]);
  }

  /** Derives the frame key and salt of a KID. Where it throws, `derived` holds neither these nor those before. */
  deriveInto(derived: DerivedKeys, kidHigh: number, kidLow: number): void {
    derived.wipe();
    try {
      this.#mac(this.#prk, this.#baseKeyInfo.withKid(kidHigh, kidLow));
      this.#deriveFrom(this.#block, derived, kidHigh, kidLow);
    } catch (error) {
      derived.wipe();
      throw error;
    } finally {
      this.#block.fill(0);
    }
  }

  /** The same from a base key, as RFC 9605 has it: for vectors. */
  deriveFromBaseKey(baseKey: Uint8Array, derived: DerivedKeys, kidHigh: number, kidLow: number): void {
    this.#deriveFrom(baseKey, derived, kidHigh, kidLow);
    this.#block.fill(0);
  }

  #deriveFrom(baseKey: Uint8Array, { key, salt }: DerivedKeys, kidHigh: number, kidLow: number): void {
    const block = this.#block;
    this.#mac(this.#noSalt, baseKey);
    const secret = hmac.create(this.#hash, block);
    try {
      this.#mac(secret, this.#keyInfo.withKid(kidHigh, kidLow));
      for (let i = 0; i < key.length; i++) key[i] = block[i]!;
      this.#mac(secret, this.#saltInfo.withKid(kidHigh, kidLow));
      for (let i = 0; i < SALT_BYTES; i++) salt[i] = block[i]!;
    } finally {
      secret.destroy();
    }
  }

  /** Zeroes all that was made from the key. */
  wipe(): void {
    this.#prk.destroy();
    this.#noSalt.destroy();
    this.#scratch.destroy();
    this.#block.fill(0);
  }

  /** block = HMAC of the data under the key that `keyed` has absorbed; `keyed` stays as it is. */
  #mac(keyed: Hmac, data: Uint8Array): void {
    keyed._cloneInto(this.#scratch);
    this.#scratch.update(data).digestInto(this.#block);
  }
}

/** Four groups of hex digits, to compare by eye. */
export function fingerprintText(bytes: Uint8Array): string {
  return toHex(bytes).replace(/(....)(?=.)/g, '$1-');
}
