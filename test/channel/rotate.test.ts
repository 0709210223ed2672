/** Rotation and closing (FORMAT.md section 6). */
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../src/channel/channel.js';
import { ConfigError, type EncryptionConfig } from '../../src/channel/config.js';
import type { SessionSource } from '../../src/channel/keyring.js';
import type { Opener } from '../../src/channel/opener.js';
import type { RotateOptions } from '../../src/channel/options.js';
import type { Sealer } from '../../src/channel/sealer.js';
import { BAD_TAG, CLOSED, OWN_FRAME, REPLAYED, TOO_OLD, UNKNOWN_KEY } from '../../src/status.js';
import { bytes, config, countedSessions, expectBytes, referenceSeal } from '../support/channel.js';
import { mistyped } from '../support/engines.js';
import { sframeHeader } from '../support/sframe.js';

const FRAME = { framing: 'frame' } as const;
const PAYLOAD = bytes(10);
const MODE = 'AES_128_GCM2';
/** The keys of the epochs A, B, C, ...: keyId 0, 1, 2, ... */
const [A, B, C, D, E] = [0, 1, 2, 3, 4].map((keyId) => config(MODE, keyId)) as [
  EncryptionConfig,
  EncryptionConfig,
  EncryptionConfig,
  EncryptionConfig,
  EncryptionConfig,
];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const sessionsBelow = countedSessions();
const sessionsAbove = countedSessions(1n << 58n);

function channelOf(settings: EncryptionConfig, source: SessionSource = sessionsBelow): Channel {
  return enableEncryptionWith(settings, FRAME, source);
}

/** A sealer of a channel of its own that has this key alone. */
function sealerOf(settings: EncryptionConfig): Sealer {
  return channelOf(settings, sessionsAbove).createSealer();
}

function open(opener: Opener, frame: Uint8Array): number {
  const out = new Uint8Array(PAYLOAD.length);
  const result = opener.open(frame, out);
  if (result >= 0) expectBytes(out, PAYLOAD);
  return result;
}

/** Whether a frame sealed under each key opens now. */
function opening(opener: Opener, sealers: readonly Sealer[]): boolean[] {
  return sealers.map((sealer) => {
    const result = open(opener, sealer.sealCopy(PAYLOAD));
    if (result < 0) expect(result).toBe(UNKNOWN_KEY);
    return result >= 0;
  });
}

/** The keyId that a sealer seals under now. */
function sealingKeyId(sealer: Sealer): number {
  const { kid } = sframeHeader(sealer.sealCopy(PAYLOAD));
  expect(sealer.senderId).toBe(kid.toString(16).padStart(16, '0'));
  return Number(kid >> 60n);
}

function codeOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.code;
    throw error;
  }
  return 'nothing';
}

