/**
 * Calls at a stack position that is drawn.
 *
 * V8 does not align the v128 values that a WebAssembly function spills: where one lies across a page border, each access to
 * it is slow, and a frame takes up to 1.9 times as long for as long as its call path keeps its stack position. A process
 * keeps one position; the position of the next process is chance. So each round has a position of its own: arguments that nothing
 * reads, 8 bytes each, move everything below them.
 */

const PAGE_BYTES = 4096;
const ARGUMENT_BYTES = 8;
/** Every position within a page that arguments can give. */
const POSITIONS = PAGE_BYTES / ARGUMENT_BYTES;

export interface Movable {
  readonly run: () => void;
  /** Moves `run` to another position. */
  readonly move: () => void;
}

/** `position`: which of those within a page comes next; drawn where left out. */
export function movable(run: () => void, position: () => number = drawn): Movable {
  let unread: readonly number[] = [];
  return {
    // Not a spread: V8 could make a call with a known number of arguments of that, and inline it.
    run: () => Reflect.apply(run, undefined, unread),
    move: () => {
      unread = new Array<number>(position()).fill(0);
    },
  };
}

function drawn(): number {
  return Math.floor(Math.random() * POSITIONS);
}
