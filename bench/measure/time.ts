/**
 * What a frame costs: contestants in turns, in short rounds. Order and stack positions are drawn anew for each round; of a
 * round counts the median of its samples. A sample is a loop over many frames: the clock costs as much as a small one.
 */
import { Bench } from 'tinybench';
import type { Work } from '../peers/peer.js';
import { type Contestant, loop, warmUp } from './contest.js';
import type { Measured } from './request.js';
import { type Movable, movable } from './stack.js';

const WARM_UP_MS = 80;
const SAMPLE_US = 250;
const ROUND_MS = 12;

interface Runner {
  readonly contestant: string;
  readonly bench: Bench | undefined;
  /** Undefined for asynchronous work, which continues on a stack of its own after each frame. */
  readonly movable: Movable | undefined;
  readonly framesPerSample: number;
  readonly values: number[];
}

/** Nanoseconds a frame, or a call where a call does no frame. */
export async function measureTime(contestants: readonly Contestant[], rounds: number): Promise<Measured[]> {
  const runners: Runner[] = [];
  for (const { name, work } of contestants) runners.push(await prepare(name, work));
  for (let round = 0; round < rounds; round++) {
    for (const runner of shuffled(runners)) await runRound(runner);
  }
  return runners.map(({ contestant, values }) => ({ contestant, values }));
}

async function prepare(contestant: string, work: Work | undefined): Promise<Runner> {
  if (work === undefined) return { contestant, bench: undefined, movable: undefined, framesPerSample: 0, values: [] };
  const turns = Math.max(1, Math.round(SAMPLE_US / (await warmUp(work, WARM_UP_MS))));
  const bench = new Bench({ time: ROUND_MS, iterations: 4, warmup: false, throws: true });
  const sample = loop(work, turns);
  const moved = work.isAsync ? undefined : movable(sample);
  bench.add(contestant, moved?.run ?? sample, { beforeEach: () => work.before?.(turns) });
  return { contestant, bench, movable: moved, framesPerSample: turns * (work.frames ?? 1), values: [] };
}

async function runRound({ bench, movable, framesPerSample, values }: Runner): Promise<void> {
  if (bench === undefined) return;
  movable?.move();
  bench.reset();
  const [task] = await bench.run();
  const result = task!.result;
  if (!('latency' in result)) throw new Error(`${task!.name} did not finish: ${result.state}`);
  values.push((result.latency.p50 * 1e6) / framesPerSample);
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
