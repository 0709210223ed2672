/** Opening: what may move only after authentication, frames that wait for each other, and senders (FORMAT.md section 6). */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../src/channel/channel.js';
import { DerivedKeys } from '../../src/channel/keys.js';
import type { Opener } from '../../src/channel/opener.js';
import { EngineError, NO_MEMORY } from '../../src/engine/engine.js';
import { BAD_TAG, BUSY, OWN_FRAME, REPLAYED, TOO_OLD, UNKNOWN_KEY } from '../../src/status.js';
import { bytes, config, countedSessions, flipped, KID, kidText } from '../support/channel.js';
import { SpyEngine } from '../support/spy-engine.js';

const MODE = 'AES_128_GCM2';
const PAYLOAD = bytes(10);
const OPENED = PAYLOAD.length;
/** The window is the smallest: 64. */
const OPTIONS = { framing: 'frame', replayWindow: 64, maxSenders: 2 } as const;

let nowMs = 1000;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** frames[s][n]: the frame of sender s with CTR n, under the key with this id. */
function framesOf(keyId: number, seed = keyId, senders = 5, count = 100): Uint8Array[][] {
  const channel = enableEncryptionWith(config(MODE, keyId, seed), OPTIONS, countedSessions());
  return Array.from({ length: senders }, () => {
    const sealer = channel.createSealer();
    return Array.from({ length: count }, () => sealer.sealCopy(PAYLOAD));
  });
}
const frames = framesOf(0);

interface Made {
  readonly engine: SpyEngine;
  readonly channel: Channel;
  readonly opener: Opener;
}

function made(maxSenders = 2): Made {
  const engine = new SpyEngine();
  const channel = enableEncryptionWith(config(MODE), { ...OPTIONS, maxSenders }, countedSessions(1n << 58n), engine);
  return { engine, channel, opener: channel.createOpener() };
}

function open(opener: Opener, frame: Uint8Array): number {
  return opener.open(frame, new Uint8Array(OPENED));
}

function openBatch(opener: Opener, batch: Uint8Array[]): number[] {
  const results = new Int32Array(batch.length);
  const outs = batch.map(() => new Uint8Array(OPENED));
  opener.openBatch(batch, outs, results);
  return [...results];
}

describe('a forged frame', () => {
  test('moves no window, and is no last sender', () => {
    const { opener } = made();
    expect(open(opener, frames[0]![0]!)).toBe(OPENED);
    for (const forged of [flipped(frames[0]![5]!, -1), flipped(frames[0]![99]!, -1), flipped(frames[1]![3]!, -1)])
      expect(open(opener, forged)).toBe(BAD_TAG);
    expect(opener.lastSenderId).toBe(kidText(KID));
    expect(opener.stats.senders).toBe(1);
    for (const ctr of [5, 1]) expect(open(opener, frames[0]![ctr]!)).toBe(OPENED);
    expect(open(opener, frames[0]![5]!)).toBe(REPLAYED);
    expect(open(opener, frames[0]![98]!)).toBe(OPENED);
  });
});

