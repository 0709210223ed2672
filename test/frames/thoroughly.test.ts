/** Every item has its turn, also after an exception. */
import { expect, it } from 'vitest';
import { thoroughly } from '../../src/frames/thoroughly.js';

/** Acts on three items, of which some throw; gives the items that had their turn. */
function run(throws: (item: number) => void): { seen: number[]; act: () => void } {
  const seen: number[] = [];
  const act = () =>
    thoroughly([1, 2, 3], (item) => {
      seen.push(item);
      throws(item);
    });
  return { seen, act };
}

it('does something with every item', () => {
  const { seen, act } = run(() => {});
  expect(act).not.toThrow();
  expect(seen).toEqual([1, 2, 3]);
});

it('throws the first error when all had their turn', () => {
  const { seen, act } = run((item) => {
    if (item < 3) throw new Error(`error ${item}`);
  });
  expect(act).toThrow('error 1');
  expect(seen).toEqual([1, 2, 3]);
});

it('throws on what was thrown, undefined too', () => {
  const { act } = run((item) => {
    if (item === 1) throw undefined;
    if (item === 2) throw new Error('the second');
  });
  let caught = 0;
  try {
    act();
  } catch (error) {
    expect(error).toBe(undefined);
    caught++;
  }
  expect(caught).toBe(1);
});
