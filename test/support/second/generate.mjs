/**
 * Writes fixtures/channel.json with the second implementation (format.mjs). fixtures/README.md documents its schema.
 *
 *     node test/support/second/generate.mjs            writes the file
 *     node test/support/second/generate.mjs --check    exits 1 where the file differs from what would be written
 *
 * Every expectation is stated here by hand, from FORMAT.md, and compared with what SecondOpener says: where the two
 * differ nothing is written. What looks random comes from SHA-256 of a name and a counter.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { argv, exit } from 'node:process';
import {
  encodeHeader,
  makeChannel,
  pad,
  printFingerprint,
  protect,
  rtpHeaderLength,
  SecondOpener,
  seal,
  sm4,
} from './format.mjs';

/**
 * @typedef {import('./format.mjs').Config} Config
 * @typedef {import('./format.mjs').Options} Options
 * @typedef {{ name: string, config: Config, options: Options }} Setup a configuration, and how cases with it are called
 * @typedef {{ kid: bigint, ctr: bigint, input: Buffer, header?: Buffer }} Frame
 * @typedef {{ kid: bigint, ctr: bigint }} Own a sealer of the opener's own channel
 * @typedef {{ before?: Buffer[], outLength?: number, own?: Own }} Circumstances
 */

const FILE = new URL('../../../fixtures/channel.json', import.meta.url);

/* Bytes. */

/**
 * @param {string} name
 * @param {number} length
 */
function bytes(name, length) {
  const blocks = [];
  for (let counter = 0; 32 * counter < length; counter++) {
    const hash = createHash('sha256').update(`frameseal ${name} ${counter}`);
    blocks.push(hash.digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** @param {string} hex */
const unhex = (hex) => Buffer.from(hex, 'hex');

/** @param {(Buffer | number)[]} parts */
const join = (...parts) => Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : part)));

/**
 * A copy with the bits of a mask flipped in one byte; a negative offset counts from the end.
 * @param {Buffer} frame
 * @param {number} offset
 * @param {number} [mask]
 */
function flip(frame, offset, mask = 1) {
  const copy = Buffer.from(frame);
  copy[offset < 0 ? copy.length + offset : offset] ^= mask;
  return copy;
}

/**
 * A copy with one byte set.
 * @param {Buffer} frame
 * @param {number} offset
 * @param {number} value
 */
const put = (frame, offset, value) => flip(frame, offset, frame[offset] ^ value);

/**
 * A KID as a sealer draws it: section 3.
 * @param {number} keyId
 * @param {string} name
 */
function drawKid(keyId, name) {
  for (let i = 0; ; i++) {
    const kid = bytes(`kid ${name} ${i}`, 8);
    kid[0] = (keyId << 4) | (kid[0] & 0x0f);
    if (kid[0] !== 0) return kid.readBigUInt64BE();
  }
}

/**
 * A number of so many bytes, which may be more than it needs.
 * @param {bigint} value
 * @param {number} length
 */
const wide = (value, length) => unhex(value.toString(16).padStart(2 * length, '0'));

/* Setups. */

const EXAMPLE_KEY = 'dba643c8ba6b6dc738df43d9fd624293b4b12d87a60f518253bd10ba98c48453';
const EXAMPLE_SALT = 'X5w9T+50kzxVOnkJKiY/lUk82/bES2kATOt3vBuGEDw=';
const KEY = bytes('key', 32).toString('hex');
const SALT = bytes('salt', 32).toString('base64');
const GCM2 = ['AES_128_GCM2', 'AES_256_GCM2'];

/** The three layouts: framing and bindHeader, and how they are called. */
const RTP = { name: 'rtp', framing: /** @type {const} */ ('rtp'), bindHeader: true };
const UNBOUND = { name: 'rtp, bindHeader false', framing: /** @type {const} */ ('rtp'), bindHeader: false };
const FRAME = { name: 'frame', framing: /** @type {const} */ ('frame'), bindHeader: true };
const LAYOUTS = [RTP, UNBOUND, FRAME];

/**
 * @param {string} mode
 * @param {typeof RTP | typeof UNBOUND | typeof FRAME} layout
 * @param {{ keyId?: number, replayWindow?: number, key?: string, salt?: string }} [more]
 * @returns {Setup}
 */
function gcm2(mode, { name, framing, bindHeader }, { keyId = 0, replayWindow, key = KEY, salt = SALT } = {}) {
  const config = { encryptionMode: mode, encryptionKey: key, encryptionKdfSalt: salt, keyId };
  const options = { framing, bindHeader, ...(replayWindow === undefined ? {} : { replayWindow }) };
  return { name: `${mode} ${name}`, config, options };
}

/**
 * @param {string} key
 * @param {typeof RTP | typeof UNBOUND | typeof FRAME} layout
 * @returns {Setup}
 */
function ecb(key, { name, framing, bindHeader }) {
  const config = { encryptionMode: 'SM4_128_ECB', encryptionKey: key };
  return { name: `SM4_128_ECB ${key.length / 2}-byte key, ${name}`, config, options: { framing, bindHeader } };
}

/* Packets. */

/**
 * An RTP header.
 * @typedef {{ p?: boolean, m?: boolean, pt?: number, seq?: number }} Fixed
 * @param {Fixed & { csrcs?: number, profile?: string, extension?: string }} [fields] csrcs: how many; the others in hex
 */
function rtp({ p = false, m = false, pt = 111, seq = 0x1a2b, csrcs = 0, profile, extension = '' } = {}) {
  const first = 0x80 | (p ? 0x20 : 0) | (profile === undefined ? 0 : 0x10) | csrcs;
  const parts = [Buffer.of(first, (m ? 0x80 : 0) | pt, seq >> 8, seq & 255), unhex('00000fa0deadbeef')];
  parts.push(bytes('csrcs', 4 * csrcs));
  if (profile !== undefined) parts.push(unhex(profile), wide(BigInt(extension.length / 8), 2), unhex(extension));
  return Buffer.concat(parts);
}

/** @param {number} length */
const payload = (length) => bytes('payload', length);

/**
 * The input of a frame with a payload of so many bytes.
 * @param {Setup} setup
 * @param {number} length
 */
const inputOf = ({ options }, length) => (options.framing === 'rtp' ? join(rtp(), payload(length)) : payload(length));

/** The packets of appendix A. */
const EXTENSION_HEADER = '906f1a2b00000fa0deadbeefbede0001107f0000';
const EXTENSION = unhex(
  `${EXTENSION_HEADER}6672616d657365616c20776f726b6564206578616d706c653a206f6e65206f7075732d73697a6564207061796c6f6164`,
);
const CSRCS = unhex('a2e0ffff000003e80badcafe00000001000000027670382064656c7461206672616d6500000004');
const EMPTY = unhex('8008000000000000aabbccdd');

