/** The connection to the store: certificates, and servers that are none. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { expect, test } from 'vitest';
import { Bucket, certificateFault } from '../../../src/cli/fleet/nats.js';

const certificateFor = (subjectaltname: string) => ({ subject: { CN: 'nats' }, subjectaltname }) as PeerCertificate;

test('a certificate names one of the servers, by name or address', () => {
  const servers = ['tls://10.0.0.2:4222', 'tls://[fd00::1]:4222', 'tls://a.example:4222'];
  expect(certificateFault(servers, certificateFor('IP Address:10.0.0.2'))).toBeUndefined();
  expect(certificateFault(servers, certificateFor('IP Address:FD00:0:0:0:0:0:0:1'))).toBeUndefined();
  expect(certificateFault(servers, certificateFor('DNS:a.example'))).toBeUndefined();
  expect(certificateFault(servers, certificateFor('DNS:localhost'))).toBeInstanceOf(Error);
  expect(certificateFault(servers, certificateFor('IP Address:10.0.0.9, DNS:b.example'))).toBeInstanceOf(Error);
});

test.each<[string, (socket: Socket) => void, RegExp]>([
  ['says nothing', () => {}, /does not answer/],
  [
    'begins a line and does not end it',
    (socket) => {
      const more = () => void (socket.destroyed || socket.write('A'.repeat(65_536), more));
      socket.write('INFO {"server_id":"', more);
    },
    /does not answer \(its first line does not end\)/,
  ],
])(
  'a server that %s leaves no socket behind',
  async (_, serve, message) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}).resume());
      serve(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const settings = { servers: [`nats://127.0.0.1:${port}`], bucket: 'b', key: 'k', identity: 'none', name: 'gw1' };
    await expect(Bucket.open(settings)).rejects.toThrow(message);
    // It waits until there is none.
    await new Promise((resolve) => server.close(resolve));
    expect(sockets).toHaveLength(1);
  },
  15_000,
);
