import { expect, it } from 'vitest';
import { movable } from '../../bench/measure/stack.js';

it('calls with as many unused arguments as were drawn', () => {
  const counts: number[] = [];
  const positions = [0, 3, 511];
  const { run, move } = movable(
    (...unread: unknown[]) => counts.push(unread.length),
    () => positions.shift()!,
  );
  run();
  for (let i = 0; i < 3; i++) {
    move();
    run();
    run();
  }
  expect(counts).toEqual([0, 0, 0, 3, 3, 511, 511]);
});