/* Cases. */

/** @type {{ [field: string]: unknown, id: string, expect?: string }[]} */
const cases = [];
const names = new Set();
const printed = new Set();

/**
 * Adds a case, once it is certain that opening gives what the case says.
 * @param {Setup} setup
 * @param {string} what
 * @param {{ [field: string]: unknown }} fields
 */
function add({ name, config, options }, what, fields) {
  const id = `${name}: ${what}`;
  if (names.has(id)) throw new Error(`two cases are called ${id}`);
  names.add(id);
  cases.push({ id, kind: 'channel', config, options, ...fields });
}

/**
 * @param {unknown} actual
 * @param {unknown} expected
 * @param {string} what
 */
function agree(actual, expected, what) {
  const [a, b] = [actual, expected].map((value) => (Buffer.isBuffer(value) ? value.toString('hex') : value));
  if (a !== b) throw new Error(`${what}: ${b} was expected, it is ${a}`);
}

/**
 * @param {Setup} setup
 * @param {Buffer} sealed
 * @param {Circumstances} circumstances
 */
function opened({ config, options }, sealed, { before = [], outLength, own }) {
  const opener = new SecondOpener(config, options, { ownKids: own === undefined ? [] : [own.kid] });
  for (const frame of before) opener.open(frame);
  return opener.open(sealed, outLength);
}

/**
 * The fields of a case that say how its keys and its frame came about.
 * @param {Setup} setup
 * @param {Frame} [frame]
 */
function intermediates({ config, options }, frame) {
  const channel = makeChannel(config, options);
  const fingerprint = printFingerprint(channel.fingerprint);
  if ('key16' in channel) return { fields: { key16: channel.key16, fingerprint } };
  if (frame === undefined) return { fields: { fingerprint } };
  const { kid, ctr, input, header = encodeHeader(kid, ctr) } = frame;
  const rtpLength = options.framing === 'rtp' ? Number(rtpHeaderLength(input)) : 0;
  const made = protect(channel, kid, ctr, header, input.subarray(0, rtpLength), input.subarray(rtpLength));
  const { baseKey, secret, frameKey, frameSalt, nonce, aad, sealed } = made;
  // What leads to the keys is printed once for each of them: it is long.
  const first = !printed.has(frameKey.toString('hex'));
  printed.add(frameKey.toString('hex'));
  const long = first ? { prk: channel.prk, baseKey, secret } : {};
  return { fields: { kid, ctr, ...long, frameKey, frameSalt, nonce, aad, header, fingerprint }, sealed };
}

/**
 * A sealed frame without a case.
 * @param {Setup} setup
 * @param {bigint} kid
 * @param {bigint} ctr
 * @param {Buffer} input
 */
function sealedOf({ config, options }, kid, ctr, input) {
  const sealed = seal(makeChannel(config, options), kid, ctr, input);
  if (typeof sealed === 'string') throw new Error(sealed);
  return sealed;
}

/**
 * `input` is sealed and opened.
 * @param {Setup} setup
 * @param {string} what
 * @param {Frame} frame
 * @param {Circumstances} [circumstances]
 */
function bothWays(setup, what, frame, { before } = {}) {
  const { kid, ctr, input } = frame;
  const sealed = sealedOf(setup, kid, ctr, input);
  const made = intermediates(setup, frame);
  if (made.sealed !== undefined) agree(made.sealed, sealed, what);
  agree(opened(setup, sealed, { before }), input, what);
  add(setup, what, { ...made.fields, input, sealed, before });
  return sealed;
}

/**
 * A frame that no sealer of this implementation makes, and that an opener takes.
 * @param {Setup} setup
 * @param {string} what
 * @param {Frame} frame
 */
function openedOnly(setup, what, frame) {
  const { fields, sealed } = intermediates(setup, frame);
  if (sealed === undefined) throw new Error(what);
  agree(opened(setup, sealed, {}), frame.input, what);
  add(setup, what, { ...fields, sealed, output: frame.input });
}

/**
 * Bytes that come to an opener, and what comes of them: the name of a status, or the bytes that it gives.
 * @param {Setup} setup
 * @param {string} what
 * @param {Buffer} sealed
 * @param {string | Buffer} expected
 * @param {Circumstances} [circumstances]
 */
function opening(setup, what, sealed, expected, circumstances = {}) {
  agree(opened(setup, sealed, circumstances), expected, `${setup.name}: ${what}`);
  const { before, outLength, own } = circumstances;
  const end = typeof expected === 'string' ? { expect: expected } : { output: expected };
  add(setup, what, {
    loopback: own === undefined ? undefined : false,
    ...own,
    ...intermediates(setup).fields,
    sealed,
    before,
    outLength,
    ...end,
  });
}

/**
 * `input` is not sealed.
 * @param {Setup} setup
 * @param {string} what
 * @param {Buffer} input
 * @param {string} expected
 * @param {number} [outLength]
 */
function refusal(setup, what, input, expected, outLength) {
  const channel = makeChannel(setup.config, setup.options);
  const kid = drawKid(channel.keyId, 'refused');
  agree(seal(channel, kid, 8n, input, outLength), expected, `${setup.name}: ${what}`);
  const sender = 'key16' in channel ? {} : { kid, ctr: 8n };
  add(setup, what, { ...sender, ...intermediates(setup).fields, input, outLength, expect: expected });
}

/* Groups of cases. */

/** Appendix A of FORMAT.md, both modes and all layouts. */
function examples() {
  /** @type {[string, bigint, bigint, Buffer][]} */
  const frames = [
    ['ctr 0, one-byte extension', 0x01a1b2c3d4e5f607n, 0n, EXTENSION],
    ['ctr 7, two CSRCs, padding', 0x51a1b2c3d4e5f607n, 7n, CSRCS],
    ['ctr 8, empty payload', 0xf1a1b2c3d4e5f607n, 8n, EMPTY],
    ['ctr 70000, one-byte extension', 0x51a1b2c3d4e5f607n, 70_000n, EXTENSION],
  ];
  for (const mode of GCM2) {
    for (const [what, kid, ctr, packet] of frames) {
      for (const layout of LAYOUTS) {
        const setup = gcm2(mode, layout, { keyId: Number(kid >> 60n), key: EXAMPLE_KEY, salt: EXAMPLE_SALT });
        const input = layout === FRAME ? packet.subarray(Number(rtpHeaderLength(packet))) : packet;
        bothWays(setup, `appendix A, ${what}`, { kid, ctr, input });
      }
    }
  }
  for (const key of [EXAMPLE_KEY, EXAMPLE_KEY.slice(0, 32)]) {
    for (const [what, , , packet] of frames.slice(0, 3)) {
      bothWays(ecb(key, RTP), `appendix A, ${what.slice(7)}`, { kid: 0n, ctr: 0n, input: packet });
    }
  }
}

