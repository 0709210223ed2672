/**
 * A second implementation of the format, written from FORMAT.md and the RFCs it names alone. It shares no code with
 * src/. It is for reading and for making fixtures/channel.json: simple, slow, and not for use, since nothing here is
 * wiped, bounded or in constant time. Sections are those of FORMAT.md.
 *
 * A result is bytes (a Buffer), or the name of a status of section 7 (a string).
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { parseConfig } from './config.mjs';

/**
 * @typedef {import('./config.mjs').Config} Config
 * @typedef {import('./config.mjs').Parsed} Parsed
 * @typedef {{ framing: 'rtp' | 'frame', bindHeader: boolean, replayWindow?: number }} Options
 * @typedef {Parsed & Options & { prk: Buffer, fingerprint: Buffer }} GcmChannel
 * @typedef {{ prk: Buffer | undefined, key16: Buffer, fingerprintPrk: Buffer, fingerprint: Buffer }} Sm4Keys
 * @typedef {Parsed & Options & Sm4Keys} Sm4Channel
 * @typedef {{ baseKey: Buffer, secret: Buffer, frameKey: Buffer, frameSalt: Buffer }} SenderKeys
 * @typedef {{ kid: bigint, ctr: bigint, length: number }} Header
 */

const TAG_BYTES = 16;
const BLOCK_BYTES = 16;

/* Notation: numbers are big-endian, text is ASCII. */

/** @param {number} value */
const u16 = (value) => Buffer.of(value >> 8, value & 255);

/** @param {bigint} value */
const u64 = (value) => Buffer.from(value.toString(16).padStart(16, '0'), 'hex');

/** @param {string} text */
const ascii = (text) => Buffer.from(text, 'ascii');

/* HKDF, RFC 5869. */

/**
 * @param {string} hash
 * @param {Buffer} salt
 * @param {Buffer} ikm
 */
const extract = (hash, salt, ikm) => createHmac(hash, salt).update(ikm).digest();

/**
 * @param {string} hash
 * @param {Buffer} prk
 * @param {Buffer} info
 * @param {number} length
 */
function expand(hash, prk, info, length) {
  let block = Buffer.alloc(0);
  let okm = Buffer.alloc(0);
  for (let i = 1; okm.length < length; i++) {
    block = createHmac(hash, prk).update(block).update(info).update(Buffer.of(i)).digest();
    okm = Buffer.concat([okm, block]);
  }
  return okm.subarray(0, length);
}

/* Section 2: the key schedule of the GCM2 modes. */

/** Section 2, first table. */
const SUITES = {
  AES_128_GCM2: { hash: 'sha256', Nh: 32, Nk: 16, suite: 0x0004, cipher: /** @type {const} */ ('aes-128-gcm') },
  AES_256_GCM2: { hash: 'sha512', Nh: 64, Nk: 32, suite: 0x0005, cipher: /** @type {const} */ ('aes-256-gcm') },
};

/** @param {{ mode: string }} channel */
const suiteOf = ({ mode }) => SUITES[/** @type {keyof typeof SUITES} */ (mode)];

/**
 * A configuration and its options with all keys that do not depend on the sender: sections 2 and 5.
 * @param {Config} config
 * @param {Options} options
 * @returns {GcmChannel | Sm4Channel}
 */
export function makeChannel(config, options) {
  const parsed = parseConfig(config);
  const { mode, key, salt } = parsed;
  const empty = Buffer.alloc(0);

  if (mode === 'SM4_128_ECB') {
    // Section 5: key16 and fingerprint.
    const prk = key.length === 32 ? extract('sha256', empty, key) : undefined;
    const key16 = prk === undefined ? key : expand('sha256', prk, ascii('frameseal/1 SM4_128_ECB key'), 16);
    const fingerprintPrk = extract('sha256', empty, key16);
    const fingerprint = expand('sha256', fingerprintPrk, ascii('frameseal/1 SM4_128_ECB fingerprint'), 8);
    return { ...parsed, ...options, prk, key16, fingerprintPrk, fingerprint };
  }

  // Section 2: "From the configured 32-byte key and 32-byte salt, once per key".
  const { hash } = SUITES[mode];
  const prk = extract(hash, salt ?? empty, key);
  const fingerprint = expand(hash, prk, ascii(`frameseal/1 ${mode} fingerprint`), 8);
  return { ...parsed, ...options, prk, fingerprint };
}

