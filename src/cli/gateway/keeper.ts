/**
 * The keys of a gateway's channels: reads their files, knows which keys are live, and decides whether a changed file is a
 * rotation. It seals nothing: the threads have channels of their own (keyset.ts), and receive the key to rotate to.
 */
import { isDeepStrictEqual } from 'node:util';
import { type EncryptionConfig, enableEncryption } from 'frameseal';
import { identify, readJsonFile } from '../configfile.js';
import { configOf } from '../fleet/document.js';
import type { HeldKeys } from '../fleet/held.js';
import type { FileTrust } from '../secretfile.js';
import { CliError, isExplained } from '../terminal.js';
import type { ChannelModel, GatewayModel, SrtpModel } from './config/model.js';
import type { Fault, Reading } from './config/read.js';
import type { SrtpPlan } from './host.js';
import { type ChannelPlan, channelKey, directed } from './keyset.js';
import type { ChannelSnapshot, EventBody } from './snapshot.js';
import { srtpKeysOf } from './srtp.js';

/** What the files of a model hold, or what is wrong with them. */
export interface KeyReading {
  readonly channels: readonly ChannelPlan[];
  readonly srtp: readonly SrtpPlan[];
  readonly faults: readonly string[];
}

/** Where channels have their keys that have no file. */
export interface KeyStores {
  keysOf(channel: ChannelModel, state: string | undefined): Promise<HeldKeys>;
}

/**
 * Reads all key files of a model, and the keys in stores; without `stores` the channels that have theirs there are left
 * out. `line`: of the reading that the model comes from.
 */
export async function readKeys(
  { model, line }: Pick<Reading, 'line'> & { readonly model: GatewayModel },
  trust: FileTrust,
  stores?: KeyStores,
): Promise<KeyReading> {
  const each = async <Plan>(
    path: Fault['path'],
    { file }: SrtpModel,
    use: (value: unknown) => Plan,
    read: () => Promise<unknown> = () => readJsonFile(file, trust),
  ): Promise<{ readonly plan: Plan } | { readonly fault: string }> => {
    try {
      return { plan: use(await read()) };
    } catch (error) {
      if (!isExplained(error) && !(error instanceof TypeError)) throw error;
      const place = error.message.includes(file) ? '' : `${file}: `;
      return { fault: line({ path, message: `${place}${error.message}` }) };
    }
  };
  const ofStore = async (channel: ChannelModel): Promise<unknown> => {
    const { keys, sealing } = await stores!.keysOf(channel, model.state).catch((error: Error) => {
      throw new CliError(error.message, 1);
    });
    return configOf(keys.find(({ keyId }) => keyId === sealing)!);
  };
  const channels = await Promise.all(
    model.channels
      .filter(({ nats }) => nats === undefined || stores !== undefined)
      .map((channel) =>
        each(
          ['channels', channel.name, channel.nats ? 'nats' : 'file'],
          channel,
          (value) => planOf(channel, value),
          channel.nats && (() => ofStore(channel)),
        ),
      ),
  );
  const srtp = await Promise.all(
    model.srtp.map((key) =>
      each(['srtp', key.name, 'file'], key, (value): SrtpPlan => ({ name: key.name, keys: srtpKeysOf(value) })),
    ),
  );
  // In the order of the file, whichever was read first.
  return {
    channels: channels.flatMap((read) => ('plan' in read ? [read.plan] : [])),
    srtp: srtp.flatMap((read) => ('plan' in read ? [read.plan] : [])),
    faults: [...channels, ...srtp].flatMap((read) => ('fault' in read ? [read.fault] : [])),
  };
}

/** Throws ConfigError for what is no configuration, or where file and model name different contexts. */
function planOf(model: ChannelModel, value: unknown): ChannelPlan {
  const config = value as EncryptionConfig;
  identify(config);
  if (model.context !== undefined && config.context !== undefined && config.context !== model.context)
    throw new RangeError('context: the file and the channel name different ones; leave one of them out');
  const plan = { model, config };
  identify(directed(plan).seals);
  return plan;
}

