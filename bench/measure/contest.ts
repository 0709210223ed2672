/** The contestants of a case, made ready, and checked against each other before a clock starts. */
import type { Case } from '../cases.js';
import { allPeers } from '../peers/index.js';
import { type Peer, validate, type Work } from '../peers/peer.js';

export interface Contestant {
  readonly name: string;
  /** Undefined: the peer does not offer this. */
  readonly work: Work | undefined;
}

/** All contestants of a case, or the named ones in that order; without packages that are not installed. */
export async function contestantsOf(
  { makeTask }: Case,
  base: string | undefined,
  only: readonly string[],
): Promise<Contestant[]> {
  const task = makeTask();
  const contestants: Contestant[] = [];
  const all = await allPeers(base);
  const asked = only.length === 0 ? all : only.map((name) => all.find((peer) => peer.name === name)!);
  for (const peer of asked) {
    if (!isInstalled(peer)) continue;
    const work = await peer.prepare(task);
    if (work === undefined && peer.name.startsWith('frameseal')) continue;
    if (work) await validate(peer.name, task, work);
    contestants.push({ name: peer.name, work });
  }
  return contestants;
}

function isInstalled({ module }: Peer): boolean {
  try {
    if (module !== undefined) import.meta.resolve(module);
    return true;
  } catch {
    return false;
  }
}

/** A function that works `turns` times; asynchronous work is awaited each time. */
export function loop({ run, isAsync }: Work, turns: number): () => void | Promise<void> {
  if (isAsync) {
    return async () => {
      for (let i = 0; i < turns; i++) await run();
    };
  }
  return () => {
    for (let i = 0; i < turns; i++) run();
  };
}

/** Works for `forMs` milliseconds. Returns the time of a call, in us. */
export async function warmUp(work: Work, forMs: number): Promise<number> {
  const turns = 10;
  const run = loop(work, turns);
  let calls = 0;
  let workedMs = 0;
  while (workedMs < forMs) {
    work.before?.(turns);
    const fromMs = performance.now();
    await run();
    workedMs += performance.now() - fromMs;
    calls += turns;
  }
  return (workedMs * 1000) / calls;
}