/**
 * Section 2: what a sender has of its own: its base_key, and RFC 9605 section 4.4.2.
 * @param {GcmChannel} channel
 * @param {bigint} kid
 * @returns {SenderKeys}
 */
function senderKeys(channel, kid) {
  const { hash, Nh, Nk, suite } = suiteOf(channel);
  const baseKey = expand(
    hash,
    channel.prk,
    Buffer.concat([ascii(`frameseal/1 ${channel.mode} base key `), u64(kid)]),
    Nh,
  );
  const secret = extract(hash, Buffer.alloc(0), baseKey);
  const ending = Buffer.concat([u64(kid), u16(suite)]);
  const frameKey = expand(hash, secret, Buffer.concat([ascii('SFrame 1.0 Secret key '), ending]), Nk);
  const frameSalt = expand(hash, secret, Buffer.concat([ascii('SFrame 1.0 Secret salt '), ending]), 12);
  return { baseKey, secret, frameKey, frameSalt };
}

/**
 * Section 2: "four groups of four lower-case hex digits".
 * @param {Buffer} fingerprint
 */
export function printFingerprint(fingerprint) {
  const hex = fingerprint.toString('hex');
  return [0, 4, 8, 12].map((at) => hex.slice(at, at + 4)).join('-');
}

/* Section 4: the SFrame header. */

/**
 * Section 4: a number as a half of the config byte and the bytes that follow.
 * @param {bigint} value
 * @returns {[number, Buffer]}
 */
function encodeNumber(value) {
  // X or Y = 0: the number itself, 0..7.
  if (value < 8n) return [Number(value), Buffer.alloc(0)];
  // X or Y = 1: as few bytes as it needs, and their number less one.
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return [8 + bytes.length - 1, bytes];
}

/**
 * Section 4: the SFrame header of a KID and a CTR, each below 2^64.
 * @param {bigint} kid
 * @param {bigint} ctr
 */
export function encodeHeader(kid, ctr) {
  const [high, kidBytes] = encodeNumber(kid);
  const [low, ctrBytes] = encodeNumber(ctr);
  return Buffer.concat([Buffer.of((high << 4) | low), kidBytes, ctrBytes]);
}

/**
 * Section 4: the SFrame header at the start of a frame, or its refusal. What has to follow it is not looked at.
 * @param {Buffer} frame
 * @returns {Header | 'MALFORMED'}
 */
export function decodeHeader(frame) {
  if (frame.length === 0) return 'MALFORMED';
  let length = 1;
  /** @type {bigint[]} */
  const numbers = [];
  for (const half of [frame[0] >> 4, frame[0] & 15]) {
    if (half < 8) {
      numbers.push(BigInt(half));
      continue;
    }
    const bytes = frame.subarray(length, length + (half & 7) + 1);
    length += (half & 7) + 1;
    // "a header that the input cuts short"
    if (length > frame.length) return 'MALFORMED';
    const value = BigInt(`0x${bytes.toString('hex')}`);
    // "a KID or a CTR whose first byte is zero", "X = 1 with a KID below 8, or Y = 1 with a CTR below 8"
    if (bytes[0] === 0 || value < 8n) return 'MALFORMED';
    numbers.push(value);
  }
  const [kid, ctr] = numbers;
  // "a CTR of 2^53 or more"
  if (ctr >= 1n << 53n) return 'MALFORMED';
  return { kid, ctr, length };
}

/* Section 4: RTP. */

/**
 * Section 4, below the rules: whether the lengths of a compound RTCP packet add up.
 * @param {Buffer} datagram
 */
function lengthsAddUp(datagram) {
  let at = 0;
  while (at + 4 <= datagram.length) at += 4 * (datagram.readUInt16BE(at + 2) + 1);
  return at === datagram.length;
}

/**
 * Section 4, rules 3 to 6: the length of the RTP header of a datagram that is not empty, or the refusal.
 * @param {Buffer} datagram
 * @returns {number | 'NOT_RTP' | 'RTCP' | 'MALFORMED'}
 */
