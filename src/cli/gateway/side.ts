/**
 * A side of a route: its sockets, who may send to it, where its packets go, and its counters.
 *
 *     datagram -> from allows the source? -> direction allows it? -> the flow to the other side
 */
import type dgram from 'node:dgram';
import { isIPv6 } from 'node:net';
import { NOT_RTP, UNKNOWN_KEY } from 'frameseal';
import { type Endpoint, endpointText } from '../arguments.js';
import { plainAddress } from './config/addresses.js';
import type { SideModel } from './config/model.js';
import { type FlowCounts, ONE_WAY, type SideCounts } from './counters.js';
import type { Flow } from './flow.js';
import type { Target } from './outbox.js';
import { keyIdOf, saysRtcp } from './protection.js';
import type { EventBody, SideName, SideSnapshot } from './snapshot.js';
import type { Port } from './sockets.js';
import { Sources } from './sources.js';

const IPV4_UDP_BYTES = 28;
const IPV6_UDP_BYTES = 48;
/** Alternating peers are reported once per interval. */
const PEER_EVENT_MS = 1000;

export interface SideOptions {
  readonly route: string;
  readonly name: SideName;
  readonly model: SideModel;
  readonly port: Port;
  readonly counts: SideCounts;
  /** Whether packets may arrive here. */
  readonly receives: boolean;
  emit(event: EventBody): void;
}

export class Side {
  readonly name: SideName;
  readonly model: SideModel;
  readonly port: Port;
  readonly counts: SideCounts;
  readonly in: FlowCounts;
  readonly out: FlowCounts;
  readonly forwardsClearRtcp: boolean;
  readonly hasRtcpPort: boolean;
  /** Bytes of IP and UDP headers on the way to the peer. */
  headerBytes: number;
  /** Where packets leave to; undefined while no peer is known. */
  media: Target | undefined;
  /** The same for RTCP, where it has a port of its own. */
  rtcp: Target | undefined;
  readonly #options: SideOptions;
  readonly #sources: Sources;
  readonly #learns: boolean;
  #flow: Flow | undefined;
  /** Whether packets need no more than the check of their source: one has been opened, and no peer is to be learned. */
  #isSettled = false;
  #hasArrived = false;
  #arrivedSinceLook = false;
  #lastArrivalMs: number | undefined;
  #lastRefused: string | undefined;
  #lastForeignByte: number | undefined;
  #lastUnknownKeyId: number | undefined;
  #learnedRtcp = false;
  #peerText: string | undefined;
  #peerEventMs = Number.NEGATIVE_INFINITY;
  /** Whether the other side of the route has the same sockets. */
  isShared = false;
  /** Called with the code of each error of sending. */
  onTrouble: (code: string) => void = () => {};

  constructor(options: SideOptions) {
    this.#options = options;
    const { name, model, port, counts } = options;
    this.counts = counts;
    this.in = counts.in;
    this.out = counts.out;
    this.name = name;
    this.model = model;
    this.port = port;
    this.forwardsClearRtcp = model.clearRtcp === 'forward';
    this.hasRtcpPort = port.rtcp !== undefined;
    this.headerBytes = headerBytesTo(port.host);
    this.#learns = model.peer === 'learn';
    this.#sources = new Sources(model.from ?? this.#defaultSources());
  }

  /** Whether packets may arrive here. */
  get receives(): boolean {
    return this.#options.receives;
  }

  /** The flow that takes what arrives. */
  set flow(flow: Flow) {
    this.#flow = flow;
  }

  /** Whether the datagram comes from where this side's packets go. */
  isPeer(source: dgram.RemoteInfo, port: 'media' | 'rtcp'): boolean {
    const target = port === 'media' ? this.media : this.rtcp;
    return target !== undefined && target.port === source.port && target.address === source.address;
  }

