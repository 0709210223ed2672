/**
 * A gateway as a child process, for tests and measurements: `frameseal gateway --json`, its addresses, its reports, and
 * its end. The child ends with this process at the latest.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnNode } from '../children.js';
import type { ShortCounters } from './shortform.js';

export const LOOPBACK = '127.0.0.1';
/** The built command of this package, also where this file is run from its source. */
const CLI = join(dirname(createRequire(import.meta.url).resolve('frameseal-cli/package.json')), 'dist/main.js');
/** Loaded into the child, and its worker threads, before their code: the main thread answers each message with the child's memory and CPU time. */
const PROBE = `process.on('message', (what) => {
  if (what === 'collect') { gc(); gc(); }
  process.send({ memory: process.memoryUsage(), cpu: process.cpuUsage() });
}); process.channel?.unref();`;
const PROBE_OPTIONS = ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(PROBE)}`];

/** A line of `--json`. */
export type GatewayEvent = Readonly<Record<string, unknown>>;

export interface ProcessOptions {
  /** A script and its first arguments; `frameseal gateway --json` of this package if left out. */
  readonly command?: readonly string[];
  /** A file descriptor, or `pipe` (the default), which fills `events`. */
  readonly stdout?: number | 'pipe';
  /** A file descriptor, `inherit`, or `pipe` (the default), which fills `stderr`. */
  readonly stderr?: number | 'pipe' | 'inherit';
}

interface Usage {
  readonly memory: NodeJS.MemoryUsage;
  readonly cpu: NodeJS.CpuUsage;
}

/** Arguments of a gateway between two ports on loopback. */
export function onLoopback(direction: 'seal' | 'open', listenPort: number, forwardPort: number): string[] {
  return [`--${direction}`, '--listen', `${LOOPBACK}:${listenPort}`, '--forward', `${LOOPBACK}:${forwardPort}`];
}

export class GatewayProcess {
  readonly child: ChildProcess;
  /** The lines that it has printed. */
  readonly events: GatewayEvent[] = [];
  readonly #ended: Promise<number | null>;
  readonly #lines: Interface | undefined;
  #stderr = '';

  private constructor(child: ChildProcess) {
    this.child = child;
    this.#ended = once(child, 'close').then(([code]) => code);
    this.#lines = child.stdout ? createInterface(child.stdout) : undefined;
    this.#lines?.on('line', (line) => this.events.push(JSON.parse(line)));
    child.stderr?.on('data', (data) => {
      this.#stderr += data;
    });
  }

  /** Starts a gateway without waiting for it. */
  static spawn(args: readonly string[], options: ProcessOptions = {}): GatewayProcess {
    const { command = [CLI, 'gateway', '--json'], stdout = 'pipe', stderr = 'pipe' } = options;
    return new GatewayProcess(spawnNode([...PROBE_OPTIONS, ...command, ...args], ['ignore', stdout, stderr, 'ipc']));
  }

  /** Starts a gateway, and waits until it listens. Throws where it ends instead. */
  static async start(args: readonly string[], options: Omit<ProcessOptions, 'stdout'> = {}): Promise<GatewayProcess> {
    const gateway = GatewayProcess.spawn(args, options);
    await Promise.race([once(gateway.#lines!, 'line'), gateway.#ended]);
    if (gateway.events[0]?.['event'] === 'listening') return gateway;
    throw new Error(`the gateway ended with ${await gateway.end('SIGKILL')}: ${gateway.stderr}`);
  }

  /** The port that it listens on. */
  get port(): number {
    return Number(String(this.events[0]!['listen']).split(':').at(-1));
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The counters that it reported last; undefined before the first report. */
  get counters(): ShortCounters | undefined {
    return this.events.findLast((event) => 'received' in event) as ShortCounters | undefined;
  }

  /** Memory and CPU time (all threads, since its start) of the child. */
  usage(): Promise<Usage> {
    return this.#ask('usage');
  }

  /** The same after a collection: what is left in memory is live. */
  liveUsage(): Promise<Usage> {
    return this.#ask('collect');
  }

  /** Stops the child for a while. */
  async stall(ms: number): Promise<void> {
    this.child.kill('SIGSTOP');
    await sleep(ms);
    this.child.kill('SIGCONT');
  }

  /** Ends the child with a signal; returns its exit code. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return this.#ended;
  }

  /** Ends the child with SIGTERM; returns its totals. Throws where it fails. */
  async drain(): Promise<ShortCounters> {
    const code = await this.end();
    if (code !== 0 || this.events.at(-1)?.['event'] !== 'totals') {
      throw new Error(`the gateway ended with ${code} and without totals: ${this.stderr}`);
    }
    return this.counters!;
  }

  async #ask(what: string): Promise<Usage> {
    this.child.send(what);
    const [usage] = await once(this.child, 'message');
    return usage as Usage;
  }
}