export function rtpHeaderLength(datagram) {
  const { length } = datagram;
  const [first, second] = datagram;
  // Rule 3.
  if (first < 128 || first > 191) return 'NOT_RTP';
  // Rules 4 and 5. A datagram of one byte has no second byte.
  if (length >= 2 && second >= 192 && second <= 223) return lengthsAddUp(datagram) ? 'RTCP' : 'NOT_RTP';
  // Rule 6: 12 + 4 * CC bytes; where X is set 4 bytes more, and the 32-bit words that the last two of them count.
  let header = 12 + 4 * (first & 0x0f);
  if (length < header) return 'MALFORMED';
  if ((first & 0x10) !== 0) {
    header += 4;
    if (length < header) return 'MALFORMED';
    header += 4 * datagram.readUInt16BE(header - 2);
    if (length < header) return 'MALFORMED';
  }
  return header;
}

/**
 * Section 4, second table: the metadata.
 * @param {Options} channel
 * @param {Buffer} rtpHeader
 */
function metadataOf({ framing, bindHeader }, rtpHeader) {
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
function checkInput({ mode, framing }, input, sealing) {
  // Sealing takes an empty frame, opening does not.
  if (input.length === 0 && !(sealing && framing === 'frame')) return 'MALFORMED';
  const opening = mode === 'SM4_128_ECB' ? 'openSm4' : 'openGcm2';
  if (input.length > LARGEST[framing][sealing ? 'seal' : opening]) return 'TOO_LARGE';
  return framing === 'rtp' ? rtpHeaderLength(input) : 0;
}

/* Section 4: sealing. */

/**
 * Section 4: "frame_salt XOR CTR as a 12-byte number".
 * @param {Buffer} frameSalt
 * @param {bigint} ctr
 */
function nonceOf(frameSalt, ctr) {
  const number = Buffer.concat([Buffer.alloc(4), u64(ctr)]);
  return Buffer.from(frameSalt.map((byte, i) => byte ^ number[i]));
}

/**
 * Section 4: one frame under an SFrame header that is given as it is to be sent, with all that goes into AES-GCM.
 * @param {GcmChannel} channel
 * @param {bigint} kid
 * @param {bigint} ctr
 * @param {Buffer} sframeHeader
 * @param {Buffer} rtpHeader
 * @param {Buffer} plaintext
 */
export function protect(channel, kid, ctr, sframeHeader, rtpHeader, plaintext) {
  const keys = senderKeys(channel, kid);
  const nonce = nonceOf(keys.frameSalt, ctr);
  const aad = Buffer.concat([sframeHeader, metadataOf(channel, rtpHeader)]);
  const cipher = createCipheriv(suiteOf(channel).cipher, keys.frameKey, nonce).setAAD(aad);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  const sealed = Buffer.concat([rtpHeader, sframeHeader, ciphertext]);
  return { ...keys, nonce, aad, header: sframeHeader, sealed };
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

/* Section 6: opening. */

/**
 * One opener: what came before decides about what comes next. It has no budget for derivations, so it is never BUSY.
 * One key is live, that of its channel: there is no rotation.
 */
export class SecondOpener {
  #channel;
  #options;
  /**
   * The senders, the least recently used first: every CTR accepted of each since it was made, the highest of those,
   * and the CTR up to which everything is TOO_OLD (-1 for nothing).
   * @type {Map<bigint, { accepted: Set<bigint>, highest: bigint, floor: bigint }>}
   */
  #senders = new Map();
  /**
   * Evicted senders, the longest gone first: the highest CTR of each.
   * @type {Map<bigint, bigint>}
   */
  #evicted = new Map();
  #closed = false;

  /**
   * @param {Config} config
   * @param {Options} options
   * @param {{ ownKids?: Iterable<bigint>, maxSenders?: number, maxEvicted?: number }} [more] ownKids: the KIDs that
   *   sealers of the same channel object use or used; none with `loopback: true`
   */
  constructor(config, options, { ownKids = [], maxSenders = 1_024, maxEvicted = 65_536 } = {}) {
    this.#channel = makeChannel(config, options);
    this.#options = {
      ownKids: new Set(ownKids),
      maxSenders,
      maxEvicted,
      window: BigInt(options.replayWindow ?? 1_024),
    };
  }

  close() {
    this.#closed = true;
  }

  /**
   * Section 6, table; section 5 for SM4.
   * @param {Buffer} input
   * @param {number} [outLength] the length of the out that is offered
   * @returns {Buffer | string} the RTP header and the plaintext, or the name of a status
   */
  open(input, outLength = Number.POSITIVE_INFINITY) {
    const channel = this.#channel;
    // Steps 1 to 3.
    if (this.#closed) return 'CLOSED';
    const rtp = checkInput(channel, input, false);
    if (typeof rtp === 'string') return rtp;
    const [rtpHeader, rest] = [input.subarray(0, rtp), input.subarray(rtp)];
    return 'key16' in channel
      ? this.#openSm4(channel, rtpHeader, rest, outLength)
      : this.#openGcm2(channel, rtpHeader, rest, outLength);
  }

  /**
   * Section 5, steps 4 to 6.
   * @param {Sm4Channel} channel
   * @param {Buffer} rtpHeader
   * @param {Buffer} blocks
   * @param {number} outLength
   */
  #openSm4({ key16 }, rtpHeader, blocks, outLength) {
    // Step 4.
    if (outLength < rtpHeader.length + blocks.length) return 'NO_ROOM';
    // Step 5.
    if (blocks.length === 0 || blocks.length % BLOCK_BYTES !== 0) return 'BAD_TAG';
    // Step 6.
    const padded = sm4(key16, blocks, false);
    const count = padded[padded.length - 1];
    if (count < 1 || count > 16 || padded.subarray(-count).some((byte) => byte !== count)) return 'BAD_TAG';
    return Buffer.concat([rtpHeader, padded.subarray(0, -count)]);
  }

  /**
   * Section 6, steps 4 to 11.
   * @param {GcmChannel} channel
   * @param {Buffer} rtpHeader
   * @param {Buffer} frame
   * @param {number} outLength
   */
  #openGcm2(channel, rtpHeader, frame, outLength) {
    const { ownKids, window } = this.#options;
    // Step 4.
    const header = decodeHeader(frame);
    if (header === 'MALFORMED') return header;
    const { kid, ctr, length } = header;
    const plaintextLength = frame.length - length - TAG_BYTES;
    if (plaintextLength < 0) return 'MALFORMED';
    // Step 5.
    if (outLength < rtpHeader.length + plaintextLength) return 'NO_ROOM';
    // Step 6.
    if (ownKids.has(kid)) return 'OWN_FRAME';
    // Step 7. The keyId is the top 4 bits of the 64-bit value (section 3).
    if (kid >> 60n !== BigInt(channel.keyId)) return 'UNKNOWN_KEY';
    const sender = this.#senders.get(kid);
    if (ctr <= (sender?.floor ?? this.#evicted.get(kid) ?? -1n)) return 'TOO_OLD';
    // Step 8. A sender that is not known has no window yet.
    if (sender !== undefined && sender.highest - ctr >= window) return 'TOO_OLD';
    if (sender?.accepted.has(ctr)) return 'REPLAYED';
    // Step 9.
    const { frameKey, frameSalt } = senderKeys(channel, kid);
    const aad = Buffer.concat([frame.subarray(0, length), metadataOf(channel, rtpHeader)]);
    const decipher = createDecipheriv(suiteOf(channel).cipher, frameKey, nonceOf(frameSalt, ctr));
    decipher.setAAD(aad).setAuthTag(frame.subarray(-TAG_BYTES));
    const plaintext = decipher.update(frame.subarray(length, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return 'BAD_TAG';
    }
    // Steps 10 and 11.
    this.#accept(kid, ctr);
    return Buffer.concat([rtpHeader, plaintext]);
  }

  /**
   * Section 6, step 10, and its list, "Senders".
   * @param {bigint} kid
   * @param {bigint} ctr
   */
  #accept(kid, ctr) {
    const sender = this.#senders.get(kid) ?? {
      accepted: new Set(),
      highest: ctr,
      floor: this.#evicted.get(kid) ?? -1n,
    };
    sender.accepted.add(ctr);
    if (ctr > sender.highest) sender.highest = ctr;
    // Set again, so that the order of the map is that of use.
    this.#senders.delete(kid);
    this.#senders.set(kid, sender);
    this.#evicted.delete(kid);
    if (this.#senders.size > this.#options.maxSenders) {
      const [oldest, { highest }] = /** @type {[bigint, { highest: bigint }]} */ (this.#senders.entries().next().value);
      this.#senders.delete(oldest);
      this.#evicted.set(oldest, highest);
    }
    if (this.#evicted.size > this.#options.maxEvicted) {
      this.#evicted.delete(/** @type {bigint} */ (this.#evicted.keys().next().value));
    }
  }
}
