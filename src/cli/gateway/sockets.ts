/**
 * The UDP sockets of a gateway: opening and closing, receive buffers, and the errors that a socket reports by itself.
 *
 * A peer without a receiver answers with ICMP, which arrives as an error of the socket. Such an error is counted and
 * reported, and the socket stays open: a receiver may come later.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { Endpoint } from '../arguments.js';

const RECEIVE_BUFFER_BYTES = 4 << 20;
const IPV4_UDP_BYTES = 28;
const IPV6_UDP_BYTES = 48;

/** Bytes of the IP and UDP headers in front of a datagram to this host. */
export function headerBytes(host: string): number {
  return isIPv6(host) ? IPV6_UDP_BYTES : IPV4_UDP_BYTES;
}

export class Sockets {
  readonly #sockets: dgram.Socket[] = [];
  readonly #failed: (error: NodeJS.ErrnoException) => void;
  #errors = 0;

  /** `failed`: called for each error that a socket reports by itself. */
  constructor(failed: (error: NodeJS.ErrnoException) => void) {
    this.#failed = failed;
  }

  /** Errors that the sockets have reported by themselves. */
  get errors(): number {
    return this.#errors;
  }

  /** A socket that receives at the endpoint; port 0 takes a free one. Rejects with the system's error. */
  async listen({ host, port }: Endpoint): Promise<dgram.Socket> {
    const socket = this.#socket(host);
    socket.bind({ address: host, port });
    await once(socket, 'listening');
    // The system may grant less. Datagrams that it drops are in its own counters.
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    return this.#withErrors(socket);
  }

  /** A socket that sends to the endpoint. Rejects with the system's error. */
  async connect({ host, port }: Endpoint): Promise<dgram.Socket> {
    const socket = this.#socket(host);
    socket.connect(port, host);
    await once(socket, 'connect');
    return this.#withErrors(socket);
  }

  /** Closes all sockets, those that never opened too. */
  async close(): Promise<void> {
    await Promise.all(this.#sockets.splice(0).map(closeSocket));
  }

  #socket(host: string): dgram.Socket {
    const socket = dgram.createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
    this.#sockets.push(socket);
    return socket;
  }

  #withErrors(socket: dgram.Socket): dgram.Socket {
    socket.on('error', (error) => {
      this.#errors++;
      this.#failed(error);
    });
    return socket;
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