describe('section 6: rotate', () => {
  test('the new key opens at once, seals after sealAfterMs; the old one opens until graceMs after that', () => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    const others = [sealerOf(A), sealerOf(B)];
    expect(opening(opener, others)).toEqual([true, false]);
    const { fingerprint } = channel;

    channel.rotate(B, { sealAfterMs: 1000, graceMs: 500 });
    expect(opening(opener, others)).toEqual([true, true]);
    expect(sealingKeyId(sealer)).toBe(0);
    expect(channel.fingerprint).toBe(fingerprint);

    vi.advanceTimersByTime(999);
    expect(sealingKeyId(sealer)).toBe(0);
    vi.advanceTimersByTime(1);
    expect(sealingKeyId(sealer)).toBe(1);
    expect(channel.fingerprint).toBe(channelOf(B).fingerprint);
    expect(opening(opener, others)).toEqual([true, true]);

    vi.advanceTimersByTime(499);
    expect(opening(opener, others)).toEqual([true, true]);
    vi.advanceTimersByTime(1);
    expect(opening(opener, others)).toEqual([false, true]);
    expect(sealingKeyId(sealer)).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('by default it seals at once, and the old key opens for 10 seconds', () => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    const others = [sealerOf(A), sealerOf(B)];
    channel.rotate(B);
    expect(sealingKeyId(sealer)).toBe(1);
    vi.advanceTimersByTime(9999);
    expect(opening(opener, others)).toEqual([true, true]);
    vi.advanceTimersByTime(1);
    expect(opening(opener, others)).toEqual([false, true]);
  });

  test('with graceMs 0 the old key ends when the new one seals', () => {
    const now = channelOf(A);
    now.rotate(B, { graceMs: 0 });
    expect(opening(now.createOpener(), [sealerOf(A), sealerOf(B)])).toEqual([false, true]);
    expect(vi.getTimerCount()).toBe(0);

    const later = channelOf(A);
    const [sealer, opener] = [later.createSealer(), later.createOpener()];
    later.rotate(B, { sealAfterMs: 100, graceMs: 0 });
    vi.advanceTimersByTime(99);
    expect(sealingKeyId(sealer)).toBe(0);
    expect(opening(opener, [sealerOf(A), sealerOf(B)])).toEqual([true, true]);
    vi.advanceTimersByTime(1);
    expect(sealingKeyId(sealer)).toBe(1);
    expect(opening(opener, [sealerOf(A), sealerOf(B)])).toEqual([false, true]);
  });

  test('openers made before and after know both keys, and forget the senders of the one that ends', () => {
    const channel = channelOf(A);
    const before = channel.createOpener();
    const others = [sealerOf(A), sealerOf(B)];
    const frame = others[0]!.sealCopy(PAYLOAD);
    expect(open(before, frame)).toBe(PAYLOAD.length);
    channel.rotate(B, { graceMs: 100 });
    const after = channel.createOpener();
    expect(opening(before, others)).toEqual([true, true]);
    expect(opening(after, others)).toEqual([true, true]);
    expect([before.stats.senders, after.stats.senders]).toEqual([2, 2]);
    expect(open(before, frame)).toBe(REPLAYED);
    vi.advanceTimersByTime(100);
    expect([before.stats.senders, after.stats.senders]).toEqual([1, 1]);
    expect(open(before, frame)).toBe(UNKNOWN_KEY);
    expect(opening(before, others)).toEqual([false, true]);
  });

  test('a sealer that has been idle since before the rotation seals under the new key', () => {
    const channel = channelOf(A);
    const [fresh, used] = [channel.createSealer(), channel.createSealer()];
    sealingKeyId(used);
    channel.rotate(B, { graceMs: 100 });
    vi.advanceTimersByTime(5000);
    expect(sealingKeyId(fresh)).toBe(1);
    expect(sealingKeyId(used)).toBe(1);
    const opener = channelOf(B, sessionsAbove).createOpener();
    expect(open(opener, fresh.sealCopy(PAYLOAD))).toBe(PAYLOAD.length);
    expect(open(opener, used.sealCopy(PAYLOAD))).toBe(PAYLOAD.length);
  });

  test('a sealer made while the new key waits seals under the old one, until its time', () => {
    const channel = channelOf(A);
    channel.rotate(B, { sealAfterMs: 100 });
    const sealer = channel.createSealer();
    expect(sealingKeyId(sealer)).toBe(0);
    vi.advanceTimersByTime(100);
    expect(sealingKeyId(sealer)).toBe(1);
  });

  test('two channels that rotate at different times lose no frame', () => {
    const [one, two] = [channelOf(A), channelOf(A, sessionsAbove)];
    const ends = [one, two].map((channel) => ({ sealer: channel.createSealer(), opener: channel.createOpener() }));
    const exchange = () => {
      expect(open(ends[1]!.opener, ends[0]!.sealer.sealCopy(PAYLOAD))).toBe(PAYLOAD.length);
      expect(open(ends[0]!.opener, ends[1]!.sealer.sealCopy(PAYLOAD))).toBe(PAYLOAD.length);
    };
    const options = { sealAfterMs: 200, graceMs: 200 };
    one.rotate(B, options);
    exchange();
    vi.advanceTimersByTime(150);
    two.rotate(B, options);
    for (let i = 0; i < 20; i++) {
      exchange();
      vi.advanceTimersByTime(50);
    }
    expect(ends.map(({ sealer }) => sealingKeyId(sealer))).toEqual([1, 1]);
  });
});

