/** The operator of the run: two gateways, their configuration and keys, and what is done to them on the way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from '../../e2e/tools.mjs';
import { at, CLI, Gateway, HOST, step } from '../media.mjs';

const RELOAD_SECONDS = 20;
const ROTATE_SECONDS = 30;
/** The kill comes in the last quarter, away from reloads and rotations. */
const KILL_AT = 0.75;
const KILL_AFTER_SECONDS = 5;
const MEMORY_EVERY_SECONDS = 10;
/** What was sent to a route arrives before the route is removed. */
const QUIET_MS = 500;
const DOWN_MS = 200;
const MB = 1 << 20;

export class Operator {
  road;
  /** Of the kill: when it came, and the numbers of each route's next packet then and at the restart. */
  kill;
  /** Resident bytes of both gateways by second. */
  memory = [];
  /** Routes that were removed, as they were at their end. */
  closed = { sealing: [], opening: [] };
  #file;
  #ports;
  #sealing;
  #opening;
  #keyId = 0;
  #reloads = 0;

  /** `ports`: of all routes; the last two take turns, and the one before them changes. */
  constructor(file, ports) {
    this.#file = file;
    this.#ports = ports;
    this.#sealing = new Gateway(file('sealing.yaml'));
    this.#opening = new Gateway(file('opening.yaml'));
  }

  /** Places of the routes that are there now. */
  get present() {
    const last = this.#ports.length - 1;
    return [...this.#ports.keys()].filter((i) => i < last - 1 || i === last - 1 + (this.#reloads % 2));
  }

  get gateways() {
    return { sealing: this.#sealing, opening: this.#opening };
  }

  async start() {
    await this.#newKey();
    this.#write();
    await Promise.all([this.#opening.start(), this.#sealing.start()]);
  }

  /** Does everything that is due, for so long. */
  async work(seconds) {
    const startMs = performance.now();
    const jobs = [];
    for (let at = RELOAD_SECONDS; at < seconds - 1; at += RELOAD_SECONDS) jobs.push([at, () => this.#exchange()]);
    for (let at = ROTATE_SECONDS; at < seconds - 1; at += ROTATE_SECONDS) jobs.push([at, () => this.#rotate()]);
    for (let at = MEMORY_EVERY_SECONDS; at <= seconds; at += MEMORY_EVERY_SECONDS)
      jobs.push([at, () => this.#weigh(at)]);
    jobs.push([Math.min(seconds - KILL_AFTER_SECONDS, KILL_AT * seconds + KILL_AFTER_SECONDS), () => this.#crash()]);
    for (const [at, job] of jobs.sort(([one], [other]) => one - other)) {
      await sleep(Math.max(0, startMs + 1000 * at - performance.now()));
      await job();
    }
    await sleep(Math.max(0, startMs + 1000 * seconds - performance.now()));
  }

  /** Ends both; returns the routes of their totals, and those that were removed before. */
  async stop() {
    this.#keepClosed();
    const [sealing, opening] = [await this.#sealing.stop(), await this.#opening.stop()];
    return { sealing: [...sealing, ...this.closed.sealing], opening: [...opening, ...this.closed.opening] };
  }

  /** Changes a route, removes one and adds one, on both gateways. */
  async #exchange() {
    const [before] = this.present.slice(-1);
    this.road.pause(before);
    await sleep(QUIET_MS);
    this.#reloads++;
    this.#write();
    const events = await Promise.all([this.#opening.reload(), this.#sealing.reload()]);
    for (const { added, changed, removed } of events)
      if (added.length !== 1 || changed.length !== 1 || removed.length !== 1)
        throw new Error(`a reload did not change what it was to: ${JSON.stringify(events)}`);
    this.road.resume(this.present.at(-1));
  }

  async #rotate() {
    await this.#newKey();
    await Promise.all([this.#opening.reload(), this.#sealing.reload()]);
  }

  async #crash() {
    const next = () => this.#ports.map((_, i) => this.road.next(i));
    this.#keepClosed();
    // What the first life has sent is with the network by then.
    const atKill = next();
    await this.#sealing.kill();
    await sleep(DOWN_MS);
    const atNetworkBefore = this.road.atNetwork;
    this.road.restartMs = performance.now();
    this.closed.sealing = [];
    await this.#sealing.start();
    this.kill = { atKill, atStart: next(), atNetworkBefore };
    step(`the sealing gateway was killed and started again`);
  }

  #keepClosed() {
    for (const [name, gateway] of Object.entries(this.gateways))
      this.closed[name] = gateway.events.filter(({ type }) => type === 'route-closed').map(({ route }) => route);
  }

  #weigh(second) {
    const weight = (gateway) => Math.round(gateway.usage().residentBytes / MB);
    this.memory.push({
      second,
      sealing: weight(this.#sealing),
      opening: weight(this.#opening),
      pid: this.#sealing.pid,
    });
  }

  async #newKey() {
    const args = ['keygen', '--force', '--key-id', String(this.#keyId), '--out', this.#file('key.json')];
    const { child, ended, output } = start(process.execPath, [CLI, ...args]);
    await ended;
    if (child.exitCode !== 0) throw new Error(`keygen: ${output()}`);
    this.#keyId = (this.#keyId + 1) % 16;
  }

  #write() {
    const changing = this.#ports.length - 3;
    const from = (i) => ({ from: i === changing && this.#reloads % 2 === 1 ? [HOST, '127.0.0.9'] : [HOST] });
    const side = (listen, peer, more) => ({ listen: at(listen), peer: at(peer), rtcpPort: 'mux', ...more });
    const routes = (inside, outside) =>
      this.present.map((i) => ({
        name: `route-${i}`,
        inside: inside(this.#ports[i], i),
        outside: outside(this.#ports[i], i),
      }));
    const channels = (role) => ({ studio: { file: 'key.json', context: 'load', role } });
    this.#sealing.write({
      channels: channels('a'),
      routes: routes(
        ({ send }, i) => side(send, 9, { clear: true, ...from(i) }),
        ({ seal, network }, i) => side(seal, network, { channel: 'studio', ...from(i) }),
      ),
    });
    this.#opening.write({
      channels: channels('b'),
      routes: routes(
        ({ open, receive }, i) => side(open, receive, { clear: true, ...from(i) }),
        ({ onward, network }, i) => side(onward, network + 1, { channel: 'studio', ...from(i) }),
      ),
    });
  }
}
