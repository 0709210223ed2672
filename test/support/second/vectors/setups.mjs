// @ts-check
/** Configurations, layouts and packets of the cases. */
import { bytes, join, unhex, wide } from './bytes.mjs';

/**
 * @typedef {import('../format.mjs').Config} Config
 * @typedef {import('../format.mjs').Options} Options
 * @typedef {{ name: string, config: Config, options: Options }} Setup a configuration, and how cases with it are called
 */

export const EXAMPLE_KEY = 'dba643c8ba6b6dc738df43d9fd624293b4b12d87a60f518253bd10ba98c48453';
export const EXAMPLE_SALT = 'X5w9T+50kzxVOnkJKiY/lUk82/bES2kATOt3vBuGEDw=';
export const KEY = bytes('key', 32).toString('hex');
const SALT = bytes('salt', 32).toString('base64');
export const GCM2 = ['AES_128_GCM2', 'AES_256_GCM2'];

/** The three layouts: framing and bindHeader, and how they are called. */
export const RTP = { name: 'rtp', framing: /** @type {const} */ ('rtp'), bindHeader: true };
export const UNBOUND = { name: 'rtp, bindHeader false', framing: /** @type {const} */ ('rtp'), bindHeader: false };
export const FRAME = { name: 'frame', framing: /** @type {const} */ ('frame'), bindHeader: true };
export const LAYOUTS = [RTP, UNBOUND, FRAME];
/** RTCP as it is. */
export const RTCP_CLEAR = { ...RTP, name: 'rtp, rtcp clear', rtcp: /** @type {const} */ ('clear') };

/** @typedef {{ name: string, framing: 'rtp' | 'frame', bindHeader: boolean, rtcp?: 'sealed' | 'clear' }} Layout */

/**
 * @param {string} mode
 * @param {Layout} layout
 * @param {{ keyId?: number, context?: string, replayWindow?: number, key?: string, salt?: string }} [more]
 * @returns {Setup}
 */
export function gcm2(mode, layout, { keyId = 0, context, replayWindow, key = KEY, salt = SALT } = {}) {
  const secrets = { encryptionMode: mode, encryptionKey: key, encryptionKdfSalt: salt };
  const config = { ...secrets, keyId, ...(context === undefined ? {} : { context }) };
  const { name, ...layoutOptions } = layout;
  const options = { ...layoutOptions, ...(replayWindow === undefined ? {} : { replayWindow }) };
  return { name: `${mode} ${name}`, config, options };
}

/**
 * @param {string} key
 * @param {Layout} layout
 * @returns {Setup}
 */
export function ecb(key, { name, framing, bindHeader }) {
  const config = { encryptionMode: 'SM4_128_ECB', encryptionKey: key };
  return { name: `SM4_128_ECB ${key.length / 2}-byte key, ${name}`, config, options: { framing, bindHeader } };
}

/**
 * An RTP header.
 * @typedef {{ p?: boolean, m?: boolean, pt?: number, seq?: number }} Fixed
 * @param {Fixed & { csrcs?: number, profile?: string, extension?: string }} [fields] csrcs: how many; the others in hex
 */
export function rtp({ p = false, m = false, pt = 111, seq = 0x1a2b, csrcs = 0, profile, extension = '' } = {}) {
  const first = 0x80 | (p ? 0x20 : 0) | (profile === undefined ? 0 : 0x10) | csrcs;
  const parts = [Buffer.of(first, (m ? 0x80 : 0) | pt, seq >> 8, seq & 255), unhex('00000fa0deadbeef')];
  parts.push(bytes('csrcs', 4 * csrcs));
  if (profile !== undefined) parts.push(unhex(profile), wide(BigInt(extension.length / 8), 2), unhex(extension));
  return Buffer.concat(parts);
}

/** @param {number} length */
export const payload = (length) => bytes('payload', length);

/**
 * The input of a frame with a payload of a given length.
 * @param {Setup} setup
 * @param {number} length
 */
export const inputOf = ({ options }, length) =>
  options.framing === 'rtp' ? join(rtp(), payload(length)) : payload(length);

/** The packets of appendix A. */
const EXTENSION_HEADER = '906f1a2b00000fa0deadbeefbede0001107f0000';
export const EXTENSION = unhex(
  `${EXTENSION_HEADER}6672616d657365616c20776f726b6564206578616d706c653a206f6e65206f7075732d73697a6564207061796c6f6164`,
);
export const CSRCS = unhex('a2e0ffff000003e80badcafe00000001000000027670382064656c7461206672616d6500000004');
export const EMPTY = unhex('8008000000000000aabbccdd');
export const RECEIVER_REPORT = unhex('81c90007cafebabedeadbeef0000000000001234000000020000000300000004');
export const PAYLOAD_TYPE_77 = unhex('80cd002a00000fa0deadbeef0102030405');
export const CONTEXT = 'room 7/audio/a>b';
