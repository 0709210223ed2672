/** Arbitrary values as a configuration: the result is well-formed, or a ConfigError without secrets. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/channel/config.js';
import { ConfigError } from '../../../src/config-error.js';
import {
  ascii,
  CODES,
  expectNoLeak,
  faultOf,
  GCM2,
  KEY,
  KEY_16,
  KEY_BYTES,
  KEY_IN_BASE64,
  SALT,
  SALT_BYTES,
  SM4,
  THREE_MODES,
  URL_SALT,
} from './values.js';

describe('arbitrary input', () => {
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
  });
  const secret = fc.constantFrom<unknown>(
    KEY,
    KEY_16,
    SALT,
    URL_SALT,
    KEY_IN_BASE64,
    KEY_BYTES,
    SALT_BYTES,
    ascii(KEY),
  );
  /** A key or salt with something cut off, added or changed. */
  const damaged = fc
    .tuple(fc.constantFrom(KEY, SALT), fc.nat(66), fc.nat(3), fc.string({ maxLength: 3 }), fc.boolean())
    .map(([text, at, cut, added, asBytes]) => {
      const result = text.slice(0, at) + added + text.slice(at + cut);
      return asBytes ? ascii(result) : result;
    });
  const junk = fc.oneof(anything, fc.string(), secret, damaged);

  /** Runs parseConfig; nothing but a well-formed result or a ConfigError without secrets may come of it. */
  function parseOrRefuse(config: unknown): void {
    try {
      const { mode, key, salt, keyId, context, ...rest } = parseConfig(config);
      expect(rest).toEqual({});
      expect(THREE_MODES).toContain(mode);
      expect(mode === 'SM4_128_ECB' ? [16, 32] : [32]).toContain(key.length);
      expect(salt.length).toBe(mode === 'SM4_128_ECB' ? 0 : 32);
      expect(key.some((byte) => byte !== 0)).toBe(true);
      expect(Number.isInteger(keyId) && keyId >= 0 && keyId <= 15).toBe(true);
      expect(Buffer.from(context).toString()).toBe(context);
      expect(Buffer.byteLength(context)).toBeLessThanOrEqual(mode === 'SM4_128_ECB' ? 0 : 255);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      expect(CODES).toHaveProperty(error.code);
      expectNoLeak(error);
    }
  }

  it('as the configuration', () => {
    fc.assert(
      fc.property(anything, (config) => parseOrRefuse(config)),
      { numRuns: 300 },
    );
  });

  it('as one field of it', () => {
    const field = fc.constantFrom('encryptionMode', 'encryptionKey', 'encryptionKdfSalt', 'keyId', 'context');
    fc.assert(
      fc.property(fc.constantFrom<object>(GCM2, SM4), field, junk, (base, name, value) => {
        parseOrRefuse({ ...base, [name]: value });
      }),
      { numRuns: 1000 },
    );
  });

  it('as all fields of it', () => {
    const config = fc.record(
      {
        encryptionMode: fc.oneof(fc.constantFrom<unknown>(4, 7, 8, ...THREE_MODES), anything),
        encryptionKey: junk,
        encryptionKdfSalt: junk,
        keyId: fc.oneof(fc.integer({ min: -2, max: 17 }), anything),
        context: fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), anything),
      },
      { requiredKeys: [] },
    );
    fc.assert(fc.property(config, parseOrRefuse), { numRuns: 700 });
  });

  it('as a key in text: 64 hex digits pass, nothing else', () => {
    const digit = fc.constantFrom(...'0123456789abcdefABCDEF');
    const text = fc.oneof(
      fc.string({ unit: digit, minLength: 60, maxLength: 68 }),
      fc.string({
        unit: fc.oneof({ weight: 60, arbitrary: digit }, fc.string({ unit: 'binary', maxLength: 2 })),
        minLength: 64,
        maxLength: 64,
      }),
    );
    fc.assert(
      fc.property(text, (encryptionKey) => {
        const config = { ...GCM2, encryptionKey };
        if (/^[0-9a-fA-F]{64}$/.test(encryptionKey) && !/^0+$/.test(encryptionKey)) {
          expect(Buffer.from(parseConfig(config).key).toString('hex')).toBe(encryptionKey.toLowerCase());
        } else {
          expect(faultOf(config).field).toBe('encryptionKey');
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('as a salt in text: what Node prints for 32 bytes passes, nothing else', () => {
    const bytes = fc.uint8Array({ minLength: 30, maxLength: 34 });
    const edit = fc.tuple(
      fc.nat(50),
      fc.nat(2),
      fc.string({ unit: fc.constantFrom(...'AQz9+/=-_ :0x'), maxLength: 2 }),
    );
    fc.assert(
      fc.property(bytes, fc.option(edit), (source, change) => {
        let encryptionKdfSalt = Buffer.from(source).toString('base64');
        if (change) {
          const [at, cut, added] = change;
          encryptionKdfSalt = encryptionKdfSalt.slice(0, at) + added + encryptionKdfSalt.slice(at + cut);
        }
        const decoded = Buffer.from(encryptionKdfSalt, 'base64');
        const good =
          decoded.length === 32 &&
          decoded.toString('base64') === encryptionKdfSalt &&
          decoded.some((byte) => byte !== 0);
        const config = { ...GCM2, encryptionKdfSalt };
        if (good) expect(parseConfig(config).salt).toEqual(new Uint8Array(decoded));
        else expect(faultOf(config).field).toBe('encryptionKdfSalt');
      }),
      { numRuns: 1000 },
    );
  });
});
