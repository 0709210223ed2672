/**
 * A one-way UDP gateway: datagrams that arrive at `listen` leave for `forward`, sealed or opened.
 *
 *     listen ---> seal or open ---> forward          RTP, one datagram a packet
 *     listen ---------------------> forward          RTCP in the clear, or dropped, as the route says
 *     listen + 1 -----------------> forward + 1      the same for RTCP on a port of its own
 *
 * What cannot be sealed or opened is dropped and counted by its status; nothing leaves in the clear but RTCP. A
 * datagram that the system does not take is counted and forgotten: media does not wait.
 *
 * A turn of the event loop reads the datagrams that are there, up to 32 of a socket, and then runs what `setImmediate`
 * was given. While many come together, what arrives in one turn is gathered, and sealed or opened as one batch, in
 * order. While they come alone each is handled at once, because even the end of its turn comes later than that.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, type Opener, RTCP, type Sealer } from 'frameseal';
import { type Endpoint, endpointText } from '../arguments.js';
import { isRtcp } from '../rtcp.js';
import { Outbox } from './outbox.js';
import { BufferPool } from './pool.js';

/** So many are handled before more of the turn is read: larger batches gain little, and the first packets wait for the last. */
const MAX_BATCH = 8;
/** After a turn of so many packets the next one is gathered. */
const MANY = 4;
/** Of packets that are handled at once, every so-many-th has its turn counted. */
const COUNT_EVERY = 16;
/** Stands in the places of a batch that hold no packet. */
const NONE = Buffer.alloc(0);
const RECEIVE_BUFFER_BYTES = 4 << 20;
const TURN_MS = 10;
const QUIET_TURNS = 3;
const DRAIN_LIMIT_MS = 1000;
/** The usual MTU, and what IP and UDP headers take of it. */
const MTU_BYTES = 1500;
const IPV4_UDP_BYTES = 28;
const IPV6_UDP_BYTES = 48;

export interface Route {
  readonly direction: 'seal' | 'open';
  /** Port 0 takes a free one. */
  readonly listen: Endpoint;
  readonly forward: Endpoint;
  readonly rtcp: 'forward' | 'drop';
  /** Also take RTCP on the ports after these two. */
  readonly rtcpPort: 'next' | 'same';
}

export interface GatewayHooks {
  /** Something that people should know; each kind is told once. */
  warn?(message: string): void;
  /** Takes the nanoseconds that each packet took to seal or open: of a batch, its share. */
  readonly timing?: RecordableHistogram;
}

export interface GatewayCounters {
  /** Datagrams, RTCP included. */
  readonly received: { readonly packets: number; readonly bytes: number };
  readonly forwarded: { readonly packets: number; readonly bytes: number };
  readonly rtcp: { readonly forwarded: number; readonly dropped: number };
  /** Media that was dropped, by status. */
  readonly refused: Readonly<Record<string, number>>;
  /** Sealed packets that need more than 1,500 bytes of IP. */
  readonly oversize: number;
  /** Datagrams that the system did not take, and those dropped because too many were on their way. */
  readonly sendErrors: number;
  readonly overruns: number;
  /** Errors that sockets reported by themselves: as a rule nobody listens at `forward`. Those datagrams count as forwarded. */
  readonly socketErrors: number;
}

