/**
 * The UDP sockets of a side: one for media and, with `rtcpPort: next`, one on the port after it for RTCP. Packets leave
 * from the sockets that they arrive on (symmetric RTP, RFC 4961).
 *
 * A side that only sends, to one peer, has connected sockets: the system then reports a peer without a receiver. Such a
 * report is counted, and the socket stays open: a receiver may come later.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Endpoint, endpointText } from '../arguments.js';
import { isMulticast, withoutZone } from './config/addresses.js';

const RECEIVE_BUFFER_BYTES = 4 << 20;
/** Free ports that are tried until the next one is free as well. */
const TRIES = 8;

export type OnDatagram = (packet: Buffer, source: dgram.RemoteInfo) => void;

export interface PortOptions {
  /** An address, not a name; port 0 takes a free one. */
  readonly at: Endpoint;
  readonly rtcpPort: 'next' | 'mux';
  readonly interface?: string | undefined;
}

/** The sockets of a side. Who uses them sets the three functions. */
export class Port {
  readonly media: dgram.Socket;
  readonly rtcp: dgram.Socket | undefined;
  /** Why there is no port for RTCP; undefined where there is one, or none is wanted. */
  readonly rtcpFault: string | undefined;
  readonly host: string;
  /** HOST:PORT of the media socket, and of the RTCP socket. */
  readonly listen: string;
  readonly rtcpListen: string | undefined;
  /** Port numbers of the sockets. */
  readonly numbers: readonly number[];
  /** Datagrams that the system has dropped, as far as they are counted. */
  drops = 0;
  onMedia: OnDatagram = () => {};
  onRtcp: OnDatagram = () => {};
  /** Called for each error that a socket reports by itself. */
  onError: (error: NodeJS.ErrnoException) => void = () => {};

  private constructor(host: string, media: dgram.Socket, rtcp: dgram.Socket | undefined, rtcpFault?: string) {
    this.host = host;
    this.media = media;
    this.rtcp = rtcp;
    this.rtcpFault = rtcpFault;
    this.numbers = [media, rtcp].flatMap((socket) => (socket ? [socket.address().port] : []));
    const [first, second] = this.numbers;
    this.listen = endpointText({ host, port: first! });
    this.rtcpListen = second === undefined ? undefined : endpointText({ host, port: second });
    media.on('message', (packet, source) => this.onMedia(packet, source));
    rtcp?.on('message', (packet, source) => this.onRtcp(packet, source));
    for (const socket of [media, rtcp]) socket?.on('error', (error) => this.onError(error));
  }

  /** Opens the sockets. Rejects with the system's error where the media port cannot be used. */
  static async open(options: PortOptions): Promise<Port> {
    const { at, rtcpPort } = options;
    for (let tries = 1; ; tries++) {
      const media = await bind(at, options.interface);
      if (rtcpPort === 'mux') return new Port(at.host, media, undefined);
      const { port } = media.address();
      if (port === 65_535) {
        return new Port(
          at.host,
          media,
          undefined,
          'there is no port after 65535 for RTCP: only RTCP on the media port is taken',
        );
      }
      try {
        return new Port(at.host, media, await bind({ host: at.host, port: port + 1 }, options.interface));
      } catch (error) {
        if (at.port !== 0 || tries === TRIES) {
          const { code } = error as NodeJS.ErrnoException;
          return new Port(at.host, media, undefined, `port ${port + 1} cannot be used for RTCP (${code})`);
        }
        await closeSocket(media);
      }
    }
  }

  get isIPv6(): boolean {
    return isIPv6(this.host);
  }

  /** Connects the sockets to a peer and the port after it. Returns false where there is no way to the peer now. */
  async connect({ host, port }: Endpoint): Promise<boolean> {
    const all = [connectSocket(this.media, host, port), this.rtcp && connectSocket(this.rtcp, host, port + 1)];
    return (await Promise.all(all)).every((isConnected) => isConnected !== false);
  }

  async close(): Promise<void> {
    await Promise.all([this.media, this.rtcp].map((socket) => socket && closeSocket(socket)));
  }
}

/** Rejects with the system's error. */
async function bind({ host, port }: Endpoint, via: string | undefined): Promise<dgram.Socket> {
  const isGroup = isMulticast(host);
  const type = isIPv6(host) ? 'udp6' : 'udp4';
  // Other programs of this machine may listen to a group too; a port of its own has one owner.
  const socket = dgram.createSocket({ type, reuseAddr: isGroup, lookup: isAddressAlready });
  try {
    const listening = once(socket, 'listening');
    socket.bind({ address: host, port });
    await listening;
    if (isGroup)
      join(socket, withoutZone(host), via === undefined ? allInterfaces(type) : [interfaceAddress(via, type)]);
    if (via !== undefined) socket.setMulticastInterface(interfaceAddress(via, type));
    // The system may grant less. Datagrams that it drops are in its own counters.
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    return socket;
  } catch (error) {
    await closeSocket(socket);
    throw error;
  }
}

/** Names are looked up before sockets see them, so that no packet waits for a name server. */
const isAddressAlready = (
  address: string,
  _options: object,
  callback: (error: null, address: string, family: number) => void,
): void => callback(null, address, isIPv6(address) ? 6 : 4);

/** Joins a group on these interfaces. Throws the system's error where none of them can. */
function join(socket: dgram.Socket, group: string, interfaces: readonly string[]): void {
  let fault: unknown;
  let joined = 0;
  for (const each of interfaces) {
    try {
      socket.addMembership(group, each);
      joined++;
    } catch (error) {
      fault = error;
    }
  }
  if (joined === 0) throw fault;
}

/** Every interface, as `addMembership` takes them. */
function allInterfaces(type: 'udp4' | 'udp6'): string[] {
  const family = type === 'udp4' ? 'IPv4' : 'IPv6';
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.flatMap((each) => (each.family === family ? [type === 'udp4' ? each.address : `::%${name}`] : [])),
  );
  return [...new Set(all)];
}

/** The address of an interface that was named, as `addMembership` takes it. */
function interfaceAddress(via: string, type: 'udp4' | 'udp6'): string {
  if (type === 'udp6') return via.includes(':') ? via : `::%${via}`;
  return networkInterfaces()[via]?.find(({ family }) => family === 'IPv4')?.address ?? via;
}

async function connectSocket(socket: dgram.Socket, host: string, port: number): Promise<boolean> {
  if (isConnected(socket)) socket.disconnect();
  try {
    // `once` rejects with an error of the socket.
    const connected = once(socket, 'connect');
    socket.connect(port, host);
    await connected;
    return true;
  } catch {
    // The network is down, or has no route there: packets that are sent meanwhile say why.
    return false;
  }
}

function isConnected(socket: dgram.Socket): boolean {
  try {
    return socket.remoteAddress() !== undefined;
  } catch {
    return false;
  }
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
