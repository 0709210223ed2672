/** What is wrong between a gateway and its store: told when it begins, and again after a minute while it lasts; counted. */
import type { StoreError } from './nats.js';
import type { AlarmCause } from './rotation.js';

/** Why the keyset in the store is not what the gateway has. */
export type StoreTrouble =
  | Exclude<StoreError['cause'], 'conflict' | 'exists' | 'too-large'>
  | 'unreadable'
  | AlarmCause;

const TELL_AGAIN_MS = 60_000;

export class Troubles {
  readonly #told: (trouble: StoreTrouble | undefined, message: string) => void;
  readonly #counts: Record<string, number> = {};
  #now: StoreTrouble | undefined;
  #toldMs = 0;

  /** `told`: takes messages for people; the trouble is `undefined` when it is over. */
  constructor(told: (trouble: StoreTrouble | undefined, message: string) => void) {
    this.#told = told;
  }

  /** What lasts now. */
  get now(): StoreTrouble | undefined {
    return this.#now;
  }

  /** How often each began. */
  get counts(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }

  /** True where it begins, and did not last already. */
  begin(trouble: StoreTrouble, message: string): boolean {
    const nowMs = Date.now();
    const isNew = this.#now !== trouble;
    if (isNew) this.#counts[trouble] = (this.#counts[trouble] ?? 0) + 1;
    else if (nowMs - this.#toldMs < TELL_AGAIN_MS) return false;
    this.#now = trouble;
    this.#toldMs = nowMs;
    this.#told(trouble, message);
    return isNew;
  }

  end(): void {
    this.#now = undefined;
  }
}
