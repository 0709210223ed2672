/** Which branches were reached, and how often an input reached them: they steer the fuzzer, and fill its last table. */
import type { Point } from './instrument.js';

/** Branches of one file. */
export interface FileCoverage {
  readonly file: string;
  readonly reached: number;
  readonly total: number;
  readonly missed: readonly Point[];
}

/** A branch has four buckets: reached once, 2 to 3 times, 4 to 15 times, more often. */
function bucket(count: number): number {
  if (count === 1) return 1;
  if (count < 4) return 2;
  return count < 16 ? 4 : 8;
}

export class Coverage {
  /** By point, how often the input that runs now has reached it. */
  readonly hits: Uint32Array;
  readonly #points: readonly Point[];
  /** By point, whether any input has reached it. */
  readonly #reached: Uint8Array;

  constructor(points: readonly Point[]) {
    this.#points = points;
    this.hits = new Uint32Array(points.length);
    this.#reached = new Uint8Array(points.length);
  }

  /** Buckets that were seen so far; one for each target. */
  emptyMap(): Uint8Array {
    return new Uint8Array(this.hits.length);
  }

  /** Enters the last input's hits into `seen` and clears them. Returns whether a hit was new. */
  take(seen: Uint8Array): boolean {
    const { hits } = this;
    let isNew = false;
    for (let i = 0; i < hits.length; i++) {
      const count = hits[i]!;
      if (count === 0) continue;
      hits[i] = 0;
      this.#reached[i] = 1;
      const bit = bucket(count);
      if ((seen[i]! & bit) !== 0) continue;
      seen[i]! |= bit;
      isNew = true;
    }
    return isNew;
  }

  /** Branches by file, for files whose path begins with one of these. */
  files(prefixes: readonly string[]): FileCoverage[] {
    const byFile = new Map<string, { reached: number; total: number; missed: Point[] }>();
    this.#points.forEach((point, i) => {
      if (!prefixes.some((prefix) => point.file.startsWith(prefix))) return;
      const entry = byFile.get(point.file) ?? { reached: 0, total: 0, missed: [] };
      byFile.set(point.file, entry);
      entry.total++;
      if (this.#reached[i] === 1) entry.reached++;
      else entry.missed.push(point);
    });
    return [...byFile].map(([file, entry]) => ({ file, ...entry }));
  }
}
