/**
 * A channel's live keys in the GCM2 modes, by keyId (FORMAT.md section 6, "Rotation"), and the KIDs of its own sealers.
 *
 * A new key opens at once. It seals after a while, so that everybody has it by then; the key before it opens for a
 * while longer, then it is wiped here and in every sealer and opener. Timers run on the monotonic clock and keep no
 * process alive.
 */
import type { ParsedConfig } from './config.js';
import { ConfigError } from './config.js';
import { type GcmMode, KeySchedule } from './keys.js';
import { KidSet } from './kids.js';

const MAX_LIVE_KEYS = 4;
const FIRST_OWN_CAPACITY = 16;

/** One key epoch. */
export interface LiveKey {
  readonly keyId: number;
  readonly schedule: KeySchedule;
  /** Grows with each rotation: an earlier key never takes sealing back from a later one. */
  readonly epoch: number;
}

/** What holds keys derived from a live one. */
export interface KeyHolder {
  /** The live key is at its end: wipe what was derived from it. */
  forget(live: LiveKey): void;
  close(): void;
}

/**
 * Where sessions come from: fills two words with random bits and returns the first counter. The system's CSPRNG and 0;
 * tests and vector tools, and nobody else, put in another.
 */
export type SessionSource = (words: Int32Array) => number;

export const systemSessions: SessionSource = (words) => {
  crypto.getRandomValues(words);
  return 0;
};

export class KeyRing {
  readonly mode: GcmMode;
  readonly keyBytes: 16 | 32;
  /** The key that sealers use now. */
  sealing: LiveKey;
  readonly #sessions: SessionSource;
  readonly #live: LiveKey[] = [];
  readonly #fingerprints = new Set<string>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #holders = new Set<KeyHolder>();
  /** KIDs that sealers of this channel use or used. */
  readonly #own = new KidSet(FIRST_OWN_CAPACITY);
  readonly #session = new Int32Array(2);

  constructor(mode: GcmMode, config: ParsedConfig, sessions: SessionSource) {
    this.mode = mode;
    this.#sessions = sessions;
    this.sealing = this.#add(config.keyId, new KeySchedule(mode, config.key, config.salt), 0);
    this.keyBytes = this.sealing.schedule.keyBytes;
  }

  /** The live key with this id. */
  find(keyId: number): LiveKey | undefined {
    for (let i = 0; i < this.#live.length; i++) if (this.#live[i]!.keyId === keyId) return this.#live[i];
    return undefined;
  }

  isOwn(kidHigh: number, kidLow: number): boolean {
    return this.#own.find(kidHigh, kidLow) >= 0;
  }

  /** Draws a KID under the sealing key: `kid` takes its two halves; returns the first counter. (FORMAT.md section 3) */
  drawKid(kid: Int32Array): number {
    const session = this.#session;
    const own = this.#own;
    let firstCtr: number;
    do {
      firstCtr = this.#sessions(session);
      kid[0] = (this.sealing.keyId << 28) | (session[0]! >>> 4);
      kid[1] = session[1]!;
    } while (kid[0] >>> 24 === 0);
    if (own.find(kid[0], kid[1]) < 0) {
      if (own.size === own.capacity) own.grow(2 * own.capacity);
      own.insert(kid[0], kid[1]);
    }
    return firstCtr;
  }

  hold(holder: KeyHolder): void {
    this.#holders.add(holder);
  }

  letGo(holder: KeyHolder): void {
    this.#holders.delete(holder);
  }

  /** Takes a new key. Throws ConfigError where the keyId is live, the key was used before, or four keys are live. */
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
    const schedule = new KeySchedule(this.mode, config.key, config.salt);
    if (this.#fingerprints.has(schedule.fingerprint)) {
      schedule.wipe();
      throw new ConfigError(
        'encryptionKey',
        'rotate_key_used',
        'this key and salt were live in this channel before: make new ones with openssl rand -hex 32 and openssl rand -base64 32',
      );
    }
    const previous = this.#live[this.#live.length - 1]!;
    const next = this.#add(config.keyId, schedule, previous.epoch + 1);
    this.#after(sealAfterMs, () => {
      if (this.sealing.epoch < next.epoch && this.#live.includes(next)) this.sealing = next;
    });
    this.#after(sealAfterMs + graceMs, () => this.#end(previous));
  }

  /** Closes all sealers and openers, and wipes every key. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const holder of [...this.#holders]) holder.close();
    for (const live of this.#live) live.schedule.wipe();
    this.#live.length = 0;
  }

  #add(keyId: number, schedule: KeySchedule, epoch: number): LiveKey {
    const live: LiveKey = { keyId, schedule, epoch };
    this.#live.push(live);
    this.#fingerprints.add(schedule.fingerprint);
    return live;
  }

  #end(live: LiveKey): void {
    this.#live.splice(this.#live.indexOf(live), 1);
    for (const holder of this.#holders) holder.forget(live);
    live.schedule.wipe();
  }

  /** Runs now where there is nothing to wait for, otherwise on a timer that keeps no process alive. */
  #after(delayMs: number, action: () => void): void {
    if (delayMs === 0) {
      action();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    // Node's timers are objects that can let the process end; browsers' are numbers.
    if (typeof timer === 'object') timer.unref();
    this.#timers.add(timer);
  }
}
