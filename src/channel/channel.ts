/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Channels: one mode, one key, one salt; sealers and openers are made here (FORMAT.md).
 *
 * A GCM2 channel keeps a ring of live keys; an SM4 channel has one key and nothing to rotate. All validation is done
 * when a channel is made: no path leads from a bad configuration to plaintext on the wire.
 */

import { kindOf } from '../bytes.js';
import type { Engine } from '../engine/engine.js';
import { type EngineChoice, pickEngine } from '../engine/pick.js';
import { MAX_WINDOW, MIN_WINDOW } from '../replay.js';
import { ConfigError, type EncryptionConfig, type KnownMode, type ParsedConfig, parseConfig } from './config.js';
import { type Framing, Layout, type Sm4Keys } from './frames.js';
import { KeyRing, type SessionSource, systemSessions } from './keyring.js';
import { sm4Fingerprint, sm4Key } from './keys.js';
import { type Opener, SframeOpener } from './opener.js';
import { type Sealer, SframeSealer } from './sealer.js';
import { Sm4Opener } from './sm4-opener.js';
import { Sm4Sealer } from './sm4-sealer.js';

/** How a channel works; everybody in it must agree on `framing` and `bindHeader`. */
export interface ChannelOptions {
  /** `'rtp'` (default): RTP packets, headers in the clear. `'frame'`: whole frames or messages, nothing in the clear. */
  framing?: Framing;
  /** Authenticate the RTP header (default true). false: for paths on which a relay rewrites headers. */
  bindHeader?: boolean;
  /** Counters that an opener keeps per sender: a power of two, 64 to 65,536; default 1,024. */
  replayWindow?: number;
  /** Senders that an opener remembers, 1 to 65,536; default 1,024. */
  maxSenders?: number;
  /** Which engine; `'auto'` (default) takes the best that the platform has. */
  engine?: EngineChoice;
}

/** When a new key takes over, in milliseconds. */
export interface RotateOptions {
  /** How long the old key goes on sealing, so that everybody can set the new one; default 0. */
  sealAfterMs?: number;
  /** How long after that the old key still opens; default 10,000. */
  graceMs?: number;
}

const DEFAULT_WINDOW = 1024;
const DEFAULT_SENDERS = 1024;
const MAX_SENDERS = 65_536;
const DEFAULT_GRACE_MS = 10_000;
/** The longest delay that timers take. */
const MAX_DELAY_MS = 0x7fffffff;
const CHANNEL_OPTIONS = ['framing', 'bindHeader', 'replayWindow', 'maxSenders', 'engine'];

type Settings = Required<Pick<ChannelOptions, 'replayWindow' | 'maxSenders'>> & { layout: Layout; engine: Engine };

/** One encrypted channel. Close it when done: that wipes its keys. */
export class Channel {
  readonly mode: KnownMode;
  readonly #settings: Settings;
  readonly #ring: KeyRing | undefined;
  readonly #sm4: (Sm4Keys & { readonly fingerprint: string }) | undefined;
  #closed = false;

  /** Use `enableEncryption`. */
  constructor(config: ParsedConfig, options: ChannelOptions, sessions: SessionSource) {
    this.#settings = readOptions(options);
    this.mode = config.mode;
    if (config.mode === 'SM4_128_ECB') {
      const key = sm4Key(config);
      const slot = this.#settings.engine.createSm4Key();
      slot.setKey(key);
      this.#sm4 = { key: slot, users: new Set(), fingerprint: sm4Fingerprint(key) };
      key.fill(0);
      warnOfSm4();
    } else {
      this.#ring = new KeyRing(config.mode, config, sessions);
    }
  }

  /**
   * Four groups of hex digits for people to compare: equal where mode, key and salt are. It says nothing of keyId, framing and
   * bindHeader. After a rotation, that of the key that seals.
   */
  get fingerprint(): string {
    return this.#ring?.sealing.schedule.fingerprint ?? this.#sm4!.fingerprint;
  }

  /** The key epoch that seals; undefined in SM4 mode, which has none. */
  get keyId(): number | undefined {
    return this.#ring?.sealing.keyId;
  }

  /** Name of the engine in use. */
  get engine(): string {
    return this.#settings.engine.name;
  }

  get framing(): Framing {
    return this.#settings.layout.framing;
  }

  get bindHeader(): boolean {
    return this.#settings.layout.bindHeader;
  }

