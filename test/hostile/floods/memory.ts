/** Memory of this process that is in use after a collection. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of JavaScript's heap, of array buffers and of WebAssembly's memory. */
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

  /** Growth from the first half of the samples to the second. */
  get lateGrowth(): number {
    const middle = this.#samples.length >>> 1;
    return Math.max(...this.#samples.slice(middle)) - Math.max(...this.#samples.slice(0, middle));
  }

  sample(): void {
    this.#samples.push(usedBytes());
  }
}
