/**
 * Threads of a gateway: a host for this thread, or hosts in worker threads, which answer calls by messages. A worker that
 * ends by itself ends the gateway: its routes are gone, and a service manager starts the whole anew.
 */
import { Worker } from 'node:worker_threads';
import type { EncryptionConfig } from 'frameseal';
import { type Host, type HostPlan, type HostSnapshot, LocalHost } from './host.js';
import type { ChannelPlan, RotationTimes } from './keyset.js';
import type { EventBody } from './snapshot.js';

/** A call of a host's method, and its answer. */
export interface Call {
  readonly id: number;
  readonly method: keyof Host;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly value?: unknown; readonly error?: string }
  | { readonly event: EventBody };

/** Hosts for that many workers; 0: one in this thread. */
export async function openHosts(workers: number, emit: (event: EventBody) => void): Promise<readonly Host[]> {
  if (workers === 0) return [new LocalHost(0, emit)];
  const hosts = Array.from({ length: workers }, (_, i) => new WorkerHost(i + 1, emit));
  await Promise.all(hosts.map((host) => host.started));
  return hosts;
}

class WorkerHost implements Host {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #id = 0;
  /** Rejects where the worker's engine fails its self-test. */
  readonly started: Promise<unknown>;

  constructor(thread: number, emit: (event: EventBody) => void) {
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: thread, stderr: false });
    this.started = new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }));
    this.#worker.on('message', (answer: Answer) => {
      if ('event' in answer) emit(answer.event);
      else this.#settle(answer);
    });
    // Without its routes the gateway has no work: a worker's error is the process's.
    this.#worker.on('error', (error) => {
      throw error;
    });
  }

  prepare(plan: HostPlan): Promise<readonly string[]> {
    return this.#call('prepare', plan) as Promise<readonly string[]>;
  }

  commit() {
    return this.#call('commit') as ReturnType<Host['commit']>;
  }

  async abort(): Promise<void> {
    await this.#call('abort');
  }

  async rotate(channel: string, plan: ChannelPlan, times: RotationTimes): Promise<void> {
    await this.#call('rotate', channel, plan, times);
  }

  async hold(channel: string, configs: readonly EncryptionConfig[], sealing: number): Promise<void> {
    await this.#call('hold', channel, configs, sealing);
  }

  snapshot(): Promise<HostSnapshot> {
    return this.#call('snapshot') as Promise<HostSnapshot>;
  }

  async drain(): Promise<HostSnapshot> {
    const last = (await this.#call('drain')) as HostSnapshot;
    await this.#worker.terminate();
    return last;
  }

  #call(method: keyof Host, ...args: unknown[]): Promise<unknown> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, method, args } satisfies Call);
    });
  }

  #settle({ id, value, error }: Exclude<Answer, { readonly event: EventBody }>): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }
}
