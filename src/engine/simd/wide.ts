/**
 * The wide form of the module (kernel/wide.ts), made of the relaxed one; and whether V8 makes one instruction of two, as the
 * wide form needs (kernel/pairs.ts): found by running a small module, because nothing else tells. Without that the wide form is
 * slower than the relaxed one.
 */
import { edited } from './edits.js';
import { decodedEdits, type ModuleForm, relaxedForm } from './forms.js';
import { decoded } from './text.js';
import { PROBE_MODULE, WIDE_EDITS } from './wide-modules.js';

export const wideForm: ModuleForm = () => edited(relaxedForm(), decodedEdits(WIDE_EDITS));

/** Two to five milliseconds until V8 has optimised the module, more on a busy machine. */
const MOST_MS = 20;
/** Of SubBytes on 16 blocks: some microseconds. */
const TURNS = 200;
/** Calls before V8 has optimised anything, without the first one, which compiles. */
const FIRST_CALLS = 3;
/** Optimised code is more than twice as fast as what V8 begins with, and so is one instruction in place of two. */
const LEAST_GAIN = 1.5;

interface Probe {
  pairs(turns: number): void;
  singles(turns: number): void;
}

/** The time of the quickest call, before V8 has optimised the code and at all. */
class Quickest {
  readonly #run: (turns: number) => void;
  #calls = 0;
  #first = Number.POSITIVE_INFINITY;
  best: number = Number.POSITIVE_INFINITY;

  constructor(run: (turns: number) => void) {
    this.#run = run;
    run(1);
  }

  call(): void {
    const start = performance.now();
    this.#run(TURNS);
    const took = performance.now() - start;
    this.best = Math.min(this.best, took);
    if (this.#calls++ < FIRST_CALLS) this.#first = this.best;
  }

  get isOptimised(): boolean {
    return this.best * LEAST_GAIN < this.#first;
  }
}

/** Takes up to MOST_MS. False where V8 has not optimised the module by then. */
export function pairsPay(): boolean {
  const probe = new WebAssembly.Instance(new WebAssembly.Module(decoded(PROBE_MODULE))).exports as unknown as Probe;
  const [pairs, singles] = [new Quickest(probe.pairs), new Quickest(probe.singles)];
  const end = performance.now() + MOST_MS;
  while (performance.now() < end) {
    singles.call();
    pairs.call();
    if (singles.isOptimised && pairs.isOptimised) return pairs.best * LEAST_GAIN < singles.best;
  }
  return false;
}