  /** Sends to this peer from now on. `connected`: the sockets are connected to it. */
  setPeer({ host, port }: Endpoint, connected: boolean): void {
    const address = connected ? undefined : host;
    this.media = { socket: this.port.media, address, port };
    this.rtcp = this.port.rtcp && { socket: this.port.rtcp, address, port: port + 1 };
    this.headerBytes = headerBytesTo(host);
    this.#peerText = endpointText({ host, port });
    if (this.model.from === undefined && !this.#learns) this.#sources.allow([plainAddress(host)]);
  }

  get peerText(): string | undefined {
    return this.#peerText;
  }

  /** Takes a datagram of the media port. */
  readonly takeMedia = (packet: Buffer, source: dgram.RemoteInfo): void => {
    if (!this.#admits(packet, source)) return;
    if (this.#isSettled && (!this.#learns || this.isPeer(source, 'media'))) this.#flow!.add(packet);
    else this.#takeCarefully(packet, source, 'media');
  };

  /** Takes a datagram of the RTCP port. */
  readonly takeRtcp = (packet: Buffer, source: dgram.RemoteInfo): void => {
    if (this.#admits(packet, source)) this.#takeCarefully(packet, source, 'rtcp');
  };

  countOverrun(): void {
    this.counts.overruns++;
  }

  countSendError(error: NodeJS.ErrnoException): void {
    const { code = 'UNKNOWN' } = error;
    this.counts.sendErrors.add(code);
    this.onTrouble(code);
  }

  countSocketError(error: NodeJS.ErrnoException): void {
    const { code = 'UNKNOWN' } = error;
    this.counts.socketErrors.add(code);
    this.onTrouble(code);
  }

  countOversize(): void {
    this.counts.oversize++;
  }

  /** Keeps the details of a refused packet for reports. */
  noteRefused(packet: Uint8Array, status: number): void {
    if (status === NOT_RTP) this.#lastForeignByte = packet[0];
    else if (status === UNKNOWN_KEY) this.#lastUnknownKeyId = keyIdOf(packet);
  }

  snapshot(): SideSnapshot {
    if (this.#arrivedSinceLook) this.#lastArrivalMs = Date.now();
    this.#arrivedSinceLook = false;
    const { rule, peer } = this.model;
    const { sourceRefused, sendErrors, socketErrors, overruns, kernelDrops, oversize } = this.counts;
    return {
      rule,
      listen: this.port.listen,
      ...optional('rtcpListen', this.port.rtcpListen),
      ...optional('peer', this.#peerText),
      peerSetting: peer === undefined ? 'none' : peer === 'learn' ? peer : endpointText(peer),
      from: this.#sources.names,
      in: this.in.snapshot(),
      out: this.out.snapshot(),
      sourceRefused,
      ...optional('lastRefused', this.#lastRefused),
      ...optional('lastForeignByte', this.#lastForeignByte),
      ...optional('lastUnknownKeyId', this.#lastUnknownKeyId),
      sendErrors: sendErrors.snapshot(),
      socketErrors: socketErrors.snapshot(),
      overruns,
      kernelDrops,
      oversize,
      ...optional('lastArrivalMs', this.#lastArrivalMs),
    };
  }

  /** The source check, and the counters of what passes it. */
  #admits(packet: Buffer, source: dgram.RemoteInfo): boolean {
    if (!this.#sources.allows(source.address)) {
      const refused = ++this.counts.sourceRefused;
      // A string for each packet of a flood would cost more than the check.
      if (this.#lastRefused === undefined || refused % 1024 === 0) this.#lastRefused = textOf(source);
      return false;
    }
    this.in.bytes += packet.length;
    this.#arrivedSinceLook = true;
    if (this.#options.receives) return true;
    this.in.count(ONE_WAY, saysRtcp(packet));
    return false;
  }

  /** A packet by itself: its source may become the peer, or it is the first of its kind. */
  #takeCarefully(packet: Buffer, source: dgram.RemoteInfo, port: 'media' | 'rtcp'): void {
    const { route, name, emit } = this.#options;
    if (!this.#hasArrived) {
      this.#hasArrived = true;
      emit({ type: 'first-packet', route, side: name, source: textOf(source) });
    }
    const isTaken = this.#flow!.takeAlone(packet, port);
    if (!isTaken) return;
    if (this.#learns && !this.isPeer(source, port)) this.#learn(source, port);
    if (this.#isSettled || (port === 'rtcp' && this.#learns)) return;
    this.#isSettled = true;
    if (this.model.rule.kind !== 'clear')
      emit({ type: 'first-opened', route, side: name, source: textOf(source), sender: this.#flow!.lastSender });
  }

  #learn({ address, port }: dgram.RemoteInfo, from: 'media' | 'rtcp'): void {
    if (from === 'rtcp') {
      this.rtcp = { socket: this.port.rtcp!, address, port };
      this.#learnedRtcp = true;
      return;
    }
    const before = this.#peerText;
    this.media = { socket: this.port.media, address, port };
    if (this.port.rtcp && !this.#learnedRtcp && port < 65_535) {
      this.rtcp = { socket: this.port.rtcp, address, port: port + 1 };
    }
    this.headerBytes = headerBytesTo(address);
    this.#peerText = endpointText({ host: address, port });
    const nowMs = performance.now();
    if (nowMs - this.#peerEventMs < PEER_EVENT_MS) return;
    this.#peerEventMs = nowMs;
    const { route, name: side, emit } = this.#options;
    emit({ type: 'peer', route, side, peer: this.#peerText, ...optional('before', before), by: 'learned' });
  }

  /** Who may send where `from` is left out: the peer; on a protected side that learns anybody, and on a clear one this machine. */
  #defaultSources(): readonly string[] {
    if (typeof this.model.peer === 'object') return [];
    return this.model.rule.kind === 'clear' ? [plainAddress(this.port.host)] : ['any'];
  }
}

function headerBytesTo(address: string): number {
  return isIPv6(plainAddress(address)) ? IPV6_UDP_BYTES : IPV4_UDP_BYTES;
}

function textOf({ address, port }: dgram.RemoteInfo): string {
  return endpointText({ host: address, port });
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined): { [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]?: Value });
}
