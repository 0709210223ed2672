/** A network between two gateways that drops media packets, and leaves RTCP alone. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const HOST = '127.0.0.1';

export class Network {
  passed = 0;
  dropped = 0;
  #sockets;

  constructor(sockets) {
    this.#sockets = sockets;
  }

  /** What arrives at one end's `listen` leaves from the other end to its `to`. Every `dropEvery`th media packet to b is dropped. */
  static async open(a, b, dropEvery) {
    const sockets = await Promise.all([a, b].map(({ listen }) => socketAt(listen)));
    const network = new Network(sockets);
    const [near, far] = sockets;
    near.on('message', (packet) => {
      const isMedia = packet[1] >>> 5 !== 6;
      if (isMedia && (network.passed + network.dropped + 1) % dropEvery === 0) network.dropped++;
      else {
        if (isMedia) network.passed++;
        far.send(packet, a.to, HOST);
      }
    });
    far.on('message', (packet) => near.send(packet, b.to, HOST));
    return network;
  }

  close() {
    for (const socket of this.#sockets) socket.close();
  }
}

async function socketAt(port) {
  const socket = createSocket('udp4').bind(port, HOST);
  await once(socket, 'listening');
  return socket;
}
