/** The connection to the store: certificates, and servers that are none. */
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PeerCertificate } from 'node:tls';
import { expect, test, vi } from 'vitest';
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

/** As much of a server as a connection and an empty bucket need; it takes one password. */
class Server {
  password = 'old';
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));

  async start(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  stop(): void {
    this.drop();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket.on('error', () => {}));
    let sid = '';
    socket.write('INFO {"server_id":"x","version":"2.9.10","headers":true,"max_payload":1048576}\r\n');
    socket.on('data', (data) => {
      for (const line of data.toString().split('\r\n')) {
        const [verb, subject = '', third = ''] = line.split(' ');
        if (verb === 'CONNECT' && JSON.parse(line.slice(8)).pass !== this.password)
          socket.end("-ERR 'Authorization Violation'\r\n");
        if (verb === 'PING') socket.write('PONG\r\n');
        if (verb === 'SUB') sid = line.split(' ').at(-1)!;
        if (verb !== 'PUB' || !subject.startsWith('$JS.API.STREAM.INFO')) continue;
        const info = JSON.stringify({ config: { name: 'KV_b', subjects: ['$KV.b.>'] }, state: {} });
        socket.write(`MSG ${third} ${sid} ${info.length}\r\n${info}\r\n`);
      }
    });
  }
}

test('credentials that are refused end a connection, and the next one reads them again', async () => {
  const server = new Server();
  const credentials = join(mkdtempSync(join(tmpdir(), 'frameseal-test-')), 'login');
  const login = (password: string) =>
    writeFileSync(credentials, JSON.stringify({ user: 'gw1', password }), { mode: 0o600 });
  login('old');
  const servers = [`nats://127.0.0.1:${await server.start()}`];
  const settings = { servers, bucket: 'b', key: 'k', identity: 'none', name: 'gw1', credentials };
  const bucket = await Bucket.open(settings);
  server.password = 'new';
  server.drop();
  await vi.waitFor(() => expect(bucket.isClosed).toBe(true), { timeout: 10_000 });
  await expect(Bucket.open(settings)).rejects.toThrow('refuses the credentials');
  login('new');
  await (await Bucket.open(settings)).close();
  server.stop();
}, 20_000);
