/** Requests to a worker process, and its answers. */
import type { Case } from '../cases.js';

export interface Request {
  /** What to do. facts: about this Node, without a case. check: compare what the contestants make, and measure nothing. */
  readonly task: 'facts' | 'check' | 'allocation' | Case['measure'];
  readonly name?: string;
  readonly rounds?: number;
  /** Frames of a latency measurement. */
  readonly frames?: number;
  /** The contestants that take part; all if left out. */
  readonly only?: readonly string[];
  /** The folder of another checkout that is built. */
  readonly base?: string;
}

/** About the Node that measures. */
export interface NodeFacts {
  readonly node: string;
  readonly v8: string;
  readonly openssl: string;
  readonly engine: string;
}

export interface Measured {
  readonly contestant: string;
  /** One a round; values of the same index were measured close together. Empty where the case is not offered. */
  readonly values: readonly number[];
  /** Bytes of JavaScript's heaps for each frame; undefined where they were not measured. */
  readonly bytesPerFrame?: number;
  readonly latency?: Latency;
}

/** Times from when a frame was due until it was done. */
export interface Latency {
  /** The times in us below which 50, 90, 99, 99.9 and 99.99% lie, and the longest. */
  readonly us: readonly number[];
  /** Garbage collections meanwhile, where they were counted. */
  readonly collections?: number;
  /** The frames came faster than the contestant does them. */
  readonly saturated: boolean;
}

export const LATENCY_SHARES = [0.5, 0.9, 0.99, 0.999, 0.9999, 1] as const;
