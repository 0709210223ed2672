/**
 * A gateway's side of a keyset: follows the store, decrypts, decides (rotation.ts), remembers (cache.ts), reports.
 *
 *     watch ----\
 *                > decrypt -> advance -> keys (to the channels), cache, status.NAME
 *     ask ------/      ^
 *                      time
 *
 * A watch reports changes in milliseconds, and does not report that a store was wiped: so the follower reads the key every few
 * seconds, and after each new connection. Whatever happens here, the gateway keeps the keys that it has.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { StoreSnapshot } from '../gateway/snapshot.js';
import { readSecretFile, reason } from '../secretfile.js';
import { type AgeKeyPair, decryptWith, readIdentity } from './age.js';
import { KeysetCache } from './cache.js';
import { readKeyset } from './document.js';
import { type HeldKeys, heldBy } from './held.js';
import { Bucket, type Entry, StoreError, type Watch } from './nats.js';
import { StatusReports } from './reports.js';
import { advance, type Known, memoryOf, type Reading, recall } from './rotation.js';
import type { StoreSettings } from './settings.js';
import { type StoreTrouble, Troubles } from './troubles.js';

const ASK_MS = 5000;
/** A larger keyset has more gateways, and is asked for less often: the store's load grows with gateways, not with their square. */
const ASK_BYTES = 20_480;
const RETRY_MS = 1000;
const TICK_MS = 1000;

export interface FollowerOptions {
  readonly settings: StoreSettings;
  readonly graceMs: number;
  /** The folder for the cache; without one nothing is kept. */
  readonly state?: string;
  /** New keys, another sealing key, or an end of keys. */
  changed(keys: HeldKeys): void;
  /** Trouble began, or goes on since a minute; `undefined` when it is over. `unwritten`: the cache cannot be written. */
  told(trouble: StoreTrouble | 'unwritten' | undefined, message: string): void;
}

