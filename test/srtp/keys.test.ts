/** Master keys (FORMAT.md section 8): what is taken, from SDES and DTLS too; and what is refused, without showing a key. */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  ConfigError,
  isRtcp,
  keysFromDtls,
  keysFromSdes,
  type SrtpKeys,
  SrtpReceiver,
  SrtpSender,
} from '../../src/srtp/index.js';
import { concat } from '../support/arrays.js';
import { bytes } from '../support/channel.js';
import { ENGINES, mistyped, NOT_BYTES } from '../support/engines.js';
import { keyBytesOf, rtpPacket, SrtpReference, SUITES, srtpKeys } from '../support/srtp.js';

const KEYS = srtpKeys('AEAD_AES_128_GCM');

/** The ConfigError that a call throws; its message must show nothing of these. */
function refusalOf(call: () => unknown, ...secrets: (Uint8Array | string)[]): ConfigError {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError: ${error}`);
  for (const secret of secrets) {
    const texts = typeof secret === 'string' ? [secret.slice(0, 8)] : [Buffer.from(secret).toString('hex', 0, 4)];
    for (const text of texts) expect(error.message.toLowerCase()).not.toContain(text.toLowerCase());
  }
  expect(error.message).toMatch(/^\w+: expected .+; got .+\. .+\.$/);
  return error;
}

describe('the keys of a sender or a receiver', () => {
  const refused: [name: string, field: string, code: string, keys: unknown][] = [
    ['nothing', 'keys', 'config_type', undefined],
    ['null', 'keys', 'config_type', null],
    ['text', 'keys', 'config_type', '1 AEAD_AES_128_GCM inline:...'],
    ['no suite', 'suite', 'suite_missing', { ...KEYS, suite: undefined }],
    ['a suite by prototype', 'suite', 'suite_missing', Object.create(KEYS)],
    ['a number for the suite', 'suite', 'suite_type', { ...KEYS, suite: 7 }],
    ['another suite', 'suite', 'suite_not_offered', { ...KEYS, suite: 'AES_CM_128_HMAC_SHA1_80' }],
    ['a suite with a small letter', 'suite', 'suite_not_offered', { ...KEYS, suite: 'aead_AES_128_GCM' }],
    ['a name from the prototype', 'suite', 'suite_unknown', { ...KEYS, suite: 'toString' }],
    ['no key', 'masterKey', 'key_missing', { ...KEYS, masterKey: undefined }],
    ['a key as text', 'masterKey', 'key_type', { ...KEYS, masterKey: '00112233445566778899aabbccddeeff' }],
    ['a long key', 'masterKey', 'key_length', { ...KEYS, masterKey: bytes(32) }],
    ['a short key', 'masterKey', 'key_length', { ...KEYS, suite: 'AEAD_AES_256_GCM' }],
    ['key and salt in one', 'masterKey', 'key_length', { ...KEYS, masterKey: bytes(28) }],
    ['zeros for a key', 'masterKey', 'key_weak', { ...KEYS, masterKey: new Uint8Array(16) }],
    [
      'hex written out',
      'masterKey',
      'key_text_as_bytes',
      { ...srtpKeys('AEAD_AES_256_GCM'), masterKey: Buffer.from('00112233445566778899AABBccddeeff') },
    ],
    ['no salt', 'masterSalt', 'salt_missing', { suite: KEYS.suite, masterKey: KEYS.masterKey }],
    ['null for a salt', 'masterSalt', 'salt_missing', { ...KEYS, masterSalt: null }],
    ['a salt of AES-CM', 'masterSalt', 'salt_length', { ...KEYS, masterSalt: bytes(14) }],
    ['a salt as an array', 'masterSalt', 'salt_type', { ...KEYS, masterSalt: [...bytes(12)] }],
    ['zeros for a salt', 'masterSalt', 'salt_all_zero', { ...KEYS, masterSalt: new Uint8Array(12) }],
  ];
  test.each(refused)('refused: %s', (_, field, code, keys) => {
    for (const make of [
      () => new SrtpSender(mistyped<SrtpKeys>(keys)),
      () => new SrtpReceiver(mistyped<SrtpKeys>(keys)),
    ]) {
      expect(refusalOf(make, KEYS.masterKey, KEYS.masterSalt)).toMatchObject({ field, code });
    }
  });

  test('an error for another suite names the two suites on offer', () => {
    const { message } = refusalOf(
      () => new SrtpSender(mistyped<SrtpKeys>({ ...KEYS, suite: 'AES_CM_128_HMAC_SHA1_80' })),
    );
    for (const name of ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM', 'AEAD_AES_256_GCM'])
      expect(message).toContain(name);
  });

  test('the arrays are copied: later changes do not matter', () => {
    const keys = { ...KEYS, masterKey: KEYS.masterKey.slice(), masterSalt: KEYS.masterSalt.slice() };
    const [sender, receiver] = [new SrtpSender(keys), new SrtpReceiver(keys)];
    keys.masterKey.fill(0);
    keys.masterSalt.fill(0);
    const packet = rtpPacket(bytes(20));
    const out = new Uint8Array(48);
    expect(sender.protect(packet, out)).toBe(48);
    expect(Buffer.compare(out, new SrtpReference(KEYS).protect(packet))).toBe(0);
    expect(receiver.unprotect(out, out)).toBe(32);
  });

  test.each(ENGINES)('random keys, engine %s: derivation as by node:crypto', (engine) => {
    for (let seed = 0; seed < 20; seed++) {
      for (const suite of SUITES) {
        const keys = srtpKeys(suite, seed);
        const sender = new SrtpSender(keys, { engine });
        const packet = rtpPacket(bytes(9));
        const out = new Uint8Array(37);
        expect(sender.protect(packet, out)).toBe(37);
        expect(Buffer.compare(out, new SrtpReference(keys).protect(packet))).toBe(0);
        sender.close();
      }
    }
  });

  const options: [options: unknown, error: typeof TypeError | typeof RangeError][] = [
    [null, TypeError],
    [{ maxSenders: 3 }, TypeError],
    [{ engine: 'fast' }, TypeError],
    [{ maxStreams: '3' }, TypeError],
    [{ maxStreams: 0 }, RangeError],
    [{ maxStreams: 65_537 }, RangeError],
    [{ maxStreams: 1.5 }, RangeError],
    [{ replayWindow: 32 }, RangeError],
    [{ replayWindow: 1000 }, RangeError],
    [{ replayWindow: 131_072 }, RangeError],
    [{ replayWindow: true }, TypeError],
  ];
  test.each(options)('options refused: %j', (value, error) => {
    expect(() => new SrtpSender(KEYS, mistyped(value))).toThrow(error);
    expect(() => new SrtpReceiver(KEYS, mistyped(value))).toThrow(error);
  });

  test('options at their ends are taken', () => {
    for (const value of [{}, { maxStreams: 1, replayWindow: 64 }, { maxStreams: 65_536, replayWindow: 65_536 }]) {
      new SrtpSender(KEYS, value).close();
      new SrtpReceiver(KEYS, value).close();
    }
    expect(new SrtpSender(KEYS)).toMatchObject({ overhead: 16, rtcpOverhead: 20 });
  });
});

describe('SDES (RFC 4568)', () => {
  const base64 = (keys: SrtpKeys) => Buffer.concat([keys.masterKey, keys.masterSalt]).toString('base64');
  const [small, large] = SUITES.map((suite) => srtpKeys(suite, 5)) as [SrtpKeys, SrtpKeys];

  const taken: [name: string, line: string, keys: SrtpKeys][] = [
    ['AES-128', `1 AEAD_AES_128_GCM inline:${base64(small)}`, small],
    ['AES-256', `1 AEAD_AES_256_GCM inline:${base64(large)}`, large],
    ['a whole attribute', `a=crypto:1 AEAD_AES_256_GCM inline:${base64(large)}\r\n`, large],
    ['a lifetime as a power', `999999999 AEAD_AES_128_GCM inline:${base64(small)}|2^48`, small],
    ['a lifetime as a number', `0 AEAD_AES_128_GCM inline:${base64(small)}|1048576`, small],
    ['no padding', `1 AEAD_AES_128_GCM inline:${base64(small).replace(/=+$/, '')}`, small],
    ['a window size hint', `1 AEAD_AES_128_GCM inline:${base64(small)} WSH=1024`, small],
    ['what may be ignored', `1 AEAD_AES_128_GCM inline:${base64(small)} -NEW=3`, small],
  ];
  test.each(taken)('taken: %s', (_, line, { suite, masterKey, masterSalt }) => {
    const keys = keysFromSdes(line);
    expect(Object.keys(keys)).toEqual(['suite', 'masterKey', 'masterSalt']);
    expect(keys).toEqual({ suite, masterKey: new Uint8Array(masterKey), masterSalt: new Uint8Array(masterSalt) });
    new SrtpSender(keys).close();
  });

  const good = base64(small);
  const refused: [name: string, code: string, line: unknown, shown?: string][] = [
    ['no text', 'sdes_type', undefined],
    ['bytes', 'sdes_type', Buffer.from(`1 AEAD_AES_128_GCM inline:${good}`)],
    ['nothing', 'sdes_syntax', ''],
    ['no tag', 'sdes_syntax', `AEAD_AES_128_GCM inline:${good}`],
    ['a tag of ten digits', 'sdes_syntax', `1234567890 AEAD_AES_128_GCM inline:${good}`],
    ['two spaces', 'suite_unknown', `1  AEAD_AES_128_GCM inline:${good}`],
    ['no suite', 'suite_missing', '1'],
    ['the key in its place', 'suite_unknown', `1 inline:${good}`],
    ['AES-CM', 'suite_not_offered', `1 AES_CM_128_HMAC_SHA1_80 inline:${good}`, 'AES_CM_128_HMAC_SHA1_80'],
    ['AES-192', 'suite_not_offered', `1 AES_192_CM_HMAC_SHA1_80 inline:${good}`, 'AES_192_CM_HMAC_SHA1_80'],
    ['no key', 'sdes_syntax', '1 AEAD_AES_128_GCM'],
    ['another key method', 'sdes_syntax', `1 AEAD_AES_128_GCM uri:${good}`],
    ['INLINE', 'sdes_syntax', `1 AEAD_AES_128_GCM INLINE:${good}`],
    ['two keys', 'sdes_several_keys', `1 AEAD_AES_128_GCM inline:${good}|2^20|1:4;inline:${good}|2^20|2:4`],
    ['an MKI', 'sdes_mki', `1 AEAD_AES_128_GCM inline:${good}|1:4`],
    ['an MKI after a lifetime', 'sdes_mki', `1 AEAD_AES_128_GCM inline:${good}|2^31|1:1`],
    ['a lifetime that is none', 'sdes_lifetime', `1 AEAD_AES_128_GCM inline:${good}|soon`],
    ['two lifetimes', 'sdes_lifetime', `1 AEAD_AES_128_GCM inline:${good}|2^31|2^31`],
    ['an empty lifetime', 'sdes_lifetime', `1 AEAD_AES_128_GCM inline:${good}|`],
    ['KDR', 'sdes_parameter', `1 AEAD_AES_128_GCM inline:${good} KDR=1`, 'KDR'],
    ['UNENCRYPTED_SRTP', 'sdes_parameter', `1 AEAD_AES_128_GCM inline:${good} UNENCRYPTED_SRTP`, 'UNENCRYPTED_SRTP'],
    [
      'UNENCRYPTED_SRTCP',
      'sdes_parameter',
      `1 AEAD_AES_128_GCM inline:${good} WSH=64 UNENCRYPTED_SRTCP`,
      'UNENCRYPTED_SRTCP',
    ],
    [
      'UNAUTHENTICATED_SRTP',
      'sdes_parameter',
      `1 AEAD_AES_128_GCM inline:${good} UNAUTHENTICATED_SRTP`,
      'UNAUTHENTICATED_SRTP',
    ],
    ['FEC_ORDER', 'sdes_parameter', `1 AEAD_AES_128_GCM inline:${good} FEC_ORDER=FEC_SRTP`, 'FEC_ORDER'],
    ['a second key for a parameter', 'sdes_parameter', `1 AEAD_AES_128_GCM inline:${good} ${good}`],
    ['a space at the end', 'sdes_parameter', `1 AEAD_AES_128_GCM inline:${good} `],
    ['the URL alphabet', 'sdes_base64', `1 AEAD_AES_128_GCM inline:__${good.slice(2)}`],
    ['stray bits', 'sdes_base64', `1 AEAD_AES_128_GCM inline:${good.slice(0, -3)}/==`],
    ['no key at all', 'sdes_length', '1 AEAD_AES_128_GCM inline:'],
    ['a key of AES-256', 'sdes_length', `1 AEAD_AES_128_GCM inline:${base64(large)}`],
    ['a key of AES-128', 'sdes_length', `1 AEAD_AES_256_GCM inline:${good}`],
    [
      'a salt of AES-CM',
      'sdes_length',
      `1 AEAD_AES_128_GCM inline:${bytes(30, 3) && Buffer.from(bytes(30)).toString('base64')}`,
    ],
  ];
  test.each(refused)('refused: %s', (_, code, line, shown) => {
    const error = refusalOf(() => keysFromSdes(mistyped(line)), good, base64(large), small.masterKey);
    expect(error.code).toBe(code);
    if (shown !== undefined) expect(error.message).toContain(shown);
    if (code.startsWith('suite_not')) expect(error.message).toContain('AEAD_AES_128_GCM or AEAD_AES_256_GCM');
  });

  test('zeros are refused where they are used', () => {
    const line = `1 AEAD_AES_128_GCM inline:${Buffer.alloc(28).toString('base64')}`;
    expect(refusalOf(() => new SrtpSender(keysFromSdes(line)))).toMatchObject({ code: 'key_weak' });
  });
});

describe('DTLS-SRTP (RFC 5764)', () => {
  test.each(SUITES)('%s: keys of the client, keys of the server, salts likewise', (suite) => {
    const [client, server] = [srtpKeys(suite, 1), srtpKeys(suite, 2)];
    const material = concat(client.masterKey, server.masterKey, client.masterSalt, server.masterSalt);
    const given = material.slice();
    expect(keysFromDtls(given, suite)).toEqual({ client, server });
    expect(given).toEqual(material);
  });

  test('what an exporter gives opens at the other end', () => {
    const material = createHmac('sha512', 'exporter').update('EXTRACTOR-dtls_srtp').digest().subarray(0, 56);
    const [here, there] = [keysFromDtls(material, 'AEAD_AES_128_GCM'), keysFromDtls(material, 'AEAD_AES_128_GCM')];
    const packet = rtpPacket(bytes(5));
    const out = new Uint8Array(40);
    expect(new SrtpSender(here.client).protect(packet, out)).toBe(33);
    expect(new SrtpReceiver(there.server).unprotect(out, new Uint8Array(40), 33)).toBe(-5);
    expect(new SrtpReceiver(there.client).unprotect(out, new Uint8Array(40), 33)).toBe(17);
  });

  test('another length, type or suite is refused', () => {
    for (const [suite, length] of [
      ['AEAD_AES_128_GCM', 88],
      ['AEAD_AES_256_GCM', 56],
      ['AEAD_AES_128_GCM', 60],
    ] as const) {
      const error = refusalOf(() => keysFromDtls(bytes(length), suite), bytes(length));
      expect(error).toMatchObject({ field: 'material', code: 'dtls_length' });
      expect(error.message).toContain(`${2 * (keyBytesOf(suite) + 12)} bytes`);
    }
    for (const value of NOT_BYTES) {
      expect(refusalOf(() => keysFromDtls(mistyped(value), 'AEAD_AES_128_GCM')).code).toBe('dtls_type');
    }
    expect(refusalOf(() => keysFromDtls(bytes(56), mistyped('SRTP_AES128_CM_SHA1_80'))).code).toBe('suite_not_offered');
  });
});

test('isRtcp: version 2, and a second byte of 192 to 223 (RFC 5761)', () => {
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      const expected = first >= 128 && first <= 191 && second >= 192 && second <= 223;
      if (isRtcp(Uint8Array.of(first, second, 0)) !== expected) expect([first, second]).toBe(expected);
    }
  }
  expect([isRtcp(new Uint8Array(0)), isRtcp(Uint8Array.of(128)), isRtcp(Uint8Array.of(128, 200))]).toEqual([
    false,
    false,
    true,
  ]);
  for (const value of NOT_BYTES) expect(() => isRtcp(mistyped(value))).toThrow(TypeError);
});
