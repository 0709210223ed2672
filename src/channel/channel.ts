/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Channels: one mode, one key, one salt, one context; sealers and openers are made here (FORMAT.md).
 *
 * All validation is done when a channel is made: no path leads from a bad configuration to plaintext on the wire. What a mode
 * does is its suite's affair (suite.ts).
 */
import type { Engine } from '../engine/engine.js';
import { fillRandom } from '../random.js';
import { type EncryptionConfig, type KnownMode, withConfig, withConfigs } from './config.js';
import { MAX_LIVE_KEYS, type SessionSource } from './keyring.js';
import type { Framing, RtcpHandling } from './layout.js';
import type { Opener } from './opener.js';
import {
  type ChannelOptions,
  type OpenerOptions,
  type RotateOptions,
  readChannelOptions,
  readOpenerOptions,
  readRotateOptions,
} from './options.js';
import type { Sealer } from './sealer.js';
import { type Settings, SframeSuite, Sm4Suite, type Suite } from './suite.js';

let newChannel: (mode: KnownMode, settings: Settings, suite: Suite) => Channel;

/** One encrypted channel, made by `enableEncryption`. Close it when done: that wipes its keys. (FORMAT.md) */
export class Channel {
  /** The mode, by its name. */
  readonly mode: KnownMode;
  readonly #settings: Settings;
  readonly #suite: Suite;
  #closed = false;

  static {
    newChannel = (mode, settings, suite) => new Channel(mode, settings, suite);
  }

  private constructor(mode: KnownMode, settings: Settings, suite: Suite) {
    this.mode = mode;
    this.#settings = settings;
    this.#suite = suite;
  }

  /**
   * Four groups of hex digits for people to compare: equal where mode, key, salt and context are equal. keyId, framing, bindHeader
   * and rtcp have no part in it. After a rotation, the fingerprint of the key that seals. (FORMAT.md section 2)
   */
  get fingerprint(): string {
    return this.#suite.fingerprint;
  }

  /** The key epoch that seals; undefined in SM4 mode, which has none. */
  get keyId(): number | undefined {
    return this.#suite.keyId;
  }

  /** Name of the engine in use: `'simd'` or `'portable'`. */
  get engine(): string {
    return this.#settings.engine.name;
  }

  /** What a frame is: `'rtp'` or `'frame'`. */
  get framing(): Framing {
    return this.#settings.layout.framing;
  }

  /** Whether RTP headers are authenticated. */
  get bindHeader(): boolean {
    return this.#settings.layout.bindHeader;
  }

  /** How RTCP is handled; `'clear'` in SM4 mode, whatever the option says. */
  get rtcp(): RtcpHandling {
    return this.#settings.layout.rtcp;
  }

  /**
   * A new sealer, with a session and keys of its own. Throws Error where the channel is closed or a start-up snapshot is
   * being built, EngineError where the engine has no room for another key, FrameError with EXHAUSTED after 2^20 sessions
   * under one key.
   */
  createSealer(): Sealer {
    this.#mustBeOpen();
    return this.#suite.createSealer();
  }

  /**
   * A new opener. `loopback` lifts the refusal of frames that this channel itself sealed: for demos and tests. Throws
   * where the channel is closed.
   */
  createOpener(options: OpenerOptions = {}): Opener {
    const loopback = readOpenerOptions(options);
    this.#mustBeOpen();
    return this.#suite.createOpener(loopback);
  }

  /**
   * Adds a new key, which opens at once and seals after `sealAfterMs`; the old key opens until `graceMs` after that.
   * Throws ConfigError where mode or context differ, the keyId is live, the key was live here before, or four keys are live;
   * and in SM4 mode, which has no rotation. (FORMAT.md section 6)
   */
  rotate(config: EncryptionConfig, options: RotateOptions = {}): void {
    const { sealAfterMs, graceMs } = readRotateOptions(options);
    withConfig(config, (parsed) => {
      this.#mustBeOpen();
      this.#suite.rotate(parsed, sealAfterMs, graceMs);
    });
  }

  /**
   * Makes exactly these one to four keys live, for programs that plan rotations themselves: all of them open, the one whose
   * keyId is `sealing` seals, and every other live key is wiped; at once. A plan of `rotate` that is under way is void.
   * Throws ConfigError as rotate does, and where two share a keyId or `sealing` is the keyId of none; nothing changes then.
   * Throws TypeError where `configs` is no array.
   */
  holdKeys(configs: readonly EncryptionConfig[], sealing: number): void {
    withConfigs(configs, MAX_LIVE_KEYS, (parsed) => {
      this.#mustBeOpen();
      this.#suite.holdKeys(parsed, sealing);
    });
  }

  /** Closes all sealers and openers and wipes every key; idempotent. Where `close` throws, a second call continues. */
  close(): void {
    this.#closed = true;
    this.#suite.close();
  }

  /** As `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Arguments are read before it is called: reading a proxy may run code that closes the channel. */
  #mustBeOpen(): void {
    if (this.#closed) throw new Error('the channel is closed: make a new one with enableEncryption');
  }
}

/**
 * Checks a configuration and makes a channel; key and salt are copied. Throws ConfigError with the field and a code for a bad
 * configuration (FORMAT.md section 1), TypeError or RangeError for a bad option, EngineError where the engine is missing.
 */
export function enableEncryption(config: EncryptionConfig, options: ChannelOptions = {}): Channel {
  return enableEncryptionWith(config, options, systemSessions);
}

/** @internal As enableEncryption, with sessions, first counters and perhaps an engine of the caller's: for tests and vector tools only. */
export function enableEncryptionWith(
  config: EncryptionConfig,
  options: ChannelOptions,
  sessions: SessionSource,
  engine?: Engine,
): Channel {
  return withConfig(config, (parsed) => {
    const settings = readChannelOptions(options, parsed.mode, engine);
    const suite =
      parsed.mode === 'SM4_128_ECB'
        ? new Sm4Suite(parsed, settings)
        : new SframeSuite(parsed.mode, parsed, settings, sessions);
    if (parsed.mode === 'SM4_128_ECB') warnOfSm4();
    return newChannel(parsed.mode, settings, suite);
  });
}

const systemSessions: SessionSource = (words) => {
  fillRandom(words);
  return 0;
};

let warnedOfSm4 = false;

function warnOfSm4(): void {
  if (warnedOfSm4) return;
  warnedOfSm4 = true;
  console.warn(
    'frameseal: SM4_128_ECB has no integrity and no replay protection, and shows equal blocks as equal; use AES_128_GCM2 or AES_256_GCM2 where every peer can',
  );
}
