/**
 * Time that the input decides: while a target runs, the code under test sees this clock and these timers, so that budgets
 * and rotations do the same each time an input runs.
 */

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly action: () => void;
}

export class Clock {
  nowMs = 0;
  readonly #timers = new Map<number, Timer>();
  #nextId = 1;

  /** Runs timers that are due by then, in their order, and sets the time. */
  advance(elapsedMs: number): void {
    const until = this.nowMs + elapsedMs;
    for (;;) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a.dueMs - b.dueMs || a.order - b.order);
      if (next === undefined || next[1].dueMs > until) break;
      this.#timers.delete(next[0]);
      this.nowMs = next[1].dueMs;
      next[1].action();
    }
    this.nowMs = until;
  }

  setTimeout(action: () => void, delayMs: number): number {
    const id = this.#nextId++;
    this.#timers.set(id, { dueMs: this.nowMs + delayMs, order: id, action });
    return id;
  }

  clearTimeout(id: number): void {
    this.#timers.delete(id);
  }
}

/** Runs `action` while performance.now and the timers are the clock's. */
export function underClock<T>(clock: Clock, action: () => T): T {
  const { setTimeout: realSet, clearTimeout: realClear } = globalThis;
  const realNow = performance.now;
  try {
    performance.now = () => clock.nowMs;
    Object.assign(globalThis, {
      setTimeout: (timerAction: () => void, delayMs: number) => clock.setTimeout(timerAction, delayMs),
      clearTimeout: (id: number) => clock.clearTimeout(id),
    });
    return action();
  } finally {
    performance.now = realNow;
    Object.assign(globalThis, { setTimeout: realSet, clearTimeout: realClear });
  }
}
