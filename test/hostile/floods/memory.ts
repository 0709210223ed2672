/** Memory of this process that is in use after a collection. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** JavaScript's heap, and what lies beside it: array buffers and WebAssembly's memory. */
function usedBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Samples of one flood. */
export class MemoryWatch {
  readonly before: number = usedBytes();
  readonly #samples: number[] = [];

  get peak(): number {
    return Math.max(this.before, ...this.#samples);
  }

  get after(): number {
    return this.#samples.at(-1) ?? this.before;
  }

  /** What the second half of the samples added to the first. */
  get lateGrowth(): number {
    const middle = this.#samples.length >>> 1;
    return Math.max(...this.#samples.slice(middle)) - Math.max(...this.#samples.slice(0, middle));
  }

  sample(): void {
    this.#samples.push(usedBytes());
  }
}