/** Section 1: other ways to write a configuration. In the labels of section 2 the mode is always the table's name. */
function configurations() {
  const { config, options } = gcm2('AES_128_GCM2', RTP);
  const kid = drawKid(0, 'configurations');
  const { encryptionKey, encryptionKdfSalt } = config;
  /** @type {[string, Config][]} */
  const ways = [
    ['by number', { ...config, encryptionMode: 7 }],
    ['AES_256_GCM2 by number', { ...config, encryptionMode: 8 }],
    ['an alias', { ...config, encryptionMode: 'aes-128-gcm2' }],
    ['an alias, case and separators mixed', { ...config, encryptionMode: 'aes_256-GCM-2' }],
    ['a key in upper case', { ...config, encryptionKey: encryptionKey.toUpperCase() }],
    ['no keyId', { encryptionMode: 'AES_128_GCM2', encryptionKey, encryptionKdfSalt }],
    ['SM4_128_ECB by number', { encryptionMode: 4, encryptionKey }],
    [
      'SM4_128_ECB by its alias, a key in upper case',
      { encryptionMode: 'Sm4-128-ecb', encryptionKey: KEY.toUpperCase() },
    ],
  ];
  for (const [what, other] of ways) {
    bothWays({ name: 'configuration', config: other, options }, what, {
      kid,
      ctr: 0n,
      input: join(rtp(), payload(16)),
    });
  }
}

/** Section 4: every length of CTR. */
function counters() {
  const sealed = [0n, 7n, 8n, 255n, 256n, 65_535n, 65_536n, 2n ** 24n - 1n, 2n ** 24n, 2n ** 32n - 1n];
  const received = [2n ** 32n, 2n ** 40n - 1n, 2n ** 40n, 2n ** 48n - 1n, 2n ** 48n, 2n ** 53n - 1n];
  const refused = [2n ** 53n, 2n ** 56n - 1n, 2n ** 56n, 2n ** 64n - 1n];
  GCM2.forEach((mode, m) => {
    const kid = drawKid(0, `counters ${mode}`);
    [...sealed, ...received].forEach((ctr, i) => {
      const setup = gcm2(mode, LAYOUTS[(m + i) % 3]);
      const make = sealed.includes(ctr) ? bothWays : openedOnly;
      make(setup, `ctr ${ctr}`, { kid, ctr, input: inputOf(setup, 20) });
    });
    refused.forEach((ctr, i) => {
      const setup = gcm2(mode, LAYOUTS[(m + i) % 3]);
      opening(setup, `ctr ${ctr}`, sealedOf(setup, kid, ctr, inputOf(setup, 20)), 'MALFORMED');
    });
  });
}

/** Section 3: every keyId, and KIDs of every length. */
function keyIds() {
  GCM2.forEach((mode, m) => {
    for (let keyId = m; keyId < 16; keyId += 2) {
      const setup = gcm2(mode, LAYOUTS[keyId % 3], { keyId });
      const kid = drawKid(keyId, `keyId ${mode}`);
      bothWays(setup, `keyId ${keyId}`, { kid, ctr: BigInt(keyId), input: inputOf(setup, 20) });
    }
    for (let kid = BigInt(m); kid < 8n; kid += 2n) {
      const setup = gcm2(mode, LAYOUTS[Number(kid) % 3]);
      openedOnly(setup, `KID ${kid} in the config byte`, { kid, ctr: 9n * kid, input: inputOf(setup, 20) });
    }
    for (let length = 1; length <= 8; length++) {
      // The lowest and the highest KID of this length with keyId 0.
      const low = length === 1 ? 8n : 1n << BigInt(8 * (length - 1));
      const high = length === 8 ? (1n << 60n) - 1n : (1n << BigInt(8 * length)) - 1n;
      const setup = gcm2(mode, LAYOUTS[(m + length) % 3]);
      const kid = m === 0 ? low : high;
      openedOnly(setup, `a KID of ${length} bytes, ${kid}`, { kid, ctr: BigInt(length), input: inputOf(setup, 20) });
    }
    // The lowest and the highest KID of a keyId that is not 0.
    for (const kid of [1n << 60n, (1n << 61n) - 1n]) {
      const setup = gcm2(mode, RTP, { keyId: 1 });
      openedOnly(setup, `keyId 1, KID ${kid}`, { kid, ctr: 300n, input: inputOf(setup, 20) });
    }
  });
}

/** Section 4: shapes of the RTP header. */
function rtpHeaders() {
  /** @type {[string, Buffer][]} */
  const shapes = [
    ['one CSRC', rtp({ csrcs: 1 })],
    ['15 CSRCs', rtp({ csrcs: 15 })],
    ['a one-byte header extension', rtp({ profile: 'bede', extension: '51aabb3010ff0000' })],
    ['a two-byte header extension', rtp({ profile: '1000', extension: '0502aabb01000000' })],
    ['a two-byte header extension with appbits', rtp({ profile: '100f', extension: '0502aabb' })],
    ['an extension without content', rtp({ profile: 'bede' })],
    ['an extension of another profile', rtp({ profile: 'abcd', extension: '0123456789abcdef00000000' })],
    ['an extension of 64 words', rtp({ profile: '0000', extension: bytes('extension', 256).toString('hex') })],
    ['one CSRC and an extension', rtp({ csrcs: 1, profile: 'bede', extension: '107f0000' })],
    ['P set', rtp({ p: true })],
    ['P set, 15 CSRCs and an extension', rtp({ p: true, csrcs: 15, profile: 'bede', extension: '107f0000' })],
    ['second byte 127', rtp({ pt: 127 })],
    ['second byte 191', rtp({ m: true, pt: 63 })],
    ['second byte 224', rtp({ m: true, pt: 96 })],
    ['second byte 255', rtp({ m: true, pt: 127 })],
  ];
  shapes.forEach(([what, header], i) => {
    for (const layout of [RTP, UNBOUND]) {
      const mode = GCM2[(i + (layout === RTP ? 0 : 1)) % 2];
      const padding = (header[0] & 0x20) === 0 ? Buffer.alloc(0) : unhex('00000004');
      const kid = drawKid(0, `headers ${mode}`);
      bothWays(gcm2(mode, layout), what, { kid, ctr: BigInt(i), input: join(header, payload(21), padding) });
    }
  });
  const kid = drawKid(0, 'headers AES_128_GCM2');
  const odd = join(rtp({ p: true }), payload(20), 0xff);
  bothWays(gcm2(GCM2[0], RTP), 'P set, a padding count that is not true', { kid, ctr: 30n, input: odd });
  bothWays(gcm2(GCM2[0], UNBOUND), 'P set, no payload', { kid, ctr: 31n, input: rtp({ p: true }) });
}

