/**
 * A gateway: reads what it is to do, gives each thread its routes, and reads again when it is asked to.
 *
 *     source ---> model ---> key files ---> prepare on every thread ---> commit ---> rotations
 *
 * Until `commit` nothing has changed, so that a reload with a fault changes nothing.
 */
import type { EngineForm } from 'frameseal/accelerated';
import { configOf } from '../fleet/document.js';
import type { FileTrust } from '../secretfile.js';
import type { GatewayModel } from './config/model.js';
import type { Reading } from './config/read.js';
import type { ModelSource } from './config/source.js';
import { sumOfTimes } from './cryptclock.js';
import type { Host, HostSnapshot } from './host.js';
import { KeyKeeper, type KeyReading, readKeys } from './keeper.js';
import { Placement } from './placement.js';
import { channelRisks, routeRisks } from './risks.js';
import type {
  ChannelSnapshot,
  EventBody,
  GatewayEvent,
  GatewaySnapshot,
  GatewayView,
  StoreSnapshot,
} from './snapshot.js';
import { Stores } from './stores.js';
import { UsedKeys } from './usedkeys.js';
import { FileWatch } from './watch.js';

export interface GatewayOptions {
  readonly source: ModelSource;
  readonly trust: FileTrust;
  readonly version: string;
  readonly engine: EngineForm;
  report(event: GatewayEvent): void;
  /** The threads of a gateway: one in this thread, or workers. */
  hosts(workers: number, emit: (event: EventBody) => void): Promise<readonly Host[]>;
}

/** The configuration cannot be used: its faults, a line each. */
export class FaultsError extends Error {
  override readonly name = 'FaultsError';
  readonly faults: readonly string[];
  /** Whether addresses or state are at fault, and not the text. */
  readonly isOfSystem: boolean;

  constructor(faults: readonly string[], isOfSystem: boolean) {
    super(faults.join('\n'));
    this.faults = faults;
    this.isOfSystem = isOfSystem;
  }
}

export class Gateway implements GatewayView {
  readonly #options: GatewayOptions;
  readonly #keeper: KeyKeeper;
  readonly #watch: FileWatch;
  readonly #reloads: Record<string, number> = {};
  readonly #startedMs = Date.now();
  readonly #stores: Stores;
  #hosts: readonly Host[] = [];
  #placement = new Placement(1);
  #usedKeys: UsedKeys | undefined;
  #model: GatewayModel | undefined;
  #reload: Promise<void> | undefined;
  /** The part of a reload that changes something; the part before it reads files, which may take seconds. */
  #change: Promise<void> | undefined;
  #isStopping = false;
  #isReloadWanted = false;
  #last: readonly HostSnapshot[] | undefined;

