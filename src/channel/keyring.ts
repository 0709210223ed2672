/**
 * A channel's live keys in the GCM2 modes, by keyId (FORMAT.md section 6, "Rotation"), and the KIDs of its own sealers.
 *
 * A new key opens at once. It seals after a while, so that everybody has it by then; the key before it opens for a
 * while longer, then it is wiped here and in every sealer and opener. A program with a plan of its own says itself which
 * keys are live, and which one seals. Timers run on the monotonic clock, keep no
 * process alive and end none: where wiping throws, it is tried again.
 */
import { kindOf } from '../bytes.js';
import { ConfigError } from '../config-error.js';
import { IdSlots } from '../frames/id-slots.js';
import { thoroughly } from '../frames/thoroughly.js';
import type { ParsedConfig } from './config.js';
import { type GcmMode, KeySchedule } from './keys.js';

/** What a channel holds at most. */
export const MAX_LIVE_KEYS = 4;
const FIRST_OWN_CAPACITY = 16;
/** Sessions under one key: FORMAT.md section 3 wants a new key before a million. */
const MAX_SESSIONS = 2 ** 20;
/** A source of random numbers that repeats itself so often in a row is broken. */
const MAX_DRAWS = 16;
const RETRY_MS = 1000;

/** One key epoch. */
export class LiveKey {
  readonly keyId: number;
  readonly schedule: KeySchedule;
  /** Grows with each key: an earlier key never takes sealing back from a later one. */
  readonly epoch: number;
  /** KIDs that sealers of this channel use or used under this key. */
  readonly own: IdSlots = new IdSlots(FIRST_OWN_CAPACITY);

  constructor(keyId: number, schedule: KeySchedule, epoch: number) {
    this.keyId = keyId;
    this.schedule = schedule;
    this.epoch = epoch;
  }
}

/**
 * Where sessions come from: fills two words with random bits and returns the first counter. The system's CSPRNG and 0;
 * only tests and vector tools replace it, and may also say how many blocks count as sealed.
 */
export type SessionSource = (words: Int32Array<ArrayBuffer>, blocks?: Float64Array) => number;

export class KeyRing {
  readonly mode: GcmMode;
  readonly context: string;
  readonly keyBytes: 16 | 32;
  /** The key that sealers use now. */
  sealing: LiveKey;
  readonly #sessions: SessionSource;
  readonly #onEnd: (live: LiveKey) => void;
  readonly #live: LiveKey[] = [];
  readonly #fingerprints = new Set<string>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #session = new Int32Array(2);
  #epochs = 0;
  /** Grows with each `hold`: what an earlier rotation has planned is void. */
  #plan = 0;

  /** `onEnd` wipes what was derived from a live key. */
  constructor(mode: GcmMode, config: ParsedConfig, sessions: SessionSource, onEnd: (live: LiveKey) => void) {
    this.mode = mode;
    this.context = config.context;
    this.#sessions = sessions;
    this.#onEnd = onEnd;
    this.sealing = this.#key(config);
    this.keyBytes = this.sealing.schedule.keyBytes;
    this.#fingerprints.add(this.sealing.schedule.fingerprint);
    this.#live.push(this.sealing);
  }

