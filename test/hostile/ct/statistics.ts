/**
 * The statistics of dudect (Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?", 2017): Welch's t-test
 * between two classes of measurements, on all of them, on populations cropped at one hundred percentiles, because the
 * slowest measurements are interruptions and not the code, and on squared distances from the mean (a test of variances).
 *
 * A measurement is a time and its class, 0 or 1, at the same index of two arrays.
 */
export const CROPS = 100;
/** The fewest measurements of a class in a crop that counts. */
const LEAST_OF_A_CLASS = 100;

/** How many values of a class there are, their mean, and the sum of their squared distances from it. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly squares: number;
}

/** Moments of a class's times that are below a limit (Welford's recurrence, which keeps its digits). */
export function moments(times: Float64Array, classes: Uint8Array, ofClass: number, below: number): Moments {
  let count = 0;
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < times.length; i++) {
    const time = times[i]!;
    if (classes[i] !== ofClass || time >= below) continue;
    count++;
    const distance = time - mean;
    mean += distance / count;
    squares += distance * (time - mean);
  }
  return { count, mean, squares };
}

/** Welch's t: the distance of two means in units of its standard error. */
export function welch(a: Moments, b: Moments): number {
  const variance = a.squares / (a.count - 1) / a.count + b.squares / (b.count - 1) / b.count;
  return variance === 0 ? (a.mean === b.mean ? 0 : Number.POSITIVE_INFINITY) : (a.mean - b.mean) / Math.sqrt(variance);
}

/** Limits that crop times at percentiles which lie the closer, the higher they are: 6.7%, 12.9%, ... 99.9%. */
export function cropLimits(times: Float64Array): number[] {
  const sorted = times.toSorted();
  return Array.from({ length: CROPS }, (_, i) => {
    const share = 1 - 0.5 ** ((10 * (i + 1)) / CROPS);
    return sorted[Math.floor(share * sorted.length)]!;
  });
}

/** The largest |t| of all tests, which population it comes from, and by how much class 0 is slower there. */
export interface Verdict {
  readonly t: number;
  readonly population: string;
  /** In the unit of the times. */
  readonly difference: number;
}

export function judge(times: Float64Array, classes: Uint8Array): Verdict {
  let worst: Verdict = { t: 0, population: 'all', difference: 0 };
  const test = (values: Float64Array, population: string, below: number): void => {
    const [a, b] = [moments(values, classes, 0, below), moments(values, classes, 1, below)];
    if (Math.min(a.count, b.count) < LEAST_OF_A_CLASS) return;
    const t = Math.abs(welch(a, b));
    if (t > worst.t) worst = { t, population, difference: a.mean - b.mean };
  };
  test(times, 'all', Number.POSITIVE_INFINITY);
  const limits = cropLimits(times);
  for (const [i, below] of limits.entries()) test(times, `crop ${i + 1}`, below);
  test(squaredDistances(times, classes, limits[CROPS - 1]!), 'squares', Number.POSITIVE_INFINITY);
  return worst;
}

/** Each time's squared distance from its class's mean, for times below a limit; the other times are never below any. */
function squaredDistances(times: Float64Array, classes: Uint8Array, below: number): Float64Array {
  const means = [0, 1].map((ofClass) => moments(times, classes, ofClass, below).mean);
  return times.map((time, i) => (time < below ? (time - means[classes[i]!]!) ** 2 : Number.POSITIVE_INFINITY));
}
