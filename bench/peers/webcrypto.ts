/** WebCrypto, the cipher that every browser has: awaited frame by frame, or with many frames on their way. No SM4. */
import type { webcrypto as api } from 'node:crypto';
import { checkedOf, type Frame, type Operation, type Peer, type Task } from './peer.js';
import { inTurn } from './work.js';

const IN_FLIGHT = 64;

type Job = () => Promise<ArrayBuffer>;

export const webcrypto: Peer = {
  name: 'WebCrypto',
  async prepare(task) {
    if (task.kind === 'key' && task.cipher !== 'sm4-ecb') {
      return {
        run: () => importKey(task.key),
        isAsync: true,
        made: async () => ({ sealed: [await bytesOf(job('seal', await importKey(task.key), task.frame))] }),
      };
    }
    const jobs = await prepareJobs(task);
    if (jobs === undefined) return undefined;
    if (task.kind === 'keys') return { run: inTurn(jobs), isAsync: true, made: () => made(task, checkedOf(jobs)) };
    const run = async () => {
      for (let i = 0; i < jobs.length; i++) await jobs[i]!();
    };
    return { run, isAsync: true, frames: jobs.length, made: () => made(task, jobs) };
  },
};

export const webcryptoInFlight: Peer = {
  name: `WebCrypto, ${IN_FLIGHT} in flight`,
  async prepare(task) {
    const jobs = task.kind === 'frame' || task.kind === 'buffer' ? await prepareJobs(task) : undefined;
    if (jobs === undefined) return undefined;
    const run = () => Promise.all(Array.from({ length: IN_FLIGHT }, jobs[0]!));
    return { run, isAsync: true, frames: IN_FLIGHT, made: () => made(task, jobs) };
  },
};

async function prepareJobs(task: Task): Promise<readonly Job[] | undefined> {
  if (task.cipher === 'sm4-ecb') return undefined;
  switch (task.kind) {
    case 'frame':
    case 'buffer':
      return [job(task.operation, await importKey(task.key), task.frame)];
    case 'batch': {
      const key = await importKey(task.key);
      return task.frames.map((frame) => job('seal', key, frame));
    }
    case 'keys':
      return Promise.all(task.keyed.map(async ({ key, frame }) => job(task.operation, await importKey(key), frame)));
    default:
      return undefined;
  }
}

function importKey(key: Uint8Array): Promise<api.CryptoKey> {
  return crypto.subtle.importKey('raw', Uint8Array.from(key), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

function job(operation: Operation, key: api.CryptoKey, { nonce, aad, plaintext, sealed }: Frame): Job {
  const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: aad };
  if (operation === 'seal') return () => crypto.subtle.encrypt(algorithm, key, plaintext);
  return () => crypto.subtle.decrypt(algorithm, key, sealed);
}

async function made(task: Task, jobs: readonly Job[]) {
  const all = await Promise.all(jobs.map(bytesOf));
  return 'operation' in task && task.operation === 'open' ? { opened: all } : { sealed: all };
}

async function bytesOf(run: Job): Promise<Uint8Array> {
  return new Uint8Array(await run());
}
