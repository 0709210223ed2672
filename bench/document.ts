/** The results of a run, as `--json` prints them. README.md describes each field. */
import type { Latency, NodeFacts } from './measure/request.js';
import type { Interval } from './statistics.js';

export interface Document {
  /** Version of this form: counts up where a field changes its meaning or is removed. */
  readonly schema: 1;
  readonly frameseal: string;
  /** Short, with `-dirty` where files were changed; null outside a checkout. */
  readonly commit: string | null;
  /** ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  readonly nodes: readonly NodeFacts[];
  readonly results: readonly Result[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly system: string;
}

/** A case under one Node. */
export interface Result {
  readonly name: string;
  readonly group: string;
  readonly bytes: number;
  readonly unit: string;
  /** Node's version. */
  readonly node: string;
  /** After all repetitions its ratios are still too uncertain to judge by. */
  readonly noisy: boolean;
  /** Ours first. */
  readonly contestants: readonly Entry[];
}

export interface Entry {
  readonly name: string;
  readonly status: 'measured' | 'not offered' | 'saturated';
  /** In the result's unit. */
  readonly time?: Interval;
  /** To the first contestant's time, round by round. */
  readonly ratio?: Interval;
  /** Allocated on JavaScript's heaps. */
  readonly bytesPerFrame?: number;
  readonly latency?: Latency;
}
