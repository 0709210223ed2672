/** A gateway in a process of its own: `frameseal gateway` on loopback, its counters and its memory. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spawnNode } from '../children.js';

export const LOOPBACK = '127.0.0.1';
const CLI = fileURLToPath(new URL('../../../src/cli/dist/main.js', import.meta.url));
/** Loaded before the gateway's code: tells its memory, and after a collection where it is asked for. */
const PROBE = `process.on('message', (what) => {
  if (what === 'live') { gc(); gc(); }
  process.send(process.memoryUsage());
}); process.channel.unref();`;

export interface Counters {
  readonly received: { readonly packets: number };
  readonly forwarded: { readonly packets: number };
  readonly rtcp: { readonly dropped: number };
  readonly refused: Readonly<Record<string, number>>;
  readonly sendErrors: number;
  readonly overruns: number;
  readonly socketErrors: number;
}

type Event = Counters & { readonly event: string; readonly listen: string };

export interface ChildOptions {
  readonly direction: 'seal' | 'open';
  readonly config: string;
  /** 0: a free one. */
  readonly listenPort: number;
  readonly forwardPort: number;
}

export class GatewayProcess {
  /** The last line it printed. */
  last: Event;
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, lines: Interface, listening: Event) {
    this.#child = child;
    this.last = listening;
    this.port = Number(listening.listen.split(':').at(-1));
    lines.on('line', (line) => {
      this.last = JSON.parse(line);
    });
  }

  static async start({ direction, config, listenPort, forwardPort }: ChildOptions): Promise<GatewayProcess> {
    const node = ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(PROBE)}`];
    const addresses = ['--listen', `${LOOPBACK}:${listenPort}`, '--forward', `${LOOPBACK}:${forwardPort}`];
    const args = ['gateway', `--${direction}`, '--json', '--rtcp-port', 'same', '--config', config, ...addresses];
    const child = spawnNode([...node, CLI, ...args], ['ignore', 'pipe', 'inherit', 'ipc']);
    const lines = createInterface(child.stdout!);
    const [line] = await Promise.race([once(lines, 'line'), once(lines, 'close')]);
    if (line === undefined) throw new Error(`the gateway to ${direction} did not start`);
    return new GatewayProcess(child, lines, JSON.parse(line));
  }

  /** Memory now, or what is left of it after a collection. */
  async memory(what: 'now' | 'live'): Promise<NodeJS.MemoryUsage> {
    this.#child.send(what);
    const [usage] = await once(this.#child, 'message');
    return usage as NodeJS.MemoryUsage;
  }

  /** Takes the processor from it for a while. */
  async stall(ms: number): Promise<void> {
    this.#child.kill('SIGSTOP');
    await sleep(ms);
    this.#child.kill('SIGCONT');
  }

  /** Ends it as people do; gives its totals. */
  async end(): Promise<Counters> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    const [code] = await ended;
    if (code !== 0 || this.last.event !== 'totals') throw new Error(`a gateway ended with ${code}`);
    return this.last;
  }

  /** Ends it as nobody should. */
  async kill(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
