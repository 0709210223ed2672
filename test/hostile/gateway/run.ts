/**
 * A day in short: two gateways with a faulty path between them. On the way the receiver leaves and comes back, the opening
 * gateway gets no processor for a while (SIGSTOP), and the sealing one is killed (SIGKILL) and started again. At the end
 * every packet is looked for.
 *
 *     source -> gateway --seal -> faulty path -> gateway --open -> sink
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateKey, generateSalt } from 'frameseal';
import { type Counters, GatewayProcess } from './child.js';
import { kernelDrops } from './drops.js';
import { FaultyPath } from './path.js';
import { Sink, Source } from './traffic.js';

const SAMPLE_MS = 1000;
const QUIET_MS = 300;
const PATIENCE_MS = 5000;
/** Long enough for the system's buffer to overflow. */
const STALL_MS = 2000;
/** Shares of the time at which something happens. */
const LEAVES = 0.15;
const RETURNS = 0.25;
const STALL = 0.3;
/** From here on memory is flat: there have been bursts, and corrupted KIDs enough to fill the opener's candidates. */
const WARM = 0.5;
const KILL = 0.55;
const WARM_AGAIN = 0.7;

/** What is live in a gateway's memory, its collector's work done: heap, and what lies beside it. */
export interface LiveMemory {
  readonly fromBytes: number;
  readonly toBytes: number;
  readonly fromPackets: number;
  readonly toPackets: number;
}

export interface GatewayReport {
  readonly source: Source;
  readonly path: FaultyPath;
  readonly sink: Sink;
  /** Of the second life of the sealing gateway, and of the opening one. */
  readonly sealing: Counters;
  readonly opening: Counters;
  readonly drops: { readonly sealing: number; readonly path: number; readonly opening: number };
  /** Of the first life: what is known of it. `lost` went with it, or came before the second one listened. */
  readonly killed: {
    readonly forwarded: number;
    readonly refused: number;
    readonly lost: number;
    readonly mostLost: number;
  };
  /** From the kill to the next packet at the sink that was sent after it. */
  readonly gapMs: number;
  /** Forwarded while nobody was there, and the most that can be. */
  readonly toNobody: { readonly packets: number; readonly most: number };
  readonly live: { readonly sealing: LiveMemory; readonly opening: LiveMemory };
  /** Of the opening gateway, a sample a second, collections as they come. */
  readonly samples: { readonly rss: readonly number[]; readonly heapUsed: readonly number[] };
}

export interface RunOptions {
  readonly seconds: number;
  readonly perSecond: number;
  onProgress?(text: string): void;
}

