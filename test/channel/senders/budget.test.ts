/** The derivation budget of an opener, and floods of made-up KIDs (FORMAT.md section 6). */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { enableEncryptionWith } from '../../../src/channel/channel.js';
import type { Opener } from '../../../src/channel/opener.js';
import { BAD_TAG, BUSY, REPLAYED } from '../../../src/status.js';
import { countedSessions } from '../../support/channel.js';
import { mistyped } from '../../support/engines.js';
import {
  clock,
  forged,
  frames,
  known,
  madeUp,
  openerOf,
  out,
  SENDERS,
  SETTINGS,
  TOKEN_MS,
  take,
  useClock,
} from './setup.js';

useClock();
afterEach(() => {
  vi.restoreAllMocks();
});

describe('section 6: the derivation budget', () => {
  /** How many KIDs from `first` up, one after the other, are derived before one is BUSY. */
  function derivable(opener: Opener, first: number): number {
    let count = 0;
    while (count < 9999 && opener.open(madeUp(first + count), out) === BAD_TAG) count++;
    expect(opener.open(madeUp(first + count), out)).toBe(BUSY);
    return count;
  }

  test('in one instant it is maxSenders derivations', () => {
    for (const maxSenders of [1, 2, 7, 64, 100, 1024]) expect(derivable(openerOf(maxSenders), 0)).toBe(maxSenders);
  });

  test('it is refilled at 2,048 a second, continuously, and no deeper than maxSenders', () => {
    const opener = openerOf(100);
    expect(derivable(opener, 0)).toBe(100);
    const refills: [tokens: number, expected: number][] = [
      [0.5, 0],
      [0.5, 1],
      [0.25, 0],
      [1.25, 1],
      [0.5, 1],
      [40, 40],
      [99.5, 99],
      [0.5, 1],
      [101, 100],
      [1e9, 100],
    ];
    let first = 1000;
    for (const [tokens, expected] of refills) {
      clock.ms += tokens * TOKEN_MS;
      expect(derivable(opener, first), `${tokens} tokens`).toBe(expected);
      first += 1000;
    }
  });

  test('a frame that authenticates gives its token back', () => {
    const opener = openerOf(2);
    for (let sender = 0; sender < SENDERS; sender++) take(opener, sender, 0);
    for (let sender = 0; sender < SENDERS; sender++) take(opener, sender, 1);
    expect(derivable(opener, 0)).toBe(2);
    expect(opener.open(frames[0]![2]!, out)).toBe(BUSY);
  });

  test('one token more would be one too many: it is not given back twice', () => {
    const opener = openerOf(3);
    expect(opener.open(madeUp(500), out)).toBe(BAD_TAG);
    for (let ctr = 0; ctr < 9; ctr++) take(opener, 0, ctr);
    expect(derivable(opener, 0)).toBe(2);
  });

  test('the last 64 KIDs that failed cost nothing again', () => {
    const opener = openerOf(64);
    const all = [...Array(64).keys()];
    expect(derivable(opener, 0)).toBe(64);
    for (let round = 0; round < 3; round++) {
      for (const i of all) expect(opener.open(madeUp(i, 8 + round), out)).toBe(BAD_TAG);
    }
    expect(opener.open(madeUp(64), out)).toBe(BUSY);
    // The 65th takes the place of the one that failed longest ago: that is 1, since 0 has failed again.
    expect(opener.open(madeUp(0), out)).toBe(BAD_TAG);
    clock.ms += TOKEN_MS;
    expect(opener.open(madeUp(64), out)).toBe(BAD_TAG);
    for (const i of [...all.slice(2), 64, 0]) expect(opener.open(madeUp(i), out)).toBe(BAD_TAG);
    expect(opener.open(madeUp(1), out)).toBe(BUSY);
  });

  test('a genuine frame of a KID that failed before opens, though the budget is spent', () => {
    const opener = openerOf(4);
    expect(opener.open(forged(0, 5), out)).toBe(BAD_TAG);
    expect(derivable(opener, 0)).toBe(3);
    take(opener, 0, 5);
    take(opener, 0, 4);
    expect(opener.open(frames[0]![5]!, out)).toBe(REPLAYED);
    expect(opener.stats.senders).toBe(1);
    expect(derivable(opener, 100)).toBe(1);
  });

  test('each opener has its own', () => {
    const channel = enableEncryptionWith(SETTINGS, { framing: 'frame', maxSenders: 2 }, countedSessions(1n << 59n));
    const [one, other] = [channel.createOpener(), channel.createOpener()];
    expect(derivable(one, 0)).toBe(2);
    expect(derivable(other, 0)).toBe(2);
  });
});

describe('section 6: a flood of made-up KIDs', () => {
  test('never touches known senders: neither their frames, nor their windows, nor their order', () => {
    const opener = openerOf(8);
    for (let sender = 0; sender < 8; sender++) take(opener, sender, 0);
    const statuses = new Set<number>();
    for (let i = 0; i < 10_000; i++) {
      statuses.add(opener.open(madeUp(i), out));
      if (i % 3 === 0) clock.ms += TOKEN_MS;
      // Every sender's next frame opens at once, and its last one stays REPLAYED.
      if (i % 100 === 0) {
        const ctr = 1 + i / 100;
        for (let sender = 7; sender >= 0; sender--) {
          take(opener, sender, ctr);
          expect(opener.open(frames[sender]![ctr]!, out)).toBe(REPLAYED);
        }
        expect(opener.stats.senders).toBe(8);
      }
    }
    expect([...statuses].sort()).toEqual([BUSY, BAD_TAG].sort());
    clock.ms += 1000;
    take(opener, 8, 0);
    expect(known(opener, Object.fromEntries([...Array(8).keys()].map((sender) => [sender, 100])))).toEqual([
      0, 1, 2, 3, 4, 5, 6,
    ]);
  });

  test('can delay a new sender, not keep it out', () => {
    const opener = openerOf(4);
    for (let i = 0; i < 50; i++) opener.open(madeUp(i), out);
    expect(opener.open(frames[0]![0]!, out)).toBe(BUSY);
    expect(opener.stats.senders).toBe(0);
    clock.ms += TOKEN_MS;
    take(opener, 0, 0);
  });
});

describe('section 7: an engine without room for another key', () => {
  test('open does not throw, nothing opens without a key, and the sender opens when there is room', () => {
    const options = { framing: 'frame', engine: 'simd' } as const;
    const channel = enableEncryptionWith(SETTINGS, options, countedSessions(1n << 58n));
    const opener = openerOf(8, 'simd');
    const { Memory } = mistyped<{ Memory: { prototype: { grow(): number } } }>(Reflect.get(globalThis, 'WebAssembly'));
    vi.spyOn(Memory.prototype, 'grow').mockImplementation(() => {
      throw new RangeError('no memory');
    });
    const createAll = () => {
      while (true) channel.createSealer();
    };
    expect(createAll).toThrow('no memory for another key');
    // More often than there are tokens: what was not derived has cost none.
    for (let i = 0; i < 20; i++) {
      expect(opener.open(madeUp(i), out)).toBe(BUSY);
      expect(opener.open(frames[0]![0]!, out)).toBe(BUSY);
    }
    channel.close();
    take(opener, 0, 0);
  });
});
