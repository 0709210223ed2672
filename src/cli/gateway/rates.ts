/** Rates of a gateway's flows over the last second and the last minute, from a snapshot a second. */
import type { FlowCounters, GatewaySnapshot, SideName, SideSnapshot } from './snapshot.js';

const MINUTE_SAMPLES = 61;

export const SIDES: readonly SideName[] = ['inside', 'outside'];
export const FLOWS: readonly FlowName[] = ['in', 'out'];

export type FlowName = 'in' | 'out';

export interface Rate {
  readonly packetsPerSecond: number;
  readonly bitsPerSecond: number;
}

/** Rates of one flow by their span. */
export interface FlowRates {
  readonly '1s': Rate;
  readonly '60s': Rate;
}

interface Total {
  readonly packets: number;
  readonly bytes: number;
}

interface Sample {
  readonly timeMs: number;
  readonly totals: ReadonlyMap<string, Total>;
}

/** All packets of a flow, whatever became of them. */
export function packetsOf(flow: FlowCounters): number {
  let sum = 0;
  for (const count of Object.values(flow.packets)) sum += count;
  return sum;
}

export function flowOf(side: SideSnapshot, flow: FlowName): FlowCounters {
  return flow === 'in' ? side.in : side.out;
}

export class Rates {
  readonly #samples: Sample[] = [];

  /** Takes a snapshot; `timeMs` is that of a monotonic clock. */
  sample(snapshot: GatewaySnapshot, timeMs: number = performance.now()): void {
    const totals = new Map<string, Total>();
    for (const route of snapshot.routes) {
      for (const side of SIDES) {
        for (const flow of FLOWS) {
          const counters = flowOf(route[side], flow);
          totals.set(keyOf(route.name, side, flow), { packets: packetsOf(counters), bytes: counters.bytes });
        }
      }
    }
    this.#samples.push({ timeMs, totals });
    if (this.#samples.length > MINUTE_SAMPLES) this.#samples.shift();
  }

  /** Rates up to the newest sample; 0 before the second one. The span is shorter while samples are few. */
  of(route: string, side: SideName, flow: FlowName): FlowRates {
    const key = keyOf(route, side, flow);
    return { '1s': this.#since(this.#samples.at(-2), key), '60s': this.#since(this.#samples[0], key) };
  }

  #since(before: Sample | undefined, key: string): Rate {
    const last = this.#samples.at(-1);
    const now = last?.totals.get(key);
    if (before === undefined || last === undefined || now === undefined || last === before)
      return { packetsPerSecond: 0, bitsPerSecond: 0 };
    const seconds = Math.max(0.001, (last.timeMs - before.timeMs) / 1000);
    const then = before.totals.get(key) ?? { packets: 0, bytes: 0 };
    // A route that was made anew counts from 0.
    return {
      packetsPerSecond: Math.max(0, now.packets - then.packets) / seconds,
      bitsPerSecond: (8 * Math.max(0, now.bytes - then.bytes)) / seconds,
    };
  }
}

function keyOf(route: string, side: SideName, flow: FlowName): string {
  return `${side}/${flow}/${route}`;
}
