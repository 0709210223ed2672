/**
 * Two gateways with a lossy link between them. Meanwhile the receiver closes and returns, the opening gateway is stopped
 * for a while (SIGSTOP), and the sealing gateway is killed (SIGKILL) and started again. At the end every packet is
 * accounted for.
 *
 *     source -> gateway --seal -> lossy link -> gateway --open -> sink
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateKey, generateSalt } from 'frameseal';
import { type LinkProfile, LossyLink } from '../../../src/cli/demo/link.js';
import { GatewayProcess, onLoopback } from '../../../src/cli/gateway/process.js';
import type { ShortCounters } from '../../../src/cli/gateway/shortform.js';
import { Ledger, readRtpName } from '../ledger.js';
import { kernelDrops } from './drops.js';
import { Sink, Source } from './traffic.js';

const PROFILE: LinkProfile = {
  seed: 0xbadca,
  chances: { dropped: 200, repeated: 200, reordered: 300, delayed: 20, damaged: 150, truncated: 30, stalled: 2 },
  reorderedBy: 30,
  repeatedAfter: 200,
  delayedBy: 2000,
};
const SAMPLE_MS = 1000;
const QUIET_MS = 300;
const PATIENCE_MS = 5000;
/** Long enough for the system's buffer to overflow. */
const STALL_MS = 2000;
/** Times of the events, as shares of the run. */
const LEAVES = 0.15;
const RETURNS = 0.25;
const STALL = 0.3;
/** Memory is flat from here on: bursts have come, and enough damaged KIDs to fill the opener's candidates. */
const WARM = 0.5;
const KILL = 0.55;
const WARM_AGAIN = 0.7;

/** Live memory of a gateway after a collection: heap and external. */
export interface LiveMemory {
  readonly fromBytes: number;
  readonly toBytes: number;
  readonly fromPackets: number;
  readonly toPackets: number;
}

export interface GatewayReport {
  readonly source: Source;
  readonly link: LossyLink;
  /** The nonces on the link, read on the side of the sealing gateway. */
  readonly ledger: Ledger;
  readonly sink: Sink;
  /** Totals of the second sealing gateway, and of the opening one. */
  readonly sealing: ShortCounters;
  readonly opening: ShortCounters;
  readonly drops: { readonly sealing: number; readonly link: number; readonly opening: number };
  /** The first sealing gateway's packets. `lost`: those that ended with it, or arrived before the second one listened. */
  readonly killed: {
    readonly forwarded: number;
    readonly refused: number;
    readonly lost: number;
    readonly mostLost: number;
  };
  /** From the kill to the first packet at the sink that was sent after it. */
  readonly gapMs: number;
  /** Packets forwarded while there was no receiver, and the most that are possible. */
  readonly unreceived: { readonly packets: number; readonly most: number };
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
  readonly #ledger = new Ledger();
  #link!: LossyLink;
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
      link: kernelDrops(this.#link.port),
      opening: kernelDrops(this.#opening.port),
    };
    const sealing = await this.#sealing.drain();
    const opening = await this.#opening.drain();
    await sleep(QUIET_MS);
    const { link, sink, source } = this;
    sink.leave();
    link.close();
    source.close();
    const lost = source.sent - drops.sealing - before.forwarded - before.refused - sealing.received.packets;
    return {
      source,
      link,
      ledger: this.#ledger,
      sink,
      sealing,
      opening,
      drops,
      killed: { ...before, lost },
      gapMs,
      unreceived: { packets: opening.forwarded.packets - sink.received - sink.drops, most },
      live,
      samples: this.#samples,
    };
  }

  get source(): Source {
    return this.#source;
  }

  get link(): LossyLink {
    return this.#link;
  }

  get sink(): Sink {
    return this.#sink;
  }

  async #start(): Promise<void> {
    this.#sink = await Sink.open();
    this.#link = await LossyLink.open({ ...PROFILE, arrived: (packet) => this.#ledger.note(readRtpName(packet)) });
    this.#opening = await this.#gateway('open', 0, this.#sink.port);
    this.#link.connect(this.#opening.port);
    this.#sealing = await this.#gateway('seal', 0, this.#link.port);
    this.#startMs = performance.now();
    this.#source = new Source(this.#sealing.port, this.#options.perSecond);
  }

  #gateway(direction: 'seal' | 'open', listenPort: number, forwardPort: number): Promise<GatewayProcess> {
    const args = [...onLoopback(direction, listenPort, forwardPort), '--rtcp-port', 'same', '--config', this.#config];
    return GatewayProcess.start(args, { stderr: 'inherit' });
  }

  /** Waits until a share of the run, and samples memory meanwhile. */
  async #until(share: number): Promise<void> {
    const endMs = this.#startMs + share * this.#options.seconds * 1000;
    for (;;) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return;
      await sleep(Math.min(SAMPLE_MS, leftMs));
      const { rss, heapUsed } = (await this.#opening.usage()).memory;
      this.#samples.rss.push(rss);
      this.#samples.heapUsed.push(heapUsed);
      this.#options.onProgress?.(
        `${Math.round((performance.now() - this.#startMs) / 1000)} s, ${this.#sink.received} packets out`,
      );
    }
  }

  async #live(gateway: GatewayProcess): Promise<{ bytes: number; packets: number }> {
    const { heapUsed, external } = (await gateway.liveUsage()).memory;
    return { bytes: heapUsed + external, packets: this.#source.sent };
  }

  /** Returns the most packets that can be forwarded without a receiver: those of the link meanwhile, and a second's more. */
  async #leaveAndReturn(): Promise<number> {
    const sent = this.#link.sent;
    this.#sink.leave();
    await this.#until(RETURNS);
    await this.#sink.return();
    return this.#link.sent - sent + this.#options.perSecond;
  }

  async #killAndRestart() {
    const { port } = this.#sealing;
    const drops = kernelDrops(port);
    const last = this.#sealing.counters!;
    const killedMs = performance.now();
    const number = this.#source.sent;
    await this.#sealing.end('SIGKILL');
    // The packets of the killed gateway are in the link's buffer by now; a turn of the loop reads them.
    await sleep(QUIET_MS);
    const forwarded = this.#link.received + kernelDrops(this.#link.port);
    this.#sealing = await this.#gateway('seal', port, this.#link.port);
    const listening = this.#source.sent;
    while (this.#sink.highest < number && performance.now() - killedMs < PATIENCE_MS) await sleep(1);
    const refused = sum(last.refused);
    return {
      drops,
      gapMs: performance.now() - killedMs,
      forwarded,
      refused,
      // At the worst, all since its last report.
      mostLost: listening - last.received.packets - drops,
    };
  }

  /** Waits until no packet moves. */
  async #drain(): Promise<void> {
    this.#source.stop();
    await this.#quiet();
    this.#link.flush();
    await this.#quiet();
  }

  async #quiet(): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    let before = -1;
    for (let now = -2; now !== before && performance.now() < endMs; ) {
      before = now;
      await sleep(QUIET_MS);
      now = this.#link.received + this.#sink.received;
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