interface LiveKey {
  readonly mode: string;
  readonly keyId: number | undefined;
  /** Of what it seals, and of what it opens. */
  readonly fingerprint: string;
  readonly opens: string;
}

interface Kept {
  plan: ChannelPlan;
  seals: LiveKey;
  live: LiveKey[];
  next: { readonly keyId: number; readonly sealsAtMs: number } | undefined;
  sinceMs: number;
  readonly seen: Set<string>;
  readonly rotations: Record<string, number>;
  readonly timers: Set<NodeJS.Timeout>;
}

/** The most keys of a channel that are live at the same time. */
const MAX_LIVE = 4;

export class KeyKeeper {
  readonly #emit: (event: EventBody) => void;
  #kept = new Map<string, Kept>();

  constructor(emit: (event: EventBody) => void) {
    this.#emit = emit;
  }

  /** What stands against these plans as rotations, a line each. Nothing changes. */
  faults(plans: readonly ChannelPlan[], line: Reading['line']): string[] {
    return plans.flatMap((plan) => {
      const kept = this.#keptLike(plan);
      if (kept === undefined || plan.model.nats || isDeepStrictEqual(kept.plan.config, plan.config)) return [];
      const fault = rotationFault(kept, plan);
      if (fault === undefined) return [];
      count(kept, 'refused');
      return [line({ path: ['channels', plan.model.name, 'file'], message: `${plan.model.file}: ${fault}` })];
    });
  }

  /** Takes the plans. Returns those that are rotations of a channel that goes on. */
  take(plans: readonly ChannelPlan[]): ChannelPlan[] {
    const kept = new Map<string, Kept>();
    const rotations: ChannelPlan[] = [];
    for (const plan of plans) {
      const before = this.#keptLike(plan);
      const now = before ?? fresh(plan);
      kept.set(plan.model.name, now);
      // A store's keys come by `hold`.
      if (before && !plan.model.nats && !isDeepStrictEqual(before.plan.config, plan.config)) {
        this.#rotate(before, plan);
        rotations.push(plan);
      }
      now.plan = plan;
    }
    for (const [name, { timers }] of this.#kept) if (kept.get(name)?.timers !== timers) timers.forEach(clearTimeout);
    this.#kept = kept;
    return rotations;
  }

  /** Notes what a channel holds from now on, and tells what is new. */
  hold(name: string, { keys, sealing, next }: HeldKeys): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    const { model } = kept.plan;
    const [before, sealedBefore] = [kept.live, kept.seals];
    const plans = keys.map((key): ChannelPlan => ({ model, config: configOf(key) }));
    kept.live = plans.map(keyOf);
    kept.next = next;
    const isNew = (key: LiveKey) => !before.some(({ fingerprint }) => fingerprint === key.fingerprint);
    for (const [i, key] of kept.live.entries()) {
      if (!isNew(key)) continue;
      count(kept, 'ok');
      const opens = identify(directed(plans[i]!).opens).fingerprint;
      this.#emit({ type: 'key-opens', channel: name, keyId: key.keyId!, fingerprint: key.fingerprint, opens });
    }
    const place = kept.live.findIndex(({ keyId }) => keyId === sealing);
    kept.seals = kept.live[place]!;
    kept.plan = plans[place]!;
    if (kept.seals.fingerprint !== sealedBefore.fingerprint) {
      kept.sinceMs = Date.now();
      this.#emit({ type: 'key-seals', channel: name, keyId: sealing });
    }
    for (const { keyId, fingerprint } of before) {
      const isThere = kept.live.some((key) => key.fingerprint === fingerprint);
      if (!isThere) this.#emit({ type: 'key-ended', channel: name, keyId: keyId! });
    }
  }

  /** A channel did not take the keys of its store. */
  refused(name: string): void {
    const kept = this.#kept.get(name);
    if (kept !== undefined) count(kept, 'refused');
  }

