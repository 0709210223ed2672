/**
 * How long single frames take that come at a steady pace: from when one was due until it was done, so that a frame that
 * waits behind a slow one counts too. The process never sleeps; between frames it looks at the clock.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { quantile } from '../statistics.js';
import { type Contestant, loop, warmUp } from './contest.js';
import { LATENCY_SHARES, type Latency } from './request.js';

const WARM_UP_MS = 1000;
const EVERY_MS = 1000 / 20_000;
/** A contestant that is further behind than this at the end never catches up. */
const SATURATED_SHARE = 0.01;
/** A look at the clock leaves garbage, so between looks there is a loop without one, for this share of the time left. */
const SPUN_SHARE = 0.6;
const FEWEST_SPINS = 16;
const CALIBRATION_CALLS = 4000;
const CALIBRATION_SPINS = 10_000;

/** Waits for work that has no calls yet: the machine's own stutter. */
export const CLOCK: Contestant = { name: 'the clock alone', work: { run: () => 0, made: () => ({ sealed: [] }) } };

/** Measures `frames` frames, 20,000 a second; undefined for asynchronous work and for work that is not offered. */
export async function measureLatency({ work }: Contestant, frames: number): Promise<Latency | undefined> {
  if (work === undefined || work.isAsync) return undefined;
  await warmUp(work, WARM_UP_MS);
  const collections = countCollections();
  const timesUs = new Float64Array(frames);
  const run = loop(work, 1) as () => void;
  const spinsPerMs = SPUN_SHARE * calibrate();
  pace(run, timesUs.subarray(0, Math.min(frames, 2000)), spinsPerMs);
  await collections();
  const behindMs = pace(run, timesUs, spinsPerMs);
  const collected = await collections();
  timesUs.sort();
  return {
    us: LATENCY_SHARES.map((share) => quantile(timesUs, share)),
    collections: collected,
    saturated: behindMs > SATURATED_SHARE * frames * EVERY_MS,
  };
}

/** Returns the delay of the last frame. */
function pace(run: () => void, timesUs: Float64Array, spinsPerMs: number): number {
  const startMs = performance.now() + EVERY_MS;
  let nowMs = startMs;
  for (let i = 0; i < timesUs.length; i++) {
    const dueMs = startMs + i * EVERY_MS;
    for (nowMs = performance.now(); nowMs < dueMs; nowMs = performance.now()) {
      spin(FEWEST_SPINS + (dueMs - nowMs) * spinsPerMs);
    }
    run();
    nowMs = performance.now();
    timesUs[i] = (nowMs - dueMs) * 1000;
  }
  return timesUs.at(-1)! / 1000;
}

/** Turns of the loop without a clock in a millisecond. */
function calibrate(): number {
  for (let i = 0; i < CALIBRATION_CALLS; i++) spin(CALIBRATION_SPINS);
  const fromMs = performance.now();
  for (let i = 0; i < CALIBRATION_CALLS; i++) spin(CALIBRATION_SPINS);
  return (CALIBRATION_CALLS * CALIBRATION_SPINS) / (performance.now() - fromMs);
}

let spun = 1;

/** Each turn waits for the previous turn, so that the time does not depend on how the loop is compiled. */
function spin(turns: number): void {
  let word = spun;
  for (let i = 0; i < turns; i++) word = Math.imul(word, 1664525) | 1;
  spun = word;
}

/** A function that returns the number of collections since its last call. */
function countCollections(): () => Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    count += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  return async () => {
    await turn();
    count += observer.takeRecords().length;
    const counted = count;
    count = 0;
    return counted;
  };
}