/** Lengths of payload; and bindHeader false with framing 'frame', where it has no effect. */
function payloads() {
  GCM2.forEach((mode, m) => {
    const kid = drawKid(0, `payloads ${mode}`);
    [0, 1, 15, 16, 17, 31, 32, 160].forEach((length, i) => {
      for (const layout of [[RTP, UNBOUND][(m + i) % 2], FRAME]) {
        const setup = gcm2(mode, layout);
        bothWays(setup, `a payload of ${length}`, { kid, ctr: BigInt(i), input: inputOf(setup, length) });
      }
    });
    const unbound = gcm2(mode, { name: 'frame, bindHeader false', framing: 'frame', bindHeader: false });
    bothWays(unbound, 'a payload of 32', { kid, ctr: 6n, input: payload(32) });
    opening(gcm2(mode, FRAME), 'sealed with bindHeader false', sealedOf(unbound, kid, 6n, payload(32)), payload(32));
  });
  /** @type {[string, typeof RTP | typeof UNBOUND | typeof FRAME, number][]} */
  const long = [
    [GCM2[0], RTP, 1_200],
    [GCM2[1], FRAME, 1_200],
    [GCM2[1], UNBOUND, 1_400],
    [GCM2[0], FRAME, 1_400],
  ];
  for (const [mode, layout, length] of long) {
    const setup = gcm2(mode, layout);
    const frame = { kid: drawKid(0, `payloads ${mode}`), ctr: 100n, input: inputOf(setup, length) };
    bothWays(setup, `a payload of ${length}`, frame);
  }
}

/** Section 4, rules 1 to 6: what is not sealed, and not opened either. Each with what it would have to be. */
function datagrams() {
  const extended = rtp({ profile: 'bede', extension: '107f000033443344' });
  const whole = join(rtp(), payload(40));
  /** @type {[string, Buffer, string][]} */
  const both = [
    ['nothing', Buffer.alloc(0), 'MALFORMED'],
    ['one byte', whole.subarray(0, 1), 'MALFORMED'],
    ['two bytes', whole.subarray(0, 2), 'MALFORMED'],
    ['11 bytes', whole.subarray(0, 11), 'MALFORMED'],
    ['a CSRC too few', join(rtp({ csrcs: 15 })).subarray(0, 12 + 56), 'MALFORMED'],
    ['the last CSRC cut short', rtp({ csrcs: 2 }).subarray(0, 19), 'MALFORMED'],
    ['X set, no extension', extended.subarray(0, 12), 'MALFORMED'],
    ['X set, 3 bytes of extension', extended.subarray(0, 15), 'MALFORMED'],
    ['X set, an extension without its words', extended.subarray(0, 16), 'MALFORMED'],
    ['X set, an extension cut short by a byte', extended.subarray(0, 23), 'MALFORMED'],
    ['X set, an extension of 65535 words', join(put(put(extended, 14, 0xff), 15, 0xff), payload(40)), 'MALFORMED'],
    ['a STUN message', unhex('000100002112a442b7e7a701bc34d686fa87dfae'), 'NOT_RTP'],
    ['one byte 0', Buffer.of(0), 'NOT_RTP'],
    ['one byte 127', Buffer.of(127), 'NOT_RTP'],
    ['one byte 192', Buffer.of(192), 'NOT_RTP'],
    ['a DTLS record', unhex('16fefd0000000000000000000101'), 'NOT_RTP'],
    ['a TURN channel', unhex('400000040a0b0c0d'), 'NOT_RTP'],
    ['RTP of version 0', put(whole, 0, 0x00), 'NOT_RTP'],
    ['RTP of version 1', put(whole, 0, 0x7f), 'NOT_RTP'],
    ['RTP of version 3', put(whole, 0, 0xc0), 'NOT_RTP'],
    ['first byte 255', put(whole, 0, 0xff), 'NOT_RTP'],
    ['second byte 192', put(whole, 1, 192), 'NOT_RTP'],
    ['second byte 223', put(whole, 1, 223), 'NOT_RTP'],
    ['second byte 200, only two bytes', unhex('80c8'), 'NOT_RTP'],
    ['second byte 200, only three bytes', unhex('80c800'), 'NOT_RTP'],
    ['RTCP, a receiver report', unhex('80c90001deadbeef'), 'RTCP'],
    ['RTCP of one word', unhex('80c00000'), 'RTCP'],
    ['RTCP, second byte 223', unhex('9fdf0000'), 'RTCP'],
    ['RTCP, first byte 191', unhex('bfcb0000'), 'RTCP'],
    [
      'RTCP, compound of three',
      join(unhex('80c80006deadbeef'), Buffer.alloc(20), unhex('81ca0002deadbeef01000000'), unhex('81cb0001deadbeef')),
      'RTCP',
    ],
    ['RTCP, the second part of no known kind', unhex('80c90001deadbeef' + '0000000000000001ffffffff'), 'RTCP'],
    ['RTCP, a second part that is too long', unhex('80c90001deadbeef' + '81ca0003deadbeef01000000'), 'NOT_RTP'],
    ['RTCP, a second part of 3 bytes', unhex('80c90001deadbeef' + '81ca00'), 'NOT_RTP'],
    ['RTCP, a byte too many', unhex('80c90001deadbeef00'), 'NOT_RTP'],
    ['RTCP, a byte too few', unhex('80c90001deadbe'), 'NOT_RTP'],
    ['RTCP, a first part too long by a word', unhex('80c90002deadbeef'), 'NOT_RTP'],
    // A sequence number that counts the words of the packet makes media of these payload types look like RTCP.
    ['RTP that looks like RTCP', put(join(rtp({ seq: 12 }), payload(40)), 1, 0xe0 - 1), 'RTCP'],
  ];
  both.forEach(([what, datagram, status], i) => {
    const [one, other] = [gcm2(GCM2[i % 2], [RTP, UNBOUND][(i >> 1) % 2]), gcm2(GCM2[(i + 1) % 2], RTP)];
    refusal(one, `to seal, ${what}`, datagram, status);
    opening(other, `to open, ${what}`, datagram, status);
    if (i % 8 === 0) refusal(ecb(KEY, RTP), `to seal, ${what}`, datagram, status);
    if (i % 8 === 4) opening(ecb(KEY, RTP), `to open, ${what}`, datagram, status);
  });

  // Sealed frames whose first two bytes were changed: without bindHeader their tags would still be right.
  const setup = gcm2(GCM2[0], UNBOUND);
  const sealed = sealedOf(setup, drawKid(0, 'datagrams'), 8n, whole);
  for (const first of [0x00, 0x40, 0xc0]) {
    opening(setup, `a sealed frame, first byte ${first}`, put(sealed, 0, first), 'NOT_RTP');
  }
  for (const second of [192, 223]) {
    opening(setup, `a sealed frame, second byte ${second}`, put(sealed, 1, second), 'NOT_RTP');
  }

  for (const frames of [gcm2(GCM2[0], FRAME), gcm2(GCM2[1], FRAME), ecb(KEY, FRAME)]) {
    opening(frames, 'to open, nothing', Buffer.alloc(0), 'MALFORMED');
  }
}

