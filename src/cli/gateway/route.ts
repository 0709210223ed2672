/**
 * A route: two sides, and a flow in each direction that the route allows.
 *
 *     inside   <--- inward  --- unprotect, protect --- outside
 *     inside   --- outward  --> unprotect, protect --> outside
 */
import { type RouteModel, receives } from './config/model.js';
import { SideCounts } from './counters.js';
import type { CryptClock } from './cryptclock.js';
import { Flow } from './flow.js';
import type { Protector, Unprotector } from './protection.js';
import { Side } from './side.js';
import type { EventBody, RouteSnapshot, SideName } from './snapshot.js';
import type { Port } from './sockets.js';

/** What a side's rule does to packets; undefined where it does nothing, or where the route's direction has no use for it. */
export interface Ends {
  readonly unprotector: Unprotector | undefined;
  readonly protector: Protector | undefined;
}

export interface RouteOptions {
  readonly model: RouteModel;
  readonly ports: Readonly<Record<SideName, Port>>;
  readonly ends: Readonly<Record<SideName, Ends>>;
  /** The route of this name until now: its counters go on. */
  readonly before: Route | undefined;
  readonly clock: CryptClock;
  emit(event: EventBody): void;
}

export class Route {
  readonly model: RouteModel;
  readonly inside: Side;
  readonly outside: Side;
  readonly #flows: readonly Flow[];

  constructor({ model, ports, ends, before, clock, emit }: RouteOptions) {
    this.model = model;
    const side = (name: SideName) =>
      new Side({
        route: model.name,
        name,
        model: model[name],
        port: ports[name],
        counts: before?.[name].counts ?? new SideCounts(),
        receives: receives(model, name),
        emit,
      });
    this.inside = side('inside');
    this.outside = side('outside');
    const flow = (from: Side, to: Side) =>
      new Flow({ from, to, unprotector: ends[from.name].unprotector, protector: ends[to.name].protector, clock });
    const outward = flow(this.inside, this.outside);
    const inward = flow(this.outside, this.inside);
    this.inside.flow = outward;
    this.outside.flow = inward;
    this.#flows = [outward, inward];
    for (const side of this.sides) side.isShared = ports.inside === ports.outside;
  }

  get sides(): readonly [Side, Side] {
    return [this.inside, this.outside];
  }

  /** Takes what arrives at the ports from now on. */
  attach(): void {
    const [inside, outside] = this.sides;
    for (const side of this.sides) {
      const { port } = side;
      port.onError = (error) => side.countSocketError(error);
      port.onMedia = side.takeMedia;
      port.onRtcp = side.takeRtcp;
    }
    if (inside.port !== outside.port) return;
    // One port for both sides: packets from a side's peer are that side's, all others the other's.
    const [known, other] = typeof outside.model.peer === 'object' ? [outside, inside] : [inside, outside];
    const { port } = known;
    port.onMedia = (packet, source) => (known.isPeer(source, 'media') ? known : other).takeMedia(packet, source);
    port.onRtcp = (packet, source) => (known.isPeer(source, 'rtcp') ? known : other).takeRtcp(packet, source);
    port.onError = (error) => known.countSocketError(error);
  }

  /** Datagrams that have arrived, and datagrams that the system has not taken yet. */
  get motion(): { readonly arrived: number; readonly pending: number } {
    return {
      arrived: this.inside.in.total + this.outside.in.total,
      pending: this.#flows.reduce((sum, { pending }) => sum + pending, 0),
    };
  }

  flush(): void {
    for (const flow of this.#flows) flow.flush();
  }

  /** Handles what was gathered, and wipes keys. Who has the ports sets another receiver first. */
  close(): void {
    for (const flow of this.#flows) flow.close();
  }

  snapshot(thread: number): RouteSnapshot {
    const { name, direction } = this.model;
    const count = (what: 'senders' | 'sealers') => this.#flows.reduce((sum, flow) => sum + flow[what], 0);
    return {
      name,
      direction,
      thread,
      inside: this.inside.snapshot(),
      outside: this.outside.snapshot(),
      senders: count('senders'),
      sealers: count('sealers'),
    };
  }
}
