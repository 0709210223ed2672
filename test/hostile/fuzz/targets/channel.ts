/**
 * The life of a channel: sealers, openers, batches, rotation, timers, closing, and mistakes of the programmer, in any order.
 * The same events run on both engines, and must agree in every result, byte and message.
 */
import { Clock, underClock } from '../clock.js';
import type { Code } from '../code.js';
import { mustEqual } from '../invariants.js';
import { Reader } from '../reader.js';
import { Life } from './life.js';
import type { Target } from './target.js';

export function channelTarget(code: Code): Target {
  code.warmUp.warmUp();

  function live(engine: 'simd' | 'portable', input: Uint8Array): readonly string[] {
    const clock = new Clock();
    return underClock(clock, () => {
      const life = new Life(code, engine, new Reader(input), clock);
      try {
        return life.run();
      } finally {
        life.end();
      }
    });
  }

  function run(input: Uint8Array): string {
    const simd = live('simd', input);
    const portable = live('portable', input);
    simd.forEach((event, i) => {
      mustEqual(portable[i], event, 'the engines agree on a life');
    });
    // Branches are a better guide than the many orders of events.
    return 'lived';
  }

  const lives = [[], [0, 0, 0, 0, 7, 0, 1, 1], [1, 1, 0, 0, 6, 0, 3, 0, 0], [4, 0, 0, 0, 5, 0, 2]];
  const seeds = lives.map((life) => Uint8Array.from([...life, ...new Array(40).fill(0)]));
  return { name: 'channel', maxBytes: 300, seeds, run };
}
