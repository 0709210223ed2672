// @ts-check
/**
 * A second implementation of the format, written from FORMAT.md and the RFCs it names alone. It shares no code with
 * src/. It is for reading, for tests and for making fixtures/channel.json: simple, slow, and not for use, since nothing
 * here is wiped, bounded or in constant time. Sections are those of FORMAT.md. Here is sealing, sections 4 and 5; config.mjs,
 * keys.mjs, headers.mjs and opener.mjs have the rest.
 *
 * A result is bytes (a Buffer), or the name of a status of section 7 (a string).
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { parseConfig } from './config.mjs';
import { encodeHeader, rtpHeaderLength } from './headers.mjs';
import { nonceOf, senderKeys, sharedKeys, sm4Keys, suiteOf } from './keys.mjs';

/**
 * @typedef {import('./config.mjs').Config} Config
 * @typedef {import('./config.mjs').Parsed} Parsed
 * @typedef {{ framing: 'rtp' | 'frame', bindHeader: boolean, replayWindow?: number }} Options
 * @typedef {Parsed & Options & ReturnType<typeof sharedKeys>} GcmChannel
 * @typedef {Parsed & Options & ReturnType<typeof sm4Keys>} Sm4Channel
 */

const BLOCK_BYTES = 16;

/**
 * A configuration and its options with all keys that do not depend on the sender: sections 2 and 5.
 * @param {Config} config
 * @param {Options} options
 * @returns {GcmChannel | Sm4Channel}
 */
export function makeChannel(config, options) {
  const parsed = parseConfig(config);
  const { mode, key, salt } = parsed;
  const keys = salt === undefined ? sm4Keys(key) : sharedKeys(mode, key, salt);
  return { ...parsed, ...options, ...keys };
}

/**
 * Section 2: "four groups of four lower-case hex digits".
 * @param {Buffer} fingerprint
 */
export function printFingerprint(fingerprint) {
  const hex = fingerprint.toString('hex');
  return [0, 4, 8, 12].map((at) => hex.slice(at, at + 4)).join('-');
}

/**
 * Section 4, second table: the metadata.
 * @param {Options} channel
 * @param {Buffer} rtpHeader
 */
export function metadataOf({ framing, bindHeader }, rtpHeader) {
  if (framing === 'frame') return Buffer.alloc(0);
  return bindHeader ? rtpHeader : Buffer.of(rtpHeader[0] & 0x20);
}

/** Section 7, second table: the largest inputs. */
const LARGEST = {
  rtp: { seal: 65_535, openGcm2: 65_564, openSm4: 65_551 },
  frame: { seal: 16_777_215, openGcm2: 16_777_244, openSm4: 16_777_231 },
};

/**
 * Section 4, rules 1 to 6, and section 6, steps 2 and 3: the length of the RTP header (0 for framing 'frame'), or the
 * refusal.
 * @param {GcmChannel | Sm4Channel} channel
 * @param {Buffer} input
 * @param {boolean} sealing
 */
export function checkInput({ mode, framing }, input, sealing) {
  // Sealing takes an empty frame, opening does not.
  if (input.length === 0 && !(sealing && framing === 'frame')) return 'MALFORMED';
  const opening = mode === 'SM4_128_ECB' ? 'openSm4' : 'openGcm2';
  if (input.length > LARGEST[framing][sealing ? 'seal' : opening]) return 'TOO_LARGE';
  return framing === 'rtp' ? rtpHeaderLength(input) : 0;
}

/* Section 4: sealing. */

/**
 * Section 4: one SFrame ciphertext, under an SFrame header that is given as it is to be sent.
 * @param {{ mode: string, frameKey: Uint8Array, frameSalt: Uint8Array }} sender
 * @param {bigint} ctr
 * @param {Uint8Array} sframeHeader
 * @param {Uint8Array} metadata
 * @param {Uint8Array} plaintext
 */
export function encryptFrame({ mode, frameKey, frameSalt }, ctr, sframeHeader, metadata, plaintext) {
  const nonce = nonceOf(frameSalt, ctr);
  const aad = Buffer.concat([sframeHeader, metadata]);
  const cipher = createCipheriv(suiteOf(mode).cipher, frameKey, nonce).setAAD(aad);
  const frame = Buffer.concat([sframeHeader, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return { nonce, aad, frame };
}

/**
 * Section 4: one packet or frame with all that goes into AES-GCM.
 * @param {GcmChannel} channel
 * @param {bigint} kid
 * @param {bigint} ctr
 * @param {Buffer} header the SFrame header
 * @param {Buffer} rtpHeader
 * @param {Buffer} plaintext
 */
export function protect(channel, kid, ctr, header, rtpHeader, plaintext) {
  const { mode, prk } = channel;
  const keys = senderKeys(mode, prk, kid);
  const made = encryptFrame({ mode, ...keys }, ctr, header, metadataOf(channel, rtpHeader), plaintext);
  return { ...keys, ...made, header, sealed: Buffer.concat([rtpHeader, made.frame]) };
}

/**
 * Section 4, "Sealing: the order of checks", with a KID and a CTR that the caller chooses: for tests and vectors. SM4
 * (section 5) has neither.
 * @param {GcmChannel | Sm4Channel} channel
 * @param {bigint} kid
 * @param {bigint} ctr
 * @param {Buffer} input
 * @param {number} [outLength]
 * @returns {Buffer | string}
 */
export function seal(channel, kid, ctr, input, outLength = Number.POSITIVE_INFINITY) {
  const rtp = checkInput(channel, input, true);
  if (typeof rtp === 'string') return rtp;
  const [rtpHeader, payload] = [input.subarray(0, rtp), input.subarray(rtp)];
  const sealed =
    'key16' in channel
      ? Buffer.concat([rtpHeader, sm4(channel.key16, pad(payload), true)])
      : protect(channel, kid, ctr, encodeHeader(kid, ctr), rtpHeader, payload).sealed;
  return outLength < sealed.length ? 'NO_ROOM' : sealed;
}

/* Section 5: SM4. */

/**
 * SM4-ECB, without padding.
 * @param {Buffer} key16
 * @param {Buffer} blocks
 * @param {boolean} encrypting
 */
export function sm4(key16, blocks, encrypting) {
  const create = encrypting ? createCipheriv : createDecipheriv;
  const cipher = create('sm4-ecb', key16, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(blocks), cipher.final()]);
}

/**
 * Section 5: PKCS#7, 1 to 16 bytes, each of them the number of bytes added.
 * @param {Buffer} payload
 */
export function pad(payload) {
  const count = BLOCK_BYTES - (payload.length % BLOCK_BYTES);
  return Buffer.concat([payload, Buffer.alloc(count, count)]);
}
