/**
 * Medians and what is known about them. A machine's speed wanders, and its noise has a long tail on one side: so no means,
 * no normal distributions. The interval of a median is that of order statistics: it lies between the k-th lowest and the
 * k-th highest value, with a confidence that comes from the binomial distribution alone (David and Nagaraja, Order
 * Statistics, section 7.1).
 */

export interface Interval {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

const CONFIDENCE = 0.95;

/** The median with an interval of at least 95% confidence; of fewer than 6 values, from the least to the most. */
export function medianOf(values: readonly number[]): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const k = rank(n);
  return { low: sorted[k - 1]!, median: (sorted[(n - 1) >> 1]! + sorted[n >> 1]!) / 2, high: sorted[n - k]! };
}

/** How many times as long the second takes: values of the same index were measured one right after the other. */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Interval {
  return medianOf(ours.map((value, i) => theirs[i]! / value));
}

/** The width of an interval to either side, as a share of the median. */
export function halfWidth({ low, median, high }: Interval): number {
  return Math.max(high - median, median - low) / median;
}

export type Verdict = 'slower' | 'faster' | 'same' | 'unclear';

/** A ratio that is surely further than this from 1 is a real difference. */
export const REAL = 0.03;
/** A ratio that is surely nearer than this is none. */
const SMALL = 0.07;

/** The verdict of an interval of ratios, this to the base's: `unclear` where the interval is too wide. */
export function verdictOf({ low, high }: Interval): Verdict {
  if (low > 1 + REAL) return 'slower';
  if (high < 1 - REAL) return 'faster';
  return low > 1 - SMALL && high < 1 + SMALL ? 'same' : 'unclear';
}

/** The value below which this share of the values lies. */
export function quantile(ascending: ArrayLike<number>, share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))]!;
}

/** The largest k for which both tails together, P(fewer than k of n fair coins) twice, stay within what is left. */
function rank(n: number): number {
  let probability = 0.5 ** n;
  let tail = probability;
  let k = 0;
  while (2 * tail <= 1 - CONFIDENCE && k < n / 2) {
    k++;
    probability *= (n - k + 1) / k;
    tail += probability;
  }
  return Math.max(1, k);
}
