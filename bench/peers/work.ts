/** Work for peers that do frame by frame: one frame, the frames of a burst, or frames under many keys in turn. */
import { checkedOf, type Frame, type Operation, type Task, type Work } from './peer.js';

/** One frame's work: the bytes that it made, or a view of them. */
type Job = () => Uint8Array;

/** A key that is set up: gives the work for a frame, which may write to `out`. */
export type JobsOfKey = (operation: Operation, frame: Frame, out: Uint8Array) => Job;

/** Undefined for tasks that are not about frames. `setUp` is called once for each key. */
export function workOf(task: Task, setUp: (key: Uint8Array) => JobsOfKey): Work | undefined {
  switch (task.kind) {
    case 'frame':
    case 'buffer': {
      const job = setUp(task.key)(task.operation, task.frame, roomFor(task.frame));
      return { run: job, made: () => madeOf(task.operation, [job]) };
    }
    case 'batch': {
      const jobsOf = setUp(task.key);
      const jobs = task.frames.map((frame) => jobsOf('seal', frame, roomFor(frame)));
      const run = () => {
        for (let i = 0; i < jobs.length; i++) jobs[i]!();
      };
      return { run, frames: jobs.length, made: () => madeOf('seal', jobs) };
    }
    case 'keys': {
      // One array for all keys: what moves through the caches is the keys.
      const out = roomFor(task.keyed[0]!.frame);
      const jobs = task.keyed.map(({ key, frame }) => setUp(key)(task.operation, frame, out));
      return { run: inTurn(jobs), made: () => madeOf(task.operation, checkedOf(jobs)) };
    }
    default:
      return undefined;
  }
}

/** A function that does the next job at each call, and begins again after the last. */
export function inTurn<T>(jobs: readonly (() => T)[]): () => T {
  let next = 0;
  return () => {
    const job = jobs[next]!;
    next = next + 1 === jobs.length ? 0 : next + 1;
    return job();
  };
}

export function roomFor({ sealed }: Frame): Uint8Array {
  return Buffer.alloc(sealed.length);
}

function madeOf(operation: Operation, jobs: readonly Job[]) {
  const bytes = jobs.map((job) => Uint8Array.from(job()));
  return operation === 'seal' ? { sealed: bytes } : { opened: bytes };
}
