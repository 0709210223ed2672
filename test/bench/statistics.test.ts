import { describe, expect, it } from 'vitest';
import { halfWidth, medianOf, quantile, ratioOf, verdictOf } from '../../bench/statistics.js';

function oneTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => ((i * 7919) % n) + 1).sort(() => -1);
}

/** That the median lies between the k-th lowest and the k-th highest of n values. */
function confidence(n: number, k: number): number {
  let [tail, ways] = [0, 1];
  for (let i = 0; i < k; i++) {
    tail += ways / 2 ** n;
    ways = (ways * (n - i)) / (i + 1);
  }
  return 1 - 2 * tail;
}

describe('medianOf', () => {
  it('gives the middle, or the mean of the two in the middle', () => {
    expect(medianOf([3, 1, 2]).median).toBe(2);
    expect(medianOf([4, 1, 3, 2]).median).toBe(2.5);
    expect(medianOf([5])).toEqual({ low: 5, median: 5, high: 5 });
  });

  it.each([6, 8, 9, 11, 15, 24, 27, 100])('of %i values, the narrowest interval of 95%', (n) => {
    const { low, high } = medianOf(oneTo(n));
    expect(low + high).toBe(n + 1);
    expect(confidence(n, low)).toBeGreaterThanOrEqual(0.95);
    expect(confidence(n, low + 1)).toBeLessThan(0.95);
  });

  it('of fewer values, from the least to the most', () => {
    for (const n of [1, 2, 3, 4, 5]) expect(medianOf(oneTo(n))).toMatchObject({ low: 1, high: n });
  });
});

describe('ratioOf', () => {
  it('takes pairs: a machine that slows down in the middle changes nothing', () => {
    expect(ratioOf([1, 1, 1, 2, 2, 2, 2], [3, 3, 3, 6, 6, 6, 6])).toEqual({ low: 3, median: 3, high: 3 });
  });
});

it('halfWidth is the wider side', () => {
  expect(halfWidth({ low: 9, median: 10, high: 13 })).toBeCloseTo(0.3);
});

it('quantile', () => {
  const values = Array.from({ length: 1000 }, (_, i) => i);
  expect([0.5, 0.999, 1].map((share) => quantile(values, share))).toEqual([500, 999, 999]);
});

describe('verdictOf', () => {
  it.each([
    [0.99, 1.01, 'same'],
    [0.95, 1.05, 'same'],
    [1.02, 1.06, 'same'],
    [1.04, 1.2, 'slower'],
    [0.8, 0.96, 'faster'],
    [0.9, 1.02, 'unclear'],
    [1.01, 1.12, 'unclear'],
  ])('%d to %d: %s', (low, high, verdict) => {
    expect(verdictOf({ low, median: (low + high) / 2, high })).toBe(verdict);
  });
});
