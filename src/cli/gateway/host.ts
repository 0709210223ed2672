/**
 * The routes of one thread, and their channels, sockets and names. A change has two phases, so that nothing changes where
 * a part of it cannot be done:
 *
 *     prepare   looks names up, opens sockets that are missing, makes channels     faults: all of it is undone
 *     commit    exchanges the routes that differ; the others are not touched
 *
 * A route that changes keeps its sockets where its addresses stay, so that what the system holds for it is not lost.
 */
import type { EncryptionConfig } from 'frameseal';
import type { SrtpKeys } from 'frameseal/srtp';
import { SrtpSender } from 'frameseal/srtp';
import { type RouteModel, receives, sends } from './config/model.js';
import { CryptClock } from './cryptclock.js';
import { refreshDrops } from './drops.js';
import { type ChannelPlan, channelKey, Keyset, type RotationTimes } from './keyset.js';
import { Peers } from './peers.js';
import { openPorts, type RoutePorts } from './ports.js';
import { ChannelProtector, ChannelUnprotector } from './protection.js';
import { type Ends, Route } from './route.js';
import type { CryptTimes, EventBody, RouteSnapshot, SideName } from './snapshot.js';
import type { Port } from './sockets.js';
import { SrtpProtector, SrtpUnprotector } from './srtp.js';

export interface SrtpPlan {
  readonly name: string;
  readonly keys: SrtpKeys;
}

/** What the routes of a thread need. */
export interface HostPlan {
  readonly channels: readonly ChannelPlan[];
  readonly srtp: readonly SrtpPlan[];
  readonly routes: readonly RouteModel[];
}

export interface HostSnapshot {
  readonly routes: readonly RouteSnapshot[];
  readonly crypt: CryptTimes;
}

/** What a commit did, by the names of routes. */
export interface Changes {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** A thread's routes: here (LocalHost) or in a worker (workers.ts). */
export interface Host {
  /** Returns what is in the way, a line each; then nothing has changed. */
  prepare(plan: HostPlan): Promise<readonly string[]>;
  commit(): Promise<Changes>;
  abort(): Promise<void>;
  /** Throws ConfigError where a channel does not take the key. */
  rotate(channel: string, plan: ChannelPlan, times: RotationTimes): Promise<void>;
  /** Throws ConfigError where a channel does not take the keys; does nothing where there is no such channel. */
  hold(channel: string, configs: readonly EncryptionConfig[], sealing: number): Promise<void>;
  snapshot(): Promise<HostSnapshot>;
  /** Waits until everything that has arrived is sent, then closes. Returns the last counters. */
  drain(): Promise<HostSnapshot>;
}

interface Prepared {
  readonly plan: HostPlan;
  readonly keysets: Map<string, Keyset>;
  readonly kept: ReadonlySet<string>;
  readonly ports: ReadonlyMap<string, RoutePorts>;
}

const TURN_MS = 10;
const QUIET_TURNS = 3;
const DRAIN_LIMIT_MS = 1000;
/** Reading the system's tables costs as much as a few dozen packets. */
const DROPS_EVERY_MS = 5000;

export class LocalHost implements Host {
  readonly #thread: number;
  readonly #emit: (event: EventBody) => void;
  readonly #clock = new CryptClock();
  readonly #peers: Peers;
  #keysets = new Map<string, Keyset>();
  #srtp = new Map<string, SrtpPlan>();
  /** One for each key that sends; never made twice. */
  readonly #senders = new Map<string, SrtpSender>();
  #routes = new Map<string, Route>();
  #ports = new Set<Port>();
  #prepared: Prepared | undefined;
  #drained: Promise<HostSnapshot> | undefined;
  readonly #timer: NodeJS.Timeout;

  /** `thread`: for snapshots; 0 is the main thread. */
  constructor(thread: number, emit: (event: EventBody) => void) {
    this.#thread = thread;
    this.#emit = emit;
    this.#peers = new Peers(emit);
    this.#timer = setInterval(() => void refreshDrops(this.#allSides()), DROPS_EVERY_MS);
    this.#timer.unref();
  }