/** Section 4: SFrame headers that are not minimal, and frames that are cut short. */
function sframeHeaders() {
  // Name, KID, the bytes it takes (0: in the config byte), CTR, the bytes it takes.
  /** @type {[string, bigint, number, bigint, number][]} */
  const loose = [];
  for (const kid of [0n, 7n]) loose.push([`KID ${kid} in a byte`, kid, 1, 3n, 0]);
  for (let length = 2; length <= 8; length++) {
    const kid = (1n << BigInt(8 * (length - 1))) - 1n;
    loose.push([`a KID in ${length} bytes that needs ${length - 1}`, kid, length, BigInt(length), length < 8 ? 0 : 1]);
  }
  loose.push(['KID 0 in 8 bytes', 0n, 8, 1n, 0]);
  for (const ctr of [0n, 7n]) loose.push([`CTR ${ctr} in a byte`, 0x0123456789abcdefn, 8, ctr, 1]);
  for (let length = 2; length <= 8; length++) {
    const ctr = length < 8 ? (1n << BigInt(8 * (length - 1))) - 1n : 2n ** 53n - 1n;
    const what = `a CTR in ${length} bytes, a zero first`;
    loose.push(length % 2 === 0 ? [what, 0x0123456789abcdefn, 8, ctr, length] : [what, 5n, 0, ctr, length]);
  }
  loose.push(['CTR 0 in 8 bytes', 0x0123456789abcdefn, 8, 0n, 8]);
  // All of these are sealed as they are, with a right tag: only their headers are at fault.
  loose.forEach(([what, kid, kidBytes, ctr, ctrBytes], i) => {
    const setup = gcm2(GCM2[i % 2], LAYOUTS[i % 3]);
    const high = kidBytes === 0 ? Number(kid) : 8 + kidBytes - 1;
    const low = ctrBytes === 0 ? Number(ctr) : 8 + ctrBytes - 1;
    const numbers = [kidBytes === 0 ? '' : wide(kid, kidBytes), ctrBytes === 0 ? '' : wide(ctr, ctrBytes)];
    const header = join((high << 4) | low, ...numbers.map((number) => Buffer.from(number)));
    const { sealed } = intermediates(setup, { kid, ctr, input: inputOf(setup, 20), header });
    opening(setup, `not minimal, ${what}`, /** @type {Buffer} */ (sealed), 'MALFORMED');
  });

  // An SFrame header of 13 bytes and a tag, cut everywhere.
  const kid = drawKid(0, 'cut');
  for (const layout of [RTP, FRAME]) {
    const setup = gcm2(GCM2[layout === RTP ? 1 : 0], layout);
    const sealed = sealedOf(setup, kid, 2n ** 32n - 1n, inputOf(setup, 0));
    const start = layout === RTP ? 12 : 0;
    const lengths = layout === RTP ? [0, 1, 8, 9, 12, 13, 28] : [1, 2, 8, 9, 10, 11, 12, 13, 14, 20, 28];
    for (const length of lengths) {
      const cut = sealed.subarray(0, start + length);
      opening(setup, `an SFrame ciphertext of 29 bytes cut to ${length}`, cut, 'MALFORMED');
    }
    const small = sealedOf(setup, kid, 7n, inputOf(setup, 0));
    opening(setup, 'an SFrame ciphertext of 25 bytes cut to 24', small.subarray(0, start + 24), 'MALFORMED');
    opening(setup, 'an SFrame ciphertext of 25 bytes cut to 9', small.subarray(0, start + 9), 'MALFORMED');
    // All bits set asks for a KID and a CTR of 8 bytes; a config byte of zeros for none.
    opening(setup, '16 bytes ff', join(layout === RTP ? rtp() : Buffer.alloc(0), Buffer.alloc(16, 0xff)), 'MALFORMED');
    opening(setup, '16 bytes 00', join(layout === RTP ? rtp() : Buffer.alloc(0), Buffer.alloc(16)), 'MALFORMED');
    opening(setup, '17 bytes 00', join(layout === RTP ? rtp() : Buffer.alloc(0), Buffer.alloc(17)), 'BAD_TAG');
  }
}

/** Section 6, step 7: keys that are not live. */
function unknownKeys() {
  for (const mode of GCM2) {
    for (const [theirs, ours] of [
      [1, 0],
      [0, 1],
      [15, 7],
      [7, 15],
    ]) {
      const setup = gcm2(mode, RTP, { keyId: ours });
      const sealed = sealedOf(setup, drawKid(theirs, 'unknown'), 9n, inputOf(setup, 20));
      opening(setup, `keyId ${theirs} where ${ours} is live`, sealed, 'UNKNOWN_KEY');
    }
  }
  // The keyId is in the value, not in the first bits on the wire: these are of keyId 0.
  for (const kid of [5n, 0x51n, 0x51a1b2c3n, 0x51a1b2c3d4e5f6n]) {
    const setup = gcm2(GCM2[0], FRAME, { keyId: 5 });
    const sealed = sealedOf(setup, kid, 9n, inputOf(setup, 20));
    opening(setup, `KID ${kid} where keyId 5 is live`, sealed, 'UNKNOWN_KEY');
  }
}

