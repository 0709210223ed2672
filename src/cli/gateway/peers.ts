/**
 * The peers of sides that are named in the configuration: where they are now. A name is looked up again every minute, and
 * after the system reports a port without a receiver; the last good answer stays. Sockets of a side that only sends are
 * connected, and are connected anew where they could not be.
 */
import { isIP } from 'node:net';
import { type Endpoint, endpointText } from '../arguments.js';
import type { RoutePorts } from './ports.js';
import { resolvePeer } from './ports.js';
import type { Route } from './route.js';
import type { Side } from './side.js';
import type { EventBody } from './snapshot.js';

const LOOKUP_MS = 60_000;
/** After an error, at most this often. */
const AGAIN_MS = 5000;
/** Errors that say that the peer may be elsewhere now. */
const ELSEWHERE: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'EDESTADDRREQ']);

interface Known {
  readonly route: Route;
  readonly side: Side;
  readonly setting: Endpoint;
  now: Endpoint;
  isConnected: boolean;
  lookedUpMs: number;
  isBusy: boolean;
  hasFailed: boolean;
}

export class Peers {
  readonly #emit: (event: EventBody) => void;
  readonly #known = new Map<Side, Known>();
  readonly #timer: NodeJS.Timeout;

  constructor(emit: (event: EventBody) => void) {
    this.#emit = emit;
    this.#timer = setInterval(() => this.#lookUpAll(), AGAIN_MS);
    this.#timer.unref();
  }

  /** Gives the sides of new routes their peers. */
  async begin(routes: readonly Route[], ports: ReadonlyMap<string, RoutePorts>): Promise<void> {
    for (const route of routes) {
      for (const side of route.sides) {
        const { peer } = ports.get(route.model.name)![side.name];
        if (peer === undefined) continue;
        const isConnected = await this.#connect(side, peer);
        side.setPeer(peer, isConnected);
        const setting = side.model.peer as Endpoint;
        const state = { isConnected, lookedUpMs: performance.now(), isBusy: false, hasFailed: false };
        this.#known.set(side, { route, side, setting, now: peer, ...state });
        side.onTrouble = (code) => ELSEWHERE.has(code) && void this.#lookUp(side, AGAIN_MS);
      }
    }
  }

  end(route: Route): void {
    for (const side of route.sides) this.#known.delete(side);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#known.clear();
  }

  #lookUpAll(): void {
    for (const [side, { isConnected, setting }] of this.#known) {
      const isWaiting = !side.isShared && !side.receives && !isConnected;
      if (isIP(setting.host) === 0 || isWaiting) void this.#lookUp(side, isWaiting ? AGAIN_MS : LOOKUP_MS);
    }
  }

  async #lookUp(side: Side, everyMs: number): Promise<void> {
    const known = this.#known.get(side);
    if (known === undefined || known.isBusy || performance.now() - known.lookedUpMs < everyMs - 1) return;
    known.isBusy = true;
    known.lookedUpMs = performance.now();
    try {
      const peer = await resolvePeer(known.setting, side.port);
      known.hasFailed = false;
      if (this.#known.get(side) === known) await this.#move(known, peer);
    } catch (error) {
      if (!known.hasFailed) this.#warn(known, error as NodeJS.ErrnoException);
      known.hasFailed = true;
    } finally {
      known.isBusy = false;
    }
  }

  async #move(known: Known, peer: Endpoint): Promise<void> {
    const { side, now, route } = known;
    const hasMoved = peer.host !== now.host;
    if (!hasMoved && (known.isConnected || side.receives || side.isShared)) return;
    known.now = peer;
    known.isConnected = await this.#connect(side, peer);
    side.setPeer(peer, known.isConnected);
    if (!hasMoved) return;
    this.#emit({
      type: 'peer',
      route: route.model.name,
      side: side.name,
      peer: endpointText(peer),
      before: endpointText(now),
      by: 'lookup',
    });
  }

  /** Connects the sockets of a side that only sends; others take packets from other addresses too. */
  async #connect(side: Side, peer: Endpoint): Promise<boolean> {
    if (side.receives || side.isShared) return false;
    return side.port.connect(peer);
  }

  #warn({ route, side, setting, now }: Known, { code = 'UNKNOWN' }: NodeJS.ErrnoException): void {
    const message = `${setting.host} cannot be looked up now (${code}): packets still go to ${endpointText(now)}`;
    this.#emit({ type: 'warning', cause: 'lookup', route: route.model.name, side: side.name, count: 1, message });
  }
}
