/** Gateways under test: processes with a keyset in the store, and the operator's command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BUCKET, endWithTest, until } from './servers.mjs';

const CLI = new URL('../../src/cli/dist/main.js', import.meta.url).pathname;
const HOST = '127.0.0.1';
export const KEY = 'studio';

/** Makes the whole process believe another time. */
const shift = (ms) =>
  `data:text/javascript,${encodeURIComponent(`const Real = Date; globalThis.Date = class extends Real {
    constructor(...args) { super(...(args.length === 0 ? [Real.now() + ${ms}] : args)); }
    static now() { return Real.now() + ${ms}; } };`)}`;

/** Runs `frameseal fleet ...`; resolves with its exit code, its output, and the milliseconds that it took. */
export async function fleet(operatorFile, ...args) {
  const env = { ...process.env, FRAMESEAL_FLEET: operatorFile };
  const startMs = performance.now();
  const child = spawn(process.execPath, [CLI, 'fleet', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (data) => (output[name] += data));
  const [code] = await once(child, 'close');
  return { code, ...output, ms: performance.now() - startMs };
}

/** The same, where it must succeed. */
export async function mustFleet(operatorFile, ...args) {
  const done = await fleet(operatorFile, ...args);
  if (done.code !== 0) throw new Error(`fleet ${args.join(' ')} ended with ${done.code}: ${done.stderr}`);
  return done;
}

/** Writes the files of a member of the fleet: identity and login. Returns its settings as an object. */
export async function makeMember(folder, name, { password, servers, ca }) {
  mkdirSync(folder, { recursive: true });
  const identity = join(folder, `${name}.age`);
  const { stdout } = await mustFleet('', 'keygen', '--out', identity, '--json');
  const credentials = join(folder, `${name}.login`);
  writeFileSync(credentials, JSON.stringify({ user: name, password }), { mode: 0o600 });
  const settings = { servers, bucket: BUCKET, key: KEY, name, identity, credentials, ...(ca && { ca }) };
  return { name, recipient: JSON.parse(stdout).recipient, settings };
}

export class GatewayUnderTest {
  /** The lines of its log, as objects. */
  events = [];
  #child;
  #ended;

  constructor(folder, member, { port, peerPort, phonePort, role, hasState = true }) {
    this.name = member.name;
    this.settings = member.settings;
    this.port = port;
    this.phonePort = phonePort;
    this.http = port + 900;
    this.file = join(folder, `${member.name}.yaml`);
    this.state = join(folder, `${member.name}-state`);
    const text = {
      http: `${HOST}:${this.http}`,
      ...(hasState && { state: this.state }),
      channels: { studio: { nats: member.settings, role, grace: '3s' } },
      routes: [
        {
          name: 'call',
          inside: { listen: `${HOST}:${port}`, peer: `${HOST}:${phonePort}`, rtcpPort: 'mux', clear: true },
          outside: { listen: `${HOST}:${port + 1}`, peer: `${HOST}:${peerPort}`, rtcpPort: 'mux', channel: 'studio' },
        },
      ],
    };
    writeFileSync(this.file, JSON.stringify(text));
  }

  /** Starts it without waiting; `skewMs`: how wrong its clock is. */
  spawn(skewMs = 0) {
    const args = [...(skewMs === 0 ? [] : ['--import', shift(skewMs)]), CLI, 'gateway', '--log', 'json', this.file];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#ended = once(this.#child, 'close');
    createInterface(this.#child.stderr).on('line', (line) => {
      if (!line.startsWith('{')) throw new Error(`${this.name}: ${line}`);
      this.events.push({ ...JSON.parse(line), atMs: Date.now() });
    });
    endWithTest(this.#child);
  }

  async start(skewMs) {
    const from = this.events.length;
    this.spawn(skewMs);
    await this.saw((event) => event.type === 'started', 'started', { from });
  }

  async stop(signal = 'SIGTERM') {
    this.#child.kill(signal);
    await this.#ended;
  }

  /** Waits for a line of the log; only those from `from` on count. Returns it. */
  async saw(matches, what, { from = 0, limitMs = 60_000 } = {}) {
    const found = () => this.events.slice(from).find(matches);
    await until(found, `${this.name}: ${what}; last lines: ${JSON.stringify(this.events.slice(-3))}`, limitMs);
    return found();
  }

  warning(pattern, options) {
    return this.saw(({ type, message }) => type === 'warning' && pattern.test(message), String(pattern), options);
  }

  async status() {
    return (await fetch(`http://${HOST}:${this.http}/status`)).json();
  }

  async channel() {
    return (await this.status()).channels[0];
  }

  /** The metric's line that has all these pieces; its value. */
  async metric(...pieces) {
    const text = await (await fetch(`http://${HOST}:${this.http}/metrics`)).text();
    const line = text
      .split('\n')
      .find((each) => !each.startsWith('#') && pieces.every((piece) => each.includes(piece)));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  }
}
