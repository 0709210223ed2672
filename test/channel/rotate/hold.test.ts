/** `holdKeys`: the live keys and the sealing key, as a program says (FORMAT.md section 6). */
import { describe, expect, test, vi } from 'vitest';
import { KeySchedule } from '../../../src/channel/keys.js';
import { bytes, config } from '../../support/channel.js';
import { A, B, C, channelOf, codeOf, D, E, opening, PAYLOAD, sealerOf, sealingKeyId, useTimers } from './setup.js';

useTimers();

describe('section 6: holdKeys', () => {
  test('every key opens, one seals, all others are wiped at once', () => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    const others = [A, B, C].map(sealerOf);
    channel.holdKeys([A, B], 0);
    expect(opening(opener, others)).toEqual([true, true, false]);
    expect([sealingKeyId(sealer), channel.keyId]).toEqual([0, 0]);
    channel.holdKeys([A, B], 1);
    expect([sealingKeyId(sealer), channel.keyId]).toEqual([1, 1]);
    expect(opening(opener, others)).toEqual([true, true, false]);
    const wipe = vi.spyOn(KeySchedule.prototype, 'wipe');
    channel.holdKeys([C, B], 1);
    // The key that ends, and the second copy of the one that stays.
    expect(wipe).toHaveBeenCalledTimes(2);
    expect(opening(opener, others)).toEqual([false, true, true]);
    channel.holdKeys([C], 2);
    expect(opening(opener, others)).toEqual([false, false, true]);
    expect(sealingKeyId(sealer)).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
    wipe.mockRestore();
  });

  test('a key that stays keeps its session and its senders', () => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    const frame = sealerOf(A).sealCopy(PAYLOAD);
    expect(opener.open(frame, new Uint8Array(PAYLOAD.length))).toBe(PAYLOAD.length);
    const { senderId } = sealer;
    channel.holdKeys([B, A], 0);
    sealer.sealCopy(PAYLOAD);
    expect(sealer.senderId).toBe(senderId);
    expect(opener.stats.senders).toBe(1);
    expect(opener.open(frame, new Uint8Array(PAYLOAD.length))).toBeLessThan(0);
  });

  test('sealing goes back to a key that is still live', () => {
    const channel = channelOf(A);
    const sealer = channel.createSealer();
    for (const sealing of [1, 0, 1]) {
      channel.holdKeys([A, B], sealing);
      expect(sealingKeyId(sealer)).toBe(sealing);
    }
  });

  test('the plan of a rotation under way is void, and a later rotation has its times', () => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    const others = [A, B, C].map(sealerOf);
    channel.rotate(B, { sealAfterMs: 100, graceMs: 100 });
    channel.holdKeys([A, B], 0);
    vi.advanceTimersByTime(1000);
    expect(sealingKeyId(sealer)).toBe(0);
    expect(opening(opener, others)).toEqual([true, true, false]);
    channel.holdKeys([A], 0);
    channel.rotate(C, { sealAfterMs: 100, graceMs: 100 });
    vi.advanceTimersByTime(100);
    expect(sealingKeyId(sealer)).toBe(2);
    vi.advanceTimersByTime(100);
    expect(opening(opener, others)).toEqual([false, false, true]);
  });

  test.each<[string, () => Parameters<ReturnType<typeof channelOf>['holdKeys']>, string]>([
    ['no keys', () => [[], 0], 'rotate_key_id_live'],
    ['five keys', () => [[A, B, C, D, E], 0], 'rotate_too_many_keys'],
    ['two of one keyId', () => [[A, { ...B, keyId: 0 }], 0], 'rotate_key_id_live'],
    ['one key twice', () => [[A, A], 0], 'rotate_key_id_live'],
    ['one new key under two ids', () => [[A, B, { ...B, keyId: 5 }], 0], 'rotate_key_used'],
    ['the live key under another id', () => [[{ ...A, keyId: 5 }], 5], 'rotate_key_used'],
    ['a sealing key that is not among them', () => [[A, B], 2], 'rotate_key_id_live'],
    ['another mode', () => [[A, config('AES_256_GCM2', 1)], 0], 'rotate_mode'],
    ['another context', () => [[A, { ...B, context: 'room 7' }], 0], 'rotate_context'],
    ['a bad key', () => [[A, { ...B, encryptionKey: bytes(3) }], 0], 'key_length'],
  ])('refuses %s, and nothing has changed', (_, args, code) => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    const { senderId } = sealer;
    expect(codeOf(() => channel.holdKeys(...args()))).toBe(code);
    expect(sealer.senderId).toBe(senderId);
    expect(opening(opener, [sealerOf(A), sealerOf(B)])).toEqual([true, false]);
    channel.holdKeys([A, B], 1);
    expect(sealingKeyId(sealer)).toBe(1);
  });

  test('refuses a key that has ended, and wipes what it has made', () => {
    const channel = channelOf(A);
    channel.holdKeys([B, C], 1);
    channel.holdKeys([B], 1);
    const wipe = vi.spyOn(KeySchedule.prototype, 'wipe');
    expect(codeOf(() => channel.holdKeys([B, D, A], 1))).toBe('rotate_key_used');
    expect(wipe).toHaveBeenCalledTimes(3);
    wipe.mockRestore();
    expect(codeOf(() => channel.holdKeys([A, B], 1))).toBe('rotate_key_used');
    expect(codeOf(() => channel.holdKeys([B, C], 1))).toBe('rotate_key_used');
    expect(codeOf(() => channel.holdKeys([B, { ...A, keyId: 9 }], 1))).toBe('rotate_key_used');
  });

  test('wiping that throws is tried again', () => {
    const channel = channelOf(A);
    const { wipe } = KeySchedule.prototype;
    const spy = vi.spyOn(KeySchedule.prototype, 'wipe').mockImplementationOnce(() => {
      throw new Error('wiping');
    });
    expect(() => channel.holdKeys([B], 1)).toThrow('wiping');
    expect(channel.keyId).toBe(1);
    const failed = spy.mock.instances[0];
    spy.mockClear();
    vi.advanceTimersByTime(1000);
    expect(spy.mock.instances).toEqual([failed]);
    expect(vi.getTimerCount()).toBe(0);
    spy.mockRestore();
    expect(KeySchedule.prototype.wipe).toBe(wipe);
  });

  test('is not there in SM4 mode, nor after close', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const legacy = config('SM4_128_ECB');
    expect(codeOf(() => channelOf(legacy).holdKeys([legacy], 0))).toBe('rotate_not_supported');
    warn.mockRestore();
    const channel = channelOf(A);
    channel.close();
    expect(() => channel.holdKeys([A], 0)).toThrow('closed');
  });
});
