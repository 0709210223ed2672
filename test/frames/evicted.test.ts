/** What is kept of evicted sources: their highest index, for the last 65,536 of them. */
import { expect, test } from 'vitest';
import { EvictedSources } from '../../src/frames/evicted.js';

test('keeps the highest index until the source is back', () => {
  const evicted = new EvictedSources();
  for (let i = 0; i < 100; i++) evicted.keep(i % 3, i, 2 ** 40 + i);
  for (let i = 0; i < 100; i++) expect(evicted.highest(i % 3, i)).toBe(2 ** 40 + i);
  expect([evicted.highest(1, 0), evicted.highest(0, 100)]).toEqual([-1, -1]);
  evicted.keep(0, 3, 7);
  expect(evicted.highest(0, 3)).toBe(7);
  evicted.remove(0, 3);
  evicted.remove(0, 4000);
  expect(evicted.highest(0, 3)).toBe(-1);
  expect(evicted.highest(1, 4)).toBe(2 ** 40 + 4);
});

test('forgets the oldest where there are too many, and one that comes and goes takes one place', () => {
  const evicted = new EvictedSources();
  for (let i = 0; i < 65_536; i++) evicted.keep(0, i, i);
  for (let i = 0; i < 10; i++) {
    evicted.remove(0, 65_535);
    evicted.keep(0, 65_535, i);
  }
  expect([evicted.highest(0, 0), evicted.highest(0, 65_535)]).toEqual([0, 9]);
  evicted.keep(9, 0, 1);
  evicted.keep(9, 1, 1);
  expect([0, 1, 2].map((id) => evicted.highest(0, id))).toEqual([-1, -1, 2]);
  expect(evicted.highest(9, 1)).toBe(1);
});
