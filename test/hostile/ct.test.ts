/** The statistics of `npm run ct` on numbers that are known, and on times that are made up: no clock is read here. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/cli/random.js';
import { isAsAsked, line, word } from './ct/report.js';
import { CROPS, cropLimits, judge, type Moments, moments, welch } from './ct/statistics.js';

/** Times with noise of about 10 ns and, once in a hundred, an interruption; class 0 as `slower` makes it. */
function measured(count: number, slower: (ns: number, random: () => number) => number, seed = 1) {
  const numbers = new Random(seed);
  const random = () => numbers.share();
  const times = new Float64Array(count);
  const classes = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    classes[i] = random() < 0.5 ? 0 : 1;
    const noise = 10 * (random() + random() + random() + random());
    const ns = 500 + noise + (random() < 0.01 ? 20_000 * random() : 0);
    times[i] = classes[i] === 0 ? slower(ns, random) : ns;
  }
  return { times, classes };
}

const of = (values: readonly number[]): Moments =>
  moments(Float64Array.from(values), new Uint8Array(values.length), 0, Number.POSITIVE_INFINITY);

describe('statistics', () => {
  test('moments of a class, below a limit', () => {
    const times = Float64Array.of(2, 100, 4, 4, 5, 100, 7, 9, 1000);
    const classes = Uint8Array.of(0, 1, 0, 0, 0, 1, 0, 0, 0);
    const { count, mean, squares } = moments(times, classes, 0, 1000);
    expect(count).toBe(6);
    expect(mean).toBeCloseTo(31 / 6, 12);
    expect(squares).toBeCloseTo(191 - 31 ** 2 / 6, 12);
  });

  test("Welch's t of samples whose t is known", () => {
    // 1, 2, 3, 4, 5: mean 3, variance 5/2. 2, 4, 6, 8, 10, 12: mean 7, variance 14. t = -4 / sqrt(1/2 + 7/3).
    expect(welch(of([1, 2, 3, 4, 5]), of([2, 4, 6, 8, 10, 12]))).toBeCloseTo(-4 / Math.sqrt(17 / 6), 12);
    expect(welch(of([1, 1]), of([1, 1]))).toBe(0);
    expect(welch(of([1, 1]), of([2, 2]))).toBe(Number.POSITIVE_INFINITY);
  });

  test('crops lie at the percentiles that they should, closer together towards the end', () => {
    const limits = cropLimits(Float64Array.from({ length: 10_000 }, (_, i) => 9_999 - i));
    expect(limits).toHaveLength(CROPS);
    expect([limits[0], limits[9], limits[19], limits[99]]).toEqual([669, 5_000, 7_500, 9_990]);
  });
});

describe('judging times', () => {
  test('sees nothing where there is nothing', () => {
    for (const seed of [1, 2, 3]) {
      const { times, classes } = measured(50_000, (ns) => ns, seed);
      expect(judge(times, classes).t).toBeLessThan(5);
    }
  });

  test('sees half a nanosecond behind interruptions of 20 us, in a crop', () => {
    const { times, classes } = measured(50_000, (ns) => ns + 0.5);
    const { t, population, difference } = judge(times, classes);
    expect(t).toBeGreaterThan(5);
    expect(population).toMatch(/^crop /);
    expect(difference).toBeGreaterThan(0);
  });

  test('sees a difference of spreads without one of means', () => {
    const { times, classes } = measured(50_000, (ns, random) => ns + (random() < 0.5 ? -8 : 8));
    expect(judge(times, classes).t).toBeGreaterThan(20);
  });

  test('sees a tail that one class alone has, and says which class is slower', () => {
    const { times, classes } = measured(50_000, (ns, random) => (random() < 0.02 ? ns - 100 : ns));
    const { t, difference } = judge(times, classes);
    expect(t).toBeGreaterThan(5);
    expect(difference).toBeLessThan(0);
  });
});

describe('verdicts', () => {
  test('a row without a leak stays below 5; one that was put there comes out above 20', () => {
    expect([4.99, 5].map((t) => isAsAsked('constant', t))).toEqual([true, false]);
    expect([20, 20.01].map((t) => isAsAsked('leaky', t))).toEqual([false, true]);
    expect([0, 400].map((t) => isAsAsked('shown', t))).toEqual([true, true]);
    expect(word('leaky', 6)).toBe('BLIND');
    expect(line('row', 'constant', 500, { t: 6, population: 'crop 3', difference: 1 })).toContain('LEAK');
  });
});
