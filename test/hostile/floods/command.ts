/** `floods`: the findings of floods.ts and new-senders.ts, as a table. */
import type { RecordableHistogram } from 'node:perf_hooks';
import { number } from '../../../src/cli/terminal.js';
import { mebibytes, percent, Report } from '../report.js';
import { FLOODS, type FloodReport, runFlood } from './floods.js';
import { expectedWaitMs, measureWaits } from './new-senders.js';

const MAX_SENDERS = 1024;
/** Memory of an opener in a flood: senders and candidates with their keys, and the records of evicted senders. */
const MOST_BYTES_PER_SENDER = 24 << 10;
const MOST_OTHER_BYTES = 8 << 20;
/** In the second half of a flood memory grows no further. */
const MOST_LATE_BYTES = 1 << 19;
const FLOOD_RATES = [1000, 5000, 20_000, 100_000];
const NEW_SENDERS = 400;

export async function commandFloods(frames: number, engine: 'simd' | 'portable'): Promise<void> {
  const report = new Report(`floods, ${engine} engine`);
  for (const name of FLOODS) {
    const onProgress = (done: number) => report.progress(() => `${name}: ${number(done)} frames`);
    const found = runFlood(name, { frames, maxSenders: MAX_SENDERS, engine, onProgress });
    reportFlood(report, name, found);
    for (const [promise, holds] of promises(found, MAX_SENDERS)) report.check(`${name}: ${promise}`, holds);
  }
  for (const rate of FLOOD_RATES) reportWaits(report, rate);
  report.end();
}

/** The promises that every flood must keep. */
export function promises(found: FloodReport, maxSenders: number): [promise: string, holds: boolean][] {
  const { hostile, recorded, good, senders, memory } = found;
  return [
    ['every frame of a good sender opens', good.opened === good.sent],
    ['only recordings open, and each of their frames once', (hostile.get('opened') ?? 0) <= recorded],
    ['no more senders are kept than it may', senders <= maxSenders],
    ['memory is bounded', memory.peak - memory.before < maxSenders * MOST_BYTES_PER_SENDER + MOST_OTHER_BYTES],
    ['memory does not grow with the flood', memory.lateGrowth < MOST_LATE_BYTES],
  ];
}

function reportFlood(report: Report, name: string, found: FloodReport): void {
  const { hostile, recorded, good, calmNs, memory, elapsedMs } = found;
  const sent = [...hostile.values()].reduce((sum, count) => sum + count, 0);
  const statuses = [...hostile].map(([status, count]) => `${status} ${number(count)}`);
  report.row(`${name}: frames`, `${number(sent)}, ${perSecond(sent, elapsedMs)} a second`);
  report.row('  came to', statuses.join(', ') + (recorded > 0 ? ` (of ${number(recorded)} recorded)` : ''));
  report.row('  good frames opened', `${percent(good.opened, good.sent)} of ${number(good.sent)}`);
  report.row('  time of a good open, p50 and p99', `${times(good.timesNs)}; without the flood ${times(calmNs)}`);
  report.row('  memory before, after, peak', [memory.before, memory.after, memory.peak].map(mebibytes).join(', '));
}

function times(histogram: RecordableHistogram): string {
  const us = (share: number) => (histogram.percentile(share) / 1000).toFixed(1);
  return `${us(50)} and ${us(99)} us`;
}

function perSecond(count: number, elapsedMs: number): string {
  return number((1000 * count) / elapsedMs);
}

function reportWaits(report: Report, floodPerSecond: number): void {
  const advanceTo = (timeMs: number) => {
    while (performance.now() < timeMs);
  };
  report.progress(() => `new senders, ${floodPerSecond} a second`);
  const { waitsMs, floodPerSecond: actual } = measureWaits({ floodPerSecond, senders: NEW_SENDERS, advanceTo });
  const expected = expectedWaitMs(actual);
  const mean = waitsMs.reduce((sum, wait) => sum + wait, 0) / waitsMs.length;
  const p99 = waitsMs[Math.floor(0.99 * waitsMs.length)]!;
  const [rate, ...ms] = [actual, mean, p99, expected.mean, expected.p99].map((value) => number(value));
  report.row(
    `a new sender waits, at ${rate} made-up KIDs a second`,
    `mean ${ms[0]} ms, p99 ${ms[1]} ms; by arithmetic ${ms[2]} and ${ms[3]} ms`,
  );
  // Four hundred waits: their mean strays by some 5% of itself.
  report.check(
    `at ${rate} made-up KIDs a second new senders wait as the arithmetic says`,
    mean <= 1.5 * expected.mean + 1,
  );
}