/** Section 6, steps 7, 8 and 10: the window. */
function windows() {
  GCM2.forEach((mode, m) => {
    const kid = drawKid(0, `window ${mode}`);
    const other = drawKid(0, `window, other ${mode}`);
    let orders = 0;

    /**
     * Counters before, and one more; `!n` is a forgery of n. Each mode takes every other one of them.
     * @param {Setup} setup
     * @param {string} what
     * @param {(number | string)[]} earlier
     * @param {number | string} last
     * @param {string} [status]
     */
    const order = (setup, what, earlier, last, status) => {
      if (orders++ % 2 !== m) return;
      const input = inputOf(setup, 6);
      /** @param {number | string} ctr */
      const frame = (ctr) => {
        const sealed = sealedOf(setup, kid, BigInt(String(ctr).replace('!', '')), input);
        return typeof ctr === 'string' ? flip(sealed, -1) : sealed;
      };
      const before = earlier.map(frame);
      if (status !== undefined) opening(setup, what, frame(last), status, { before });
      else if (Number(last) < 2 ** 32) bothWays(setup, what, { kid, ctr: BigInt(last), input }, { before });
      else opening(setup, what, frame(last), input, { before });
    };

    const plain = gcm2(mode, UNBOUND);
    order(plain, 'the same frame again', [8], 8, 'REPLAYED');
    order(plain, 'the same frame again, counter 0', [0], 0, 'REPLAYED');
    order(plain, 'the same frame again after later ones', [5, 9, 7, 300], 7, 'REPLAYED');
    order(plain, 'a late one', [5, 9, 7, 300], 8);
    order(plain, 'window 1024, 1024 behind', [1_030], 6, 'TOO_OLD');
    order(plain, 'window 1024, 1023 behind', [1_030], 7);
    order(plain, 'window 1024, 1023 behind, again', [7, 1_030], 7, 'REPLAYED');
    order(plain, 'window 1024, 1024 behind, seen before', [6, 1_030], 6, 'TOO_OLD');
    const large = gcm2(mode, FRAME, { replayWindow: 65_536 });
    order(large, 'window 65536, 65536 behind', [70_000], 4_464, 'TOO_OLD');
    order(large, 'window 65536, 65535 behind', [70_000], 4_465);
    const narrow = gcm2(mode, FRAME, { replayWindow: 64 });
    order(narrow, 'window 64, 64 behind', [64], 0, 'TOO_OLD');
    order(narrow, 'window 64, 63 behind', [64], 1);
    order(narrow, 'window 64, a gap of exactly the window', [0, 64], 1);
    order(narrow, 'window 64, nothing left of the window before', [6, 197], 134);
    order(narrow, 'window 64, nothing left of three windows before', [1, 2, 3, 4, 100, 101, 102, 230], 167);
    order(narrow, 'window 64, a mark that a later counter must not wipe', [100, 101, 163], 101, 'REPLAYED');
    order(narrow, 'window 64, the window around 2^32', [2 ** 32 + 10], 2 ** 32 - 1);
    order(narrow, 'window 64, the same frame again above 2^32', [2 ** 32 + 1, 2 ** 32 + 2], 2 ** 32 + 1, 'REPLAYED');
    order(narrow, 'window 64, 2^32 apart is not the same', [5, 2 ** 32 + 5], 2 ** 32 + 4);
    order(narrow, 'window 64, the highest counter of all', [0, 2 ** 53 - 1], 2 ** 53 - 1, 'REPLAYED');
    order(narrow, 'window 64, 63 behind the highest of all', [2 ** 53 - 1], 2 ** 53 - 64);
    order(narrow, 'window 64, 64 behind the highest of all', [2 ** 53 - 1], 2 ** 53 - 65, 'TOO_OLD');
    order(narrow, 'a forged copy came first', ['!8'], 8);
    order(narrow, 'a forged frame does not move the window', [8, '!5000'], 7);
    order(narrow, 'a forged copy of what came before', [8], '!8', 'REPLAYED');
    order(narrow, 'a forgery behind the window', [80], '!8', 'TOO_OLD');
    order(narrow, 'a replay does not move the window', [70, 8, 8, 8], 7);

    const input = inputOf(plain, 6);
    const before = [sealedOf(plain, other, 8n, input), sealedOf(plain, other, 5_000n, input)];
    bothWays(plain, 'each sender has a window of its own', { kid, ctr: 8n, input }, { before });
    const twin = sealedOf(plain, kid, 8n, join(rtp({ seq: 7 }), payload(9)));
    opening(plain, 'another frame with the same counter', twin, 'REPLAYED', {
      before: [sealedOf(plain, kid, 8n, input)],
    });
  });
}

