/** The ring of live keys: KIDs, rotation, timers that throw, wiping (FORMAT.md sections 3 and 6). */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseConfig } from '../../src/channel/config.js';
import { KeyRing, type LiveKey, type SessionSource } from '../../src/channel/keyring.js';
import { KeySchedule } from '../../src/channel/keys.js';
import { config, countedSessions } from '../support/channel.js';

const MODE = 'AES_128_GCM2';
const [A, B, C, D, E] = [0, 1, 2, 3, 4].map((keyId) => parseConfig(config(MODE, keyId))) as [
  ReturnType<typeof parseConfig>,
  ReturnType<typeof parseConfig>,
  ReturnType<typeof parseConfig>,
  ReturnType<typeof parseConfig>,
  ReturnType<typeof parseConfig>,
];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function ringOf(onEnd: (live: LiveKey) => void = () => {}, source: SessionSource = countedSessions()): KeyRing {
  return new KeyRing(MODE, A, source, onEnd);
}

/** Notes whose keys are wiped. */
function wipedSchedules(): KeySchedule[] {
  const wiped: KeySchedule[] = [];
  const { wipe } = KeySchedule.prototype;
  vi.spyOn(KeySchedule.prototype, 'wipe').mockImplementation(function (this: KeySchedule) {
    wiped.push(this);
    wipe.call(this);
  });
  return wiped;
}

/** The sealing key's id, and whether keys 0, 1, ... are live. */
function stateOf(ring: KeyRing, count = 2): unknown[] {
  return [ring.sealing.keyId, ...Array.from({ length: count }, (_, keyId) => ring.find(keyId) !== undefined)];
}

describe('KIDs', () => {
  const blocks = new Float64Array(1);

  function draw(ring: KeyRing): string {
    const kid = new Int32Array(2);
    ring.drawKid(ring.sealing, kid, blocks);
    return kid.join(' ');
  }

  test('are drawn once, and all are remembered as own', () => {
    let drawn = 0;
    const ring = ringOf(undefined, (words) => {
      words.set([0x12345670, drawn++ >> 1]);
      return 0;
    });
    const kids = Array.from({ length: 100 }, () => draw(ring));
    expect(new Set(kids).size).toBe(100);
    for (const kid of kids) {
      const [high, low] = kid.split(' ').map(Number) as [number, number];
      expect(ring.isOwn(high, low)).toBe(true);
      expect(ring.isOwn(high, low + 1000)).toBe(false);
    }
  });

  test('do not begin with a zero byte', () => {
    let drawn = 0;
    const ring = ringOf(undefined, (words) => {
      words.set([drawn++ === 0 ? 0x00ffffff : 0x12345670, 5]);
      return 0;
    });
    expect(draw(ring)).toBe(`${0x12345670 >> 4} 5`);
  });

  test('of a source that repeats itself are none', () => {
    const ring = ringOf(undefined, (words) => {
      words.set([0x12345670, 5]);
      return 0;
    });
    draw(ring);
    expect(() => draw(ring)).toThrow(/repeats itself/);
  });

  test('are forgotten with their key', () => {
    const ring = ringOf();
    const [high, low] = draw(ring).split(' ').map(Number) as [number, number];
    ring.rotate(B, 0, 0);
    expect(ring.isOwn(high, low)).toBe(false);
    ring.rotate(parseConfig(config(MODE, 0, 77)), 0, 0);
    expect(ring.isOwn(high, low)).toBe(false);
  });

  test('come to an end after 2^20 sessions', () => {
    const ring = ringOf();
    const size = vi.spyOn(ring.sealing.own, 'size', 'get');
    size.mockReturnValue(2 ** 20 - 1);
    expect(ring.hasSessions).toBe(true);
    size.mockReturnValue(2 ** 20);
    expect(ring.hasSessions).toBe(false);
  });
});