  snapshot(): ChannelSnapshot[] {
    return [...this.#kept.values()].map(snapshotOf);
  }

  close(): void {
    for (const { timers } of this.#kept.values()) timers.forEach(clearTimeout);
  }

  /** The channel of a plan's name, where its settings are the same; with others it is a new one. */
  #keptLike({ model }: ChannelPlan): Kept | undefined {
    const kept = this.#kept.get(model.name);
    return kept && channelKey(kept.plan.model) === channelKey(model) ? kept : undefined;
  }

  #rotate(kept: Kept, plan: ChannelPlan): void {
    const { name, sealAfterMs, graceMs } = plan.model;
    const key = keyOf(plan);
    const keyId = key.keyId!;
    kept.live.push(key);
    kept.seen.add(key.fingerprint);
    kept.next = { keyId, sealsAtMs: Date.now() + sealAfterMs };
    count(kept, 'ok');
    const { mode, fingerprint, opens } = key;
    this.#emit({ type: 'rotated', channel: name, mode, keyId, fingerprint, opens, sealAfterMs, graceMs });
    after(kept, sealAfterMs, () => {
      const old = kept.live.filter((each) => each !== key && !(each.keyId === kept.next?.keyId));
      kept.seals = key;
      kept.sinceMs = Date.now();
      if (kept.next?.keyId === keyId) kept.next = undefined;
      this.#emit({ type: 'key-seals', channel: name, keyId });
      after(kept, graceMs, () => {
        for (const each of old.filter((one) => kept.live.includes(one))) {
          kept.live = kept.live.filter((one) => one !== each);
          this.#emit({ type: 'key-ended', channel: name, keyId: each.keyId! });
        }
      });
    });
  }
}

function fresh(plan: ChannelPlan): Kept {
  const key = keyOf(plan);
  return {
    plan,
    seals: key,
    live: [key],
    next: undefined,
    sinceMs: Date.now(),
    seen: new Set([key.fingerprint]),
    rotations: {},
    timers: new Set(),
  };
}

function keyOf(plan: ChannelPlan): LiveKey {
  const { seals, opens } = directed(plan);
  const { mode, keyId, fingerprint } = identify(seals);
  return { mode, keyId, fingerprint, opens: identify(opens).fingerprint };
}

/** Why the channel would not take the key of the plan; the words are the library's where it can judge. */
function rotationFault(kept: Kept, plan: ChannelPlan): string | undefined {
  const { keyId, fingerprint } = keyOf(plan);
  // The library judges mode and context by a channel that has only the key before.
  const trial = enableEncryption(directed(kept.plan).seals);
  try {
    trial.rotate(directed(plan).seals);
  } catch (error) {
    if (!isExplained(error)) throw error;
    return error.message;
  } finally {
    trial.close();
  }
  if (kept.seen.has(fingerprint))
    return 'these key and salt were live in this channel before: a rotation needs new ones';
  if (kept.live.some((each) => each.keyId === keyId)) return `keyId ${keyId} belongs to a key that is live: count on`;
  return kept.live.length < MAX_LIVE ? undefined : `${MAX_LIVE} keys are live: wait until one has ended`;
}

function count(kept: Kept, result: 'ok' | 'refused'): void {
  kept.rotations[result] = (kept.rotations[result] ?? 0) + 1;
}

function after(kept: Kept, ms: number, action: () => void): void {
  const timer = setTimeout(() => {
    kept.timers.delete(timer);
    action();
  }, ms);
  timer.unref();
  kept.timers.add(timer);
}

function snapshotOf({ plan, seals, live, next, sinceMs, rotations }: Kept): ChannelSnapshot {
  const { name, file, role, rtcp, bindHeader } = plan.model;
  const { mode, fingerprint, opens, keyId } = seals;
  const context = plan.model.context ?? plan.config.context;
  return {
    name,
    file,
    mode,
    ...(context !== undefined && { context }),
    ...(role !== undefined && { role }),
    rtcp: mode === 'SM4_128_ECB' ? 'clear' : rtcp,
    bindHeader,
    fingerprint,
    opens,
    ...(keyId !== undefined && { keyId }),
    liveKeyIds: live.flatMap(({ keyId }) => (keyId === undefined ? [] : [keyId])),
    ...(next !== undefined && { next }),
    keySinceMs: sinceMs,
    rotations,
  };
}
