/** The events of one channel: two ends of one configuration, their results, and the invariants meanwhile. */
import { concat, Guarded } from '../../../support/arrays.js';
import type { Clock } from '../clock.js';
import type { Code } from '../code.js';
import { hexOf, must, mustEqual, mustKeepAllBut, sameBytes, Violation } from '../invariants.js';
import type { Reader } from '../reader.js';
import { type End, ends } from './ends.js';
import { clearHeaderOf, payloadOf, type Setup, setupOf } from './senders.js';
import { readHeader } from './sframe.js';

const MOST_EVENTS = 30;
const MOST_SEALERS = 6;
const BATCHES = [2, 8, 9, 20];
const DELAYS_MS = [0, 0, 1, 1000, 20_000];
const WRONG_DELAYS: readonly unknown[] = [-1, Number.NaN, 2 ** 31, '1', 2 ** 31 - 1];

type Config = import('../../../../dist/index.js').EncryptionConfig;

export class Life {
  readonly #code: Code;
  readonly #setup: Setup;
  readonly #reader: Reader;
  readonly #clock: Clock;
  readonly #near: End;
  readonly #far: End;
  readonly #log: string[] = [];
  /** KID, counter and key of every frame that was sealed: no nonce is used twice. */
  readonly #nonces = new Set<string>();
  /** The last frames, with their payloads. */
  readonly #frames: { sealed: Uint8Array; packet: Uint8Array }[] = [];

