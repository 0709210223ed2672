/** The code of a worker thread: a host that does what messages ask for (workers.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { warmUp } from 'frameseal';
import { accelerate } from '../acceleration.js';
import { LocalHost } from './host.js';
import { selfTest } from './selftest.js';
import type { Answer, Call } from './workers.js';

const port = parentPort!;
const answer = (message: Answer): void => port.postMessage(message);

function start(): void {
  try {
    selfTest(accelerate());
    warmUp();
  } catch (error) {
    answer({ id: 0, error: textOf(error) });
    return;
  }
  const host = new LocalHost(Number(workerData), (event) => answer({ event }));
  port.on('message', async ({ id, method, args }: Call) => {
    try {
      const run = host[method] as (...args: unknown[]) => Promise<unknown>;
      answer({ id, value: await run.apply(host, [...args]) });
    } catch (error) {
      answer({ id, error: textOf(error) });
    }
  });
  answer({ id: 0 });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : 'it failed';
}

start();