export class Follower {
  readonly #options: FollowerOptions;
  #graceMs: number;
  readonly #cache: KeysetCache | undefined;
  readonly #stopping = new AbortController();
  readonly #troubles: Troubles;
  readonly #reports: StatusReports;
  #pair: AgeKeyPair | undefined;
  #known: Known | undefined;
  #held: HeldKeys | undefined;
  #value: Uint8Array | undefined;
  /** Whether there is a watch that is not known to be dead. */
  #isWatching = false;
  /** Whether the store has been in use since the last trouble. */
  #isConnected = false;
  #answeredMs: number | undefined;
  /** The revision that the watch told last, taken or not. */
  #watched = 0;
  #bucket: Bucket | undefined;
  #watch: Watch | undefined;
  #taking: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isWoken = false;
  #wake = new AbortController();
  #firstKeys: ((keys: HeldKeys) => void)[] = [];

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#graceMs = options.graceMs;
    const { state, settings } = options;
    this.#troubles = new Troubles(options.told);
    this.#reports = new StatusReports(settings, (message) => options.told('refused', message));
    if (state !== undefined)
      this.#cache = new KeysetCache(state, settings, (message) => options.told('unwritten', message));
  }

  /** The keys to hold; undefined before the first keyset. */
  get held(): HeldKeys | undefined {
    return this.#held;
  }

  get snapshot(): StoreSnapshot {
    return {
      state: this.#troubles.now ?? (this.#isConnected ? 'connected' : 'connecting'),
      ...(this.#known && { revision: this.#known.revision }),
      ...(this.#answeredMs !== undefined && { answeredMs: this.#answeredMs }),
      troubles: this.#troubles.counts,
    };
  }

  /** Reads the identity and the cache, and follows the store from then on. Rejects with an Error where the identity cannot be used. */
  async start(): Promise<void> {
    const { identity } = this.#options.settings;
    try {
      this.#pair = await readIdentity(await readSecretFile(identity, 'private'));
    } catch (error) {
      throw new Error(
        `the identity ${identity} cannot be used: ${error instanceof Error && !('code' in error) ? error.message : reason(error)}`,
      );
    }
    await this.#recall();
    void this.#follow();
  }

  /** How long keys open from now on when they are no longer listed. A key that has its time keeps that. */
  openFor(graceMs: number): void {
    this.#graceMs = graceMs;
  }

  /** The first keys; rejects when it is stopped before. */
  first(): Promise<HeldKeys> {
    if (this.#held !== undefined) return Promise.resolve(this.#held);
    return new Promise((resolve, reject) => {
      this.#firstKeys.push(resolve);
      this.#stopping.signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.abort();
    clearTimeout(this.#timer);
    this.#watch?.stop();
    if (this.#known && this.#bucket && this.#isConnected) await this.#reports.farewell(this.#bucket, this.#known);
    await this.#bucket?.close().catch(() => {});
    await this.#cache?.settled();
  }

  async #recall(): Promise<void> {
    try {
      const cached = await this.#cache?.read();
      if (cached === undefined) return;
      const reading = await this.#read({ ...cached, createdMs: 0 });
      const known = recall(reading, cached.memory);
      if (known.live.length === 0) throw new Error('all of its keys have ended');
      this.#value = cached.value;
      this.#known = known;
      this.#advance();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.told('unreadable', `the keyset in ${this.#cache!.path} is not used: ${why}`);
    }
  }

  async #follow(): Promise<void> {
    while (!this.#isStopping) {
      try {
        this.#bucket = await Bucket.open(this.#options.settings);
        if (this.#isStopping) return await this.#bucket.close();
      } catch (error) {
        this.#troubleOf(error);
        await this.#pause(RETRY_MS * (1 + Math.random()));
        continue;
      }
      await this.#followBucket(this.#bucket);
    }
  }

  async #followBucket(bucket: Bucket): Promise<void> {
    const closed = bucket.follow((change) => {
      if (change === 'down') this.#tell('gone', 'the connection to the store is lost');
      this.#isWatching = false;
      if (change === 'up') this.#awake();
    });
    while (!this.#isStopping && !bucket.isClosed) {
      // A watch of before may be of a stream that is gone.
      if (!this.#isWatching) this.#isWatching = await this.#watchAnew(bucket);
      if (!(await this.#ask(bucket))) this.#isWatching = false;
      if (this.#reports.isDue) await this.#report();
      const askMs = ASK_MS * Math.max(1, (this.#value?.length ?? 0) / ASK_BYTES);
      await this.#pause(askMs * (0.75 + Math.random() / 2));
    }
    await closed;
  }

  async #watchAnew(bucket: Bucket): Promise<boolean> {
    this.#watch?.stop();
    try {
      const watch = await bucket.watch(this.#options.settings.key, (_, entry) => {
        if (entry !== undefined) this.#watched = entry.revision;
        // What is older may have been overtaken by an answer, unless the store's keyset is not the one in use.
        const isNewer = entry !== undefined && entry.revision > (this.#known?.revision ?? 0);
        if (entry !== undefined && (isNewer || !this.#isConnected)) this.#take(entry);
      });
      this.#watch = watch;
      void watch.ended.then(() => {
        if (this.#watch === watch) this.#isWatching = false;
      });
      return true;
    } catch {
      // The question that follows says why.
      return false;
    }
  }

  /** False where the store does not answer, has no keyset, or has one that the watch has not told of: it may be dead. */
  async #ask(bucket: Bucket): Promise<boolean> {
    const { key, bucket: name } = this.#options.settings;
    const [before, watched] = [this.#known?.revision ?? 0, this.#watched];
    try {
      const entry = await bucket.get(key);
      this.#answeredMs = Date.now();
      if (entry === undefined) throw new StoreError('missing', `the bucket ${name} has no keyset ${key}`);
      // An answer that was overtaken by the watch says nothing of the store as it is now.
      const isOvertaken = this.#watched !== watched;
      if (entry.revision > this.#watched || !isOvertaken) await this.#take(entry);
      return entry.revision === before || isOvertaken;
    } catch (error) {
      this.#troubleOf(error);
      return false;
    }
  }

  /** One after the other, since decrypting takes turns. */
  #take(entry: Entry): Promise<unknown> {
    this.#taking = this.#taking.then(() => this.#takeNow(entry));
    return this.#taking;
  }

  async #takeNow(entry: Entry): Promise<void> {
    const known = this.#known;
    if (known !== undefined && entry.revision === known.revision && digestOf(entry.value) === known.digest) {
      this.#clear();
      return;
    }
    let reading: Reading;
    try {
      reading = await this.#read(entry);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#tell('unreadable', `the keyset of revision ${entry.revision} is not taken: ${why}`);
      return;
    }
    const isTaken = this.#advance(reading);
    if (!isTaken) return;
    this.#value = entry.value;
    this.#clear();
    this.#remember();
    void this.#report();
  }

  async #read({ revision, value }: Entry): Promise<Reading> {
    const keyset = readKeyset(await decryptWith(this.#pair!.key, value));
    return { revision, digest: digestOf(value), keyset };
  }

  /** Takes a reading, or lets time pass. False where the reading is not taken. */
  #advance(reading?: Reading): boolean {
    clearTimeout(this.#timer);
    const clocks = { wallMs: Date.now(), monotonicMs: performance.now() };
    const { known, alarms, nextMs } = advance(this.#known, reading, clocks, this.#graceMs);
    const before = this.#known;
    this.#known = known;
    if (known === undefined) return false;
    this.#timer = setTimeout(() => this.#advance(), Math.min(nextMs, TICK_MS));
    this.#timer.unref();
    if (!Number.isFinite(nextMs)) clearTimeout(this.#timer);
    this.#hold(known);
    for (const { cause, message } of alarms) this.#tell(cause, message);
    if (reading === undefined && before?.sealing !== known.sealing) {
      this.#remember();
      void this.#report();
    }
    return reading === undefined || known.digest === reading.digest;
  }

  #hold(known: Known): void {
    const held = heldBy(known, Date.now());
    if (isDeepStrictEqual(held, this.#held)) return;
    this.#held = held;
    this.#options.changed(held);
    for (const resolve of this.#firstKeys.splice(0)) resolve(held);
  }

  #remember(): void {
    const known = this.#known;
    if (known && this.#value)
      this.#cache?.write({ revision: known.revision, value: this.#value, memory: memoryOf(known) });
  }

  async #report(): Promise<void> {
    if (this.#known && this.#bucket && !this.#isStopping)
      await this.#reports.send(this.#bucket, this.#known, this.#troubles.now);
  }

  #troubleOf(error: unknown): void {
    if (this.#isStopping) return;
    const [cause, message] =
      error instanceof StoreError
        ? ([error.cause, error.message] as const)
        : (['refused', error instanceof Error ? error.message : String(error)] as const);
    this.#tell(cause === 'gone' || cause === 'missing' ? cause : 'refused', message);
  }

  #tell(trouble: StoreTrouble, message: string): void {
    this.#isConnected = false;
    const revision = this.#known?.revision;
    const goesOn = revision === undefined ? 'there are no keys yet' : `it goes on with revision ${revision}`;
    const isNew = this.#troubles.begin(trouble, `${message}; ${goesOn}`);
    if (isNew && trouble !== 'gone') void this.#report();
  }

  #clear(): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.#troubles.end();
    const { server } = this.#bucket!;
    this.#options.told(undefined, `the store at ${server} has revision ${this.#known!.revision}, which is in use`);
    void this.#report();
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Resolves after this time, or when `#awake` is called. */
  async #pause(ms: number): Promise<void> {
    this.#wake = new AbortController();
    if (!this.#isStopping && !this.#isWoken)
      await sleep(ms, undefined, { signal: this.#wake.signal, ref: false }).catch(() => {});
    this.#isWoken = false;
  }

  #awake(): void {
    this.#isWoken = true;
    this.#wake.abort();
  }
}

function digestOf(value: Uint8Array): string {
  return createHash('sha256').update(value).digest('hex');
}