export async function runGateways(options: RunOptions): Promise<GatewayReport> {
  const directory = mkdtempSync(join(tmpdir(), 'frameseal-hostile-'));
  const config = join(directory, 'config.json');
  const secrets = { encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
  writeFileSync(config, JSON.stringify({ encryptionMode: 'AES_128_GCM2', ...secrets }), { mode: 0o600 });
  try {
    return await new Run(options, config).run();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

class Run {
  readonly #options: RunOptions;
  readonly #config: string;
  readonly #samples = { rss: [] as number[], heapUsed: [] as number[] };
  #startMs = 0;
  #source!: Source;
  #path!: FaultyPath;
  #sink!: Sink;
  #sealing!: GatewayProcess;
  #opening!: GatewayProcess;

  constructor(options: RunOptions, config: string) {
    this.#options = options;
    this.#config = config;
  }

  async run(): Promise<GatewayReport> {
    await this.#start();
    await this.#until(LEAVES);
    const most = await this.#leaveAndReturn();
    await this.#until(STALL);
    await this.#opening.stall(STALL_MS);
    await this.#until(WARM);
    const warmOpening = await this.#live(this.#opening);
    await this.#until(KILL);
    const { gapMs, drops: dropsBefore, ...before } = await this.#killAndRestart();
    await this.#until(WARM_AGAIN);
    const warmSealing = await this.#live(this.#sealing);
    await this.#until(1);
    await this.#drain();
    const live = {
      sealing: between(warmSealing, await this.#live(this.#sealing)),
      opening: between(warmOpening, await this.#live(this.#opening)),
    };
    const drops = {
      sealing: dropsBefore + kernelDrops(this.#sealing.port),
      path: kernelDrops(this.#path.port),
      opening: kernelDrops(this.#opening.port),
    };
    const sealing = await this.#sealing.end();
    const opening = await this.#opening.end();
    await sleep(QUIET_MS);
    const { path, sink, source } = this;
    sink.leave();
    path.close();
    source.close();
    const lost = source.sent - drops.sealing - before.forwarded - before.refused - sealing.received.packets;
    return {
      source,
      path,
      sink,
      sealing,
      opening,
      drops,
      killed: { ...before, lost },
      gapMs,
      toNobody: { packets: opening.forwarded.packets - sink.received - sink.drops, most },
      live,
      samples: this.#samples,
    };
  }

  get source(): Source {
    return this.#source;
  }

  get path(): FaultyPath {
    return this.#path;
  }

  get sink(): Sink {
    return this.#sink;
  }

  async #start(): Promise<void> {
    this.#sink = await Sink.open();
    this.#path = await FaultyPath.open();
    this.#opening = await this.#gateway('open', 0, this.#sink.port);
    this.#path.connect(this.#opening.port);
    this.#sealing = await this.#gateway('seal', 0, this.#path.port);
    this.#startMs = performance.now();
    this.#source = new Source(this.#sealing.port, this.#options.perSecond);
  }

  #gateway(direction: 'seal' | 'open', listenPort: number, forwardPort: number): Promise<GatewayProcess> {
    return GatewayProcess.start({ direction, config: this.#config, listenPort, forwardPort });
  }

  /** Waits for that share of the time, and samples memory meanwhile. */
  async #until(share: number): Promise<void> {
    const endMs = this.#startMs + share * this.#options.seconds * 1000;
    for (;;) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return;
      await sleep(Math.min(SAMPLE_MS, leftMs));
      const { rss, heapUsed } = await this.#opening.memory('now');
      this.#samples.rss.push(rss);
      this.#samples.heapUsed.push(heapUsed);
      this.#options.onProgress?.(
        `${Math.round((performance.now() - this.#startMs) / 1000)} s, ${this.#sink.received} packets out`,
      );
    }
  }

  async #live(gateway: GatewayProcess): Promise<{ bytes: number; packets: number }> {
    const { heapUsed, external } = await gateway.memory('live');
    return { bytes: heapUsed + external, packets: this.#source.sent };
  }

  /** Gives the most packets that can have gone to nobody: a second's more than the path sent meanwhile. */
  async #leaveAndReturn(): Promise<number> {
    const sent = this.#path.sent;
    this.#sink.leave();
    await this.#until(RETURNS);
    await this.#sink.return();
    return this.#path.sent - sent + this.#options.perSecond;
  }

  async #killAndRestart() {
    const { port } = this.#sealing;
    const drops = kernelDrops(port);
    const { last } = this.#sealing;
    const killedMs = performance.now();
    const number = this.#source.sent;
    await this.#sealing.kill();
    // What the killed one has sent is in the path's buffer by now; a turn of the loop reads it.
    await sleep(QUIET_MS);
    const forwarded = this.#path.received + kernelDrops(this.#path.port);
    this.#sealing = await this.#gateway('seal', port, this.#path.port);
    const listening = this.#source.sent;
    while (this.#sink.highest < number && performance.now() - killedMs < PATIENCE_MS) await sleep(1);
    const refused = sum(last.refused);
    return {
      drops,
      gapMs: performance.now() - killedMs,
      forwarded,
      refused,
      // All since its last line, at the worst.
      mostLost: listening - last.received.packets - drops,
    };
  }

  /** Waits until nothing moves any more. */
  async #drain(): Promise<void> {
    this.#source.stop();
    await this.#quiet();
    this.#path.flush();
    await this.#quiet();
  }

  async #quiet(): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    let before = -1;
    for (let now = -2; now !== before && performance.now() < endMs; ) {
      before = now;
      await sleep(QUIET_MS);
      now = this.#path.received + this.#sink.received;
    }
  }
}

type Sample = { readonly bytes: number; readonly packets: number };

function between(from: Sample, to: Sample): LiveMemory {
  return { fromBytes: from.bytes, toBytes: to.bytes, fromPackets: from.packets, toPackets: to.packets };
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
