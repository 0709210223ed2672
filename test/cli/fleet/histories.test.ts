/**
 * Histories of fleets: updates that come late, twice, out of order, never, or from a store that was set back; clocks that
 * are wrong by up to 30 s and are stepped; gateways that join, leave and restart; an operator who rotates as
 * `frameseal fleet rotate` does. At every moment every sealing key opens at every gateway that has its announcement, no
 * ended key comes back, and nothing seals under a key that is not listed.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identityOf, type KeysetKey, MAX_KEYS } from '../../../src/cli/fleet/document.js';
import { advance, type Known, memoryOf, type Reading, recall } from '../../../src/cli/fleet/rotation.js';
import { key, reading } from './keysets.js';

const T = Date.parse('2030-01-31T12:00:00Z');
const GRACE_MS = 10_000;
const LEAD_MS = 10_000;
const MAX_SKEW_MS = 30_000;

/** As expect, for what is asked millions of times. */
function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken: ${what}`);
}

class Gateway {
  known: Known | undefined;
  /** The newest keyset that it has taken: what `state` would hold. */
  taken: Reading | undefined;
  skewMs: number;
  /** What the operator has heard of it. */
  reported: Known | undefined;
  readonly #opened = new Set<string>();
  readonly #ended = new Set<string>();

  constructor(skewMs: number) {
    this.skewMs = skewMs;
  }

  step(nowMs: number, read?: Reading): void {
    const clocks = { wallMs: nowMs + this.skewMs, monotonicMs: nowMs };
    const { known } = advance(this.known, read, clocks, GRACE_MS);
    if (known !== undefined && read !== undefined && known.revision === read.revision && known.digest === read.digest)
      this.taken = read;
    this.known = known;
    this.check();
  }

  restart(nowMs: number): void {
    if (this.known === undefined || this.taken === undefined) return;
    this.known = recall(this.taken, memoryOf(this.known));
    this.step(nowMs);
  }

  check(): void {
    if (this.known === undefined || this.taken === undefined) return;
    const { live, sealing } = this.known;
    const opens = live.map(({ id }) => id);
    const listed = this.taken.keyset.keys.map(identityOf);
    must(live.length <= MAX_KEYS, 'at most four keys open');
    must(new Set(live.map((each) => each.key.keyId)).size === live.length, 'key ids are unique');
    must(opens.includes(sealing), 'the sealing key opens');
    must(listed.includes(sealing), 'the sealing key is listed');
    for (const id of this.#opened) if (!opens.includes(id)) this.#ended.add(id);
    for (const id of opens) {
      must(!this.#ended.has(id), 'no ended key comes back');
      this.#opened.add(id);
    }
  }
}

/** A fleet, its store and its operator. */
class World {
  nowMs = T;
  readonly gateways: Gateway[] = [];
  readonly versions: Reading[] = [];
  readonly announced = new Map<string, number>();
  readonly #operatorSkewMs: number;
  #keys: KeysetKey[];
  #made = 1;
  rotations = 0;

  constructor(operatorSkewMs: number, skewsMs: readonly number[]) {
    this.#operatorSkewMs = operatorSkewMs;
    this.#keys = [key(1, T + operatorSkewMs)];
    this.#put();
    for (const skewMs of skewsMs) this.join(skewMs);
  }

  join(skewMs: number): void {
    const gateway = new Gateway(skewMs);
    this.gateways.push(gateway);
    gateway.step(this.nowMs, this.versions.at(-1)!);
    gateway.reported = gateway.known;
  }

  leave(i: number): void {
    if (this.gateways.length > 1) this.gateways.splice(i % this.gateways.length, 1);
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const gateway of this.gateways) gateway.step(this.nowMs);
  }

  /** The next step of a rotation, where every gateway has reported what it waits for. */
  operate(): void {
    const [oldest, newest] = [this.#keys[0]!, this.#keys.at(-1)!];
    if (oldest === newest) {
      this.#keys = [oldest, key(++this.#made)];
    } else if (newest.sealFrom === undefined) {
      if (!this.#all((known) => known.live.some(({ id }) => id === identityOf(newest)))) return;
      this.#keys = [oldest, key(this.#made, this.nowMs + this.#operatorSkewMs + LEAD_MS + this.#made)];
    } else {
      if (!this.#all(({ sealing }) => sealing === identityOf(newest))) return;
      this.#keys = [newest];
      this.rotations++;
    }
    this.#put();
  }

  check(): void {
    for (const { known } of this.gateways) {
      const announced = this.announced.get(known!.sealing)!;
      for (const other of this.gateways) {
        if (other.known!.revision < announced) continue;
        must(
          other.known!.live.some(({ id }) => id === known!.sealing),
          'what seals opens',
        );
      }
    }
  }

  #all(holds: (known: Known) => boolean): boolean {
    return this.gateways.every(({ reported }) => holds(reported!));
  }

  #put(): void {
    const next = reading(this.versions.length + 1, this.#keys);
    for (const each of this.#keys) {
      if (!this.announced.has(identityOf(each))) this.announced.set(identityOf(each), next.revision);
    }
    this.versions.push(next);
  }
}

const skew = fc.integer({ min: -MAX_SKEW_MS, max: MAX_SKEW_MS });
const who = fc.nat(7);
const event = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 45_000 }) }),
  fc.record({ kind: fc.constant('head' as const), who }),
  fc.record({ kind: fc.constant('heads' as const) }),
  fc.record({ kind: fc.constant('heads' as const) }),
  fc.record({ kind: fc.constant('old' as const), who, back: fc.nat(20) }),
  fc.record({ kind: fc.constant('reports' as const) }),
  fc.record({ kind: fc.constant('reports' as const) }),
  fc.record({ kind: fc.constant('report' as const), who }),
  fc.record({ kind: fc.constant('operate' as const) }),
  fc.record({ kind: fc.constant('operate' as const) }),
  fc.record({ kind: fc.constant('operate' as const) }),
  fc.record({ kind: fc.constant('restart' as const), who }),
  fc.record({ kind: fc.constant('step' as const), who, skew }),
  fc.record({ kind: fc.constant('join' as const), skew }),
  fc.record({ kind: fc.constant('leave' as const), who }),
);

function happen(world: World, each: typeof event extends fc.Arbitrary<infer Event> ? Event : never): void {
  const { gateways, versions, nowMs } = world;
  const gateway = 'who' in each ? gateways[each.who % gateways.length]! : gateways[0]!;
  const report = (one: Gateway) => {
    one.reported = one.known;
  };
  if (each.kind === 'pass') world.pass(each.ms);
  if (each.kind === 'head') gateway.step(nowMs, versions.at(-1)!);
  if (each.kind === 'heads') for (const one of gateways) one.step(nowMs, versions.at(-1)!);
  if (each.kind === 'old') gateway.step(nowMs, versions[Math.max(0, versions.length - 1 - each.back)]!);
  if (each.kind === 'report') report(gateway);
  if (each.kind === 'reports') for (const one of gateways) report(one);
  if (each.kind === 'operate') world.operate();
  if (each.kind === 'restart') gateway.restart(nowMs);
  if (each.kind === 'step') gateway.skewMs = each.skew;
  if (each.kind === 'join' && gateways.length < 8) world.join(each.skew);
  if (each.kind === 'leave') world.leave(each.who);
}

describe('histories of fleets', () => {
  test('every sealing key opens at every gateway that has its announcement', () => {
    let rotations = 0;
    fc.assert(
      fc.property(
        skew,
        fc.array(skew, { minLength: 2, maxLength: 5 }),
        fc.array(event, { maxLength: 120, size: 'max' }),
        (operator, skews, events) => {
          const world = new World(operator, skews);
          for (const each of events) {
            happen(world, each);
            world.check();
          }
          rotations += world.rotations;
        },
      ),
      { numRuns: 1000 },
    );
    // The histories do reach the end of rotations.
    expect(rotations).toBeGreaterThan(300);
  });

  test('whatever keysets come, no ended key comes back, and only listed keys seal', () => {
    const keys = fc.uniqueArray(fc.nat(20), { minLength: 1, maxLength: 4, selector: (n) => n % 16 }).chain((numbers) =>
      fc.tuple(
        ...numbers.map((n) =>
          fc
            .option(
              skew.map((ms) => key(n, T + ms)),
              { nil: undefined },
            )
            .map((made) => made ?? key(n)),
        ),
      ),
    );
    const step = fc.record({
      ms: fc.integer({ min: 0, max: 15_000 }),
      read: fc.option(fc.record({ revision: fc.nat(40), generation: fc.nat(1), keys })),
      restarts: fc.boolean(),
      skew,
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const gateway = new Gateway(0);
        let nowMs = T;
        for (const { ms, read, restarts, skew } of steps) {
          nowMs += ms;
          gateway.skewMs = skew;
          gateway.step(nowMs, read ? reading(read.revision, read.keys, { generation: read.generation }) : undefined);
          if (restarts) gateway.restart(nowMs);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
