/** What a channel does, by family of modes: SFrame with AES-GCM, or SM4. */
import { ConfigError } from '../config-error.js';
import type { Engine } from '../engine/engine.js';
import { thoroughly } from '../frames/thoroughly.js';
import type { ParsedConfig } from './config.js';
import { KeyRing, type SessionSource } from './keyring.js';
import type { GcmMode } from './keys.js';
import type { Layout } from './layout.js';
import { newOpener, type Opener } from './opener.js';
import { newSealer, type Sealer } from './sealer.js';
import { SframeOpening } from './sframe-opening.js';
import { SframeSealing } from './sframe-sealing.js';
import { Sm4Opening, Sm4Sealing, sm4Fingerprint, sm4Key } from './sm4.js';

/** What a channel was made with. */
export interface Settings {
  readonly layout: Layout;
  readonly replayWindow: number;
  readonly maxSenders: number;
  readonly engine: Engine;
}

export interface Suite {
  /** That of the key which seals. */
  readonly fingerprint: string;
  /** The key epoch that seals; undefined where there is none. */
  readonly keyId: number | undefined;
  createSealer(): Sealer;
  createOpener(loopback: boolean): Opener;
  rotate(config: ParsedConfig, sealAfterMs: number, graceMs: number): void;
  holdKeys(configs: readonly ParsedConfig[], sealing: number): void;
  /** Closes all sealers and openers and wipes every key, whatever throws on the way; may be called again. */
  close(): void;
}

/** The GCM2 modes: a ring of live keys. */
export class SframeSuite implements Suite {
  readonly #settings: Settings;
  readonly #ring: KeyRing;
  readonly #users = new Map<Sealer | Opener, SframeSealing | SframeOpening>();
  readonly #letGo = (user: Sealer | Opener): void => {
    this.#users.delete(user);
  };

  constructor(mode: GcmMode, config: ParsedConfig, settings: Settings, sessions: SessionSource) {
    this.#settings = settings;
    this.#ring = new KeyRing(mode, config, sessions, (live) => {
      thoroughly(this.#users.values(), (protocol) => protocol.forget(live));
    });
  }

  get fingerprint(): string {
    return this.#ring.sealing.schedule.fingerprint;
  }

  get keyId(): number {
    return this.#ring.sealing.keyId;
  }

  createSealer(): Sealer {
    const protocol = new SframeSealing(this.#ring, this.#settings.engine, this.#settings.layout);
    const sealer = newSealer(protocol, this.#letGo);
    // Known to the channel before it has a key: where closing throws too, the channel's close comes by.
    this.#users.set(sealer, protocol);
    try {
      protocol.begin();
    } catch (error) {
      sealer.close();
      throw error;
    }
    return sealer;
  }

  createOpener(loopback: boolean): Opener {
    const { engine, layout, replayWindow, maxSenders } = this.#settings;
    const protocol = new SframeOpening(this.#ring, engine, layout, { replayWindow, maxSenders, loopback });
    const opener = newOpener(protocol, this.#letGo);
    this.#users.set(opener, protocol);
    return opener;
  }

  rotate(config: ParsedConfig, sealAfterMs: number, graceMs: number): void {
    this.#checkPlace(config);
    this.#ring.rotate(config, sealAfterMs, graceMs);
  }

  holdKeys(configs: readonly ParsedConfig[], sealing: number): void {
    for (const config of configs) this.#checkPlace(config);
    this.#ring.hold(configs, sealing);
  }

  /** Throws ConfigError for a key of another mode or context. */
  #checkPlace({ mode, context }: ParsedConfig): void {
    if (mode !== this.#ring.mode) {
      throw new ConfigError(
        'encryptionMode',
        'rotate_mode',
        `a channel keeps its mode, ${this.#ring.mode}; for ${mode} make a new channel`,
      );
    }
    if (context !== this.#ring.context) {
      throw new ConfigError(
        'context',
        'rotate_context',
        'a channel keeps its context: give rotate the same one; for another make a new channel',
      );
    }
  }

  close(): void {
    thoroughly([...this.#users.keys(), this.#ring], (user) => user.close());
  }
}

/** The legacy mode: one key, and nothing to rotate. */
export class Sm4Suite implements Suite {
  readonly fingerprint: string;
  readonly keyId: undefined = undefined;
  readonly #layout: Layout;
  readonly #key: ReturnType<Engine['createSm4Key']>;
  readonly #users = new Set<Sealer | Opener>();
  readonly #letGo = (user: Sealer | Opener): void => {
    this.#users.delete(user);
  };

  constructor(config: ParsedConfig, { engine, layout }: Settings) {
    this.#layout = layout;
    this.#key = engine.createSm4Key();
    const key = sm4Key(config);
    try {
      this.fingerprint = sm4Fingerprint(key);
      this.#key.setKey(key);
    } catch (error) {
      this.#key.wipe();
      throw error;
    } finally {
      key.fill(0);
    }
  }

  createSealer(): Sealer {
    const sealer = newSealer(new Sm4Sealing(this.#key, this.#layout), this.#letGo);
    this.#users.add(sealer);
    return sealer;
  }

  createOpener(): Opener {
    const opener = newOpener(new Sm4Opening(this.#key, this.#layout), this.#letGo);
    this.#users.add(opener);
    return opener;
  }

  rotate(): never {
    throw new ConfigError(
      'encryptionMode',
      'rotate_not_supported',
      'SM4_128_ECB has no key ids and so no rotation: make a new channel, or use AES_128_GCM2 or AES_256_GCM2',
    );
  }

  holdKeys(): never {
    return this.rotate();
  }

  close(): void {
    thoroughly([...this.#users, { close: () => this.#key.wipe() }], (user) => user.close());
  }
}