describe('in a batch', () => {
  const numbers = (...ctrs: number[]) => ctrs.map((ctr) => frames[0]![ctr]!);

  test('of copies the first opens; older frames are judged by the window as it is by then', () => {
    const { opener } = made();
    expect(open(opener, frames[0]![0]!)).toBe(OPENED);
    const results = openBatch(opener, numbers(1, 2, 2, 1, 99, 20, 99, 36, 35, 36, 3));
    const o = OPENED;
    expect(results).toEqual([o, o, REPLAYED, REPLAYED, o, TOO_OLD, REPLAYED, o, TOO_OLD, REPLAYED, TOO_OLD]);
  });

  test('a copy behind a forged one opens', () => {
    const { opener } = made();
    expect(open(opener, frames[0]![0]!)).toBe(OPENED);
    const forged = flipped(frames[0]![5]!, -1);
    const results = openBatch(opener, [...numbers(1, 2, 3), forged, ...numbers(5, 4, 5, 6)]);
    expect(results).toEqual([OPENED, OPENED, OPENED, BAD_TAG, OPENED, OPENED, REPLAYED, OPENED]);
  });

  test('an unknown sender waits for the others: they may make it known, and give tokens back', () => {
    const { opener } = made(1);
    const batch = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4].map((sender, i) => frames[sender]![i]!);
    expect(openBatch(opener, batch)).toEqual(Array(10).fill(OPENED));
    expect(opener.stats.senders).toBe(1);
    const twice = made(2);
    const copies = Array.from({ length: 8 }, () => frames[3]![7]!);
    expect(openBatch(twice.opener, copies)).toEqual([OPENED, ...Array(7).fill(REPLAYED)]);
  });

  test('no sender waits for a batch that is over', () => {
    const { engine, opener } = made();
    for (const sender of [0, 1]) expect(open(opener, frames[sender]![0]!)).toBe(OPENED);
    openBatch(opener, [...numbers(1, 2, 3, 4, 5, 6), frames[1]![50]!, frames[1]![51]!]);
    const before = engine.calls.get('openAll');
    // Below the newest frame of the batch before.
    expect(openBatch(opener, [...numbers(7, 8, 9, 10, 11, 12), frames[1]![20]!, frames[1]![21]!])).toEqual(
      Array(8).fill(OPENED),
    );
    expect(engine.calls.get('openAll')).toBe(before! + 1);
  });

  test('senders are too many until it ends', () => {
    const { opener } = made(1);
    const results = openBatch(
      opener,
      [0, 1, 2, 0, 1, 2, 0, 1].map((sender, i) => frames[sender]![i]!),
    );
    expect(results).toEqual(Array(8).fill(OPENED));
    expect(opener.stats.senders).toBe(1);
  });
});

describe('an engine', () => {
  test('without memory for a text: BUSY, and the frame opens when there is some', () => {
    const { engine, opener } = made();
    expect(open(opener, frames[0]![0]!)).toBe(OPENED);
    const key = engine.keys.at(-1)!.real as { open(job: { written: number }): boolean };
    const { open: openReal } = key;
    key.open = (job) => {
      job.written = NO_MEMORY;
      return false;
    };
    expect(open(opener, frames[0]![1]!)).toBe(BUSY);
    key.open = openReal;
    expect(open(opener, frames[0]![1]!)).toBe(OPENED);
  });

  test('without room for a key: BUSY, and no token is spent', () => {
    const { engine, opener } = made(1);
    for (let i = 0; i < 5; i++) {
      engine.failAt('setKey', new EngineError('no memory for another key'));
      expect(open(opener, frames[0]![0]!)).toBe(BUSY);
    }
    expect(open(opener, frames[0]![0]!)).toBe(OPENED);
  });

  test.each(['setKey', 'set'] as const)(
    'that throws something else (%s): the caller knows, and the frame opens',
    (point) => {
      const { engine, opener } = made();
      const error = engine.failAt(point);
      expect(() => open(opener, frames[0]![0]!)).toThrow(error);
      expect(open(opener, frames[0]![0]!)).toBe(OPENED);
      expect(engine.arraysAreWiped).toBe(true);
    },
  );
});