describe('section 6: rotations in flight', () => {
  test('an earlier one that waits never takes sealing back', () => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    const others = [sealerOf(A), sealerOf(B), sealerOf(C)];
    channel.rotate(B, { sealAfterMs: 1000, graceMs: 1000 });
    channel.rotate(C, { sealAfterMs: 100, graceMs: 5000 });
    expect(sealingKeyId(sealer)).toBe(0);
    expect(opening(opener, others)).toEqual([true, true, true]);
    vi.advanceTimersByTime(100);
    expect(sealingKeyId(sealer)).toBe(2);
    vi.advanceTimersByTime(900);
    expect(sealingKeyId(sealer)).toBe(2);
    expect(opening(opener, others)).toEqual([true, true, true]);
    vi.advanceTimersByTime(1000);
    expect(opening(opener, others)).toEqual([false, true, true]);
    vi.advanceTimersByTime(3100);
    expect(opening(opener, others)).toEqual([false, false, true]);
    expect(sealingKeyId(sealer)).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a key may end before its time to seal has come, and never seals', () => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    const others = [sealerOf(A), sealerOf(B), sealerOf(C)];
    channel.rotate(B, { sealAfterMs: 1000, graceMs: 1000 });
    channel.rotate(C, { graceMs: 0 });
    expect(opening(opener, others)).toEqual([true, false, true]);
    for (let i = 0; i < 30; i++) {
      expect(sealingKeyId(sealer)).toBe(2);
      vi.advanceTimersByTime(100);
    }
    expect(opening(opener, others)).toEqual([false, false, true]);
  });

  test('they take over one after the other', () => {
    const channel = channelOf(A);
    const sealer = channel.createSealer();
    [B, C, D].forEach((settings, i) => {
      channel.rotate(settings, { sealAfterMs: 100 * (i + 1), graceMs: 1000 });
    });
    const seen = [0, 1, 2, 3].map(() => {
      const keyId = sealingKeyId(sealer);
      vi.advanceTimersByTime(100);
      return keyId;
    });
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  test('whatever the times, sealing only moves on, and what seals opens', () => {
    const delays = [0, 1, 70, 150];
    for (const first of delays) {
      for (const second of delays) {
        for (const graceMs of delays) {
          const channel = channelOf(A);
          const [sealer, opener] = [channel.createSealer(), channel.createOpener({ loopback: true })];
          channel.rotate(B, { sealAfterMs: first, graceMs });
          channel.rotate(C, { sealAfterMs: second, graceMs: 150 - graceMs });
          let last = 0;
          for (let i = 0; i < 35; i++) {
            const frame = sealer.sealCopy(PAYLOAD);
            expect(open(opener, frame), `${first} ${second} ${graceMs} at ${10 * i}`).toBe(PAYLOAD.length);
            const keyId = Number(sframeHeader(frame).kid >> 60n);
            expect(keyId).toBeGreaterThanOrEqual(last);
            last = keyId;
            vi.advanceTimersByTime(10);
          }
          expect(last).toBe(2);
          expect(vi.getTimerCount()).toBe(0);
        }
      }
    }
  });
});

describe('section 6: what rotate refuses', () => {
  test.each<[string, EncryptionConfig, string, string]>([
    ['another mode', config('AES_256_GCM2', 1), 'encryptionMode', 'rotate_mode'],
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

describe('section 6: senders are found by (key, KID)', () => {
  const NEXT = config(MODE, 0, 50);
  const KIDS = [1n, 2n, 3n].map((session) => (1n << 56n) + session);

  /** An opener that knows KIDS[0], has evicted KIDS[1], and has seen KIDS[2] fail, all of them under key A. */
  function usedOpener(): { channel: Channel; opener: Opener } {
    const options = { framing: 'frame', maxSenders: 1 } as const;
    const channel = enableEncryptionWith(A, options, sessionsBelow);
    const opener = channel.createOpener();
    for (const kid of [KIDS[1]!, KIDS[0]!])
      expect(open(opener, referenceSeal(A, kid, 500n, PAYLOAD))).toBe(PAYLOAD.length);
    vi.advanceTimersByTime(1000);
    expect(open(opener, referenceSeal(C, KIDS[2]!, 500n, PAYLOAD))).toBe(BAD_TAG);
    vi.advanceTimersByTime(1000);
    return { channel, opener };
  }

  test('a new key that takes the keyId of an ended one begins with nothing', () => {
    const { channel, opener } = usedOpener();
    channel.rotate(B, { graceMs: 0 });
    expect(opener.stats.senders).toBe(0);
    expect(open(opener, referenceSeal(A, KIDS[0]!, 501n, PAYLOAD))).toBe(UNKNOWN_KEY);
    channel.rotate(NEXT);
    for (const kid of KIDS) {
      expect(open(opener, referenceSeal(NEXT, kid, 3n, PAYLOAD))).toBe(PAYLOAD.length);
      expect(open(opener, referenceSeal(A, kid, 501n, PAYLOAD))).toBe(BAD_TAG);
    }
  });

  test('what ends with another key leaves them as they are', () => {
    const { channel, opener } = usedOpener();
    channel.rotate(B, { sealAfterMs: 100_000 });
    channel.rotate(C, { graceMs: 0 });
    expect(open(opener, referenceSeal(B, (1n << 60n) + KIDS[0]!, 0n, PAYLOAD))).toBe(UNKNOWN_KEY);
    expect(open(opener, referenceSeal(A, KIDS[0]!, 500n, PAYLOAD))).toBe(REPLAYED);
    expect(open(opener, referenceSeal(A, KIDS[1]!, 500n, PAYLOAD))).toBe(TOO_OLD);
    expect(open(opener, referenceSeal(A, KIDS[1]!, 501n, PAYLOAD))).toBe(PAYLOAD.length);
    channel.close();
  });
});

describe('section 6: own frames', () => {
  test('of old sessions stay OWN_FRAME while the key lives', () => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    const old = [sealer.sealCopy(PAYLOAD), sealer.sealCopy(PAYLOAD)];
    channel.rotate(B, { sealAfterMs: 100, graceMs: 100 });
    expect(open(opener, old[0]!)).toBe(OWN_FRAME);
    vi.advanceTimersByTime(100);
    const fresh = sealer.sealCopy(PAYLOAD);
    for (const frame of [...old, fresh]) expect(open(opener, frame)).toBe(OWN_FRAME);
    sealer.close();
    for (const frame of [...old, fresh]) expect(open(channel.createOpener(), frame)).toBe(OWN_FRAME);
    vi.advanceTimersByTime(100);
    expect(open(opener, fresh)).toBe(OWN_FRAME);
    // Its key has ended: what matters is that it does not open.
    expect([OWN_FRAME, UNKNOWN_KEY]).toContain(open(opener, old[0]!));
  });

  test('with loopback they open as long as their key does', () => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener({ loopback: true })];
    const frame = sealer.sealCopy(PAYLOAD);
    const late = sealer.sealCopy(PAYLOAD);
    channel.rotate(B, { graceMs: 100 });
    expect(open(opener, frame)).toBe(PAYLOAD.length);
    vi.advanceTimersByTime(100);
    expect(open(opener, late)).toBe(UNKNOWN_KEY);
    expect(open(opener, sealer.sealCopy(PAYLOAD))).toBe(PAYLOAD.length);
  });
});

describe('close', () => {
  test('clears the timers and closes what was made; twice is as good as once', () => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    channel.rotate(B, { sealAfterMs: 100 });
    channel.rotate(C, { sealAfterMs: 100 });
    expect(vi.getTimerCount()).toBe(4);
    channel.close();
    expect(vi.getTimerCount()).toBe(0);
    channel.close();
    vi.advanceTimersByTime(100_000);
    expect(sealer.seal(PAYLOAD, new Uint8Array(99))).toBe(CLOSED);
    expect(open(opener, sealerOf(A).sealCopy(PAYLOAD))).toBe(CLOSED);
    expect(opener.stats.senders).toBe(0);
    expect(() => channel.rotate(D)).toThrow('closed');
    expect(channel.fingerprint).toMatch(/^[0-9a-f]{4}(-[0-9a-f]{4}){3}$/);
  });

  test('a sealer or an opener that was closed before a rotation stays closed', () => {
    const channel = channelOf(A);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener()];
    sealer.close();
    opener.close();
    channel.rotate(B, { graceMs: 100 });
    vi.advanceTimersByTime(100);
    expect(sealer.seal(PAYLOAD, new Uint8Array(99))).toBe(CLOSED);
    expect(open(opener, sealerOf(B).sealCopy(PAYLOAD))).toBe(CLOSED);
  });

  test('`using` closes a channel', () => {
    let sealer: Sealer;
    {
      using channel = channelOf(A);
      sealer = channel.createSealer();
      channel.rotate(B);
      expect(sealingKeyId(sealer)).toBe(1);
      expect(vi.getTimerCount()).toBe(1);
    }
    expect(sealer.seal(PAYLOAD, new Uint8Array(99))).toBe(CLOSED);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('timers keep no process alive', () => {
    vi.useRealTimers();
    const built = new URL('../../dist/index.js', import.meta.url);
    const script = `
      import { enableEncryption, generateKey, generateSalt } from ${JSON.stringify(built.href)};
      const settings = (keyId) => ({
        encryptionMode: 'AES_128_GCM2', encryptionKey: generateKey(), encryptionKdfSalt: generateSalt(), keyId,
      });
      const channel = enableEncryption(settings(0));
      channel.createSealer();
      channel.createOpener();
      channel.rotate(settings(1), { sealAfterMs: 60_000 });
      channel.rotate(settings(2), { sealAfterMs: 60_000 });
      console.log('done');`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 20_000,
      encoding: 'utf8',
    });
    expect(child).toMatchObject({ status: 0, signal: null, stdout: 'done\n' });
  });
});
