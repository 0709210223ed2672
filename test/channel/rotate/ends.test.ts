/** What ends with a key: its senders, own frames, and the channel itself (FORMAT.md section 6). */
import { describe, expect, test, vi } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../../src/channel/channel.js';
import type { Opener } from '../../../src/channel/opener.js';
import type { Sealer } from '../../../src/channel/sealer.js';
import { BAD_TAG, CLOSED, OWN_FRAME, REPLAYED, TOO_OLD, UNKNOWN_KEY } from '../../../src/status.js';
import { config, referenceSeal } from '../../support/channel.js';
import {
  A,
  B,
  C,
  channelOf,
  D,
  MODE,
  open,
  PAYLOAD,
  sealerOf,
  sealingKeyId,
  sessionsBelow,
  useTimers,
} from './setup.js';

useTimers();

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
});
