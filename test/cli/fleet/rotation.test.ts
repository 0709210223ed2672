/** What a gateway does with keysets: examples of each rule, and histories of whole fleets. */
import { describe, expect, test } from 'vitest';
import { identityOf, type KeysetKey } from '../../../src/cli/fleet/document.js';
import { advance, type Known, memoryOf, type Reading, recall, sealingKey } from '../../../src/cli/fleet/rotation.js';
import { key, reading } from './keysets.js';

const GRACE_MS = 10_000;
const T = Date.parse('2030-01-31T12:00:00Z');

/** A gateway whose two clocks run together; `at`: seconds. */
class Gateway {
  known: Known | undefined;
  nextMs = 0;

  /** Takes a reading, or lets time pass; returns the causes of alarms. */
  at(seconds: number, read?: Reading): string[] {
    const clocks = { wallMs: T + 1000 * seconds, monotonicMs: 1000 * seconds };
    const { known, alarms, nextMs } = advance(this.known, read, clocks, GRACE_MS);
    this.known = known;
    this.nextMs = nextMs;
    return alarms.map(({ cause }) => cause);
  }

  get sealing(): number {
    return sealingKey(this.known!).keyId;
  }

  get opens(): number[] {
    return this.known!.live.map((live) => live.key.keyId).sort();
  }
}

const from = (n: number, seconds: number): KeysetKey => key(n, T + 1000 * seconds);

describe('a rotation', () => {
  test('announced: opens; with its time: seals from then on; no longer listed: opens for a while', () => {
    const gateway = new Gateway();
    expect(gateway.at(0, reading(1, [from(1, -5)]))).toEqual([]);
    expect([gateway.sealing, gateway.opens]).toEqual([1, [1]]);
    gateway.at(1, reading(2, [from(1, -5), key(2)]));
    expect([gateway.sealing, gateway.opens, gateway.nextMs]).toEqual([1, [1, 2], Number.POSITIVE_INFINITY]);
    gateway.at(2, reading(3, [from(1, -5), from(2, 12)]));
    expect([gateway.sealing, gateway.nextMs]).toEqual([1, 10_000]);
    gateway.at(11.999);
    expect(gateway.sealing).toBe(1);
    gateway.at(12);
    expect([gateway.sealing, gateway.opens]).toEqual([2, [1, 2]]);
    gateway.at(13, reading(4, [from(2, 12)]));
    expect([gateway.opens, gateway.nextMs]).toEqual([[1, 2], 10_000]);
    gateway.at(22.999);
    expect(gateway.opens).toEqual([1, 2]);
    gateway.at(23);
    expect([gateway.opens, gateway.sealing]).toEqual([[2], 2]);
    expect(gateway.known!.ended).toEqual([identityOf(key(1))]);
  });

  test('a sealing key that is no longer listed seals no more, whatever the clock says', () => {
    const gateway = new Gateway();
    gateway.at(0, reading(1, [from(1, -5)]));
    gateway.at(1, reading(2, [from(2, 30)]));
    expect([gateway.sealing, gateway.opens]).toEqual([2, [1, 2]]);
  });

  test('a clock that is set back does not take sealing back', () => {
    const gateway = new Gateway();
    gateway.at(0, reading(1, [from(1, -5), from(2, 10)]));
    gateway.at(10);
    expect(gateway.sealing).toBe(2);
    const { known } = advance(gateway.known, undefined, { wallMs: T - 30_000, monotonicMs: 11_000 }, GRACE_MS);
    expect(sealingKey(known!).keyId).toBe(2);
  });

  test('an operator takes it back: the key before it seals again', () => {
    const gateway = new Gateway();
    gateway.at(0, reading(1, [from(1, -5), from(2, -1)]));
    gateway.at(1, reading(2, [from(1, -5), key(2)]));
    expect(gateway.sealing).toBe(1);
    gateway.at(2, reading(3, [from(1, -5)]));
    expect(gateway.sealing).toBe(1);
    // It was not listed for a moment, and has not ended.
    gateway.at(3, reading(4, [from(1, -5), from(2, -1)]));
    expect([gateway.sealing, gateway.known!.live.some(({ endsAtMs }) => endsAtMs !== undefined)]).toEqual([2, false]);
  });

  test('of keys that have not begun the first seals: a slow clock, or a keyset without times', () => {
    for (const keys of [[from(1, 20)], [key(1), key(2)], [from(1, 20), key(2)], [key(1), from(2, 20)]]) {
      const gateway = new Gateway();
      gateway.at(0, reading(1, keys));
      expect(gateway.sealing).toBe(1);
    }
  });

  test('two in flight: the latest that has come seals', () => {
    const gateway = new Gateway();
    gateway.at(0, reading(1, [from(1, -5), from(2, 5), from(3, 3)]));
    for (const [at, sealing] of [
      [2, 1],
      [3, 3],
      [4, 3],
      [5, 2],
      [6, 2],
    ] as const) {
      gateway.at(at);
      expect(gateway.sealing).toBe(sealing);
    }
  });
});

