/**
 * Bytes that a frame puts on JavaScript's heaps, array buffers included; not what native code takes for itself. The process
 * runs with a collector to call and a young generation in which nothing is collected while frames are counted.
 */
import type { Work } from '../peers/peer.js';
import { medianOf } from '../statistics.js';
import { type Contestant, loop, warmUp } from './contest.js';

export const FLAGS = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];

const WARM_UP_MS = 80;
const ROUNDS = 10;
const FEW_CALLS = 64;
const ROUND_US = 12_000;
/** Frames of a round: few enough that the collector does not start by itself. */
const MOST_BYTES = 16 << 20;
/** Bytes below any object's size: a smaller figure comes from the compiler. */
const NOTHING = 1;

/** Bytes a frame, by contestant that offers the case: the median of some rounds, or 0 if one round allocates nothing. */
export async function measureAllocation(contestants: readonly Contestant[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const { name, work } of contestants) {
    if (work !== undefined) found.set(name, await bytesPerFrame(work));
  }
  return found;
}

/** Collects once, not before every round: after a collection V8 forgets some of what it compiled, and makes it anew. */
async function bytesPerFrame(work: Work): Promise<number> {
  const callUs = await warmUp(work, WARM_UP_MS);
  globalThis.gc!();
  const rough = Math.max(1, (await bytesOf(work, FEW_CALLS)) / FEW_CALLS);
  const calls = Math.max(FEW_CALLS, Math.round(Math.min(ROUND_US / callUs, MOST_BYTES / rough)));
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const perFrame = (await bytesOf(work, calls)) / calls / (work.frames ?? 1);
    // One round without an allocation: the allocations of earlier rounds came from the compiler.
    if (Math.abs(perFrame) < NOTHING) return 0;
    rounds.push(perFrame);
  }
  return Math.round(medianOf(rounds).median);
}

/** Growth of the heaps without the garbage of measuring. Too small, or below 0, where the collector ran meanwhile. */
async function bytesOf(work: Work, calls: number): Promise<number> {
  const run = loop(work, calls);
  work.before?.(calls);
  const before = heapBytes();
  const reading = heapBytes() - before;
  if (work.isAsync) await run();
  else run();
  return heapBytes() - before - 2 * reading;
}

function heapBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