  /** The live key with this id. */
  find(keyId: number): LiveKey | undefined {
    for (let i = 0; i < this.#live.length; i++) if (this.#live[i]!.keyId === keyId) return this.#live[i];
    return undefined;
  }

  isOwn(kidHigh: number, kidLow: number): boolean {
    const live = this.find(kidHigh >>> 28);
    return live !== undefined && live.own.find(kidHigh, kidLow) >= 0;
  }

  /** False where the sealing key has had as many sessions as it may. */
  get hasSessions(): boolean {
    return this.sealing.own.size < MAX_SESSIONS;
  }

  /**
   * Draws a KID that this channel has not drawn before: `kid` takes its two halves; returns the first counter, and `blocks`
   * how many count as sealed. (FORMAT.md section 3)
   */
  drawKid(live: LiveKey, kid: Int32Array, blocks: Float64Array): number {
    const session = this.#session;
    const { own } = live;
    for (let draws = 0; draws < MAX_DRAWS; draws++) {
      const firstCtr = this.#sessions(session, blocks);
      const high = (live.keyId << 28) | (session[0]! >>> 4);
      const low = session[1]!;
      if (high >>> 24 === 0 || own.find(high, low) >= 0) continue;
      if (own.size === own.capacity) own.grow(2 * own.capacity);
      own.insert(high, low);
      kid[0] = high;
      kid[1] = low;
      return firstCtr;
    }
    throw new Error('the source of random numbers repeats itself: no session can be drawn from it');
  }

  /**
   * Takes a new key, of the ring's mode and context. Throws ConfigError where the keyId is live, the key was used before, or
   * four keys are live.
   */
  rotate(config: ParsedConfig, sealAfterMs: number, graceMs: number): void {
    if (this.find(config.keyId) !== undefined) {
      throw new ConfigError(
        'keyId',
        'rotate_key_id_live',
        `keyId ${config.keyId} belongs to a key that is live in this channel: give the new key another one, 0 to 15`,
      );
    }
    if (this.#live.length === MAX_LIVE_KEYS) {
      throw new ConfigError(
        'encryptionKey',
        'rotate_too_many_keys',
        `${MAX_LIVE_KEYS} keys are live, and a channel has no more at once: wait until the oldest has ended, or give rotate a shorter graceMs`,
      );
    }
    const previous = this.#live[this.#live.length - 1]!;
    const next = this.#key(config);
    const { schedule } = next;
    const timers: ReturnType<typeof setTimeout>[] = [];
    // A timer that an exception left running must not end a key that has no successor.
    let isTaken = false;
    const plan = this.#plan;
    // What is no longer live may be left of an end that threw.
    const isPlanned = () => plan === this.#plan || !this.#live.includes(previous);
    try {
      if (this.#fingerprints.has(schedule.fingerprint)) throw usedBefore();
      if (sealAfterMs > 0) timers.push(this.#after(sealAfterMs, () => plan === this.#plan && this.#sealWith(next)));
      // An end that comes at once has a timer too: for what is left of it where it throws.
      timers.push(this.#after(sealAfterMs + graceMs || RETRY_MS, () => isTaken && isPlanned() && this.#end(previous)));
    } catch (error) {
      for (const timer of timers) this.#cancel(timer);
      schedule.wipe();
      throw error;
    }
    // No function of ours is called here, so that nothing can come between.
    isTaken = true;
    this.#fingerprints.add(schedule.fingerprint);
    this.#live.push(next);
    if (sealAfterMs === 0) this.sealing = next;
    if (sealAfterMs + graceMs > 0) return;
    this.#end(previous);
    this.#cancel(timers[0]!);
  }

  /**
   * Makes these keys the live ones, at once and without timers: all open, the one with the id `sealing` seals, and every other
   * live key is wiped. Throws ConfigError and changes nothing where two share a keyId, one was live before and has ended, or
   * `sealing` is the id of none.
   */
  hold(configs: readonly ParsedConfig[], sealing: number): void {
    const made: LiveKey[] = [];
    const next: LiveKey[] = [];
    const retries: ReturnType<typeof setTimeout>[] = [];
    let sealingKey: LiveKey;
    let leave: (() => void)[];
    let isTaken = false;
    try {
      for (const config of configs) {
        const key = this.#key(config);
        made.push(key);
        next.push(this.#live.find((live) => isSame(live, key)) ?? key);
      }
      sealingKey = this.#checkHold(next, sealing);
      const isSpare = (key: LiveKey) => !next.includes(key);
      leave = [
        ...this.#live.filter(isSpare).map((live) => () => this.#end(live)),
        ...made.filter(isSpare).map((key) => () => key.schedule.wipe()),
      ];
      // For what is left of them where one throws.
      for (const action of leave) retries.push(this.#after(RETRY_MS, () => isTaken && action()));
    } catch (error) {
      for (const retry of retries) this.#cancel(retry);
      thoroughly(made, ({ schedule }) => schedule.wipe());
      throw error;
    }
    // No function of ours is called here, so that nothing can come between.
    isTaken = true;
    this.#plan++;
    for (const { schedule } of next) this.#fingerprints.add(schedule.fingerprint);
    this.#live.splice(0, this.#live.length, ...next);
    this.sealing = sealingKey;
    thoroughly(leave, (action) => action());
    for (const retry of retries) this.#cancel(retry);
  }

  /** Stops all timers and wipes every key; may be called again. */
  close(): void {
    const cancel = () => thoroughly(this.#timers, (timer) => this.#cancel(timer));
    const wipe = () => thoroughly(this.#live, (live) => live.schedule.wipe());
    thoroughly([cancel, wipe], (step) => step());
    this.#live.length = 0;
  }

  #key(config: ParsedConfig): LiveKey {
    const schedule = new KeySchedule(this.mode, config.key, config.salt, this.context);
    return new LiveKey(config.keyId, schedule, this.#epochs++);
  }

  /** The key with the id `sealing`. */
  #checkHold(keys: readonly LiveKey[], sealing: number): LiveKey {
    for (const [i, { keyId, schedule }] of keys.entries()) {
      if (keys.findIndex((key) => key.keyId === keyId) !== i) {
        throw new ConfigError(
          'keyId',
          'rotate_key_id_live',
          `keyId ${keyId} belongs to two keys: give each one of its own`,
        );
      }
      const isTwice = keys.findIndex((key) => key.schedule.fingerprint === schedule.fingerprint) !== i;
      const isKept = this.#live.includes(keys[i]!);
      if (isTwice || (this.#fingerprints.has(schedule.fingerprint) && !isKept)) throw usedBefore();
    }
    const found = keys.find(({ keyId }) => keyId === sealing);
    if (found === undefined) {
      const id = typeof sealing === 'number' ? sealing : kindOf(sealing);
      throw new ConfigError('keyId', 'rotate_key_id_live', `keyId ${id} is to seal, and belongs to none of the keys`);
    }
    return found;
  }

  #sealWith(next: LiveKey): void {
    if (this.sealing.epoch < next.epoch && this.#live.includes(next)) this.sealing = next;
  }

  /** From the first line on the key opens nothing; wiping what is left of it may be tried again. */
  #end(live: LiveKey): void {
    const index = this.#live.indexOf(live);
    if (index >= 0) this.#live.splice(index, 1);
    thoroughly([() => this.#onEnd(live), () => live.schedule.wipe()], (wipe) => wipe());
  }

  /** A timer that keeps no process alive, and ends none: an action that throws is tried again. */
  #after(delayMs: number, action: () => unknown): ReturnType<typeof setTimeout> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    timer = setTimeout(() => {
      try {
        action();
      } catch {
        this.#after(RETRY_MS, action);
      }
      // Undefined where setTimeout threw all the same.
      if (timer !== undefined) this.#timers.delete(timer);
    }, delayMs);
    this.#timers.add(timer);
    // Node's timers are objects that can let the process end; browsers' are numbers.
    if (typeof timer === 'object') (timer as { unref(): void }).unref();
    return timer;
  }

  #cancel(timer: ReturnType<typeof setTimeout>): void {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }
}

function isSame(a: LiveKey, b: LiveKey): boolean {
  return a.keyId === b.keyId && a.schedule.fingerprint === b.schedule.fingerprint;
}

function usedBefore(): ConfigError {
  return new ConfigError(
    'encryptionKey',
    'rotate_key_used',
    'this key and salt were live in this channel before: make new ones with openssl rand -hex 32 and openssl rand -base64 32',
  );
}
