/** Configurations that are accepted, and their values (FORMAT.md section 1). */
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { generateKey, generateSalt, parseConfig } from '../../../src/channel/config.js';
import { faultOf, GCM2, KEY, KEY_16, KEY_BYTES, SALT, SALT_BYTES, SM4 } from './values.js';

describe('what is accepted', () => {
  it.each([
    ['AES_128_GCM2', 7, ['aes-128-gcm2', 'aes-128-gcm-2', 'AES_128_gcm_2', 'Aes-128_GCM2', 'AES-128_GCM-2']],
    ['AES_256_GCM2', 8, ['aes-256-gcm2', 'aes-256-gcm-2', 'aes_256_GCM-2', 'AES-256-GCM2', 'aEs_256-gcm_2']],
    ['SM4_128_ECB', 4, ['sm4-128-ecb', 'SM4-128_ecb', 'sm4_128_ecb']],
  ] as const)('%s, by name, number %i and aliases', (name, number, aliases) => {
    const base = name === 'SM4_128_ECB' ? SM4 : GCM2;
    for (const id of [name, number, ...aliases]) {
      expect(parseConfig({ ...base, encryptionMode: id }).mode).toBe(name);
    }
  });

  it('what the example commands print', () => {
    const parsed = parseConfig({ ...GCM2, keyId: 15 });
    expect(parsed).toEqual({ mode: 'AES_256_GCM2', key: KEY_BYTES, salt: SALT_BYTES, keyId: 15, context: '' });
    for (const text of [KEY.toLowerCase(), KEY.toUpperCase()]) {
      expect(parseConfig({ ...GCM2, encryptionKey: text }).key).toEqual(KEY_BYTES);
    }
  });

  it('SM4 keys of 16 and 32 bytes, with the other fields left out or undefined', () => {
    const empty = { mode: 'SM4_128_ECB', salt: new Uint8Array(0), keyId: 0, context: '' };
    const short = KEY_BYTES.slice(0, 16);
    expect(parseConfig(SM4)).toEqual({ ...empty, key: KEY_BYTES });
    expect(parseConfig({ ...SM4, encryptionKey: KEY_16 })).toEqual({ ...empty, key: short });
    expect(parseConfig({ ...SM4, encryptionKey: short })).toEqual({ ...empty, key: short });
    expect(
      parseConfig({ ...SM4, encryptionKdfSalt: undefined, keyId: undefined, context: undefined }).salt.length,
    ).toBe(0);
  });

  it('keyId 0 to 15, and 0 where it is left out', () => {
    for (let id = 0; id < 16; id++) expect(parseConfig({ ...GCM2, keyId: id }).keyId).toBe(id);
    expect(parseConfig(GCM2).keyId).toBe(0);
    expect(parseConfig({ ...GCM2, keyId: undefined }).keyId).toBe(0);
    expect(parseConfig({ ...GCM2, keyId: -0 }).keyId).toBe(0);
  });

  it('a context of 1 to 255 bytes of UTF-8, as it stands, and none where it is left out', () => {
    const contexts = [
      'a',
      'room 7/audio/a>b',
      ' \u00a0',
      'e\u0301',
      '\u00e9',
      'r'.repeat(255),
      '\u{1f3e0}'.repeat(63),
      '\u2028\ufeff',
    ];
    for (const context of contexts) expect(parseConfig({ ...GCM2, context }).context).toBe(context);
    expect(parseConfig({ ...GCM2, context: undefined }).context).toBe('');
  });

  it('bytes of every make, copied into a plain Uint8Array', () => {
    const odd = new Uint8Array(64);
    odd.set(KEY_BYTES, 3);
    const shared = new Uint8Array(new SharedArrayBuffer(40), 5, 32);
    shared.set(KEY_BYTES);
    class OwnBytes extends Uint8Array {}
    const makes = {
      plain: KEY_BYTES.slice(),
      'odd offset': odd.subarray(3, 35),
      shared,
      Buffer: Buffer.from(KEY, 'hex'),
      subclass: OwnBytes.from(KEY_BYTES),
      'other realm': runInNewContext(`new Uint8Array([${KEY_BYTES}])`) as Uint8Array,
    };
    for (const [name, bytes] of Object.entries(makes)) {
      const asKey = parseConfig({ ...GCM2, encryptionKey: bytes }).key;
      const asSalt = parseConfig({ ...GCM2, encryptionKey: generateKey(), encryptionKdfSalt: bytes }).salt;
      for (const copy of [asKey, asSalt]) {
        bytes.fill(0);
        expect(Object.getPrototypeOf(copy), name).toBe(Uint8Array.prototype);
        expect(copy.buffer.byteLength, name).toBe(32);
        expect(copy, name).toEqual(KEY_BYTES);
      }
    }
  });

  it('null-prototype objects, class instances, another realm, symbols', () => {
    class Settings {
      encryptionMode = 'AES_256_GCM2';
      encryptionKey = KEY;
    }
    class MoreSettings extends Settings {
      encryptionKdfSalt = SALT;
    }
    const configs = [
      Object.assign(Object.create(null), GCM2),
      new MoreSettings(),
      Object.freeze({ ...GCM2 }),
      { ...GCM2, [Symbol('note')]: 'mine' },
      runInNewContext(`(${JSON.stringify(GCM2)})`),
    ];
    for (const config of configs) expect(parseConfig(config).key).toEqual(KEY_BYTES);
  });

  it('no inherited field: a polluted prototype configures no channel', () => {
    expect(faultOf(Object.create(GCM2)).code).toBe('mode_missing');
    const { encryptionKdfSalt, ...rest } = GCM2;
    expect(faultOf(Object.assign(Object.create({ encryptionKdfSalt }), rest)).code).toBe('salt_missing');
    expect(parseConfig(Object.assign(Object.create({ keyId: 9 }), { ...GCM2, keyId: undefined })).keyId).toBe(0);
    expect(parseConfig(Object.assign(Object.create({ context: 'room' }), GCM2)).context).toBe('');
  });

  it('each field is read once', () => {
    const reads: string[] = [];
    const config = new Proxy({ ...GCM2, keyId: 3, context: 'room' } as Record<string, unknown>, {
      get(target, field) {
        if (typeof field === 'string') reads.push(field);
        return Reflect.get(target, field);
      },
    });
    expect(parseConfig(config).keyId).toBe(3);
    expect(reads.sort()).toEqual(['context', 'encryptionKdfSalt', 'encryptionKey', 'encryptionMode', 'keyId']);
  });

  it('of the 64 last characters of a salt only the 16 without stray bits', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const outcome = [...alphabet].map((last) => {
      const config = { ...GCM2, encryptionKdfSalt: `${SALT.slice(0, 42)}${last}=` };
      return alphabet.indexOf(last) % 4 === 0 ? parseConfig(config).mode : faultOf(config).code;
    });
    expect(outcome.filter((code) => code === 'AES_256_GCM2').length).toBe(16);
    expect(outcome.filter((code) => code === 'salt_trailing_bits').length).toBe(48);
  });
});

describe('generateKey and generateSalt', () => {
  it('print what a configuration takes, another one each time', () => {
    expect(generateKey()).toMatch(/^[0-9a-f]{64}$/);
    expect(generateSalt()).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(new Set(Array.from({ length: 50 }, generateKey)).size).toBe(50);
    expect(new Set(Array.from({ length: 50 }, generateSalt)).size).toBe(50);
    for (const encryptionMode of ['AES_128_GCM2', 'AES_256_GCM2']) {
      const config = { encryptionMode, encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
      expect(parseConfig(config).mode).toBe(encryptionMode);
    }
  });
});