test('a keyset of an older generation is reported as such', () => {
  const clocks = { wallMs: 0, monotonicMs: 0 };
  const { known } = advance(undefined, reading(5, [key(1)], { generation: 9 }), clocks, 0);
  const { alarms } = advance(known, reading(7, [key(1)], { generation: 8 }), clocks, 0);
  expect(alarms[0]!.message).toBe('the store was set back: it has generation 8, and generation 9 is in use');
});

describe('alarms', () => {
  function rotated(): Gateway {
    const gateway = new Gateway();
    gateway.at(0, reading(5, [from(1, -5)]));
    gateway.at(1, reading(8, [from(2, -1)]));
    gateway.at(20);
    return gateway;
  }

  test.each<[string, Reading, string]>([
    ['an older revision', reading(5, [from(1, -5)]), 'rolled-back'],
    ['an older revision with a new key', reading(7, [from(3, -5)]), 'rolled-back'],
    ['another keyset under the same revision', reading(8, [from(3, -1)]), 'rewritten'],
    ['a key that has ended', reading(9, [from(1, -5)]), 'ended-key'],
    ['another context', reading(9, [{ ...from(3, -1), context: 'x' }]), 'other-kind'],
    ['another mode', reading(9, [{ ...from(3, -1), encryptionMode: 'AES_256_GCM2' }]), 'other-kind'],
  ])('%s: kept, and alarmed', (_, read, cause) => {
    const gateway = rotated();
    const before = gateway.known;
    expect(gateway.at(21, read)).toEqual([cause]);
    expect(gateway.known).toEqual(before);
    // The next keyset is taken as ever.
    expect(gateway.at(22, reading(10, [from(2, -1), from(4, 21)]))).toEqual([]);
    expect(gateway.sealing).toBe(4);
  });

  test('a key that has ended beside a new one: the new one is taken', () => {
    const gateway = rotated();
    expect(gateway.at(21, reading(9, [from(1, 20), from(2, -1), key(3)]))).toEqual(['ended-key']);
    expect([gateway.opens, gateway.sealing]).toEqual([[2, 3], 2]);
  });

  test('the same reading again is none', () => {
    expect(rotated().at(21, reading(8, [from(2, -1)]))).toEqual([]);
  });

  test('a keyset of a new generation is taken at a lower revision, and an older generation never', () => {
    const gateway = rotated();
    expect(gateway.at(21, reading(2, [from(3, 0)], { generation: 1 }))).toEqual([]);
    expect(gateway.sealing).toBe(3);
    expect(gateway.at(22, reading(99, [from(4, 0)]))).toEqual(['rolled-back']);
    expect(gateway.at(22, reading(3, [from(1, -5), from(3, 0)], { generation: 1 }))).toEqual(['ended-key']);
  });

  test('more than four keys, or a key id that is needed: those that were to end first end at once', () => {
    const gateway = new Gateway();
    gateway.at(0, reading(1, [from(1, -5), key(2)]));
    gateway.at(1, reading(2, [from(3, -4), key(2)]));
    gateway.at(2, reading(3, [from(3, -4)]));
    expect(gateway.opens).toEqual([1, 2, 3]);
    expect(gateway.at(3, reading(4, [from(3, -4), from(4, -3), key(5)]))).toEqual(['cut-short']);
    expect(gateway.opens).toEqual([2, 3, 4, 5]);
    expect(gateway.at(4, reading(5, [from(3, -4), from(4, -3), from(18, -2)]))).toEqual(['cut-short']);
    expect(gateway.known!.live.map((live) => live.id)).toContain(identityOf(key(18)));
    expect(gateway.known!.live.map((live) => live.id)).not.toContain(identityOf(key(2)));
  });
});

test('after a restart it goes on: the sealing key, the revision, and what has ended', () => {
  const before = new Gateway();
  const last = reading(3, [from(1, -5), from(2, 5)]);
  before.at(0, reading(2, [from(9, -9), from(1, -5)]));
  before.at(1, last);
  before.at(6);
  const gateway = new Gateway();
  gateway.known = recall(last, memoryOf(before.known!));
  // Its clock is slow now.
  gateway.at(-20);
  expect([gateway.sealing, gateway.opens]).toEqual([2, [1, 2]]);
  expect(gateway.at(-19, reading(2, [from(9, -9), from(1, -5)]))).toEqual(['rolled-back']);
  expect(gateway.at(-18, reading(4, [from(9, -9), from(2, 5)]))).toEqual(['ended-key']);
});

test('nothing is known before the first keyset', () => {
  expect(advance(undefined, undefined, { wallMs: T, monotonicMs: 0 }, GRACE_MS).known).toBeUndefined();
});
