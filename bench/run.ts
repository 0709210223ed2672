/** Runs cases, each in processes of its own, and makes results of what they measured. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Case } from './cases.js';
import type { Entry, Result } from './document.js';
import { FLAGS } from './measure/allocation.js';
import { CLOCK } from './measure/latency.js';
import type { Measured, NodeFacts, Request } from './measure/request.js';
import { halfWidth, medianOf, ratioOf } from './statistics.js';

/** The effort of a run. */
export interface Effort {
  readonly processes: number;
  /** In each process. */
  readonly rounds: number;
  readonly latencyFrames: number;
  /** More processes for a case that turned out noisy; none after the deadline, a time of performance.now(). */
  readonly repetitions: number;
  readonly deadlineMs: number;
}

/** A Node to measure under. */
export interface NodeBinary {
  readonly path: string;
  readonly facts: NodeFacts;
}

/** Ratios that are known no better than this are too noisy to judge by. */
const NOISY = 0.1;
const START_ROUNDS = 7;
const LATENCY_CONTESTANTS = ['frameseal', 'node:crypto', '@noble/ciphers', CLOCK.name];
const WORKER = fileURLToPath(new URL('worker.js', import.meta.url));
const MOST_OUTPUT = 64 << 20;

/** Runs a worker process. Throws with its output where it fails. */
export async function ask<Answer>(node: string, request: Request): Promise<Answer> {
  const flags = request.task === 'allocation' ? FLAGS : [];
  const args = [...flags, WORKER, JSON.stringify(request)];
  const { stdout } = await promisify(execFile)(node, args, { maxBuffer: MOST_OUTPUT });
  return JSON.parse(stdout) as Answer;
}

/** One case under one Node. `base`: the folder of another checkout that is built, for one more contestant. */
export async function runCase(kase: Case, node: NodeBinary, effort: Effort, base?: string): Promise<Result> {
  const request = { task: kase.measure, name: kase.name, ...(base !== undefined && { base }) };
  const { name, group, bytes, unit } = kase;
  const about = { name, group, bytes, unit, node: node.facts.node };
  switch (kase.measure) {
    case 'time': {
      const measured = await measureTime(node.path, request, effort);
      const allocated = await ask<Measured[]>(node.path, { ...request, task: 'allocation' });
      const bytesOf = new Map(allocated.map(({ contestant, bytesPerFrame }) => [contestant, bytesPerFrame]));
      const entries = entriesOf(measured).map((entry) => withBytes(entry, bytesOf.get(entry.name)));
      return { ...about, noisy: isNoisy(measured), contestants: entries };
    }
    case 'latency': {
      const measured: Measured[] = [];
      for (const only of LATENCY_CONTESTANTS) {
        const latency = { ...request, only: [only], frames: effort.latencyFrames };
        measured.push(...(await ask<Measured[]>(node.path, latency)));
      }
      return { ...about, noisy: false, contestants: entriesOf(measured) };
    }
    default: {
      const rounds = kase.measure === 'start' ? START_ROUNDS : effort.rounds;
      const measured = await ask<Measured[]>(node.path, { ...request, rounds });
      return { ...about, noisy: isNoisy(measured), contestants: entriesOf(measured) };
    }
  }
}

/** Repeats noisy measurements; the values of all processes are taken together. */
async function measureTime(node: string, request: Request, effort: Effort): Promise<Measured[]> {
  let all: Measured[] = [];
  for (let i = 0; i < effort.processes + effort.repetitions; i++) {
    const again = i < effort.processes || (isNoisy(all) && performance.now() < effort.deadlineMs);
    if (!again) break;
    const more = await ask<Measured[]>(node, { ...request, rounds: effort.rounds });
    all = more.map((each, at) => ({ ...each, values: [...(all[at]?.values ?? []), ...each.values] }));
  }
  return all;
}

/** Whether the ratio to the first contestant that is not ours is too uncertain. */
function isNoisy(measured: readonly Measured[]): boolean {
  const [ours, ...others] = measured.filter(({ values }) => values.length > 0);
  const other = others.find(({ contestant }) => !contestant.startsWith('frameseal')) ?? others[0];
  return ours !== undefined && other !== undefined && halfWidth(ratioOf(ours.values, other.values)) > NOISY;
}

function entriesOf(measured: readonly Measured[]): Entry[] {
  const ours = measured[0]?.values ?? [];
  return measured.map(({ contestant: name, values, latency }) => {
    if (values.length === 0) return { name, status: 'not offered' };
    const status = latency?.saturated ? 'saturated' : 'measured';
    return { name, status, time: medianOf(values), ratio: ratioOf(ours, values), ...(latency && { latency }) };
  });
}

function withBytes(entry: Entry, bytesPerFrame: number | undefined): Entry {
  return bytesPerFrame === undefined ? entry : { ...entry, bytesPerFrame };
}