  constructor(code: Code, engine: 'simd' | 'portable', reader: Reader, clock: Clock) {
    this.#code = code;
    this.#reader = reader;
    this.#clock = clock;
    this.#setup = setupOf(reader);
    [this.#near, this.#far] = ends(code, engine, this.#setup, reader);
  }

  /** The events, in order. */
  run(): readonly string[] {
    const events: readonly (() => string)[] = [
      () => this.#seal(),
      () => this.#seal(),
      () => this.#open(),
      () => this.#sealBatch(),
      () => this.#openBatch(),
      () => this.#rotate(),
      () => this.#holdKeys(),
      () => this.#wait(),
      () => this.#more(),
      () => this.#copies(),
      () => this.#misuse(),
      () => this.#tell(),
      () => this.#closeOne(),
    ];
    for (let i = 0; i < MOST_EVENTS && !this.#reader.done; i++) this.#log.push(this.#reader.pick(events)());
    return this.#log;
  }

  end(): void {
    for (const { channel } of [this.#near, this.#far]) channel.close();
  }

  #packet(): Uint8Array {
    const payload = payloadOf(this.#reader);
    const odd = this.#reader.below(16) === 15;
    return this.#setup.framing === 'rtp' && !odd ? concat(clearHeaderOf(this.#reader), payload) : payload;
  }

  #seal(): string {
    const { sealers } = this.#near;
    const sealer = this.#reader.pick(sealers);
    const packet = this.#packet();
    const room = packet.length + this.#reader.pick([sealer.overhead, sealer.overhead + 9, 20, 26, 0]);
    const out = new Guarded(room, room);
    const status = sealer.seal(packet, out.bytes);
    mustKeepAllBut(out, Math.max(status, 0), 'sealing writes nothing outside [0, result)');
    if (status >= 0) this.#note(out.bytes.slice(0, status), packet);
    return `seal: ${status} ${hexOf(out.bytes)}`;
  }

  #sealBatch(): string {
    const sealer = this.#reader.pick(this.#near.sealers);
    const first = this.#packet();
    const packets = Array.from({ length: this.#reader.pick(BATCHES) }, (_, i) => first.subarray(0, first.length - i));
    const outs = packets.map((packet) => new Guarded(packet.length + sealer.overhead, packet.length));
    const results = new Int32Array(packets.length);
    sealer.sealBatch(
      packets,
      outs.map(({ bytes }) => bytes),
      results,
    );
    outs.forEach((out, i) => {
      mustKeepAllBut(out, Math.max(results[i]!, 0), 'sealing writes nothing outside [0, result)');
      if (results[i]! >= 0) this.#note(out.bytes.slice(0, results[i]), packets[i]!);
    });
    return `sealBatch: ${results} ${outs.map(({ bytes }) => hexOf(bytes)).join()}`;
  }

  #note(sealed: Uint8Array, packet: Uint8Array): void {
    this.#frames.push({ sealed, packet });
    if (this.#setup.mode === 'SM4_128_ECB') return;
    const clear = this.#setup.framing === 'rtp' ? this.#code.rtp.rtpHeaderLength(packet, packet.length) : 0;
    const header = readHeader(sealed.subarray(clear));
    must(header !== undefined && header.kid >> 56n !== 0n, 'a sealer writes a KID of 8 bytes', () => hexOf(sealed));
    const nonce = `${header.kid} ${header.ctr} ${this.#near.channel.fingerprint}`;
    must(!this.#nonces.has(nonce), 'no nonce is used twice', () => nonce);
    this.#nonces.add(nonce);
  }

  #open(): string {
    const { sealed, packet } = this.#frameSeen();
    const opener = this.#reader.pick(this.#openers());
    const out = new Guarded(sealed.length, sealed.length);
    const status = opener.open(sealed, out.bytes);
    mustKeepAllBut(out, Math.max(status, 0), 'opening writes nothing outside [0, result)');
    if (status >= 0) this.#mustBe(out.bytes.subarray(0, status), packet);
    return `open: ${status}`;
  }

  #openBatch(): string {
    const frames = Array.from({ length: this.#reader.pick(BATCHES) }, () => this.#frameSeen());
    const outs = frames.map(({ sealed }) => new Guarded(sealed.length));
    const results = new Int32Array(frames.length);
    this.#reader.pick(this.#openers()).openBatch(
      frames.map(({ sealed }) => sealed),
      outs.map(({ bytes }) => bytes),
      results,
    );
    outs.forEach((out, i) => {
      mustKeepAllBut(out, Math.max(results[i]!, 0), 'opening writes nothing outside [0, result)');
      if (results[i]! >= 0) this.#mustBe(out.bytes.subarray(0, results[i]), frames[i]!.packet);
    });
    return `openBatch: ${results}`;
  }

  #openers(): End['openers'] {
    return [...this.#far.openers, ...this.#near.openers];
  }

  #frameSeen(): { sealed: Uint8Array; packet: Uint8Array } {
    const { length } = this.#frames;
    const none = { sealed: new Uint8Array(0), packet: new Uint8Array(0) };
    return this.#frames[length - 1 - this.#reader.below(Math.min(length || 1, 40))] ?? none;
  }

  /** SM4 under a key that is not the frame's may give anything: there is no other key here. */
  #mustBe(opened: Uint8Array, packet: Uint8Array): void {
    must(
      sameBytes(opened, packet),
      'what is opened is what was sealed',
      () => `${hexOf(packet)} became ${hexOf(opened)}`,
    );
  }

  #config(): Config {
    const reader = this.#reader;
    const key = reader.below(6);
    return {
      encryptionMode: reader.below(16) === 15 ? reader.pick([7, 8, 4]) : this.#setup.mode,
      encryptionKey: new Uint8Array(32).fill(key + 1),
      encryptionKdfSalt: reader.below(16) === 15 ? undefined : new Uint8Array(32).fill(200),
      keyId: reader.below(8) === 7 ? this.#setup.keyId : key,
    } as Config;
  }

  #rotate(): string {
    const reader = this.#reader;
    const config = this.#config();
    const delay = () => (reader.below(16) === 15 ? reader.pick(WRONG_DELAYS) : reader.pick(DELAYS_MS)) as number;
    const options = { sealAfterMs: delay(), graceMs: delay() };
    return `rotate: ${this.#onEnds((channel) => channel.rotate(config, options))}`;
  }

  #holdKeys(): string {
    const configs = Array.from({ length: this.#reader.below(6) }, () => this.#config());
    const sealing = this.#reader.pick([...configs, this.#config()]).keyId!;
    return `holdKeys: ${this.#onEnds((channel) => channel.holdKeys(configs, sealing))}`;
  }

  /** Calls it on one of the two channels, or on both. */
  #onEnds(call: (channel: End['channel']) => void): string {
    const whose = this.#reader.pick([[this.#near, this.#far], [this.#near], [this.#far]]);
    return whose.map(({ channel }) => this.#attempt(() => call(channel))).join();
  }

  #wait(): string {
    this.#clock.advance(this.#reader.pick([1, 1000, 5000, 20_000]));
    return 'wait:';
  }

