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
import { encodeHeader, readDatagram } from './headers.mjs';
import { nonceOf, senderKeys, sharedKeys, sm4Keys, suiteOf } from './keys.mjs';

/**
 * @typedef {import('./config.mjs').Config} Config
 * @typedef {import('./config.mjs').Parsed} Parsed
 * @typedef {{ framing: 'rtp' | 'frame', bindHeader: boolean, rtcp?: 'sealed' | 'clear', replayWindow?: number }} Options
 * @typedef {Parsed & Options & ReturnType<typeof sharedKeys>} GcmChannel
 * @typedef {Parsed & Options & ReturnType<typeof sm4Keys>} Sm4Channel
 * @typedef {{ kind: 'rtp' | 'rtcp' | 'frame', header: Buffer, clearBytes: Buffer, rest: Buffer }} Parts an input
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
  const { mode, key, salt, context } = parsed;
  const keys = salt === undefined ? sm4Keys(key) : sharedKeys(mode, key, salt, context);
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
 * @param {Parts} parts
 */
export function metadataOf({ bindHeader }, { kind, header, clearBytes }) {
  if (kind === 'frame') return clearBytes;
  if (bindHeader) return Buffer.concat([header, clearBytes]);
  const mark = kind === 'rtcp' ? 0x01 : header[0] & 0x20;
  return Buffer.concat([Buffer.of(mark), clearBytes]);
}

/**
 * Section 4, "The padding count": what follows the tag.
 * @param {Parts} parts
 */
export function paddingCountOf({ kind, header }) {
  return kind === 'rtp' && (header[0] & 0x20) !== 0 ? Buffer.of(0x01) : Buffer.alloc(0);
}

/** Section 7, second table: the largest inputs. */
const LARGEST = {
  rtp: { seal: 65_535, openGcm2: 65_565, openSm4: 65_551 },
  frame: { seal: 16_777_215, openGcm2: 16_777_244, openSm4: 16_777_231 },
};

/**
 * Section 4, rules 1 to 7, and section 6, steps 2 and 3 (the padding count apart): the parts of an input, or the refusal.
 * @param {GcmChannel | Sm4Channel} channel
 * @param {Buffer} input
 * @param {number} clear
 * @param {'seal' | 'open'} direction
 * @returns {Parts | string}
 */
export function checkInput({ mode, framing, rtcp = 'sealed' }, input, clear, direction) {
  // Sealing takes an empty frame, opening does not.
  if (input.length === 0 && !(direction === 'seal' && framing === 'frame')) return 'MALFORMED';
  const isSm4 = mode === 'SM4_128_ECB';
  if (input.length > LARGEST[framing][direction === 'seal' ? 'seal' : isSm4 ? 'openSm4' : 'openGcm2'])
    return 'TOO_LARGE';
  const found =
    framing === 'rtp'
      ? readDatagram(input, isSm4 ? 'clear' : rtcp)
      : { kind: /** @type {const} */ ('frame'), headerLength: 0 };
  if (typeof found === 'string') return found;
  const { kind, headerLength } = found;
  const header = input.subarray(0, headerLength);
  // "RTCP has no clear bytes"
  const clearLength = kind === 'rtcp' ? 0 : clear;
  if (input.length - headerLength < clearLength) return 'MALFORMED';
  const start = headerLength + clearLength;
  return { kind, header, clearBytes: input.subarray(headerLength, start), rest: input.subarray(start) };
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
 * @param {Parts} parts
 */
export function protect(channel, kid, ctr, header, parts) {
  const { mode, prk, context } = channel;
  const keys = senderKeys(mode, prk, kid, context);
  const made = encryptFrame({ mode, ...keys }, ctr, header, metadataOf(channel, parts), parts.rest);
  const sealed = Buffer.concat([parts.header, parts.clearBytes, made.frame, paddingCountOf(parts)]);
  return { ...keys, ...made, header, sealed };
}

/**
 * Section 4, "Sealing: the order of checks", with a KID and a CTR that the caller chooses: for tests and vectors. SM4
 * (section 5) has neither.
 * @param {GcmChannel | Sm4Channel} channel
 * @param {bigint} kid
 * @param {bigint} ctr
 * @param {Buffer} input
 * @param {{ clear?: number | undefined, outLength?: number | undefined }} [call]
 * @returns {Buffer | string}
 */
export function seal(channel, kid, ctr, input, { clear = 0, outLength = Number.POSITIVE_INFINITY } = {}) {
  const parts = checkInput(channel, input, clear, 'seal');
  if (typeof parts === 'string') return parts;
  const sealed =
    'key16' in channel
      ? Buffer.concat([parts.header, parts.clearBytes, sm4(channel.key16, pad(parts.rest), true)])
      : protect(channel, kid, ctr, encodeHeader(kid, ctr), parts).sealed;
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
