/** The report of a row: its expectation, the verdict, and a bar for |t|. */
import type { Expectation } from './rows.js';
import type { Verdict } from './statistics.js';

/** The |t| from which two classes differ. */
const LEAK_T = 5;
/** The |t| that a planted leak must reach. */
const SEEN_T = 20;

/** Whether a row meets its expectation. */
export function isAsAsked(expectation: Expectation, t: number): boolean {
  if (expectation === 'constant') return t < LEAK_T;
  return expectation === 'shown' || t > SEEN_T;
}

export function word(expectation: Expectation, t: number): string {
  if (expectation === 'leaky') return isAsAsked(expectation, t) ? 'seen' : 'BLIND';
  if (t < LEAK_T) return 'no leak';
  return expectation === 'constant' ? 'LEAK' : 'leaks';
}

const NAME_COLUMNS = 54;
const BAR_COLUMNS = 24;

/** 5 is in the middle; a column to the right of it is a third more. */
export function bar(t: number): string {
  const middle = BAR_COLUMNS / 2;
  const columns = t < LEAK_T ? (middle * t) / LEAK_T : middle + Math.log(t / LEAK_T) / Math.log(4 / 3);
  return '#'.repeat(Math.min(BAR_COLUMNS, Math.round(columns)));
}

export const HEADING =
  `${'row'.padEnd(NAME_COLUMNS)}${'median'.padStart(10)}${'max |t|'.padStart(10)}  ` +
  `${'verdict'.padEnd(9)}${'population'.padEnd(12)}${'difference'.padStart(10)}`;

/** A line of the table. */
export function line(name: string, expectation: Expectation, medianNs: number, verdict: Verdict): string {
  const { t, population, difference } = verdict;
  const unit = population === 'squares' ? '' : `${difference.toFixed(2)} ns`;
  return (
    `${name.padEnd(NAME_COLUMNS)}${`${medianNs.toFixed(0)} ns`.padStart(10)}${t.toFixed(2).padStart(10)}  ` +
    `${word(expectation, t).padEnd(9)}${population.padEnd(12)}${unit.padStart(10)}  `
  );
}