export class Gateway {
  readonly #route: Route;
  readonly #hooks: GatewayHooks;
  readonly #sealer: Sealer | undefined;
  readonly #opener: Opener | undefined;
  readonly #pool = new BufferPool();
  readonly #outbox = new Outbox(this.#pool, {
    overrun: () => this.#warnOnce('overrun', 'the path out is slower than the path in: packets are dropped'),
    failed: (error) => this.#warnOfFailure(error),
  });
  /** What arrived in this turn, where it is sealed to, and what came of it. */
  readonly #packets: Buffer[] = Array.from({ length: MAX_BATCH }, () => NONE);
  readonly #sealed: Uint8Array[] = Array.from({ length: MAX_BATCH }, () => NONE);
  readonly #results = new Int32Array(MAX_BATCH);
  #gathered = 0;
  /** Whether packets wait for the end of their turn. */
  #gathers = false;
  /** Whether the end of this turn is awaited, and the packets since; while it is not, those until it will be. */
  #awaitsEnd = false;
  #inTurn = 0;
  #untilCount = COUNT_EVERY;
  readonly #sockets: dgram.Socket[] = [];
  readonly #warned = new Set<string>();
  readonly #ipOverhead: number;
  #media!: dgram.Socket;
  #out!: dgram.Socket;
  #rtcpOut: dgram.Socket | undefined;
  #receivedPackets = 0;
  #receivedBytes = 0;
  #rtcpForwarded = 0;
  #rtcpDropped = 0;
  #oversize = 0;
  #socketErrors = 0;

  private constructor(route: Route, channel: Channel, hooks: GatewayHooks) {
    this.#route = route;
    this.#hooks = hooks;
    if (route.direction === 'seal') this.#sealer = channel.createSealer();
    else this.#opener = channel.createOpener();
    this.#ipOverhead = isIPv6(route.forward.host) ? IPV6_UDP_BYTES : IPV4_UDP_BYTES;
  }

  /** Binds the sockets and begins. Rejects with the system's error where an address cannot be used. */
  static async start(route: Route, channel: Channel, hooks: GatewayHooks = {}): Promise<Gateway> {
    const gateway = new Gateway(route, channel, hooks);
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
    return this.#media.address().port;
  }

  get counters(): GatewayCounters {
    return {
      received: { packets: this.#receivedPackets, bytes: this.#receivedBytes },
      forwarded: this.#outbox.sent,
      rtcp: { forwarded: this.#rtcpForwarded, dropped: this.#rtcpDropped },
      refused: withoutRtcp((this.#sealer ?? this.#opener!).stats.refused),
      oversize: this.#oversize,
      sendErrors: this.#outbox.errors,
      overruns: this.#outbox.overruns,
      socketErrors: this.#socketErrors,
    };
  }

  /** Handles what has arrived already, waits until all is sent, and closes: sockets, sealer and opener. */
  async stop(): Promise<void> {
    const deadline = performance.now() + DRAIN_LIMIT_MS;
    // Turns of the event loop without an arrival, not time: while a machine stalls, nothing is read.
    let seen = -1;
    for (let quiet = 0; quiet < QUIET_TURNS && performance.now() < deadline; ) {
      quiet = this.#receivedPackets === seen && this.#outbox.pending === 0 ? quiet + 1 : 0;
      seen = this.#receivedPackets;
      await sleep(TURN_MS);
    }
    this.#flush();
    await Promise.all(this.#sockets.map(closeSocket));
    this.#sealer?.close();
    this.#opener?.close();
  }

  async #start(): Promise<void> {
    const { listen, forward, rtcpPort } = this.#route;
    this.#out = await this.#connect(forward);
    this.#media = await this.#bind(listen);
    this.#media.on('message', (packet) => this.#onMedia(packet));
    if (rtcpPort === 'same') return;
    if (this.port === 65_535 || forward.port === 65_535) {
      this.#warnOnce('rtcp', 'there is no port after 65535 for RTCP: only RTCP on the media port is taken');
      return;
    }
    const next = { host: listen.host, port: this.port + 1 };
    try {
      const rtcp = await this.#bind(next);
      this.#rtcpOut = await this.#connect({ host: forward.host, port: forward.port + 1 });
      rtcp.on('message', (packet) => this.#onRtcpPort(packet));
    } catch (error) {
      this.#warnOnce('rtcp', `port ${next.port} cannot be used for RTCP (${(error as NodeJS.ErrnoException).code})`);
    }
  }

  async #bind({ host, port }: Endpoint): Promise<dgram.Socket> {
    const socket = this.#socket(host);
    socket.bind({ address: host, port });
    await once(socket, 'listening');
    // The system may grant less; what it drops stands in its own counters.
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    this.#onErrors(socket);
    return socket;
  }

  async #connect({ host, port }: Endpoint): Promise<dgram.Socket> {
    const socket = this.#socket(host);
    socket.connect(port, host);
    await once(socket, 'connect');
    this.#onErrors(socket);
    return socket;
  }

  #socket(host: string): dgram.Socket {
    const socket = dgram.createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
    this.#sockets.push(socket);
    return socket;
  }

  /** A peer that is not there answers with ICMP, which arrives as an error of the socket: no reason to end. */
  #onErrors(socket: dgram.Socket): void {
    socket.on('error', (error) => {
      this.#socketErrors++;
      this.#warnOfFailure(error);
    });
  }

  #warnOfFailure({ code }: NodeJS.ErrnoException): void {
    const message =
      code === 'ECONNREFUSED'
        ? `nobody listens at ${endpointText(this.#route.forward)}, or after it for RTCP (${code}): packets are lost until somebody does`
        : `the system does not send a packet (${code}): it is dropped`;
    this.#warnOnce(`failure ${code}`, message);
  }

  #onMedia(packet: Buffer): void {
    this.#arrived(packet);
    this.#packets[this.#gathered++] = packet;
    if (!this.#gathers || this.#gathered === MAX_BATCH) this.#flush();
    if (this.#awaitsEnd) {
      this.#inTurn++;
    } else if (this.#gathers || --this.#untilCount === 0) {
      this.#awaitsEnd = true;
      this.#inTurn = 1;
      setImmediate(this.#endTurn);
    }
  }

  readonly #endTurn = (): void => {
    this.#awaitsEnd = false;
    this.#flush();
    this.#gathers = this.#inTurn >= MANY;
    this.#untilCount = COUNT_EVERY;
  };

  /** Seals or opens what was gathered, and sends it, in the order of arrival. */
  #flush(): void {
    const count = this.#gathered;
    if (count === 0) return;
    this.#gathered = 0;
    const { timing } = this.#hooks;
    const startMs = timing ? performance.now() : 0;
    const succeeded = this.#sealer ? this.#seal(this.#sealer, count) : this.#open(this.#opener!, count);
    if (timing) recordShares(timing, performance.now() - startMs, succeeded, count);
    for (let i = 0; i < count; i++) {
      const packet = this.#packets[i]!;
      const result = this.#results[i]!;
      if (result === RTCP) this.#forwardRtcp(packet, this.#out);
      if (this.#sealer) this.#departSealed(this.#sealer, this.#sealed[i]!, result);
      else if (result >= 0) this.#outbox.send(this.#out, packet, result);
      this.#packets[i] = this.#sealed[i] = NONE;
    }
  }

  #seal(sealer: Sealer, count: number): number {
    for (let i = 0; i < count; i++) this.#sealed[i] = this.#pool.take(this.#packets[i]!.length + sealer.overhead);
    return sealer.sealBatch(this.#packets, this.#sealed, this.#results, count);
  }

  /** In place: what was sealed is longer than what comes out. */
  #open(opener: Opener, count: number): number {
    return opener.openBatch(this.#packets, this.#packets, this.#results, count);
  }

  #departSealed(sealer: Sealer, sealed: Uint8Array, result: number): void {
    if (result < 0) {
      this.#pool.give(sealed);
      return;
    }
    if (result + this.#ipOverhead > MTU_BYTES) this.#tooBig(result, sealer);
    this.#outbox.sendPooled(this.#out, sealed, result);
  }

  #onRtcpPort(packet: Buffer): void {
    // What came before it leaves before it.
    this.#flush();
    this.#arrived(packet);
    if (isRtcp(packet)) this.#forwardRtcp(packet, this.#rtcpOut!);
    else this.#rtcpDropped++;
  }

  #arrived(packet: Buffer): void {
    this.#receivedPackets++;
    this.#receivedBytes += packet.length;
  }

  #forwardRtcp(packet: Buffer, socket: dgram.Socket): void {
    if (this.#route.rtcp === 'drop') {
      this.#rtcpDropped++;
      return;
    }
    this.#rtcpForwarded++;
    this.#outbox.send(socket, packet, packet.length);
  }

  #tooBig(sealedBytes: number, sealer: Sealer): void {
    this.#oversize++;
    this.#warnOnce(
      'oversize',
      `a sealed packet of ${sealedBytes} bytes needs ${sealedBytes + this.#ipOverhead} bytes of IP, over ${MTU_BYTES}: it may be ` +
        `cut up or lost on the way; send RTP packets of at most ${MTU_BYTES - this.#ipOverhead - sealer.overhead} bytes`,
    );
  }

  #warnOnce(kind: string, message: string): void {
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    this.#hooks.warn?.(message);
  }
}

function withoutRtcp(refused: Readonly<Record<string, number>>): Record<string, number> {
  const { RTCP: _counted, ...others } = refused;
  return others;
}

/** Records the time of a batch: an equal share for each frame that succeeded. */
function recordShares(timing: RecordableHistogram, elapsedMs: number, succeeded: number, count: number): void {
  const shareNs = Math.max(1, Math.round((elapsedMs * 1e6) / count));
  for (let i = 0; i < succeeded; i++) timing.record(shareNs);
}

function closeSocket(socket: dgram.Socket): Promise<void> {
  return new Promise((resolve) => {
    try {
      socket.close(() => resolve());
    } catch {
      resolve();
    }
  });
}
