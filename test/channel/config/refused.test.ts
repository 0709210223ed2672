/** Configurations that are refused (FORMAT.md section 1): every row of cases.ts, the order of faults, and no secret in an error. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/channel/config.js';
import { ConfigError } from '../../../src/config-error.js';
import { CASES } from './cases.js';
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
  URL_SALT,
} from './values.js';

describe('what is refused', () => {
  it.each(CASES)('%s -> %s', (_name, code, field, config, ...words) => {
    const error = faultOf(config);
    expect(error.code).toBe(code);
    expect(error.field).toBe(field);
    expect(error.name).toBe('ConfigError');
    expect(error.message.startsWith(`${field}: expected `)).toBe(true);
    for (const word of ['; got ', ...words]) expect(error.message).toContain(word);
    expect(error.message).toMatch(/`(openssl rand [^`]+|frameseal keygen)`/);
    expectNoLeak(error);
  });

  it('covers every code that parseConfig throws', () => {
    expect([...new Set(CASES.map(([, code]) => code))].sort()).toEqual(Object.keys(CODES).sort());
  });

  it('reports the first fault, in the order config, fields, mode, key, salt, keyId, context', () => {
    const faulty = { encryptionMode: 'x', encryptionKey: 'x', encryptionKdfSalt: 'x', keyId: 99, context: '' };
    const corrected: [config: unknown, code: string][] = [
      [[{ ...faulty, mystery: 1 }], 'config_type'],
      [{ ...faulty, mystery: 1 }, 'unknown_field'],
      [faulty, 'mode_unknown'],
      [{ ...faulty, encryptionMode: 7 }, 'key_alphabet'],
      [{ ...faulty, encryptionMode: 7, encryptionKey: KEY }, 'salt_padding'],
      [{ ...GCM2, keyId: 99, context: '' }, 'key_id_range'],
      [{ ...GCM2, context: '' }, 'context_empty'],
    ];
    for (const [config, code] of corrected) expect(faultOf(config).code).toBe(code);
    expect(faultOf({ ...SM4, encryptionKdfSalt: SALT, keyId: 1, context: '' }).code).toBe('salt_not_allowed');
    expect(faultOf({ ...SM4, keyId: 1, context: '' }).code).toBe('key_id_not_allowed');
  });

  it('shows no key that was pasted into another field', () => {
    const secrets = [KEY, KEY_16, KEY_BYTES, ascii(KEY), SALT, URL_SALT, KEY_IN_BASE64, SALT_BYTES, [...KEY_BYTES]];
    let refused = 0;
    for (const field of ['encryptionMode', 'keyId', 'mystery', 'encryptionKdfSalt', 'encryptionKey', 'context']) {
      for (const secret of secrets) {
        for (const base of [GCM2, SM4]) {
          try {
            parseConfig({ ...base, [field]: secret });
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
            expectNoLeak(error as ConfigError);
            refused++;
          }
        }
      }
    }
    // Thirteen are right: the five texts as a context; KEY and KEY_BYTES as either key, KEY_16 and SALT_BYTES as an SM4 key, SALT and SALT_BYTES as the salt.
    expect(refused).toBe(6 * secrets.length * 2 - 13);
    expectNoLeak(faultOf(KEY));
    expectNoLeak(faultOf(KEY_BYTES));
  });

  it('lets the throwing getter of a configuration through', () => {
    const failure = new Error('vault is sealed');
    const config = {
      ...GCM2,
      get keyId(): number {
        throw failure;
      },
    };
    expect(() => parseConfig(config)).toThrow(failure);
  });
});
