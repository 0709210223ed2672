/** What the system dropped, by address and port: /proc/net/udp of this machine. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SideCounts } from '../../../src/cli/gateway/counters.js';
import { refreshDrops } from '../../../src/cli/gateway/drops.js';
import type { Side } from '../../../src/cli/gateway/side.js';

async function bound(host: string, port = 0): Promise<dgram.Socket> {
  const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4').bind(port, host);
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return socket;
}

/** Floods a socket whose reader does not run meanwhile; the system keeps what fits. */
async function flood(host: string, port: number): Promise<void> {
  const sender = await bound(host.includes(':') ? '::' : '0.0.0.0');
  const packet = Buffer.alloc(1400);
  for (let i = 0; i < 2000; i++) await new Promise((resolve) => sender.send(packet, port, host, resolve));
}

const sideAt = (port: unknown) => ({ port, counts: new SideCounts() }) as unknown as Side;
const sideOf = (host: string, port: number) => sideAt({ host, numbers: [port], drops: 0 });

describe.runIf(process.platform === 'linux')('dropped datagrams', () => {
  it.each([
    ['127.0.0.1', '127.0.0.2'],
    ['::1', '::ffff:127.0.0.3'],
  ])('of %s are none of %s with the same port', async (host, other) => {
    // No listener for messages: nothing is read.
    const { port } = (await bound(host)).address();
    await bound(other, port);
    await flood(host, port);
    const [one, two] = [sideOf(host, port), sideOf(other, port)];
    await refreshDrops([one, two]);
    const dropped = one.counts.kernelDrops;
    expect(dropped).toBeGreaterThan(0);
    expect(two.counts.kernelDrops).toBe(0);
    // Sockets that both sides of a route share count once, and what is counted is not counted again.
    const twin = sideAt(one.port);
    await refreshDrops([one, twin]);
    expect([one.counts.kernelDrops, twin.counts.kernelDrops]).toEqual([dropped, 0]);
  });
});