  private constructor(options: GatewayOptions) {
    this.#options = options;
    this.#keeper = new KeyKeeper((event) => this.emit(event));
    this.#watch = new FileWatch(() => void this.reload());
    this.#stores = new Stores(
      (event) => this.emit(event),
      (channel) => void this.#hold(channel),
    );
  }

  /** Opens everything and begins. Rejects with FaultsError where that cannot be done; then nothing is open. */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    try {
      await gateway.#start();
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  get model(): GatewayModel {
    return this.#model!;
  }

  emit(event: EventBody): void {
    this.#options.report({ timeMs: Date.now(), ...event } as GatewayEvent);
  }

  /** Reads everything again; after a reload that runs already. What is wrong is reported, and nothing changes. */
  async reload(): Promise<void> {
    this.#isReloadWanted = true;
    this.#reload ??= this.#reloadWhileWanted().finally(() => {
      this.#reload = undefined;
    });
    await this.#reload;
  }

  async snapshot(): Promise<GatewaySnapshot> {
    const hosts = this.#last ?? (await Promise.all(this.#hosts.map((host) => host.snapshot())));
    const { version, engine, source } = this.#options;
    const order = new Map(this.#model?.routes.map(({ name }, i) => [name, i]));
    const routes = hosts.flatMap(({ routes }) => routes);
    return {
      version,
      timeMs: Date.now(),
      startedMs: this.#startedMs,
      engine: engine === 'portable' ? engine : `simd ${engine}`,
      workers: this.#model?.workers ?? 0,
      ...(source.file !== undefined && { file: source.file }),
      routes: routes.sort((one, other) => order.get(one.name)! - order.get(other.name)!),
      channels: this.#keeper.snapshot().map((channel) => withStore(channel, this.#stores.snapshotOf(channel.name))),
      reloads: this.#reloads,
      crypt: sumOfTimes(hosts.map(({ crypt }) => crypt)),
      unready: this.#unready(routes.length),
    };
  }

  /** Drains all routes, and closes everything. The snapshot stays as it was after the last packet. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#watch.close();
    await this.#change;
    this.#last ??= await Promise.all(this.#hosts.map((host) => host.drain()));
    this.#keeper.close();
    await this.#stores.close();
  }

  async #start(): Promise<void> {
    const { source } = this.#options;
    const { model, faults: wrong, line } = await source.read();
    if (model === undefined) throw new FaultsError(wrong, false);
    const keys = await this.#keysOf(model, wrong, line);
    if (keys.faults.length > 0) throw new FaultsError(keys.faults, false);
    if (model.state !== undefined) this.#usedKeys = new UsedKeys(model.state);
    this.#hosts = await this.#options.hosts(model.workers, (event) => this.emit(event));
    this.#placement = new Placement(this.#hosts.length);
    const faults = (await this.#prepare(model, keys)) ?? (await this.#takeSrtpKeys(model, keys));
    if (faults !== undefined) throw new FaultsError(faults, true);
    await this.#commit(model, keys);
  }

  async #reloadWhileWanted(): Promise<void> {
    while (this.#isReloadWanted) {
      this.#isReloadWanted = false;
      await this.#reloadOnce();
    }
  }

  async #reloadOnce(): Promise<void> {
    const { source } = this.#options;
    const { model, faults, line } = await source.read();
    if (model === undefined) return this.#refuse(faults);
    const wrong = [...faults, ...this.#fixedFaults(model, line)];
    const keys = await this.#keysOf(model, wrong, line);
    // Files that are read at last when the gateway ends change nothing.
    if (this.#isStopping) return;
    this.#change = this.#apply(model, keys, line);
    await this.#change;
  }

  /** The keys of a model, and all faults: those that are known, and those of the key files. */
  async #keysOf(model: GatewayModel, wrong: readonly string[], line: Reading['line']): Promise<KeyReading> {
    // A store may keep its answer waiting; faults do not.
    const stores = wrong.length === 0 ? this.#stores : undefined;
    const keys = await readKeys({ model, line }, this.#options.trust, stores);
    return { ...keys, faults: [...wrong, ...keys.faults] };
  }

  async #apply(model: GatewayModel, keys: KeyReading, line: Reading['line']): Promise<void> {
    const faults = [...keys.faults, ...this.#keeper.faults(keys.channels, line)];
    if (faults.length > 0) return this.#refuse(faults);
    const prepared = await this.#prepare(model, keys);
    if (prepared !== undefined) return this.#refuse(prepared);
    const used = await this.#takeSrtpKeys(model, keys);
    if (used !== undefined) {
      await Promise.all(this.#hosts.map((host) => host.abort()));
      return this.#refuse(used);
    }
    const changes = await this.#commit(model, keys);
    this.#count('ok');
    this.emit({ type: 'reloaded', result: 'ok', ...changes, faults: [] });
  }

  /** What a reload cannot change. */
  #fixedFaults(model: GatewayModel, line: Reading['line']): string[] {
    const fixed = ['http', 'workers', 'state'] as const;
    const isChanged = (name: (typeof fixed)[number]) =>
      JSON.stringify(model[name]) !== JSON.stringify(this.model[name]);
    const message = 'a reload cannot change this setting: set it back, or restart the gateway';
    return fixed.filter(isChanged).map((name) => line({ path: [name], message }));
  }

  /** Prepares every thread, or none: returns the faults then. */
  async #prepare(model: GatewayModel, keys: KeyReading): Promise<readonly string[] | undefined> {
    const plans = this.#placement.plansFor(model, keys);
    const faults = (await Promise.all(this.#hosts.map((host, i) => host.prepare(plans[i]!)))).flat();
    if (faults.length === 0) return undefined;
    await Promise.all(this.#hosts.map((host) => host.abort()));
    return faults;
  }

  async #takeSrtpKeys(model: GatewayModel, keys: KeyReading): Promise<readonly string[] | undefined> {
    const sides = model.routes.flatMap(({ inside, outside }) => [inside, outside]);
    const names = new Set(
      sides.flatMap(({ rule }) => (rule.kind === 'srtp' && rule.send !== undefined ? [rule.send] : [])),
    );
    const faults = await this.#usedKeys?.take(keys.srtp.filter(({ name }) => names.has(name)));
    return faults === undefined || faults.length === 0 ? undefined : faults;
  }

  async #commit(model: GatewayModel, keys: KeyReading) {
    this.#model = model;
    this.#placement.settle();
    const sinceMs = new Map(this.#keeper.snapshot().map(({ name, keySinceMs }) => [name, keySinceMs]));
    const rotations = this.#keeper.take(keys.channels);
    // A channel with other settings is a new one.
    for (const channel of this.#keeper.snapshot()) {
      if (sinceMs.get(channel.name) === channel.keySinceMs) continue;
      this.emit({ type: 'channel', channel });
      for (const risk of channelRisks(channel, model)) this.emit(risk);
    }
    const changes = await Promise.all(this.#hosts.map((host) => host.commit()));
    const fresh = new Set(changes.flatMap(({ added, changed }) => [...added, ...changed]));
    for (const risk of model.routes.filter(({ name }) => fresh.has(name)).flatMap(routeRisks)) this.emit(risk);
    for (const plan of rotations) {
      const { name, sealAfterMs, graceMs } = plan.model;
      await Promise.all(this.#hosts.map((host) => host.rotate(name, plan, { sealAfterMs, graceMs })));
    }
    await this.#stores.keep(model.channels);
    for (const { name, nats } of model.channels) if (nats !== undefined) await this.#hold(name);
    await this.#watch.set(this.#watched(model));
    return {
      added: changes.flatMap(({ added }) => added),
      changed: changes.flatMap(({ changed }) => changed),
      removed: changes.flatMap(({ removed }) => removed),
    };
  }

  /** The key files of channels with `watch`, and gateway.yaml beside them. */
  #watched({ channels }: GatewayModel): string[] {
    const { file } = this.#options.source;
    const keys = channels.filter(({ watch }) => watch);
    return keys.length === 0 || file === undefined
      ? []
      : [file, ...keys.flatMap((key) => (key.nats ? [] : [key.file]))];
  }

  /** Gives every thread the keys that a channel's store says now. */
  async #hold(channel: string): Promise<void> {
    const held = this.#stores.heldBy(channel);
    if (held === undefined) return;
    try {
      const configs = held.keys.map(configOf);
      await Promise.all(this.#hosts.map((host) => host.hold(channel, configs, held.sealing)));
      this.#keeper.hold(channel, held);
    } catch (error) {
      this.#keeper.refused(channel);
      const why = error instanceof Error ? error.message : String(error);
      const message = `channel ${channel}: the keys of the store are not taken: ${why}`;
      this.emit({ type: 'warning', cause: 'store', count: 1, message });
    }
  }

  #refuse(faults: readonly string[]): void {
    this.#count('refused');
    void this.#stores.keep(this.model.channels);
    this.emit({ type: 'reloaded', result: 'refused', added: [], changed: [], removed: [], faults });
  }

  #count(result: 'ok' | 'refused'): void {
    this.#reloads[result] = (this.#reloads[result] ?? 0) + 1;
  }

  #unready(routes: number): string[] {
    if (this.#last !== undefined) return ['the gateway is stopping'];
    if (this.#model === undefined) return ['the gateway is starting'];
    const missing = this.#model.routes.length - routes;
    return missing > 0 ? [`${missing} of ${this.#model.routes.length} routes do not listen`] : [];
  }
}

function withStore(channel: ChannelSnapshot, store: StoreSnapshot | undefined): ChannelSnapshot {
  return store === undefined ? channel : { ...channel, store };
}
