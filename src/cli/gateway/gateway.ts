/**
 * A one-way UDP gateway: opens the sockets, and puts a channel's sealer or opener into a route between them.
 *
 *     listen ---> route ---> forward              media, sealed or opened; RTCP beside it in the clear
 *     listen + 1 -> route -> forward + 1          RTCP on a port of its own
 *
 * SIGHUP reloads the key; SIGINT and SIGTERM drain the route and end the gateway, with totals.
 */
import type { RecordableHistogram } from 'node:perf_hooks';
import type { Channel, EncryptionConfig, Opener, RotateOptions, Sealer } from 'frameseal';
import { type Endpoint, endpointText } from '../arguments.js';
import { type BatchFunction, type Protection, Route, type RouteCounters } from './route.js';
import { headerBytes, Sockets } from './sockets.js';
import { Warnings } from './warnings.js';

const REPORT_EVERY_MS = 1000;

export interface GatewaySettings {
  readonly direction: 'seal' | 'open';
  /** Port 0 takes a free one. */
  readonly listen: Endpoint;
  readonly forward: Endpoint;
  readonly rtcp: 'forward' | 'drop';
  /** `next`: RTCP also on the ports after `listen` and `forward`. */
  readonly rtcpPort: 'next' | 'same';
}

export interface GatewayHooks {
  /** Takes warnings for people; each cause is reported once. */
  warn?(message: string): void;
  /** Takes the nanoseconds of sealing or opening a packet: an equal share of its batch. */
  readonly timing?: RecordableHistogram;
}

export interface GatewayCounters extends RouteCounters {
  /** Media that was dropped, by status. */
  readonly refused: Readonly<Record<string, number>>;
  /** Errors that sockets reported by themselves, most often for lack of a receiver. These datagrams count as forwarded. */
  readonly socketErrors: number;
}

export interface RunHooks {
  /** Called once a second. */
  report(counters: GatewayCounters): void;
  /** Called on SIGHUP. */
  reload(): void | Promise<void>;
}

export class Gateway {
  readonly #settings: GatewaySettings;
  readonly #channel: Channel;
  readonly #end: Sealer | Opener;
  readonly #protection: Protection;
  readonly #warnings: Warnings;
  readonly #sockets = new Sockets((error) => this.#warnOfFailure(error));
  #route: Route | undefined;
  #port = 0;

  private constructor(settings: GatewaySettings, channel: Channel, { warn, timing }: GatewayHooks) {
    this.#settings = settings;
    this.#channel = channel;
    this.#warnings = new Warnings(warn);
    const { end, overhead, batch } = settings.direction === 'seal' ? sealing(channel) : opening(channel);
    this.#end = end;
    this.#protection = { overhead, batch: timing ? timed(batch, timing) : batch };
  }

  /** Opens the sockets and begins. Rejects with the system's error where an address cannot be used. */
  static async start(settings: GatewaySettings, channel: Channel, hooks: GatewayHooks = {}): Promise<Gateway> {
    const gateway = new Gateway(settings, channel, hooks);
    try {
      await gateway.#start();
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port;
  }

  get counters(): GatewayCounters {
    const { received, forwarded, rtcp, ...failures } = this.#route!.counters;
    // RTCP is in the route's own counters.
    const { RTCP: _counted, ...refused } = this.#end.stats.refused;
    return { received, forwarded, rtcp, refused, ...failures, socketErrors: this.#sockets.errors };
  }

  /** Opens with the new key at once, and seals with it later. Throws where the channel does not take it; nothing changes then. */
  rotate(config: EncryptionConfig, times: RotateOptions): void {
    this.#channel.rotate(config, times);
  }

  /** Runs until `stopped` resolves: reports, reloads on SIGHUP, and drains at the end. Returns the totals. */
  async run(stopped: Promise<void>, { report, reload }: RunHooks): Promise<GatewayCounters> {
    const timer = setInterval(() => report(this.counters), REPORT_EVERY_MS);
    process.on('SIGHUP', () => void reload());
    await stopped;
    clearInterval(timer);
    await this.stop();
    return this.counters;
  }

  /** Drains the route, and closes the sockets and the sealer or opener; the channel stays open. */
  async stop(): Promise<void> {
    await this.#route?.drain();
    await this.#sockets.close();
    this.#end.close();
  }

  async #start(): Promise<void> {
    const { listen, forward, rtcp, rtcpPort } = this.#settings;
    const out = await this.#sockets.connect(forward);
    const media = await this.#sockets.listen(listen);
    this.#port = media.address().port;
    const route = new Route({
      protection: this.#protection,
      out,
      headerBytes: headerBytes(forward.host),
      rtcp,
      warnings: this.#warnings,
      failed: (error) => this.#warnOfFailure(error),
    });
    this.#route = route;
    media.on('message', (packet) => route.takeMedia(packet));
    if (rtcpPort === 'next') await this.#startRtcpPort(route);
  }

  /** Takes RTCP on the next port too. Where that port cannot be used, media goes on without it. */
  async #startRtcpPort(route: Route): Promise<void> {
    const { listen, forward } = this.#settings;
    if (this.#port === 65_535 || forward.port === 65_535) {
      this.#warnings.once('rtcp', 'there is no port after 65535 for RTCP: only RTCP on the media port is taken');
      return;
    }
    const port = this.#port + 1;
    try {
      const socket = await this.#sockets.listen({ host: listen.host, port });
      const out = await this.#sockets.connect({ host: forward.host, port: forward.port + 1 });
      socket.on('message', (packet) => route.takeRtcp(packet, out));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.#warnings.once('rtcp', `port ${port} cannot be used for RTCP (${code})`);
    }
  }

  #warnOfFailure({ code }: NodeJS.ErrnoException): void {
    const message =
      code === 'ECONNREFUSED'
        ? `no receiver at ${endpointText(this.#settings.forward)}, or on the next port for RTCP (${code}): packets are lost until there is one`
        : `the system does not send a packet (${code}): the packet is dropped`;
    this.#warnings.once(`failure ${code}`, message);
  }
}

/** Resolves at the first SIGINT or SIGTERM. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve());
  });
}

interface ChannelProtection extends Protection {
  readonly end: Sealer | Opener;
}

function sealing(channel: Channel): ChannelProtection {
  const end = channel.createSealer();
  const batch: BatchFunction = (inputs, outs, results, count) => end.sealBatch(inputs, outs, results, count);
  return { end, overhead: end.overhead, batch };
}

/** In place: a sealed packet is longer than the packet in it. */
function opening(channel: Channel): ChannelProtection {
  const end = channel.createOpener();
  const batch: BatchFunction = (inputs, outs, results, count) => end.openBatch(inputs, outs, results, count);
  return { end, overhead: 0, batch };
}

/** The batch function with its time recorded: an equal share for each packet that succeeded. */
function timed(batch: BatchFunction, timing: RecordableHistogram): BatchFunction {
  return (inputs, outs, results, count) => {
    const startMs = performance.now();
    const succeeded = batch(inputs, outs, results, count);
    const shareNs = Math.max(1, Math.round(((performance.now() - startMs) * 1e6) / count));
    for (let i = 0; i < succeeded; i++) timing.record(shareNs);
    return succeeded;
  };
}
