/**
 * What is wrong, from the pattern of statuses: compares a snapshot with the one of a second before, and says in words what
 * the counts that grew mean and what to do. The words are in mismatch.ts.
 */
import { SIDES } from '../rates.js';
import type {
  Counts,
  EventBody,
  FlowCounters,
  GatewaySnapshot,
  RouteSnapshot,
  SideName,
  SideSnapshot,
  WarningCause,
} from '../snapshot.js';
import { type Arrivals, explain, explainArrivals } from './mismatch.js';
import { Repeats } from './repeats.js';

/** Silence is reported after this time, and once more a minute later. */
const SILENCE_MS = 10_000;
const SILENCE_AGAIN_MS = 70_000;

export type WarningBody = Extract<EventBody, { readonly type: 'warning' }>;

/** A cause that was met since the last snapshot. */
export interface Finding {
  readonly cause: WarningCause;
  readonly count: number;
  readonly message: string;
}

/** What a finding is about. */
export interface Place {
  readonly snapshot: GatewaySnapshot;
  readonly route: RouteSnapshot;
  readonly name: SideName;
  readonly side: SideSnapshot;
}

export class Diagnosis {
  readonly #repeats = new Repeats();
  #before = new Map<string, SideSnapshot>();
  /** When a route was first seen, and for how long its silence was told. */
  readonly #silences = new Map<string, { readonly sinceMs: number; toldMs: number }>();

  /** Takes the snapshot of this second; returns the warnings that are due. */
  tick(snapshot: GatewaySnapshot): WarningBody[] {
    const warnings: WarningBody[] = [];
    const seen = new Map<string, SideSnapshot>();
    for (const route of snapshot.routes) {
      for (const name of SIDES) {
        const key = `${name}/${route.name}`;
        const place: Place = { snapshot, route, name, side: route[name] };
        seen.set(key, place.side);
        for (const { cause, count, message } of findings(place, this.#before.get(key))) {
          const due = this.#repeats.due(`${cause}/${key}`, count, snapshot.timeMs);
          if (due > 0) warnings.push({ type: 'warning', cause, route: route.name, side: name, count: due, message });
        }
        const silence = this.#silence(place, key);
        if (silence !== undefined) warnings.push({ type: 'warning', route: route.name, side: name, ...silence });
      }
    }
    for (const key of this.#silences.keys()) if (!seen.has(key)) this.#silences.delete(key);
    this.#before = seen;
    return warnings;
  }

  #silence({ snapshot, route, name, side }: Place, key: string): Finding | undefined {
    const first = this.#silences.get(key) ?? { sinceMs: snapshot.timeMs, toldMs: 0 };
    this.#silences.set(key, first);
    const excluded = route.direction === (name === 'inside' ? 'inward' : 'outward');
    if (excluded || (side.lastArrivalMs === undefined && side.sourceRefused > 0)) return undefined;
    const silentMs = snapshot.timeMs - Math.max(first.sinceMs, side.lastArrivalMs ?? 0);
    if (silentMs < SILENCE_MS) {
      first.toldMs = 0;
      return undefined;
    }
    const due = silentMs < SILENCE_AGAIN_MS ? SILENCE_MS : SILENCE_AGAIN_MS;
    if (first.toldMs >= due) return undefined;
    first.toldMs = due;
    const seconds = Math.round(silentMs / 1000);
    const message =
      side.lastArrivalMs === undefined
        ? `nothing has arrived at ${side.listen} for ${seconds} s: check the address that the sender sends to, and firewalls on the way`
        : `nothing has arrived at ${side.listen} for ${seconds} s, after packets before`;
    return { cause: 'silence', count: 1, message };
  }
}

/** What was met on a side since the snapshot before. */
function findings(place: Place, before: SideSnapshot | undefined): Finding[] {
  const { side } = place;
  const grown = (now: number, then: number | undefined) => (now >= (then ?? 0) ? now - (then ?? 0) : now);
  const grownCounts = (now: Counts, then: Counts | undefined): Counts =>
    Object.fromEntries(Object.entries(now).map(([name, count]) => [name, grown(count, then?.[name])]));
  const arrivals = (now: FlowCounters, then: FlowCounters | undefined): Arrivals =>
    grownCounts(now.packets, then?.packets);
  return [
    ...explainArrivals(place, arrivals(side.in, before?.in), 'in'),
    ...explainArrivals(place, arrivals(side.out, before?.out), 'out'),
    ...explain(place, {
      sourceRefused: grown(side.sourceRefused, before?.sourceRefused),
      overruns: grown(side.overruns, before?.overruns),
      kernelDrops: grown(side.kernelDrops, before?.kernelDrops),
      oversize: grown(side.oversize, before?.oversize),
      sendErrors: grownCounts(side.sendErrors, before?.sendErrors),
      socketErrors: grownCounts(side.socketErrors, before?.socketErrors),
    }),
  ];
}