/** Section 6, step 9: everything that the tag covers. */
function forgeries() {
  GCM2.forEach((mode, m) => {
    const bound = gcm2(mode, RTP, { keyId: 5 });
    const unbound = gcm2(mode, UNBOUND, { keyId: 5 });
    const kid = drawKid(5, `forged ${mode}`);
    const header = rtp({ csrcs: 1, profile: 'bede', extension: '107f0000' });
    const input = join(header, payload(20));
    const [sealed, loose] = [bound, unbound].map((setup) => sealedOf(setup, kid, 9n, input));
    const start = header.length;

    /** @type {[string, Buffer][]} */
    const flips = [
      ['first bit of the tag', flip(sealed, -16, 0x80)],
      ['a bit in the middle of the tag', flip(sealed, -8, 0x10)],
      ['last bit of the tag', flip(sealed, -1)],
      ['a tag of zeros', join(sealed.subarray(0, -16), Buffer.alloc(16))],
      ['first byte of the ciphertext', flip(sealed, start + 10)],
      ['last byte of the ciphertext', flip(sealed, -17, 0x80)],
      ['one byte of ciphertext less', join(sealed.subarray(0, -17), sealed.subarray(-16))],
      ['one byte cut off', sealed.subarray(0, -1)],
      ['one byte more', join(sealed, 0)],
      ['all but SFrame header and tag cut out', join(sealed.subarray(0, start + 10), sealed.subarray(-16))],
      ['SFrame header, the session', flip(sealed, start + 8)],
      ['SFrame header, the counter', flip(sealed, start + 9, 0x20)],
      ['RTP header, M', flip(sealed, 1, 0x80)],
      ['RTP header, PT', flip(sealed, 1, 0x01)],
      ['RTP header, P', flip(sealed, 0, 0x20)],
      ['RTP header, sequence number', flip(sealed, 3)],
      ['RTP header, timestamp', flip(sealed, 7)],
      ['RTP header, SSRC', flip(sealed, 11)],
      ['RTP header, CSRC', flip(sealed, 15)],
      ['RTP header, profile of the extension', flip(sealed, 17)],
      ['RTP header, last byte of the extension', flip(sealed, start - 1)],
      ['RTP header without the extension', join(put(sealed, 0, 0x81).subarray(0, 16), sealed.subarray(start))],
    ];
    flips.forEach(([what, forged], i) => {
      if (i % 2 === m) opening(bound, `forged, ${what}`, forged, 'BAD_TAG');
    });

    // A keyId in the SFrame header; a KID that the config byte makes shorter, and so of keyId 0.
    opening(bound, 'forged, the keyId', flip(sealed, start + 1, 0x80), 'UNKNOWN_KEY');
    const small = sealedOf(bound, kid, 7n, input);
    opening(bound, 'forged, a KID of 7 bytes', flip(small, start, 0x10), 'UNKNOWN_KEY');
    opening(bound, 'forged, a KID in the config byte', flip(small, start, 0x80), 'UNKNOWN_KEY');

    const unboundFlips = /** @type {[string, Buffer][]} */ ([
      ['P', flip(loose, 0, 0x20)],
      ['last bit of the tag', flip(loose, -1)],
      ['last byte of the ciphertext', flip(loose, -17)],
      ['SFrame header, the counter', flip(loose, start + 9, 0x20)],
    ]);
    for (const [what, forged] of unboundFlips) opening(unbound, `forged, ${what}`, forged, 'BAD_TAG');
    const padded = sealedOf(unbound, kid, 10n, join(rtp({ p: true }), payload(20)));
    opening(unbound, 'forged, P taken away', flip(padded, 0, 0x20), 'BAD_TAG');

    // What a relay may rewrite without bindHeader: everything but P.
    const body = loose.subarray(start);
    const long = bytes('rewritten', 80).toString('hex');
    /** @type {[string, Buffer][]} */
    const rewritten = [
      ['M', flip(header, 1, 0x80)],
      ['PT', put(header, 1, 96)],
      ['sequence number', flip(header, 3)],
      ['timestamp', flip(header, 7)],
      ['SSRC', flip(header, 11)],
      ['CSRC', flip(header, 15)],
      ['no extension, no CSRC', rtp()],
      ['15 CSRCs and a long extension', rtp({ csrcs: 15, profile: '1000', extension: long })],
    ];
    rewritten.forEach(([what, other], i) => {
      if (i % 2 === m) opening(unbound, `rewritten header, ${what}`, join(other, body), join(other, payload(20)));
    });

    // Sealed with something else than the opener has.
    const ours = { keyId: 5 };
    const otherMode = gcm2(GCM2[1 - m], RTP, ours);
    const otherKey = gcm2(mode, RTP, { ...ours, key: bytes('other key', 32).toString('hex') });
    const otherSalt = gcm2(mode, RTP, { ...ours, salt: bytes('other salt', 32).toString('base64') });
    opening(otherMode, 'sealed with the other mode', sealed, 'BAD_TAG');
    opening(otherKey, 'sealed with another key', sealed, 'BAD_TAG');
    opening(otherSalt, 'sealed with another salt', sealed, 'BAD_TAG');
    opening(unbound, 'sealed with bindHeader true', sealed, 'BAD_TAG');
    opening(bound, 'sealed with bindHeader false', loose, 'BAD_TAG');
    const framed = gcm2(mode, FRAME, ours);
    opening(bound, 'sealed with framing frame', sealedOf(framed, kid, 9n, payload(20)), 'NOT_RTP');
    opening(
      bound,
      'sealed with framing frame, sent in RTP',
      join(header, sealedOf(framed, kid, 9n, payload(20))),
      'BAD_TAG',
    );
    opening(framed, 'sealed with framing rtp, without its header', loose.subarray(start), 'BAD_TAG');
    // Read as an SFrame header, 80 6f is a KID of one byte, so of keyId 0, and CTR 0.
    const zero = sealedOf(gcm2(mode, RTP), drawKid(0, 'framing'), 9n, join(rtp(), payload(20)));
    opening(gcm2(mode, FRAME), 'sealed with framing rtp', zero, 'BAD_TAG');
    opening(framed, 'sealed with framing rtp, keyId 0', zero, 'UNKNOWN_KEY');
  });
}

/** Section 4, "Sealing: the order of checks", and section 6, step 5. */
function rooms() {
  GCM2.forEach((mode, m) => {
    for (const layout of LAYOUTS) {
      const setup = gcm2(mode, layout);
      const kid = drawKid(0, `room ${mode}`);
      const input = inputOf(setup, 20);
      const sealed = sealedOf(setup, kid, 8n, input);
      refusal(setup, 'to seal, out is one byte short', input, 'NO_ROOM', sealed.length - 1);
      opening(setup, 'to open, out fits', sealed, input, { outLength: input.length });
      opening(setup, 'to open, out is one byte short', sealed, 'NO_ROOM', { outLength: input.length - 1 });
      const nothing = inputOf(setup, 0);
      const least = sealedOf(setup, kid, 9n, nothing);
      opening(setup, 'to open, no payload, out fits', least, nothing, { outLength: nothing.length });
    }

    const setup = gcm2(mode, m === 0 ? RTP : UNBOUND);
    const kid = drawKid(0, `room ${mode}`);
    const input = inputOf(setup, 20);
    const sealed = sealedOf(setup, kid, 8n, input);
    refusal(setup, 'to seal, out as long as the input', input, 'NO_ROOM', input.length);
    refusal(setup, 'to seal, out short, cut short', input.subarray(0, 11), 'MALFORMED', 11);
    refusal(setup, 'to seal, out short, RTCP', unhex('80c90001deadbeef'), 'RTCP', 8);
    refusal(setup, 'to seal, out short, STUN', unhex('000100002112a442'), 'NOT_RTP', 8);
    const short = { outLength: input.length - 1 };
    opening(setup, 'to open, no out, the tag cut short', sealed.subarray(0, 12 + 10 + 15), 'MALFORMED', {
      outLength: 0,
    });
    opening(setup, 'to open, out short, forged', flip(sealed, -1), 'NO_ROOM', short);
    opening(setup, 'to open, out short, again', sealed, 'NO_ROOM', { ...short, before: [sealed] });
    const unknown = sealedOf(setup, drawKid(9, 'room'), 8n, input);
    opening(setup, 'to open, out short, keyId not live', unknown, 'NO_ROOM', short);
  });
}

/** Section 6, step 6: frames of the channel itself. */
function ownFrames() {
  GCM2.forEach((mode, m) => {
    const setup = gcm2(mode, LAYOUTS[m === 0 ? 0 : 2]);
    const kid = drawKid(0, `own ${mode}`);
    const other = drawKid(0, `own, other ${mode}`);
    const input = inputOf(setup, 20);
    const sealed = sealedOf(setup, kid, 3n, input);
    const own = { own: { kid, ctr: 3n } };
    opening(setup, 'a frame of its own', sealed, 'OWN_FRAME', own);
    opening(setup, 'a frame of its own, forged', flip(sealed, -1), 'OWN_FRAME', own);
    opening(setup, 'a frame of its own, again', sealed, 'OWN_FRAME', { ...own, before: [sealed] });
    opening(setup, 'a frame of its own, out short', sealed, 'NO_ROOM', { ...own, outLength: input.length - 1 });
    opening(setup, 'a frame of another while it has sealers', sealedOf(setup, other, 3n, input), input, own);
  });
}

