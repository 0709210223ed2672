import { STATUS_COUNT, statusName } from '../status.js';

/** Counters since a sealer, opener, sender or receiver was made. */
export interface FrameStats {
  /** Frames that succeeded. */
  readonly frames: number;
  /** Bytes of the inputs of these frames. */
  readonly bytesIn: number;
  /** Bytes of their results. */
  readonly bytesOut: number;
  /** How often each status came back, by its name. */
  readonly refused: Readonly<Record<string, number>>;
}

/** @internal */
export class FrameCounters {
  /** By -status; [0] counts successes. Float64Array: it counts past 2^32 without allocating. */
  readonly #byStatus = new Float64Array(STATUS_COUNT);
  readonly #bytes = new Float64Array(2);

  /** Counts one result and returns it. */
  count(result: number, inputBytes: number): number {
    if (result < 0) {
      this.#byStatus[-result]!++;
    } else {
      this.#byStatus[0]!++;
      this.#bytes[0]! += inputBytes;
      this.#bytes[1]! += result;
    }
    return result;
  }

  snapshot(): FrameStats {
    const refused: Record<string, number> = {};
    for (let i = 1; i < STATUS_COUNT; i++) if (this.#byStatus[i]! > 0) refused[statusName(-i)] = this.#byStatus[i]!;
    return { frames: this.#byStatus[0]!, bytesIn: this.#bytes[0]!, bytesOut: this.#bytes[1]!, refused };
  }
}
