/** Warnings: once for each cause, and again, with its count, after a minute. A cause as a rule meets every packet. */

const REPEAT_MS = 60_000;
/** The most causes that are remembered; causes consist of names in the configuration, and are few. */
const MAX_CAUSES = 10_000;

interface Cause {
  reportedMs: number;
  count: number;
}

export class Repeats {
  readonly #causes = new Map<string, Cause>();

  /** Counts a cause. Returns how often it was met since it was last reported where it is to be reported now, else 0. */
  due(cause: string, count: number, nowMs: number): number {
    const known = this.#causes.get(cause);
    if (known === undefined) {
      if (this.#causes.size >= MAX_CAUSES) this.#causes.clear();
      this.#causes.set(cause, { reportedMs: nowMs, count: 0 });
      return count;
    }
    known.count += count;
    if (known.count === 0 || nowMs - known.reportedMs < REPEAT_MS) return 0;
    const met = known.count;
    known.reportedMs = nowMs;
    known.count = 0;
    return met;
  }
}
