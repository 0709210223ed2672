/** The replay window, compared with a set that forgets nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_WINDOW, MIN_WINDOW, ReplayWindow } from '../src/replay.js';
import { REPLAYED, TOO_OLD } from '../src/status.js';

const SIZES = [64, 128, 1024, 65_536];
const LAST_INDEX = Number.MAX_SAFE_INTEGER;

/** What a window of this size answers, in the words of FORMAT.md section 6. */
class Model {
  readonly size: number;
  readonly floor: number;
  readonly seen = new Set<number>();
  highest = -1;

  constructor(size: number, floor: number) {
    this.size = size;
    this.floor = floor;
  }

  check(index: number): number {
    if (index < this.floor || this.highest - index >= this.size) return TOO_OLD;
    return this.seen.has(index) ? REPLAYED : 0;
  }

  accept(index: number): void {
    this.seen.add(index);
    this.highest = Math.max(this.highest, index);
  }
}

/** One frame: where its index lies, and whether its tag turned out right. */
interface Step {
  readonly from: 'highest' | 'window start' | 'seen' | 'floor';
  readonly by: number;
  readonly genuine: boolean;
}

/** Distances at which something changes: words of 32 bits, the window's size, what a double or an int32 can hold. */
const EDGES = [
  1,
  31,
  32,
  33,
  63,
  64,
  65,
  127,
  128,
  1023,
  1024,
  1025,
  65_535,
  65_536,
  65_537,
  2 ** 31,
  2 ** 32,
  2 ** 32 + 1,
];

const distance = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 3, arbitrary: fc.integer({ min: -200, max: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: -70_000, max: 140_000 }) },
  { weight: 2, arbitrary: fc.constantFrom(...EDGES) },
  { weight: 1, arbitrary: fc.constantFrom(...EDGES.map((edge) => -edge)) },
);

const step: fc.Arbitrary<Step> = fc.record({
  from: fc.constantFrom('highest', 'highest', 'window start', 'seen', 'floor'),
  by: distance,
  genuine: fc.boolean(),
});

const start = fc.oneof(
  fc.constantFrom(
    0,
    2 ** 31 - 40,
    2 ** 32 - 40,
    2 ** 48 - 40,
    2 ** 48,
    2 ** 52,
    LAST_INDEX - 200_000,
    LAST_INDEX - 40,
    LAST_INDEX,
  ),
  fc.maxSafeNat(),
);

function indexOf({ from, by }: Step, model: Model): number {
  const origins = {
    highest: model.highest,
    'window start': model.highest - model.size + 1,
    seen: [...model.seen][Math.abs(by) % Math.max(1, model.seen.size)] ?? 0,
    floor: model.floor,
  };
  const index = from === 'seen' ? origins.seen : origins[from] + by;
  return Math.min(Math.max(index, 0), LAST_INDEX);
}

describe.each(SIZES)('a window of %i', (size) => {
  it('answers as a set of all indices does', () => {
    const window = new ReplayWindow(size);
    fc.assert(
      fc.property(start, fc.boolean(), fc.array(step, { minLength: 1, maxLength: 80 }), (first, atFloor, steps) => {
        const model = new Model(size, atFloor ? first : 0);
        window.reset(model.floor);
        if (window.check(first) !== 0) throw new Error(`refused ${first}, the first index`);
        window.accept(first);
        model.accept(first);
        for (const next of steps) {
          const index = indexOf(next, model);
          const answer = window.check(index);
          if (answer !== model.check(index)) throw new Error(`check(${index}) is ${answer}, not ${model.check(index)}`);
          if (answer === 0 && next.genuine) {
            window.accept(index);
            model.accept(index);
          }
          if (window.highest !== model.highest) throw new Error(`highest is ${window.highest}, not ${model.highest}`);
        }
        const lowest = Math.max(0, model.highest - Math.min(size, 1024) - 2);
        for (let index = lowest; index <= Math.min(model.highest + 2, LAST_INDEX); index++) {
          if (window.check(index) !== model.check(index)) throw new Error(`at the end, check(${index})`);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('takes exactly the last indices, after a jump of any size', () => {
    for (const jump of [...EDGES, size - 1, size, size + 1, 2 * size, 3 * size + 7]) {
      const window = new ReplayWindow(size);
      const seen = Array.from({ length: size }, (_, i) => 5 + i);
      for (const index of seen) window.accept(index);
      const highest = seen.at(-1)! + jump;
      window.accept(highest);
      const answers = new Map<number, number>();
      for (let index = Math.max(0, highest - size - 1); index <= highest + 1; index++) {
        const expected = highest - index >= size ? TOO_OLD : index === highest || index <= seen.at(-1)! ? REPLAYED : 0;
        if (window.check(index) !== expected) answers.set(index - highest, window.check(index));
      }
      expect([...answers], `a jump of ${jump}`).toEqual([]);
    }
  });
});

describe('a window', () => {
  it('starts with nothing seen', () => {
    const window = new ReplayWindow(64);
    expect(window.highest).toBe(-1);
    expect([0, 1, 63, 64, 2 ** 48, LAST_INDEX].map((index) => window.check(index))).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('does not change by a check', () => {
    const window = new ReplayWindow(64);
    window.accept(100);
    for (const index of [99, 100, 101, 1000, LAST_INDEX]) window.check(index);
    expect(window.highest).toBe(100);
    expect([99, 100, 101].map((index) => window.check(index))).toEqual([0, REPLAYED, 0]);
  });

  it('refuses everything below its floor, and nothing else, after a reset', () => {
    const window = new ReplayWindow(64);
    window.accept(40);
    window.reset(30);
    expect(window.highest).toBe(-1);
    expect([0, 29, 30, 40, 41].map((index) => window.check(index))).toEqual([TOO_OLD, TOO_OLD, 0, 0, 0]);
    window.accept(40);
    expect([29, 30, 39, 40].map((index) => window.check(index))).toEqual([TOO_OLD, 0, 0, REPLAYED]);
    window.reset();
    expect([0, 29, 40].map((index) => window.check(index))).toEqual([0, 0, 0]);
  });

  it('has a size that is a power of two from 64 to 65,536', () => {
    expect([MIN_WINDOW, MAX_WINDOW]).toEqual([64, 65_536]);
    for (let size = MIN_WINDOW; size <= MAX_WINDOW; size *= 2) expect(new ReplayWindow(size).size).toBe(size);
    for (const size of [
      0,
      1,
      32,
      63,
      65,
      96,
      100,
      1000,
      65_535,
      65_537,
      131_072,
      -64,
      2 ** 32,
      2 ** 32 + 64,
      Infinity,
      Number.NaN,
      64.5,
    ]) {
      expect(() => new ReplayWindow(size), `${size}`).toThrow(RangeError);
    }
  });
});
