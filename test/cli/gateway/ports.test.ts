/** Sockets of routes: a name that leads to the gateway itself. */
import { expect, it, vi } from 'vitest';
import type { RouteModel } from '../../../src/cli/gateway/config/model.js';
import { openPorts } from '../../../src/cli/gateway/ports.js';
import { LOOPBACK } from '../../../src/cli/gateway/process.js';
import { freePorts } from '../../support/cli.js';

vi.mock('node:dns/promises', () => ({ lookup: async () => [{ address: '127.0.0.1', family: 4 }] }));

const side = (port: number, peer: { host: string; port: number }, rtcpPort: 'next' | 'mux' = 'mux') =>
  ({ rule: { kind: 'clear' }, listen: { host: LOOPBACK, port }, peer, rtcpPort, clearRtcp: 'drop' }) as const;

async function faultsOf(peerPort: (inside: number, outside: number) => number): Promise<readonly string[]> {
  const [inside, outside] = [await freePorts(), await freePorts()];
  const peer = { host: 'here.example.net', port: peerPort(inside, outside) };
  const far = { host: LOOPBACK, port: 9 };
  const route: RouteModel = {
    name: 'r',
    direction: 'both',
    isShared: false,
    inside: side(inside, far, 'next'),
    outside: side(outside, peer),
  };
  const { ports, faults } = await openPorts([route], { leaving: [], staying: [] });
  for (const opened of ports.values()) for (const { port } of Object.values(opened)) await port.close();
  return faults;
}

it('refuses a peer whose name leads to an address that the gateway listens on', async () => {
  for (const own of [
    (inside: number) => inside,
    (inside: number) => inside + 1,
    (_: number, outside: number) => outside,
  ])
    expect(await faultsOf(own)).toEqual([
      expect.stringMatching(/^r outside: the peer is at 127\.0\.0\.1:\d+, where the gateway itself listens$/),
    ]);
  expect(await faultsOf(() => 9)).toEqual([]);
});