  /** A new sealer, with a session and keys of its own. Throws where the channel is closed. */
  createSealer(): Sealer {
    this.#mustBeOpen();
    const { engine, layout } = this.#settings;
    if (this.#ring) return new SframeSealer(this.#ring, engine, layout);
    return new Sm4Sealer(this.#sm4!, layout);
  }

  /**
   * A new opener. `loopback` lifts the refusal of frames that this channel itself sealed: for demos and tests. Throws
   * where the channel is closed.
   */
  createOpener(options: { loopback?: boolean } = {}): Opener {
    this.#mustBeOpen();
    const { engine, layout, replayWindow, maxSenders } = this.#settings;
    checkOptions(options, ['loopback']);
    const loopback = booleanOption('loopback', options.loopback, false);
    if (this.#ring) return new SframeOpener(this.#ring, engine, layout, { replayWindow, maxSenders, loopback });
    return new Sm4Opener(this.#sm4!, layout);
  }

  /**
   * Takes a new key: it opens at once, and seals after `sealAfterMs`; the old one opens until `graceMs` after that.
   * Throws ConfigError where the mode differs, the keyId is live, the key was live here before, or four keys are live;
   * and in SM4 mode, which has no rotation. (FORMAT.md section 6)
   */
  rotate(config: EncryptionConfig, options: RotateOptions = {}): void {
    this.#mustBeOpen();
    checkOptions(options, ['sealAfterMs', 'graceMs']);
    const sealAfterMs = delayOption('sealAfterMs', options.sealAfterMs, 0);
    const graceMs = delayOption('graceMs', options.graceMs, DEFAULT_GRACE_MS);
    if (sealAfterMs + graceMs > MAX_DELAY_MS)
      throw new RangeError(`sealAfterMs and graceMs together pass ${MAX_DELAY_MS} ms`);
    if (this.#ring === undefined) {
      throw new ConfigError(
        'encryptionMode',
        'rotate_not_supported',
        'SM4_128_ECB has no key ids and so no rotation: make a new channel, or use AES_128_GCM2 or AES_256_GCM2',
      );
    }
    const parsed = parseConfig(config);
    try {
      if (parsed.mode !== this.mode) {
        throw new ConfigError(
          'encryptionMode',
          'rotate_mode',
          `a channel keeps its mode, ${this.mode}; for ${parsed.mode} make a new channel`,
        );
      }
      this.#ring.rotate(parsed, sealAfterMs, graceMs);
    } finally {
      wipeConfig(parsed);
    }
  }

  /** Closes all sealers and openers and wipes every key; idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ring?.close();
    if (this.#sm4) {
      for (const user of [...this.#sm4.users]) user.close();
      this.#sm4.key.wipe();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new Error('the channel is closed: make a new one with enableEncryption');
  }
}

/**
 * Checks a configuration and makes a channel. Throws ConfigError with the field and a code for a bad configuration
 * (FORMAT.md section 1), TypeError or RangeError for a bad option, EngineError where the engine is missing.
 */
export function enableEncryption(config: EncryptionConfig, options: ChannelOptions = {}): Channel {
  return enableEncryptionWith(config, options, systemSessions);
}

/** As enableEncryption, with sessions and first counters of the caller's: for tests and vector tools only. */
export function enableEncryptionWith(
  config: EncryptionConfig,
  options: ChannelOptions,
  sessions: SessionSource,
): Channel {
  const parsed = parseConfig(config);
  try {
    return new Channel(parsed, options, sessions);
  } finally {
    wipeConfig(parsed);
  }
}

function wipeConfig(config: ParsedConfig): void {
  config.key.fill(0);
  config.salt.fill(0);
}

/** Throws TypeError for what is no object, and for a name that is not known: a mistyped option would be a silent default. */
function checkOptions(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options must be an object, got ${kindOf(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`unknown option: there are ${names.join(', ')}`);
  }
}

function readOptions(options: ChannelOptions): Settings {
  checkOptions(options, CHANNEL_OPTIONS);
  const { framing = 'rtp' } = options;
  if (framing !== 'rtp' && framing !== 'frame') throw new TypeError("framing must be 'rtp' or 'frame'");
  const replayWindow = integerOption('replayWindow', options.replayWindow, DEFAULT_WINDOW, MIN_WINDOW, MAX_WINDOW);
  if ((replayWindow & (replayWindow - 1)) !== 0)
    throw new RangeError(`replayWindow must be a power of two, got ${replayWindow}`);
  return {
    layout: new Layout(framing, booleanOption('bindHeader', options.bindHeader, true)),
    replayWindow,
    maxSenders: integerOption('maxSenders', options.maxSenders, DEFAULT_SENDERS, 1, MAX_SENDERS),
    engine: pickEngine(options.engine),
  };
}

function booleanOption(name: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false, got ${kindOf(value)}`);
  return value;
}

function integerOption(name: string, value: number | undefined, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${kindOf(value)}`);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be an integer from ${least} to ${most}, got ${value}`);
  }
  return value;
}

function delayOption(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number of milliseconds, got ${kindOf(value)}`);
  if (!(value >= 0 && value <= MAX_DELAY_MS))
    throw new RangeError(`${name} must be from 0 to ${MAX_DELAY_MS} ms, got ${value}`);
  return value;
}

let warnedOfSm4 = false;

function warnOfSm4(): void {
  if (warnedOfSm4) return;
  warnedOfSm4 = true;
  console.warn(
    'frameseal: SM4_128_ECB has no integrity and no replay protection, and shows equal blocks as equal; use AES_128_GCM2 or AES_256_GCM2 where every peer can',
  );
}
