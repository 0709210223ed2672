/** A histogram of the time to open and seal a packet: of one batch in SAMPLE_EVERY, an equal share for each packet. */
import type { CryptTimes } from './snapshot.js';

const SAMPLE_EVERY = 64;
const BOUNDS: readonly number[] = [1, 2, 3, 5, 8, 13, 20, 35, 60, 100, 250, 1000].map((us) => us / 1e6);

export class CryptClock {
  readonly #counts = new Float64Array(BOUNDS.length + 1);
  #sumSeconds = 0;
  #untilSample = SAMPLE_EVERY;

  /** The time, where the batch that begins is to be measured; otherwise -1. */
  start(): number {
    if (--this.#untilSample > 0) return -1;
    this.#untilSample = SAMPLE_EVERY;
    return performance.now();
  }

  /** Ends what `start` began. */
  end(startMs: number, packets: number): void {
    if (startMs < 0) return;
    const seconds = (performance.now() - startMs) / 1000 / packets;
    let i = 0;
    while (i < BOUNDS.length && seconds > BOUNDS[i]!) i++;
    this.#counts[i]! += packets;
    this.#sumSeconds += seconds * packets;
  }

  snapshot(): CryptTimes {
    return { bounds: BOUNDS, counts: [...this.#counts], sumSeconds: this.#sumSeconds };
  }
}

/** The sum of histograms of this clock's kind. */
export function sumOfTimes(all: readonly CryptTimes[]): CryptTimes {
  const counts = new Array<number>(BOUNDS.length + 1).fill(0);
  let sumSeconds = 0;
  for (const times of all) {
    for (const [i, count] of times.counts.entries()) counts[i]! += count;
    sumSeconds += times.sumSeconds;
  }
  return { bounds: BOUNDS, counts, sumSeconds };
}
