/** What rotate refuses, and that a refusal changes nothing (FORMAT.md section 6). */
import { describe, expect, test, vi } from 'vitest';
import type { EncryptionConfig } from '../../../src/channel/config.js';
import type { RotateOptions } from '../../../src/channel/options.js';
import { BAD_TAG } from '../../../src/status.js';
import { bytes, config } from '../../support/channel.js';
import { mistyped } from '../../support/engines.js';
import { sframeHeader } from '../../support/sframe.js';
import { A, B, C, channelOf, codeOf, D, E, opening, PAYLOAD, sealerOf, sealingKeyId, useTimers } from './setup.js';

useTimers();

describe('section 6: what rotate refuses', () => {
  test.each<[string, EncryptionConfig, string, string]>([
    ['another mode', config('AES_256_GCM2', 1), 'encryptionMode', 'rotate_mode'],
    ['a context', { ...B, context: 'room 7' }, 'context', 'rotate_context'],
    ['SM4', config('SM4_128_ECB'), 'encryptionMode', 'rotate_mode'],
    ['a live keyId', { ...B, keyId: 0 }, 'keyId', 'rotate_key_id_live'],
    ['the same configuration', A, 'keyId', 'rotate_key_id_live'],
    ['the same key under another keyId', { ...A, keyId: 7 }, 'encryptionKey', 'rotate_key_used'],
    ['a bad configuration', { ...B, encryptionKey: 'short' }, 'encryptionKey', 'key_alphabet'],
  ])('%s; nothing has changed', (_, settings, field, code) => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    const before = [sealer.senderId, channel.fingerprint, sealingKeyId(sealer)];
    expect(codeOf(() => channel.rotate(settings))).toBe(code);
    expect(() => channel.rotate(settings)).toThrow(expect.objectContaining({ name: 'ConfigError', field }));
    expect([sealer.senderId, channel.fingerprint, sealingKeyId(sealer)]).toEqual(before);
    expect(sframeHeader(sealer.sealCopy(PAYLOAD)).ctr).toBe(2);
    expect(opening(opener, [sealerOf(A), sealerOf(B)])).toEqual([true, false]);
    expect(vi.getTimerCount()).toBe(0);
    channel.rotate(B, { graceMs: 0 });
    expect(sealingKeyId(sealer)).toBe(1);
  });

  test('in a channel with a context: another one, one letter less, and none', () => {
    const channel = channelOf({ ...A, context: 'room 7' });
    for (const context of ['room 8', 'room ', 'Room 7', 'room 7 ', undefined])
      expect(codeOf(() => channel.rotate({ ...B, context }))).toBe('rotate_context');
    // The context before what is wrong with the key.
    expect(codeOf(() => channel.rotate(A))).toBe('rotate_context');
    channel.rotate({ ...B, context: 'room 7' }, { graceMs: 0 });
    const frames = ['room 7', 'room 8', undefined].map((context) => sealerOf({ ...B, context }).sealCopy(PAYLOAD));
    const opener = channel.createOpener();
    expect(frames.map((frame) => opener.open(frame, new Uint8Array(PAYLOAD.length)))).toEqual([
      PAYLOAD.length,
      BAD_TAG,
      BAD_TAG,
    ]);
  });

  test('a key that was live before, also after it has ended, however it is written', () => {
    const channel = channelOf(A);
    channel.rotate(B, { graceMs: 100 });
    vi.advanceTimersByTime(100);
    const text = Buffer.from(A.encryptionKey as Uint8Array).toString('hex');
    for (const again of [A, { ...A, keyId: 9 }, { ...A, encryptionKey: text, encryptionMode: 7 }])
      expect(codeOf(() => channel.rotate(again))).toBe('rotate_key_used');
    expect(codeOf(() => channel.rotate({ ...B, keyId: 2 }))).toBe('rotate_key_used');
    // The same key with another salt is another key; and the keyId of an ended key is free again.
    channel.rotate({ ...A, encryptionKdfSalt: bytes(32, 77) });
    expect(sealingKeyId(channel.createSealer())).toBe(0);
  });

  test('a key that a refused rotation named is not used by that', () => {
    const channel = channelOf(A);
    expect(codeOf(() => channel.rotate({ ...B, keyId: 0 }))).toBe('rotate_key_id_live');
    expect(codeOf(() => channel.rotate(B))).toBe('nothing');
  });

  test('a fifth live key', () => {
    const channel = channelOf(A);
    for (const settings of [B, C, D]) channel.rotate(settings, { sealAfterMs: 50, graceMs: 50 });
    const opener = channel.createOpener();
    const others = [A, B, C, D, E].map(sealerOf);
    expect(codeOf(() => channel.rotate(E))).toBe('rotate_too_many_keys');
    expect(opening(opener, others)).toEqual([true, true, true, true, false]);
    vi.advanceTimersByTime(100);
    expect(opening(opener, others)).toEqual([false, false, false, true, false]);
    channel.rotate(E);
    expect(opening(opener, others)).toEqual([false, false, false, true, true]);
  });

  test('SM4 has no rotation', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const channel = channelOf(config('SM4_128_ECB'));
    for (const settings of [config('SM4_128_ECB', 0, 5), A])
      expect(codeOf(() => channel.rotate(settings))).toBe('rotate_not_supported');
    vi.restoreAllMocks();
  });

  test.each<[unknown, typeof RangeError | typeof TypeError]>([
    [{ sealAfterMs: -1 }, RangeError],
    [{ graceMs: -0.5 }, RangeError],
    [{ sealAfterMs: Number.NaN }, RangeError],
    [{ graceMs: Number.POSITIVE_INFINITY }, RangeError],
    [{ graceMs: 0x80000000 }, RangeError],
    [{ sealAfterMs: 0x7fffffff }, RangeError],
    [{ sealAfterMs: 0x7fff0000, graceMs: 0x10000 }, RangeError],
    [{ sealAfterMs: '5' }, TypeError],
    [{ graceMs: null }, TypeError],
    [{ graceMs: 5n }, TypeError],
    [null, TypeError],
  ])('options %o', (options, error) => {
    const channel = channelOf(A);
    expect(() => channel.rotate(B, mistyped<RotateOptions>(options))).toThrow(error);
    expect(vi.getTimerCount()).toBe(0);
    expect(opening(channel.createOpener(), [sealerOf(A), sealerOf(B)])).toEqual([true, false]);
    channel.rotate(B, { sealAfterMs: 0x7fff0000, graceMs: 0xffff });
    expect(vi.getTimerCount()).toBe(2);
    channel.close();
  });
});
