/** UDP on loopback for the peers. */
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';

/** A socket on loopback, and the packets that come to it. */
export async function listen(port) {
  const socket = createSocket('udp4');
  const packets = [];
  socket.on('message', (packet) => packets.push(new Uint8Array(packet)));
  await new Promise((resolve) => socket.bind(port, '127.0.0.1', resolve));
  return {
    packets,
    port: socket.address().port,
    send: (packet, to) =>
      new Promise((resolve, reject) =>
        socket.send(packet, to, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
      ),
    close: () => socket.close(),
  };
}

/** Waits until a condition holds; throws after `limitMs`. */
export async function until(what, condition, limitMs = 15_000) {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await sleep(20);
  }
}
