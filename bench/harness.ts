/**
 * Runs one row: checks that all contestants give the same bytes, then times them in turns with tinybench.
 *
 * A machine's speed wanders, so contestants run interleaved in short rounds, and what counts is the median over the
 * rounds. A sample is a loop over many frames: the clock costs as much as a small frame.
 */
import { Bench } from 'tinybench';
import type { Job, Peer, Task } from './peers/peer.js';
import { makeTasks, type Row } from './rows.js';

interface Contestant {
  readonly peer: string;
  /** Nanoseconds a frame, the median over the rounds. */
  readonly ns: number;
  /** Half the distance between the quartiles, in percent of the median. */
  readonly spreadPercent: number;
}

export interface RowResult extends Row {
  readonly contestants: readonly Contestant[];
}

const SAMPLE_US = 250;
const ROUND_MS = 12;

/** Times a row in `rounds` rounds. Throws where a contestant gives other bytes than ours. */
export async function runRow(row: Row, peers: readonly Peer[], rounds: number): Promise<RowResult> {
  const tasks = makeTasks(row);
  const runners: { peer: string; bench: Bench; frames: number; times: number[] }[] = [];
  for (const peer of peers) {
    const work = await prepare(peer, row, tasks);
    if (work === undefined) continue;
    const turns = await turnsPerSample(work);
    const bench = new Bench({ time: ROUND_MS, iterations: 4, warmup: false });
    bench.add(peer.name, loop(work, turns));
    runners.push({ peer: peer.name, bench, frames: turns * tasks.length, times: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { bench, frames, times } of runners) {
      bench.reset();
      const [finished] = await bench.run();
      const result = finished!.result;
      if (!('latency' in result)) throw new Error(`${finished!.name} did not finish: ${result.state}`);
      times.push((result.latency.p50 * 1e6) / frames);
    }
  }
  return { ...row, contestants: runners.map(({ peer, times }) => summarize(peer, times)) };
}

type Work = () => unknown;

/** One frame, or all frames of a batch; undefined where the peer has no such cipher. */
async function prepare(peer: Peer, row: Row, tasks: readonly Task[]): Promise<Work | undefined> {
  if (row.batch !== undefined && peer.prepareBatch !== undefined) return peer.prepareBatch(tasks);
  const jobs: Job[] = [];
  for (const task of tasks) {
    const job = await peer.prepare(task);
    if (job === undefined) return undefined;
    await validate(peer.name, task, job);
    jobs.push(job);
  }
  if (jobs.length === 1) return jobs[0];
  if (jobs[0]!() instanceof Promise) {
    return async () => {
      for (const job of jobs) await job();
    };
  }
  return () => {
    for (let i = 0; i < jobs.length; i++) jobs[i]!();
  };
}

async function validate(name: string, task: Task, job: Job): Promise<void> {
  const made = await job();
  const expected = task.operation === 'seal' ? task.sealed : task.plaintext;
  if (Buffer.compare(made, expected) !== 0) throw new Error(`${name} gives other bytes: nothing was timed`);
}

/** A function that works `turns` times; asynchronous work is awaited each time, as frames are. */
function loop(work: Work, turns: number): () => void | Promise<void> {
  if (work() instanceof Promise) {
    return async () => {
      for (let i = 0; i < turns; i++) await work();
    };
  }
  return () => {
    for (let i = 0; i < turns; i++) work();
  };
}

/** Warms the work up, and finds how often it fits in a sample. */
async function turnsPerSample(work: Work): Promise<number> {
  const run = loop(work, 10);
  const startMs = performance.now();
  let calls = 0;
  while (performance.now() - startMs < 60) {
    await run();
    calls += 10;
  }
  const workUs = ((performance.now() - startMs) * 1000) / calls;
  return Math.max(1, Math.round(SAMPLE_US / workUs));
}

function summarize(peer: string, times: number[]): Contestant {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  return { peer, ns: at(0.5), spreadPercent: (50 * (at(0.75) - at(0.25))) / at(0.5) };
}
