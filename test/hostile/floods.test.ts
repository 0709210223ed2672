/**
 * Floods against an opener, small ones on a clock of the test's own; `npm run hostile -- floods` has the large ones, with
 * times. Single frames of these kinds are in test/channel/senders.test.ts.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ENGINES } from '../support/engines.js';
import { promises } from './floods/command.js';
import { FLOODS, type FloodName, runFlood } from './floods/floods.js';
import { expectedWaitMs, measureWaits } from './floods/new-senders.js';

const FRAMES = 10_000;
const MAX_SENDERS = 64;
/** 100,000 frames a second. */
const FRAME_MS = 0.01;

const { now } = performance;
let clockMs = 0;
// No spy: it would keep every call.
beforeEach(() => {
  clockMs = 1000;
  performance.now = () => clockMs;
});
afterEach(() => {
  performance.now = now;
});

const flood = (name: FloodName, engine: (typeof ENGINES)[number]) =>
  runFlood(name, {
    frames: FRAMES,
    maxSenders: MAX_SENDERS,
    engine,
    tick: () => {
      clockMs += FRAME_MS;
    },
  });

describe.each(ENGINES)('section 6: floods, engine %s', (engine) => {
  test.each(FLOODS.slice(0, 4))('%s: good senders go on, nothing else opens, memory is bounded', (name) => {
    const found = flood(name, engine);
    for (const [promise, holds] of promises(found, MAX_SENDERS)) expect(holds, promise).toBe(true);
    // The flood had the frames of its name.
    const { hostile } = found;
    expect([...hostile.values()].reduce((sum, count) => sum + count)).toBe(FRAMES);
    if (name === 'made-up KIDs') {
      // The tokens of a full bucket, and the tokens of 100 ms.
      expect(hostile.get('BAD_TAG')).toBe(MAX_SENDERS + Math.floor(FRAMES * FRAME_MS * 2.048));
      expect(hostile.get('BUSY')).toBe(FRAMES - hostile.get('BAD_TAG')!);
    } else if (name === 'replays') {
      expect([...hostile.keys()]).toEqual(['REPLAYED']);
    } else if (name === 'forgeries') {
      expect([...hostile.keys()]).toEqual(['BAD_TAG']);
    } else {
      // Each recorded frame opens once, although its sender was evicted meanwhile; replayed, none opens.
      expect(hostile.get('opened')).toBe(FRAMES / 2);
      expect(found.senders).toBe(MAX_SENDERS);
    }
  });
});

describe('section 6: how long a new sender waits while made-up KIDs come', () => {
  const waits = (floodPerSecond: number, senders: number) => {
    const advanceTo = (timeMs: number) => {
      clockMs = timeMs;
    };
    const found = measureWaits({ floodPerSecond, senders, advanceTo });
    expect(found.waitsMs.length).toBe(senders);
    // The drawn times have the wanted rate.
    expect(Math.abs(found.floodPerSecond / floodPerSecond - 1)).toBeLessThan(0.1);
    return found;
  };

  test('not at all, as long as fewer come than tokens', () => {
    expect(waits(1800, 100).waitsMs.at(-1)).toBe(0);
  });

  // The arrivals are drawn, but always the same ones: the mean of all waits strays by less than a fifth.
  test.each([5000, 10_000])('at %i a second, as long as the arithmetic says', (rate) => {
    const { waitsMs, floodPerSecond } = waits(rate, 400);
    const expected = expectedWaitMs(floodPerSecond);
    const mean = waitsMs.reduce((sum, wait) => sum + wait) / waitsMs.length;
    expect(mean / expected.mean).toBeGreaterThan(0.8);
    expect(mean / expected.mean).toBeLessThan(1.2);
    // One wait in 100,000 is longer, of which there are 400.
    expect(waitsMs.at(-1)).toBeLessThan(2.5 * expected.p99);
  });
});
