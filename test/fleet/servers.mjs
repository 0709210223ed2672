/** nats-servers on loopback: one, or a cluster of three, with TLS under a CA of the test's own, and users with permissions for one bucket. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../e2e/tools.mjs';

export const BUCKET = 'frameseal';
const HOST = '127.0.0.1';
const START_LIMIT_MS = 20_000;

const children = new Set();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Ends a child process with this process at the latest. */
export function endWithTest(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
}

/** A CA, and a certificate of it for loopback. Returns their files. */
export function makeCertificates(folder) {
  mkdirSync(folder, { recursive: true });
  const file = (name) => join(folder, name);
  const openssl = (...args) => run('openssl', args);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=fleet test',
  );
  openssl('req', ...key, '-keyout', file('server.key'), '-out', file('server.csr'), '-subj', '/CN=nats');
  writeFileSync(file('names'), `subjectAltName=IP:${HOST}\n`);
  const sign = [
    '-CA',
    file('ca.pem'),
    '-CAkey',
    file('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    file('names'),
  ];
  openssl('x509', '-req', '-in', file('server.csr'), ...sign, '-out', file('server.pem'));
  return { ca: file('ca.pem'), cert: file('server.pem'), key: file('server.key') };
}

/** What a user may do: an operator everything in the bucket, a gateway reads it and writes its status. */
function permissions(name, isOperator) {
  const stream = `KV_${BUCKET}`;
  const reads = [
    '$JS.API.INFO',
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.INFO.${stream}.*`,
    `$JS.API.CONSUMER.DELETE.${stream}.*`,
    '$JS.FC.>',
  ];
  const writes = isOperator ? [`$JS.API.STREAM.CREATE.${stream}`, `$KV.${BUCKET}.>`] : [`$KV.${BUCKET}.status.${name}`];
  const list = (subjects) => `[${subjects.map((subject) => `"${subject}"`).join(', ')}]`;
  return `{ publish: { allow: ${list([...reads, ...writes])} }, subscribe: { allow: "_INBOX.${name}.>" } }`;
}

export class Server {
  #child;
  #text;

  constructor(folder, name, { port, certificates, users, cluster, monitor }) {
    this.folder = folder;
    this.name = name;
    this.port = port;
    this.monitor = monitor;
    this.log = '';
    const logins = users.map(
      ({ name, password, isOperator }) =>
        `    { user: ${name}, password: "${password}", permissions: ${permissions(name, isOperator)} }`,
    );
    this.#text = [
      `server_name: ${name}`,
      `listen: ${HOST}:${port}`,
      monitor ? `http: ${HOST}:${monitor}` : '',
      `jetstream { store_dir: "${this.store}" }`,
      certificates ? `tls { cert_file: "${certificates.cert}", key_file: "${certificates.key}" }` : '',
      `authorization { users: [\n${logins.join('\n')}\n  ] }`,
      cluster
        ? `cluster { name: fleet, listen: ${HOST}:${cluster.port}, routes: [${cluster.routes.map((at) => `nats://${HOST}:${at}`)}] }`
        : '',
    ].join('\n');
  }

  get store() {
    return join(this.folder, `${this.name}-store`);
  }

  /** Starts it, and waits until it takes connections. */
  async start() {
    mkdirSync(this.folder, { recursive: true });
    const file = join(this.folder, `${this.name}.conf`);
    writeFileSync(file, this.#text);
    this.#child = spawn('nats-server', ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr.on('data', (data) => {
      this.log += data;
    });
    endWithTest(this.#child);
    await until(() => accepts(this.port), `${this.name} takes connections: ${this.log.slice(-500)}`, START_LIMIT_MS);
  }

  async stop(signal = 'SIGKILL') {
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }

  /** Keeps what the store has now, under a name. */
  async backUp(name) {
    await this.stop('SIGTERM');
    cpSync(this.store, join(this.folder, name), { recursive: true });
    await this.start();
  }

  /** Stops the server, sets its store back to a backup, or wipes it, and starts it again. */
  async setBack(name) {
    await this.stop();
    rmSync(this.store, { recursive: true, force: true });
    if (name !== undefined) cpSync(join(this.folder, name), this.store, { recursive: true });
    await this.start();
  }

  async monitored(page) {
    return (await fetch(`http://${HOST}:${this.monitor}/${page}`)).json();
  }

  /** Messages and bytes in and out so far. */
  async traffic() {
    const { in_msgs, in_bytes, out_msgs, out_bytes } = await this.monitored('varz');
    return { in_msgs, in_bytes, out_msgs, out_bytes };
  }
}

/** Three servers of one cluster. */
export function clusterOf(folder, { port, users, certificates }) {
  const routes = [0, 1, 2].map((i) => port + 100 + i);
  return routes.map(
    (route, i) =>
      new Server(folder, `n${i + 1}`, {
        port: port + i,
        monitor: port + 200 + i,
        users,
        certificates,
        cluster: { port: route, routes },
      }),
  );
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, HOST, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Waits until something holds; throws with its name where it does not in time. Returns the milliseconds that it took. */
export async function until(holds, what, limitMs = 30_000) {
  const startMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - startMs > limitMs) throw new Error(`not within ${limitMs / 1000} s: ${what}`);
    await sleep(10);
  }
  return performance.now() - startMs;
}

/** A TCP relay in front of a server that can be cut. */
export class Relay {
  #server;
  #sockets = new Set();
  isCut = false;

  static async open(port, target) {
    const relay = new Relay();
    relay.#server = net.createServer((from) => {
      if (relay.isCut) return from.destroy();
      const to = net.connect(target, HOST);
      for (const [one, other] of [
        [from, to],
        [to, from],
      ]) {
        relay.#sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => relay.#sockets.delete(one) && other.destroy());
        one.pipe(other);
      }
    });
    relay.#server.listen(port, HOST);
    await once(relay.#server, 'listening');
    return relay;
  }

  cut() {
    this.isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.isCut = false;
  }

  close() {
    this.cut();
    this.#server.close();
  }
}
