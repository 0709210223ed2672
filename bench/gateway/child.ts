/** A gateway in a process of its own: `dist/cli/main.js gateway` of a built checkout, on loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

export const LOOPBACK = '127.0.0.1';
/** Loaded into the gateway before its code: answers each message with the process's CPU time so far. */
const PROBE = `process.on('message', () => process.send(process.cpuUsage())); process.channel.unref();`;

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => void child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

export interface ChildOptions {
  /** A checkout in which `npm run build` has run. */
  readonly root: string;
  readonly direction: 'seal' | 'open';
  readonly config: string;
  readonly forwardPort: number;
  /** Where a V8 profile goes when it ends. */
  readonly profileDirectory: string | undefined;
}

interface Event {
  readonly event: string;
  readonly listen: string;
  readonly received: { readonly packets: number };
  readonly forwarded: { readonly packets: number };
}

export class GatewayProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #events: AsyncIterator<string>;

  private constructor(child: ChildProcess, events: AsyncIterator<string>, port: number) {
    this.#child = child;
    this.#events = events;
    this.port = port;
  }

  static async start(options: ChildOptions): Promise<GatewayProcess> {
    const { root, direction, config, forwardPort, profileDirectory } = options;
    const node = ['--import', `data:text/javascript,${encodeURIComponent(PROBE)}`];
    if (profileDirectory) node.push('--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${profileDirectory}`);
    const args = ['gateway', `--${direction}`, '--json', '--rtcp-port', 'same', '--config', config];
    const addresses = ['--listen', `${LOOPBACK}:0`, '--forward', `${LOOPBACK}:${forwardPort}`];
    const child = spawn(process.execPath, [...node, join(resolve(root), 'dist/cli/main.js'), ...args, ...addresses], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const events = createInterface(child.stdout!)[Symbol.asyncIterator]();
    const { listen } = (await next(events)) ?? {};
    if (listen === undefined) throw new Error(`the gateway of ${root} did not start`);
    return new GatewayProcess(child, events, Number(listen.split(':').at(-1)));
  }

  /** User and system time of the process so far, all threads, in microseconds. */
  async cpuUs(): Promise<number> {
    this.#child.send('cpu');
    const [{ user, system }] = (await once(this.#child, 'message')) as [NodeJS.CpuUsage];
    return user + system;
  }

  /** Ends it as people do. Throws where it did not forward all that it received. */
  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    let totals: Event | undefined;
    for (let event = await next(this.#events); event; event = await next(this.#events)) totals = event;
    await ended;
    if (totals?.event !== 'totals' || totals.received.packets !== totals.forwarded.packets) {
      throw new Error(`the gateway did not forward everything: ${JSON.stringify(totals)}`);
    }
  }
}

async function next(events: AsyncIterator<string>): Promise<Event | undefined> {
  const { done, value } = await events.next();
  return done ? undefined : (JSON.parse(value) as Event);
}
