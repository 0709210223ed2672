/** An opener's senders against a plain model of FORMAT.md section 6. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BAD_TAG, BUSY, REPLAYED, TOO_OLD } from '../../../src/status.js';
import { KID, kidText } from '../../support/channel.js';
import {
  clock,
  FRAMES,
  forged,
  frames,
  madeUp,
  OPENED,
  openerOf,
  out,
  SENDERS,
  TOKEN_MS,
  useClock,
  WINDOW,
} from './setup.js';

useClock();

describe('section 6: the table against a plain model', () => {
  type Step =
    | { readonly do: 'frame'; readonly sender: number; readonly ctr: number; readonly forge: boolean }
    | { readonly do: 'stray'; readonly kid: number; readonly count: number }
    | { readonly do: 'wait'; readonly halfTokens: number };

  /** What FORMAT.md says of an opener's senders, in lists that are searched from end to end. */
  class Model {
    readonly known: { sender: number; highest: number; seen: Set<number>; floor: number }[] = [];
    readonly evicted = new Map<number, number>();
    readonly failed: string[] = [];
    #tokens: number;
    #refilledMs = clock.ms;
    readonly #maxSenders: number;

    constructor(maxSenders: number) {
      this.#maxSenders = maxSenders;
      this.#tokens = maxSenders;
    }

    frame(sender: number, ctr: number, genuine: boolean): number {
      let entry = this.known.find((one) => one.sender === sender);
      const isNew = entry === undefined;
      if (entry === undefined) {
        const floor = (this.evicted.get(sender) ?? -1) + 1;
        if (ctr < floor) return TOO_OLD;
        if (!this.#derive(`sender ${sender}`)) return BUSY;
        entry = { sender, highest: -1, seen: new Set(), floor };
      }
      if (entry.highest - ctr >= WINDOW || ctr < entry.floor) return TOO_OLD;
      if (entry.seen.has(ctr)) return REPLAYED;
      if (!genuine) return BAD_TAG;
      entry.seen.add(ctr);
      entry.highest = Math.max(entry.highest, ctr);
      if (isNew) this.#admit(sender);
      else this.known.splice(this.known.indexOf(entry), 1);
      this.known.push(entry);
      return OPENED;
    }

    stray(kid: number): number {
      return this.#derive(`stray ${kid}`) ? BAD_TAG : BUSY;
    }

    #derive(kid: string): boolean {
      const at = this.failed.indexOf(kid);
      if (at >= 0) {
        this.failed.splice(at, 1);
      } else {
        const refill = (clock.ms - this.#refilledMs) / TOKEN_MS;
        this.#refilledMs = clock.ms;
        this.#tokens = Math.min(this.#maxSenders, this.#tokens + refill);
        if (this.#tokens < 1) return false;
        this.#tokens--;
        if (this.failed.length === 64) this.failed.shift();
      }
      this.failed.push(kid);
      return true;
    }

    #admit(sender: number): void {
      this.failed.splice(this.failed.indexOf(`sender ${sender}`), 1);
      this.#tokens = Math.min(this.#maxSenders, this.#tokens + 1);
      this.evicted.delete(sender);
      if (this.known.length < this.#maxSenders) return;
      const out = this.known.shift()!;
      this.evicted.set(out.sender, out.highest);
    }
  }

  const steps = fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          do: fc.constant('frame' as const),
          sender: fc.nat(SENDERS - 1),
          // Near each other, so that windows, replays and returns meet; sometimes far ahead.
          ctr: fc.oneof({ weight: 5, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.nat(FRAMES - 1) }),
          forge: fc.nat(3).map((one) => one === 0),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('stray' as const),
          kid: fc.nat(90),
          count: fc.integer({ min: 1, max: 9 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('wait' as const), halfTokens: fc.integer({ min: 1, max: 30 }) }),
      },
    ),
    { minLength: 1, maxLength: 150, size: 'max' },
  );

  test('random frames, replays, forgeries and floods', () => {
    const reached = new Set<number>();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), steps, (maxSenders, list: readonly Step[]) => {
        const opener = openerOf(maxSenders);
        const model = new Model(maxSenders);
        for (const step of list) {
          if (step.do === 'wait') {
            clock.ms += (step.halfTokens * TOKEN_MS) / 2;
          } else if (step.do === 'stray') {
            for (let i = 0; i < step.count; i++)
              expect(opener.open(madeUp(step.kid + i), out)).toBe(model.stray(step.kid + i));
          } else {
            const { sender, ctr, forge } = step;
            const status = opener.open(forge ? forged(sender, ctr) : frames[sender]![ctr]!, out);
            expect(status).toBe(model.frame(sender, ctr, !forge));
            if (status > 0) expect(opener.lastSenderId).toBe(kidText(KID + BigInt(sender)));
            reached.add(status);
          }
          expect(opener.stats.senders).toBe(model.known.length);
        }
      }),
      { numRuns: 250 },
    );
    expect([...reached].sort()).toEqual([OPENED, BAD_TAG, BUSY, REPLAYED, TOO_OLD].sort());
  });
});
