/** A gateway in a process of its own on loopback: `frameseal gateway` of a built checkout, or any that speaks like it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export const LOOPBACK = '127.0.0.1';
/** Loaded into the gateway before its code: answers each message with the process's CPU time so far. */
const PROBE = `process.on('message', () => process.send(process.cpuUsage())); process.channel.unref();`;

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => void child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

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

  /** `command`: a script and its arguments. */
  static async start(command: readonly string[]): Promise<GatewayProcess> {
    const probe = ['--import', `data:text/javascript,${encodeURIComponent(PROBE)}`];
    const child = spawn(process.execPath, [...probe, ...command], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const events = createInterface(child.stdout!)[Symbol.asyncIterator]();
    const { listen } = (await next(events)) ?? {};
    if (listen === undefined) throw new Error(`${command[0]} did not start`);
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