  #more(): string {
    const { near, far } = { near: this.#near, far: this.#far };
    if (near.sealers.length + near.openers.length > MOST_SEALERS) return 'more: enough';
    return `more: ${this.#reader.pick([
      () => this.#attempt(() => near.sealers.push(near.channel.createSealer())),
      () => this.#attempt(() => near.openers.push(near.channel.createOpener({ loopback: true }))),
      () => this.#attempt(() => far.openers.push(far.channel.createOpener())),
      () => this.#attempt(() => far.openers.push(far.channel.createOpener(undefined))),
      () => this.#attempt(() => far.channel.createOpener({ loopback: 1 } as never)),
      () => this.#attempt(() => far.channel.createOpener({ other: true } as never)),
      () => this.#attempt(() => far.channel.createOpener(null as never)),
    ])()}`;
  }

  #copies(): string {
    const packet = this.#packet();
    return `copies: ${this.#attempt(() => {
      const sealed = this.#reader.pick(this.#near.sealers).sealCopy(packet);
      this.#note(sealed, packet);
      const opened = this.#reader.pick(this.#openers()).openCopy(sealed);
      this.#mustBe(opened, packet);
      return sealed.length;
    })}`;
  }

  /** Wrong arguments throw, and use no counter. */
  #misuse(): string {
    const reader = this.#reader;
    const sealer = reader.pick(this.#near.sealers);
    const opener = reader.pick(this.#openers());
    const bytes = new Uint8Array(100);
    const call = reader.pick([
      () => sealer.seal('text' as never, bytes),
      () => sealer.seal(bytes, [] as never),
      () => sealer.seal(bytes, bytes, 101),
      () => opener.open(bytes, bytes, -1),
      () => opener.open(bytes, bytes, 1.5),
      () => sealer.seal(bytes.subarray(0, 50), bytes.subarray(20), 50),
      () => opener.open(bytes.subarray(20), bytes, 80),
      () => sealer.sealBatch([bytes], [bytes], [] as never),
      () => opener.openBatch([bytes], [bytes], new Int32Array(1), 2),
      () => opener.openBatch([bytes], [bytes], new Int32Array(1), 0),
      () => sealer.sealBatch([bytes], [bytes], new Int32Array(1), -1),
      () => sealer.sealBatch(new Array(9).fill('text'), new Array(9).fill(bytes), new Int32Array(9)),
      () =>
        opener.openBatch([...new Array(8).fill(bytes), 1], new Array(9).fill(new Uint8Array(100)), new Int32Array(9)),
    ]);
    return `misuse: ${this.#attempt(call)}`;
  }

  #tell(): string {
    const { channel, sealers, openers } = this.#near;
    must(['simd', 'portable'].includes(channel.engine), 'a channel has an engine', () => channel.engine);
    mustEqual(channel.framing, this.#setup.framing, 'a channel keeps its framing');
    mustEqual(channel.bindHeader, this.#setup.bindHeader, 'a channel keeps bindHeader');
    const said = [
      ...sealers.map(({ senderId, stats }) => [senderId, stats]),
      ...openers.map(({ lastSenderId, stats }) => [lastSenderId, stats]),
    ];
    return `tell: ${channel.keyId} ${channel.fingerprint} ${JSON.stringify(said)}`;
  }

  #closeOne(): string {
    const { near, far } = { near: this.#near, far: this.#far };
    const kind = this.#reader.below(8);
    if (kind < 3) this.#reader.pick(near.sealers).close();
    else if (kind < 6) this.#reader.pick(this.#openers()).close();
    else if (kind === 6) far.channel[Symbol.dispose]();
    else near.channel.close();
    return 'close:';
  }

  /** A call's result, or its error, which must be a documented one. */
  #attempt(call: () => unknown): string {
    try {
      return String(call() ?? '');
    } catch (error) {
      if (error instanceof Violation) throw error;
      const { configError, frameError } = this.#code;
      const documented = [TypeError, RangeError, configError.ConfigError, frameError.FrameError];
      const isClosed = error instanceof Error && error.message.startsWith('the channel is closed');
      if (!isClosed && !documented.some((kind) => error instanceof kind)) throw error;
      return `${(error as Error).name} ${(error as Error).message}`;
    }
  }
}
