/** The counters of a side. Results are counted by small numbers while packets pass, and have names when they are shown. */
import { describe } from 'frameseal';
import type { Counts, FlowCounters } from './snapshot.js';

/** Results beyond the statuses of FORMAT.md section 7: of packets that no sealer or opener saw. */
export const NO_PEER = -14;
export const ONE_WAY = -15;
const RESULTS = 16;

/** One flow of a side, by result: [0] counts `ok`, [n] the status -n. */
export class FlowCounts {
  /** Float64Array: it counts past 2^32 without allocating. */
  readonly #packets = new Float64Array(RESULTS);
  readonly #rtcp = new Float64Array(RESULTS);
  bytes = 0;

  /** Counts a packet with its result, a length or a status. */
  count(result: number, isRtcp: boolean): void {
    const i = result < 0 ? -result : 0;
    this.#packets[i]!++;
    if (isRtcp) this.#rtcp[i]!++;
  }

  /** How often a status was the result; `ok` for 0. */
  of(status: number): number {
    return this.#packets[-status]!;
  }

  /** All packets, whatever their result. */
  get total(): number {
    return this.#packets.reduce((sum, count) => sum + count, 0);
  }

  snapshot(): FlowCounters {
    return { packets: named(this.#packets), rtcp: named(this.#rtcp), bytes: this.bytes };
  }
}

/** Counts by a code that the system names. */
export class CodeCounts {
  readonly #byCode = new Map<string, number>();

  add(code: string): void {
    this.#byCode.set(code, (this.#byCode.get(code) ?? 0) + 1);
  }

  snapshot(): Counts {
    return Object.fromEntries(this.#byCode);
  }
}

/** The counters of a side. They go on when their route changes. */
export class SideCounts {
  readonly in: FlowCounts = new FlowCounts();
  readonly out: FlowCounts = new FlowCounts();
  readonly sendErrors: CodeCounts = new CodeCounts();
  readonly socketErrors: CodeCounts = new CodeCounts();
  sourceRefused = 0;
  overruns = 0;
  oversize = 0;
  /** Read from the system's table by the host. */
  kernelDrops = 0;
}

function named(counts: Float64Array): Counts {
  const names: Record<string, number> = {};
  for (let i = 0; i < RESULTS; i++) if (counts[i]! > 0) names[resultName(-i)] = counts[i]!;
  return names;
}

/** The name of a result in snapshots. */
function resultName(result: number): string {
  if (result >= 0) return 'ok';
  if (result === NO_PEER) return 'NO_PEER';
  return result === ONE_WAY ? 'ONE_WAY' : describe(result).split(':')[0]!;
}