describe('a rotation', () => {
  test('seals at once, or after a while; then the key before ends', () => {
    const ring = ringOf();
    ring.rotate(B, 0, 100);
    expect(stateOf(ring)).toEqual([1, true, true]);
    vi.advanceTimersByTime(100);
    expect(stateOf(ring)).toEqual([1, false, true]);
    ring.rotate(C, 50, 0);
    expect(stateOf(ring, 3)).toEqual([1, false, true, true]);
    vi.advanceTimersByTime(50);
    expect(stateOf(ring, 3)).toEqual([2, false, false, true]);
  });

  test('that is overtaken by a later one never takes sealing back', () => {
    const alive = ringOf();
    alive.rotate(B, 1000, 1000);
    alive.rotate(C, 100, 5000);
    vi.advanceTimersByTime(1500);
    expect(stateOf(alive, 3)).toEqual([2, true, true, true]);

    const ended = ringOf();
    ended.rotate(B, 1000, 1000);
    ended.rotate(C, 500, 0);
    vi.advanceTimersByTime(500);
    expect(ended.find(1)).toBe(undefined);
    vi.advanceTimersByTime(500);
    expect(ended.sealing.keyId).toBe(2);
  });

  test('refuses a fifth live key, and keys that were live', () => {
    const ring = ringOf();
    for (const next of [B, C, D]) ring.rotate(next, 0, 100);
    expect(() => ring.rotate(E, 0, 100)).toThrow(/4 keys are live/);
    vi.advanceTimersByTime(100);
    for (const again of [A, B, C]) expect(() => ring.rotate(again, 0, 100)).toThrow(/were live in this channel before/);
    ring.rotate(E, 0, 100);
  });

  test('that is refused wipes the key that was made for it', () => {
    const ring = ringOf();
    const wiped = wipedSchedules();
    expect(() => ring.rotate({ ...A, keyId: 7 }, 0, 100)).toThrow(/live in this channel before/);
    expect(wiped).toHaveLength(1);
    expect(wiped[0]).not.toBe(ring.sealing.schedule);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('whose second timer cannot be set leaves no first one, and nothing else', () => {
    const ring = ringOf();
    const set = globalThis.setTimeout;
    const calls = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((action: () => void, ms: number) => {
      if (calls.mock.calls.length === 2) throw new Error('no timer');
      return set(action, ms);
    }) as unknown as typeof setTimeout);
    const wiped = wipedSchedules();
    expect(() => ring.rotate(B, 100, 100)).toThrow('no timer');
    expect([vi.getTimerCount(), wiped.length]).toEqual([0, 1]);
    expect(stateOf(ring)).toEqual([0, true, false]);
    calls.mockRestore();
    ring.rotate(B, 0, 100);
    expect(stateOf(ring)).toEqual([1, true, true]);
  });

  test.each([0, 100])(
    'whose timer runs although setTimeout threw does not end the key in use (%i ms)',
    (sealAfterMs) => {
      const ring = ringOf();
      const set = globalThis.setTimeout;
      vi.spyOn(globalThis, 'setTimeout').mockImplementation(((action: () => void, ms: number) => {
        set(action, ms);
        throw new Error('too late');
      }) as unknown as typeof setTimeout);
      expect(() => ring.rotate(B, sealAfterMs, 100)).toThrow('too late');
      vi.advanceTimersByTime(5000);
      expect(stateOf(ring)).toEqual([0, true, false]);
    },
  );
});

describe('the end of a key', () => {
  /** Throws a given number of times, and records its arguments. */
  function failing(times: number): { onEnd: (live: LiveKey) => void; ended: number[] } {
    const ended: number[] = [];
    const onEnd = (live: LiveKey) => {
      ended.push(live.keyId);
      if (ended.length <= times) throw new Error(`end ${ended.length}`);
    };
    return { onEnd, ended };
  }

  test('wipes it, and what was derived from it', () => {
    const { onEnd, ended } = failing(0);
    const ring = ringOf(onEnd);
    const { schedule } = ring.sealing;
    const wiped = wipedSchedules();
    ring.rotate(B, 0, 100);
    vi.advanceTimersByTime(100);
    expect([ended, wiped]).toEqual([[0], [schedule]]);
  });

  test('that throws in a timer is tried again every second; the key opens nothing meanwhile, and is wiped', () => {
    const { onEnd, ended } = failing(2);
    const ring = ringOf(onEnd);
    const { schedule } = ring.sealing;
    const wiped = wipedSchedules();
    ring.rotate(B, 0, 100);
    vi.advanceTimersByTime(100);
    expect(stateOf(ring)).toEqual([1, false, true]);
    expect(wiped).toEqual([schedule]);
    vi.advanceTimersByTime(1000);
    expect(ended).toEqual([0, 0]);
    vi.advanceTimersByTime(10_000);
    expect(ended).toEqual([0, 0, 0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that throws at once lets the error out, and is tried again', () => {
    const { onEnd, ended } = failing(1);
    const ring = ringOf(onEnd);
    expect(() => ring.rotate(B, 0, 0)).toThrow('end 1');
    expect(stateOf(ring)).toEqual([1, false, true]);
    vi.advanceTimersByTime(1000);
    expect(ended).toEqual([0, 0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('leaves no timer where nothing threw', () => {
    const ring = ringOf();
    ring.rotate(B, 0, 0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('timers', () => {
  test('keep no process alive', () => {
    vi.useRealTimers();
    const set = vi.spyOn(globalThis, 'setTimeout');
    const ring = ringOf();
    ring.rotate(B, 60_000, 60_000);
    const timers = set.mock.results.map(({ value }) => value as NodeJS.Timeout);
    expect(timers.map((timer) => timer.hasRef())).toEqual([false, false]);
    ring.close();
  });
});

describe('close', () => {
  test('stops all timers and wipes every key; nothing is found afterwards', () => {
    const ring = ringOf();
    const wiped = wipedSchedules();
    ring.rotate(B, 100, 100);
    ring.rotate(C, 100, 100);
    const live = [0, 1, 2].map((keyId) => ring.find(keyId)!.schedule);
    ring.close();
    expect(vi.getTimerCount()).toBe(0);
    expect(wiped).toEqual(live);
    expect(stateOf(ring, 3).slice(1)).toEqual([false, false, false]);
    ring.close();
  });

  test('wipes the keys although a timer cannot be cancelled', () => {
    const ring = ringOf();
    const wiped = wipedSchedules();
    ring.rotate(B, 100, 100);
    vi.spyOn(globalThis, 'clearTimeout').mockImplementationOnce(() => {
      throw new Error('no cancelling');
    });
    expect(() => ring.close()).toThrow('no cancelling');
    expect(wiped).toHaveLength(2);
    ring.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
