/**
 * Takes the measurements of a row: batches of inputs in random order of classes, prepared before and timed one by one.
 *
 * Before the clock starts there is a pause of random length: a loop that takes always the same time is in step with a clock
 * that ticks every ten nanoseconds, say, and then what comes before the clock starts shows in what is rounded off.
 */
import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { InputClass, Subject } from './subject.js';

/** Inputs that are prepared together. */
const BATCH = 4096;
/** Measurements that are dropped, while the runtime still compiles. */
const WARM_UP = 5 * BATCH;
/**
 * An input is run so often under one clock: a leak of what is run grows with the number of runs, and what the start and the
 * stop of a clock add does not.
 */
export const RUNS = 8;
/** The pause has fewer turns of an empty loop than this: up to some twenty nanoseconds. */
const MOST_TURNS = 64;

export interface Measurements {
  /** Nanoseconds, for all runs of an input together. */
  readonly times: Float64Array;
  readonly classes: Uint8Array;
}

export function measure(subject: Subject, count: number, progress: (share: number) => void): Measurements {
  const times = new Float64Array(count);
  const classes = new Uint8Array(count);
  const size = subject.input.length;
  const pool = new Uint8Array(BATCH * size);
  const turns = new Uint8Array(BATCH);
  const inputs = Array.from({ length: BATCH }, (_, i) => pool.subarray(i * size, (i + 1) * size));
  for (let done = -WARM_UP; done < count; done += BATCH) {
    const from = Math.max(done, 0);
    const batch = Math.min(BATCH, count - from);
    const batchClasses = classes.subarray(from, from + batch);
    randomFillSync(batchClasses);
    randomFillSync(pool);
    randomFillSync(turns);
    for (let i = 0; i < batch; i++) {
      batchClasses[i]! &= 1;
      subject.prepare(inputs[i]!, batchClasses[i] as InputClass);
    }
    timeBatch(subject, inputs, turns, times.subarray(from, from + batch));
    progress(from / count);
  }
  return { times, classes };
}

/** Written to, so that no compiler leaves the pauses out. */
const sink = new Int32Array(1);

function timeBatch(subject: Subject, inputs: readonly Uint8Array[], turns: Uint8Array, times: Float64Array): void {
  for (let i = 0; i < times.length; i++) {
    subject.input.set(inputs[i]!);
    subject.ready();
    for (let turn = turns[i]! % MOST_TURNS; turn > 0; turn--) sink[0]! += turn;
    const start = performance.now();
    for (let run = 0; run < RUNS; run++) subject.run();
    times[i] = (performance.now() - start) * 1e6;
  }
}
