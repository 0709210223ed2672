// @ts-check
/** Cases that are sealed and opened: appendix A, and FORMAT.md sections 1, 3 and 4. */
import { readDatagram } from '../headers.mjs';
import { bytes, drawKid, join, unhex } from './bytes.mjs';
import { bothWays, openedOnly, opening, sealedOf } from './record.mjs';
import {
  CONTEXT,
  CSRCS,
  EMPTY,
  EXAMPLE_KEY,
  EXAMPLE_SALT,
  EXTENSION,
  ecb,
  FRAME,
  GCM2,
  gcm2,
  inputOf,
  KEY,
  LAYOUTS,
  PAYLOAD_TYPE_77,
  payload,
  RECEIVER_REPORT,
  RTP,
  rtp,
  UNBOUND,
} from './setups.mjs';

/**
 * @typedef {import('./setups.mjs').Config} Config
 * @typedef {import('./setups.mjs').Setup} Setup
 */

/** Appendix A of FORMAT.md, both modes and all layouts. */
export function examples() {
  /** @type {[string, bigint, bigint, Buffer][]} */
  const frames = [
    ['ctr 0, one-byte extension', 0x01a1b2c3d4e5f607n, 0n, EXTENSION],
    ['ctr 7, two CSRCs, padding', 0x51a1b2c3d4e5f607n, 7n, CSRCS],
    ['ctr 8, empty payload', 0xf1a1b2c3d4e5f607n, 8n, EMPTY],
    ['ctr 255, one-byte extension', 0x51a1b2c3d4e5f607n, 255n, EXTENSION],
    ['ctr 256, one-byte extension', 0x51a1b2c3d4e5f607n, 256n, EXTENSION],
    ['ctr 70000, one-byte extension', 0x51a1b2c3d4e5f607n, 70_000n, EXTENSION],
  ];
  /** @type {[string, { kid: bigint, ctr: bigint, input: Buffer, clear?: number }, string?][]} */
  const more = [
    ['a context', { kid: 0x01a1b2c3d4e5f607n, ctr: 3n, input: EXTENSION }, CONTEXT],
    ['an RTCP receiver report', { kid: 0x21a1b2c3d4e5f607n, ctr: 9n, input: RECEIVER_REPORT }],
    ['payload type 77 and marker', { kid: 0x21a1b2c3d4e5f607n, ctr: 10n, input: PAYLOAD_TYPE_77 }],
    ['three clear bytes', { kid: 0x21a1b2c3d4e5f607n, ctr: 11n, input: EXTENSION, clear: 3 }],
    ['padding, a clear byte, a context', { kid: 0x21a1b2c3d4e5f607n, ctr: 65_536n, input: CSRCS, clear: 1 }, CONTEXT],
  ];
  for (const mode of GCM2) {
    for (const [what, kid, ctr, packet] of frames) {
      for (const layout of LAYOUTS) {
        const setup = gcm2(mode, layout, { keyId: Number(kid >> 60n), key: EXAMPLE_KEY, salt: EXAMPLE_SALT });
        const read = readDatagram(packet, 'sealed');
        if (typeof read === 'string') throw new Error(read);
        const input = layout === FRAME ? packet.subarray(read.headerLength) : packet;
        bothWays(setup, `appendix A, ${what}`, { kid, ctr, input });
      }
    }
    for (const [what, frame, context] of more) {
      for (const layout of [RTP, UNBOUND]) {
        const same = { keyId: Number(frame.kid >> 60n), key: EXAMPLE_KEY, salt: EXAMPLE_SALT };
        const setup = gcm2(mode, layout, context === undefined ? same : { ...same, context });
        bothWays(setup, `appendix A, ${what}`, frame);
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
export function configurations() {
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
export function counters() {
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
export function keyIds() {
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
export function rtpHeaders() {
  /** @type {[string, Buffer][]} */
  const shapes = [
    ['one CSRC', rtp({ csrcs: 1 })],
    ['15 CSRCs', rtp({ csrcs: 15 })],
    ['a one-byte header extension', rtp({ profile: 'bede', extension: '51aabb3010ff0000' })],
    ['a two-byte header extension', rtp({ profile: '1000', extension: '0502aabb01000000' })],
    ['a two-byte header extension with appbits', rtp({ profile: '100f', extension: '0502aabb' })],
    ['an extension without content', rtp({ profile: 'bede' })],
    ['an extension of another profile', rtp({ profile: 'abcd', extension: '0123456789abcdef00000000' })],
    ['an extension of 32 words', rtp({ profile: '0000', extension: bytes('extension', 128).toString('hex') })],
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
export function payloads() {
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
    if (m === 0) bothWays(unbound, '4 clear bytes of 32', { kid, ctr: 7n, input: payload(32), clear: 4 });
    opening(gcm2(mode, FRAME), 'sealed with bindHeader false', sealedOf(unbound, kid, 6n, payload(32)), payload(32));
  });
  /** @type {[string, import('./setups.mjs').Layout, number][]} */
  const long = [
    [GCM2[0], FRAME, 400],
    [GCM2[1], UNBOUND, 1_200],
  ];
  for (const [mode, layout, length] of long) {
    const setup = gcm2(mode, layout);
    const frame = { kid: drawKid(0, `payloads ${mode}`), ctr: 100n, input: inputOf(setup, length) };
    bothWays(setup, `a payload of ${length}`, frame);
  }
}