describe('a record', () => {
  test('belongs to one KID: what comes after it does not change its keys', () => {
    const { opener } = made(1);
    expect(open(opener, frames[0]![0]!)).toBe(OPENED);
    for (let i = 0; i < 70; i++) {
      nowMs += 10;
      expect(open(opener, flipped(frames[1 + (i % 4)]![i]!, -1))).toBe(BAD_TAG);
      expect(open(opener, frames[0]![i + 1]!)).toBe(OPENED);
    }
    // Evicted by another, its record is used again: with a window of its own.
    nowMs += 10;
    expect(open(opener, frames[1]![0]!)).toBe(OPENED);
    nowMs += 10;
    expect(open(opener, frames[2]![0]!)).toBe(OPENED);
    nowMs += 10;
    expect(open(opener, frames[3]![1]!)).toBe(OPENED);
    expect(open(opener, frames[3]![0]!)).toBe(OPENED);
  });

  test('that came back has its floor in its window too', () => {
    const { opener } = made(1);
    expect(open(opener, frames[0]![30]!)).toBe(OPENED);
    nowMs += 10;
    expect(open(opener, frames[1]![0]!)).toBe(OPENED);
    nowMs += 10;
    expect(open(opener, frames[0]![30]!)).toBe(TOO_OLD);
    expect(open(opener, frames[0]![31]!)).toBe(OPENED);
    for (const ctr of [29, 30]) expect(open(opener, frames[0]![ctr]!)).toBe(TOO_OLD);
  });

  test('is wiped when its sender is evicted, and all are when the opener closes', () => {
    const found = new Set<DerivedKeys>();
    const { setNonce } = DerivedKeys.prototype;
    vi.spyOn(DerivedKeys.prototype, 'setNonce').mockImplementation(function (this: DerivedKeys, ...args) {
      found.add(this);
      setNonce.apply(this, args);
    });
    const liveSalts = () => [...found].filter(({ salt }) => salt.some((byte) => byte !== 0)).length;
    const { engine, opener } = made(2);
    for (const sender of [0, 1, 2, 3]) {
      nowMs += 10;
      expect(open(opener, frames[sender]![0]!)).toBe(OPENED);
    }
    expect([engine.liveKeys, liveSalts()]).toEqual([2, 2]);
    nowMs += 10;
    expect(open(opener, flipped(frames[4]![0]!, -1))).toBe(BAD_TAG);
    expect([engine.liveKeys, liveSalts()]).toEqual([3, 3]);
    opener.close();
    expect([engine.liveKeys, liveSalts(), opener.stats.senders]).toEqual([0, 0, 0]);
  });

  test('that an exception left with a key is wiped when the opener closes', () => {
    const { engine, opener } = made();
    const error = engine.failAt('set');
    expect(() => open(opener, frames[0]![0]!)).toThrow(error);
    expect(engine.liveKeys).toBe(1);
    opener.close();
    expect(engine.liveKeys).toBe(0);
  });
});

describe('the end of a live key', () => {
  const others = framesOf(1);
  const again = framesOf(0, 77);

  test('wipes its senders and candidates, and no others', () => {
    const { engine, channel, opener } = made(3);
    channel.rotate(config(MODE, 1), { graceMs: 100 });
    expect(open(opener, frames[0]![0]!)).toBe(OPENED);
    expect(open(opener, others[0]![0]!)).toBe(OPENED);
    expect(open(opener, flipped(frames[1]![0]!, -1))).toBe(BAD_TAG);
    expect(engine.liveKeys).toBe(3);
    vi.advanceTimersByTime(100);
    expect([engine.liveKeys, opener.stats.senders]).toEqual([1, 1]);
    expect(open(opener, frames[0]![1]!)).toBe(UNKNOWN_KEY);
    expect(open(opener, others[0]![0]!)).toBe(REPLAYED);
  });

  test('forgets the senders that were evicted under it, and no others', () => {
    const { channel, opener } = made(1);
    channel.rotate(config(MODE, 1), { graceMs: 100 });
    for (const frame of [frames[0]![50]!, others[0]![50]!, others[1]![0]!]) {
      nowMs += 10;
      expect(open(opener, frame)).toBe(OPENED);
    }
    vi.advanceTimersByTime(100);
    channel.rotate(config(MODE, 0, 77), { graceMs: 100 });
    nowMs += 10;
    expect(open(opener, others[0]![49]!)).toBe(TOO_OLD);
    expect(open(opener, again[0]![0]!)).toBe(OPENED);
  });

  test('leaves nothing of its candidates to a new key with its id', () => {
    const { channel, opener } = made(2);
    expect(open(opener, flipped(frames[0]![0]!, -1))).toBe(BAD_TAG);
    channel.rotate(config(MODE, 1), { graceMs: 0 });
    channel.rotate(config(MODE, 0, 77), { graceMs: 0 });
    expect(open(opener, again[0]![0]!)).toBe(OPENED);
  });
});

test('frames of own sealers are OWN_FRAME, also while others wait', () => {
  const { channel, opener } = made();
  const own = channel.createSealer().sealCopy(PAYLOAD);
  expect(openBatch(opener, [...frames[0]!.slice(0, 7), own, own])).toEqual([
    ...Array(7).fill(OPENED),
    OWN_FRAME,
    OWN_FRAME,
  ]);
});
