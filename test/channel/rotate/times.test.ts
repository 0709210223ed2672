/** Rotation: when the new key opens and seals, when the old one ends, and rotations in flight (FORMAT.md section 6). */
import { describe, expect, test, vi } from 'vitest';
import { REPLAYED, UNKNOWN_KEY } from '../../../src/status.js';
import { sframeHeader } from '../../support/sframe.js';
import {
  A,
  B,
  C,
  channelOf,
  D,
  open,
  opening,
  PAYLOAD,
  sealerOf,
  sealingKeyId,
  sessionsAbove,
  useTimers,
} from './setup.js';

useTimers();

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

  test('at any times, sealing only moves to newer keys, and the sealing key opens', () => {
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
