/**
 * Which thread has which route. A route stays where it is; a new one goes where its sockets or its SRTP keys are already,
 * since only their thread can take them over, and otherwise to the thread with the fewest routes.
 */
import type { GatewayModel, RouteModel } from './config/model.js';
import type { HostPlan } from './host.js';
import type { KeyReading } from './keeper.js';

export class Placement {
  readonly #threads: number;
  /** The thread of each claim: a route's name, a listening address, an SRTP key that sends. */
  #claims = new Map<string, number>();
  #next = this.#claims;
  /** SRTP senders live as long as their thread. */
  readonly #senders = new Map<string, number>();

  constructor(threads: number) {
    this.#threads = threads;
  }

  /** The plan of each thread; in force once `settle` is called. */
  plansFor(model: GatewayModel, { channels, srtp }: KeyReading): HostPlan[] {
    const routes: RouteModel[][] = Array.from({ length: this.#threads }, () => []);
    this.#next = new Map();
    for (const route of model.routes) {
      const claims = claimsOf(route);
      const held = claims.map((claim) => this.#senders.get(claim) ?? this.#claims.get(claim) ?? this.#next.get(claim));
      const thread = held.find((each) => each !== undefined) ?? fewest(routes);
      routes[thread]!.push(route);
      for (const claim of claims) this.#next.set(claim, thread);
    }
    return routes.map((each) => ({ channels, srtp, routes: each }));
  }

  settle(): void {
    this.#claims = this.#next;
    for (const [claim, thread] of this.#claims) if (claim.startsWith('srtp ')) this.#senders.set(claim, thread);
  }
}

/** What a route holds that only one thread can have, the firmest first. */
function claimsOf({ name, inside, outside }: RouteModel): string[] {
  const sides = [inside, outside];
  const keys = sides.flatMap(({ rule }) =>
    rule.kind === 'srtp' && rule.send !== undefined ? [`srtp ${rule.send}`] : [],
  );
  const ports = sides.flatMap(({ listen }) =>
    listen && listen.port !== 0 ? [`port ${listen.host} ${listen.port}`] : [],
  );
  return [...keys, ...ports, `route ${name}`];
}

function fewest(routes: readonly (readonly RouteModel[])[]): number {
  let thread = 0;
  for (const [i, each] of routes.entries()) if (each.length < routes[thread]!.length) thread = i;
  return thread;
}
