// @ts-check
/**
 * The second implementation, key schedule: FORMAT.md sections 2 and 5, RFC 5869 and RFC 9605 section 4.4.2, on HMAC alone.
 */
import { createHmac } from 'node:crypto';

/** Nothing. */
const EMPTY = Buffer.alloc(0);

/**
 * Numbers are big-endian.
 * @param {bigint} value
 */
const u64 = (value) => Buffer.from(value.toString(16).padStart(16, '0'), 'hex');

/** @param {number} value */
const u16 = (value) => Buffer.of(value >> 8, value & 255);

/** @param {(string | Uint8Array)[]} parts text is ASCII */
const join = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));

/**
 * HKDF-Extract.
 * @param {string} hash
 * @param {Uint8Array} salt
 * @param {Uint8Array} ikm
 */
export const extract = (hash, salt, ikm) => createHmac(hash, salt).update(ikm).digest();

/**
 * HKDF-Expand.
 * @param {string} hash
 * @param {Uint8Array} prk
 * @param {string | Uint8Array} info
 * @param {number} length
 */
export function expand(hash, prk, info, length) {
  let block = EMPTY;
  let okm = EMPTY;
  for (let i = 1; okm.length < length; i++) {
    block = createHmac(hash, prk).update(block).update(info).update(Buffer.of(i)).digest();
    okm = Buffer.concat([okm, block]);
  }
  return okm.subarray(0, length);
}

/** Section 2, first table. */
const SUITES = {
  AES_128_GCM2: { hash: 'sha256', Nh: 32, Nk: 16, suite: 0x0004, cipher: /** @type {const} */ ('aes-128-gcm') },
  AES_256_GCM2: { hash: 'sha512', Nh: 64, Nk: 32, suite: 0x0005, cipher: /** @type {const} */ ('aes-256-gcm') },
};

/** @param {string} mode */
export const suiteOf = (mode) => SUITES[/** @type {keyof typeof SUITES} */ (mode)];

/**
 * Section 2, "once per key": what all senders share.
 * @param {string} mode
 * @param {Uint8Array} key
 * @param {Uint8Array} salt
 * @param {Uint8Array} [context]
 */
export function sharedKeys(mode, key, salt, context = EMPTY) {
  const { hash } = suiteOf(mode);
  const prk = extract(hash, salt, key);
  const infoFingerprint = join(`frameseal/1 ${mode} fingerprint`, context);
  return { prk, infoFingerprint, fingerprint: expand(hash, prk, infoFingerprint, 8) };
}

/**
 * RFC 9605 section 4.4.2: what a sender has of its base_key.
 * @param {string} mode
 * @param {Uint8Array} baseKey
 * @param {bigint} kid
 */
export function frameKeys(mode, baseKey, kid) {
  const { hash, Nk, suite } = suiteOf(mode);
  const secret = extract(hash, EMPTY, baseKey);
  const infoFrameKey = join('SFrame 1.0 Secret key ', u64(kid), u16(suite));
  const infoFrameSalt = join('SFrame 1.0 Secret salt ', u64(kid), u16(suite));
  const frameKey = expand(hash, secret, infoFrameKey, Nk);
  return { secret, infoFrameKey, frameKey, infoFrameSalt, frameSalt: expand(hash, secret, infoFrameSalt, 12) };
}

/**
 * Section 2: everything that a sender has of its own.
 * @param {string} mode
 * @param {Uint8Array} prk
 * @param {bigint} kid
 * @param {Uint8Array} [context]
 */
export function senderKeys(mode, prk, kid, context = EMPTY) {
  const { hash, Nh } = suiteOf(mode);
  const infoBaseKey = join(`frameseal/1 ${mode} base key `, u64(kid), context);
  const baseKey = expand(hash, prk, infoBaseKey, Nh);
  return { infoBaseKey, baseKey, ...frameKeys(mode, baseKey, kid) };
}

/**
 * Section 5: key16 and fingerprint; both results of HKDF-Extract.
 * @param {Uint8Array} key 16 or 32 bytes
 */
export function sm4Keys(key) {
  const prk = extract('sha256', EMPTY, key);
  const infoKey16 = join('frameseal/1 SM4_128_ECB key');
  const key16 = key.length === 16 ? Buffer.from(key) : expand('sha256', prk, infoKey16, 16);
  const fingerprintPrk = extract('sha256', EMPTY, key16);
  const fingerprint = expand('sha256', fingerprintPrk, join('frameseal/1 SM4_128_ECB fingerprint'), 8);
  return { prk, infoKey16, key16, fingerprintPrk, fingerprint };
}

/**
 * Section 4: "frame_salt XOR CTR as a 12-byte number".
 * @param {Uint8Array} frameSalt
 * @param {bigint} ctr
 */
export function nonceOf(frameSalt, ctr) {
  const number = Buffer.concat([Buffer.alloc(4), u64(ctr)]);
  return Buffer.from(frameSalt.map((byte, i) => byte ^ number[i]));
}