/** Section 5. */
function sm4Frames() {
  const lengths = [...Array.from({ length: 18 }, (_, i) => i), 32, 160];
  for (const key of [KEY, KEY.slice(0, 32)]) {
    for (const layout of [RTP, FRAME]) {
      const setup = ecb(key, layout);
      // Every length with both keys: with one of them in RTP, with the other as a frame.
      for (const length of lengths.filter((n) => ((n % 2 === 0) === (key === KEY)) === (layout === RTP))) {
        bothWays(setup, `a payload of ${length}`, { kid: 0n, ctr: 0n, input: inputOf(setup, length) });
      }
    }
  }

  const [setup, frames, loose] = [ecb(KEY, RTP), ecb(KEY, FRAME), ecb(KEY, UNBOUND)];
  const channel = makeChannel(setup.config, setup.options);
  if (!('key16' in channel)) throw new Error('SM4');
  const { key16 } = channel;
  const packet = join(rtp({ p: true, csrcs: 2, profile: 'bede', extension: '107f0000' }), payload(30), unhex('0002'));
  const frame = { kid: 0n, ctr: 0n, input: packet };
  const sealed = bothWays(setup, 'P, CSRCs and an extension', frame);
  bothWays(loose, 'P, CSRCs and an extension', frame);
  bothWays(setup, 'the same frame again', frame, { before: [sealed] });
  opening(setup, 'another RTP header', join(rtp(), sealed.subarray(28)), join(rtp(), packet.subarray(28)));
  opening(loose, 'P taken away', flip(sealed, 0, 0x20), flip(packet, 0, 0x20));
  const [one, two] = [sm4(key16, payload(16), true), sm4(key16, payload(32).subarray(16), true)];
  const end = sm4(key16, pad(Buffer.alloc(0)), true);
  const swapped = join(payload(32).subarray(16), payload(16));
  opening(frames, 'blocks in another order', join(two, one, end), swapped);

  for (const count of [1, 15, 17, 31]) {
    opening(frames, `${count} bytes`, bytes('rubbish', count), 'BAD_TAG');
    opening(setup, `${count} bytes`, join(rtp(), bytes('rubbish', count)), 'BAD_TAG');
  }
  opening(setup, 'no blocks', rtp(), 'BAD_TAG');
  opening(setup, 'without its last block', sealed.subarray(0, -16), 'BAD_TAG');
  /** @type {[string, string][]} */
  const paddings = [
    ['0', '000102030405060708090a0b0c0d0e00'],
    ['16 times 0', '00'.repeat(16)],
    ['17', '11'.repeat(16)],
    ['255', 'ff'.repeat(16)],
    ['2, one of them wrong', '000102030405060708090a0b0c0d0302'],
    ['3, the first of them wrong', '000102030405060708090a0b0c020303'],
    ['15, the first of them wrong', `0f0e${'0f'.repeat(14)}`],
    ['16, the first of them wrong', `0f${'10'.repeat(15)}`],
    ['16, the last but one wrong', `${'10'.repeat(14)}0f10`],
  ];
  for (const [what, last] of paddings) {
    opening(frames, `padding ${what}`, join(one, sm4(key16, unhex(last), true)), 'BAD_TAG');
  }
  const good = '000102030405060708090a0b0c0d0e01';
  opening(frames, 'padding 1', sm4(key16, unhex(good), true), unhex(good).subarray(0, 15));
  const three = '03030303030303030303030303030303';
  opening(
    frames,
    'padding 3, and more of the same before it',
    sm4(key16, unhex(three), true),
    unhex(three).subarray(3),
  );
  opening(frames, 'padding 16, after a block of the same', join(end, end), Buffer.alloc(16, 16));

  const other = ecb(bytes('other key', 32).toString('hex'), FRAME);
  opening(other, 'sealed with another key', sealedOf(frames, 0n, 0n, payload(40)), 'BAD_TAG');
  opening(ecb(KEY.slice(0, 32), FRAME), 'sealed with all of the key', sealedOf(frames, 0n, 0n, payload(40)), 'BAD_TAG');
  const theirs = gcm2(GCM2[0], FRAME);
  opening(frames, 'sealed with GCM2', sealedOf(theirs, drawKid(0, 'sm4'), 7n, payload(20)), 'BAD_TAG');
  opening(frames, 'sealed with GCM2, whole blocks', sealedOf(theirs, drawKid(0, 'sm4'), 7n, payload(23)), 'BAD_TAG');

  for (const some of [setup, frames]) {
    const input = inputOf(some, 20);
    const blocks = sealedOf(some, 0n, 0n, input);
    refusal(some, 'to seal, out is one byte short', input, 'NO_ROOM', blocks.length - 1);
    opening(some, 'to open, out is as long as the input', blocks, input, { outLength: blocks.length });
    opening(some, 'to open, out is one byte shorter than the input', blocks, 'NO_ROOM', {
      outLength: blocks.length - 1,
    });
    opening(some, 'to open, out has room for the plaintext alone', blocks, 'NO_ROOM', { outLength: input.length });
    opening(some, 'to open, out short, not whole blocks', blocks.subarray(0, -1), 'NO_ROOM', { outLength: 16 });
  }
  refusal(setup, 'to seal, out short, RTCP', unhex('80c90001deadbeef'), 'RTCP', 8);
}

/* The file. */

/**
 * @param {unknown} value
 * @returns {unknown}
 */
function plain(value) {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'bigint' ? String(value) : value;
}

/**
 * Objects and arrays on one line, with spaces.
 * @param {unknown} value
 */
function line(value) {
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}: ${JSON.stringify(field)}`);
  return `{ ${fields.join(', ')} }`;
}

function render() {
  examples();
  configurations();
  counters();
  keyIds();
  rtpHeaders();
  payloads();
  datagrams();
  sframeHeaders();
  unknownKeys();
  windows();
  forgeries();
  rooms();
  ownFrames();
  sm4Frames();
  const texts = cases.map(({ id, kind, ...fields }) => {
    const lines = Object.entries(fields)
      .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
      .map(([name, value]) => `      ${JSON.stringify(name)}: ${line(plain(value))}`);
    return `    {\n      "id": ${line(id)}, "kind": ${line(kind)},\n${lines.join(',\n')}\n    }`;
  });
  const head = [
    '  "format": "frameseal-vectors/1"',
    '  "title": "The frameseal format, version 1"',
    '  "source": "FORMAT.md sections 1 to 7, by the second implementation in test/support/second"',
  ];
  return `{\n${head.join(',\n')},\n  "cases": [\n${texts.join(',\n')}\n  ]\n}\n`;
}

const text = render();
if (argv[2] === '--check') {
  if (readFileSync(FILE, 'utf8') !== text) {
    console.error('fixtures/channel.json is not what the second implementation makes of FORMAT.md');
    exit(1);
  }
} else {
  writeFileSync(FILE, text);
}
