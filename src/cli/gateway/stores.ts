/**
 * The stores of a gateway's channels: a follower for each, which goes on over reloads. Keys change without a reload: the
 * `changed` names a channel that is to hold other keys.
 */
import { Follower } from '../fleet/follower.js';
import type { HeldKeys } from '../fleet/held.js';
import type { ChannelModel } from './config/model.js';
import type { EventBody, StoreSnapshot } from './snapshot.js';

/** A store may be slow at a start; nothing goes on without keys. */
const FIRST_KEYS_MS = 30_000;

export class Stores {
  readonly #emit: (event: EventBody) => void;
  readonly #changed: (channel: string) => void;
  /** By channel and settings: those in force, and those of a reload that is under way. */
  readonly #followers = new Map<string, Follower>();
  /** Which of them the channels have. */
  #inForce = new Map<string, string>();

  /** `changed`: called when a channel is to hold other keys from now on. */
  constructor(emit: (event: EventBody) => void, changed: (channel: string) => void) {
    this.#emit = emit;
    this.#changed = changed;
  }

  /** The keys of a channel that a store has; follows the store from now on. Rejects with an Error where there are none. */
  async keysOf(model: ChannelModel, state: string | undefined): Promise<HeldKeys> {
    const id = idOf(model);
    const { name, nats, graceMs } = model;
    const before = this.#followers.get(id);
    if (before !== undefined) return before.first();
    let reason = 'it did not answer';
    const follower = new Follower({
      settings: nats!,
      graceMs,
      ...(state !== undefined && { state }),
      changed: () => {
        if (this.#inForce.get(name) === id) this.#changed(name);
      },
      told: (trouble, message) => {
        reason = message;
        const text = `channel ${name}: ${message}`;
        if (trouble === undefined) this.#emit({ type: 'store', channel: name, message: text });
        else this.#emit({ type: 'warning', cause: 'store', count: 1, message: text });
      },
    });
    await follower.start();
    const held = await within(FIRST_KEYS_MS, follower.first());
    if (held === undefined) {
      await follower.stop();
      throw new Error(`there is no keyset after ${FIRST_KEYS_MS / 1000} s: ${reason}`);
    }
    this.#followers.set(id, follower);
    return held;
  }

  /** Puts these channels' stores in force, and ends all others. */
  async keep(channels: readonly ChannelModel[]): Promise<void> {
    this.#inForce = new Map(channels.flatMap((model) => (model.nats === undefined ? [] : [[model.name, idOf(model)]])));
    const ids = new Set(this.#inForce.values());
    for (const model of channels) this.#of(model.name)?.openFor(model.graceMs);
    const leaving = [...this.#followers].filter(([id]) => !ids.has(id));
    for (const [id] of leaving) this.#followers.delete(id);
    await Promise.all(leaving.map(([, follower]) => follower.stop()));
  }

  /** The keys that a channel is to hold now. */
  heldBy(channel: string): HeldKeys | undefined {
    return this.#of(channel)?.held;
  }

  snapshotOf(channel: string): StoreSnapshot | undefined {
    return this.#of(channel)?.snapshot;
  }

  async close(): Promise<void> {
    await this.keep([]);
  }

  #of(channel: string): Follower | undefined {
    return this.#followers.get(this.#inForce.get(channel) ?? '');
  }
}

function idOf({ name, nats }: ChannelModel): string {
  return JSON.stringify([name, nats]);
}

/** Undefined where it takes longer. */
async function within<Value>(ms: number, value: Promise<Value>): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
    value.catch(() => {});
  }
}