  async prepare(plan: HostPlan): Promise<readonly string[]> {
    const keysets = new Map<string, Keyset>();
    const changed = new Set<string>();
    for (const channel of plan.channels) {
      const { name } = channel.model;
      const before = this.#keysets.get(name);
      if (before && channelKey(before.model) === channelKey(channel.model)) {
        keysets.set(name, before);
        continue;
      }
      keysets.set(name, new Keyset(channel));
      changed.add(`channel ${name}`);
    }
    for (const { name, keys } of plan.srtp) {
      if (JSON.stringify(this.#srtp.get(name)?.keys) !== JSON.stringify(keys)) changed.add(`srtp ${name}`);
    }
    const kept = new Set(plan.routes.filter((model) => this.#isSame(model, changed)).map(({ name }) => name));
    const wanted = plan.routes.filter(({ name }) => !kept.has(name));
    const now = (isKept: boolean) => [...this.#routes.values()].filter(({ model }) => kept.has(model.name) === isKept);
    const { ports, faults } = await openPorts(wanted, { leaving: now(false), staying: now(true) });
    this.#prepared = { plan, keysets, kept, ports };
    if (faults.length > 0) await this.abort();
    return faults;
  }

  async commit(): Promise<Changes> {
    const { plan, keysets, kept, ports } = this.#prepared!;
    this.#prepared = undefined;
    const before = this.#routes;
    this.#srtp = new Map(plan.srtp.map((each) => [each.name, each]));
    this.#routes = new Map();
    const fresh: Route[] = [];
    for (const model of plan.routes) {
      const old = before.get(model.name);
      const route = kept.has(model.name) ? old! : this.#open(model, ports.get(model.name)!, keysets, old);
      if (route !== old) fresh.push(route);
      this.#routes.set(model.name, route);
    }
    // From here on packets go to the new routes; what the old ones have gathered is handled with their keys.
    await this.#peers.begin(fresh, ports);
    for (const route of fresh) route.attach();
    const left = [...before.values()].filter((route) => this.#routes.get(route.model.name) !== route);
    for (const route of left) {
      this.#peers.end(route);
      route.close();
    }
    // A socket that is closed takes its count along.
    await refreshDrops(left.flatMap(({ sides }) => sides));
    await this.#closeUnused(keysets);
    for (const route of fresh) {
      const type = before.has(route.model.name) ? 'route-changed' : 'route-opened';
      this.#emit({ type, route: route.snapshot(this.#thread) });
      for (const { name: side, port } of route.sides) {
        const { rtcpFault: message } = port;
        if (message === undefined) continue;
        this.#emit({ type: 'warning', cause: 'rtcp-port', route: route.model.name, side, count: 1, message });
      }
    }
    const removed = left.filter(({ model }) => !this.#routes.has(model.name));
    for (const route of removed) this.#emit({ type: 'route-closed', route: route.snapshot(this.#thread) });
    const names = (routes: Route[]) => routes.map(({ model }) => model.name);
    return {
      added: names(fresh.filter(({ model }) => !before.has(model.name))),
      changed: names(fresh.filter(({ model }) => before.has(model.name))),
      removed: names(removed),
    };
  }

  async abort(): Promise<void> {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    if (prepared === undefined) return;
    for (const [name, keyset] of prepared.keysets) if (this.#keysets.get(name) !== keyset) keyset.close();
    const opened = [...prepared.ports.values()].flatMap(({ inside, outside }) => [inside.port, outside.port]);
    await Promise.all(opened.map((port) => !this.#ports.has(port) && port.close()));
  }

  async rotate(channel: string, plan: ChannelPlan, times: RotationTimes): Promise<void> {
    this.#keysets.get(channel)!.rotate(plan.config, times);
  }

  async hold(channel: string, configs: readonly EncryptionConfig[], sealing: number): Promise<void> {
    this.#keysets.get(channel)?.hold(configs, sealing);
  }

  snapshot(): Promise<HostSnapshot> {
    return this.#drained ?? Promise.resolve(this.#current());
  }

  #current(): HostSnapshot {
    return {
      routes: [...this.#routes.values()].map((route) => route.snapshot(this.#thread)),
      crypt: this.#clock.snapshot(),
    };
  }

  drain(): Promise<HostSnapshot> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<HostSnapshot> {
    await this.abort();
    const deadline = performance.now() + DRAIN_LIMIT_MS;
    // Turns of the event loop without an arrival, not time: while a machine stalls, nothing is read.
    let seen = -1;
    for (let quiet = 0; quiet < QUIET_TURNS && performance.now() < deadline; ) {
      const { arrived, pending } = this.#motion();
      quiet = arrived === seen && pending === 0 ? quiet + 1 : 0;
      seen = arrived;
      await turn();
    }
    for (const route of this.#routes.values()) route.flush();
    while (this.#motion().pending > 0 && performance.now() < deadline) await turn();
    clearInterval(this.#timer);
    this.#peers.close();
    await refreshDrops(this.#allSides());
    const last = this.#current();
    for (const route of this.#routes.values()) route.close();
    await Promise.all([...this.#ports].map((port) => port.close()));
    for (const keyset of this.#keysets.values()) keyset.close();
    for (const sender of this.#senders.values()) sender.close();
    return last;
  }

  #motion(): { arrived: number; pending: number } {
    const sum = { arrived: 0, pending: 0 };
    for (const route of this.#routes.values()) {
      const { arrived, pending } = route.motion;
      sum.arrived += arrived;
      sum.pending += pending;
    }
    return sum;
  }

  *#allSides() {
    for (const route of this.#routes.values()) yield* route.sides;
  }

  #isSame(model: RouteModel, changed: ReadonlySet<string>): boolean {
    const route = this.#routes.get(model.name);
    if (route === undefined || JSON.stringify(route.model) !== JSON.stringify(model)) return false;
    return [model.inside.rule, model.outside.rule].every((rule) =>
      rule.kind === 'channel'
        ? !changed.has(`channel ${rule.channel}`)
        : rule.kind === 'clear' || !(changed.has(`srtp ${rule.send}`) || changed.has(`srtp ${rule.receive}`)),
    );
  }

  #open(model: RouteModel, ports: RoutePorts, keysets: ReadonlyMap<string, Keyset>, before?: Route): Route {
    const ends = (name: SideName) => this.#ends(model, name, keysets);
    return new Route({
      model,
      ports: { inside: ports.inside.port, outside: ports.outside.port },
      ends: { inside: ends('inside'), outside: ends('outside') },
      before,
      clock: this.#clock,
      emit: this.#emit,
    });
  }

  #ends(model: RouteModel, name: SideName, keysets: ReadonlyMap<string, Keyset>): Ends {
    const { rule } = model[name];
    const [arrives, leaves] = [receives(model, name), sends(model, name)];
    if (rule.kind === 'clear') return { unprotector: undefined, protector: undefined };
    if (rule.kind === 'channel') {
      const { opens, seals } = keysets.get(rule.channel)!;
      return {
        unprotector: arrives ? new ChannelUnprotector(opens) : undefined,
        protector: leaves ? new ChannelProtector(seals) : undefined,
      };
    }
    return {
      unprotector: arrives ? new SrtpUnprotector(this.#srtp.get(rule.receive!)!.keys) : undefined,
      protector: leaves ? new SrtpProtector(this.#senderOf(rule.send!)) : undefined,
    };
  }

  /** The one SrtpSender of a key: a second one would repeat nonces. */
  #senderOf(name: string): SrtpSender {
    const { keys } = this.#srtp.get(name)!;
    const id = JSON.stringify(keys);
    const sender = this.#senders.get(id) ?? new SrtpSender(keys);
    this.#senders.set(id, sender);
    return sender;
  }

  async #closeUnused(keysets: Map<string, Keyset>): Promise<void> {
    for (const [name, keyset] of this.#keysets) if (keysets.get(name) !== keyset) keyset.close();
    this.#keysets = keysets;
    const used = new Set([...this.#allSides()].map(({ port }) => port));
    const unused = [...this.#ports].filter((port) => !used.has(port));
    this.#ports = used;
    await Promise.all(unused.map((port) => port.close()));
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TURN_MS));
}
