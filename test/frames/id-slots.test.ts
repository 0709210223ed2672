/** IdSlots, compared with a plain list from oldest to newest. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdSlots } from '../../src/frames/id-slots.js';

interface Entry {
  readonly slot: number;
  readonly high: number;
  readonly low: number;
}

/** KIDs that differ in one half only, or in the other, or in the sign; few, so that the same ones come again. */
const HALVES = [0, 1, 2, -1, 0x7fffffff, -0x80000000, 0x01a1b2c3, 0x4e5f6071 | 0];
const POOL = HALVES.flatMap((high) => HALVES.map((low) => [high, low] as const));

type Step =
  | { readonly do: 'insert'; readonly kid: number }
  | { readonly do: 'remove' | 'touch'; readonly place: number }
  | { readonly do: 'grow'; readonly by: number };

const place = fc.nat(1000);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('insert' as const), kid: fc.nat(POOL.length - 1) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'touch' as const), place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('grow' as const), by: fc.integer({ min: 1, max: 20 }) }) },
);

/** What the set holds, from oldest to newest. */
function entriesOf(set: IdSlots): Entry[] {
  const entries: Entry[] = [];
  for (let slot = set.oldest; slot >= 0 && entries.length <= set.capacity; slot = set.newerThan(slot)) {
    entries.push({ slot, high: set.high(slot), low: set.low(slot) });
  }
  return entries;
}

function take(set: IdSlots, model: Entry[], next: Step): void {
  if (next.do === 'grow') {
    set.grow(set.capacity + next.by);
  } else if (next.do === 'insert') {
    const [high, low] = POOL[next.kid]!;
    if (model.some((entry) => entry.high === high && entry.low === low)) return;
    const slot = set.insert(high, low);
    if (model.length === set.capacity) {
      expect(slot).toBe(-1);
      return;
    }
    expect(slot).toBeGreaterThanOrEqual(0);
    expect(slot).toBeLessThan(set.capacity);
    expect(model.some((entry) => entry.slot === slot)).toBe(false);
    model.push({ slot, high, low });
  } else if (model.length > 0) {
    const at = next.place % model.length;
    const entry = model.splice(at, 1)[0]!;
    if (next.do === 'remove') {
      set.remove(entry.slot);
    } else {
      set.touch(entry.slot);
      model.push(entry);
    }
  }
}

describe('IdSlots', () => {
  it('holds what a list holds, in its order, through any changes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), fc.array(step, { maxLength: 120 }), (capacity, steps) => {
        const set = new IdSlots(capacity);
        const model: Entry[] = [];
        for (const next of steps) {
          take(set, model, next);
          expect(set.size).toBe(model.length);
          expect(set.oldest).toBe(model[0]?.slot ?? -1);
          const found = POOL.map(([high, low]) => set.find(high, low));
          const expected = POOL.map(([high, low]) => model.find((e) => e.high === high && e.low === low)?.slot ?? -1);
          if (found.join() !== expected.join()) expect(found).toEqual(expected);
        }
        expect(entriesOf(set)).toEqual(model);
      }),
      { numRuns: 300 },
    );
  });

  it('takes as many as its capacity, and again after each is removed', () => {
    for (const capacity of [1, 2, 3, 16, 100]) {
      const set = new IdSlots(capacity);
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < capacity; i++) expect(set.insert(round, i)).toBeGreaterThanOrEqual(0);
        expect(set.insert(9, 9)).toBe(-1);
        expect(set.find(9, 9)).toBe(-1);
        expect([set.size, set.capacity]).toEqual([capacity, capacity]);
        while (set.size > 0) set.remove(set.oldest);
        expect(set.oldest).toBe(-1);
      }
    }
  });

  it('keeps slots when it grows, full or not', () => {
    for (const before of [3, 4]) {
      const set = new IdSlots(4);
      const slots = Array.from({ length: before }, (_, i) => set.insert(i, -i));
      set.grow(8);
      expect(slots.map((_, i) => set.find(i, -i))).toEqual(slots);
      const more = Array.from({ length: 8 - before }, (_, i) => set.insert(100, i));
      expect([...slots, ...more].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(set.insert(101, 0)).toBe(-1);
      expect(entriesOf(set).map(({ slot }) => slot)).toEqual([...slots, ...more]);
    }
  });

  it('finds each of 65,536 KIDs that differ in a few bits', () => {
    const set = new IdSlots(16);
    const count = 65_536;
    for (let i = 0; i < count; i++) {
      if (set.size === set.capacity) set.grow(2 * set.capacity);
      set.insert(0x01000000 | (i >>> 8), i << 24);
    }
    let found = 0;
    for (let i = 0; i < count; i++) {
      const slot = set.find(0x01000000 | (i >>> 8), i << 24);
      if (set.high(slot) === (0x01000000 | (i >>> 8)) && set.low(slot) === i << 24) found++;
    }
    expect(found).toBe(count);
    expect(set.find(0x02000000, 0)).toBe(-1);
  });
});
