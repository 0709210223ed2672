/** WebCrypto, the cipher that every browser has: awaited frame by frame, or with many frames on their way. No SM4. */
import type { webcrypto as api } from 'node:crypto';
import type { Frame, Peer, Task } from './peer.js';

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
    const run = async () => {
      for (let i = 0; i < jobs.length; i++) await jobs[i]!();
    };
    return { run, isAsync: true, frames: jobs.length, made: () => made(task, jobs) };
  },
};

export const webcryptoInFlight: Peer = {
  name: `WebCrypto, ${IN_FLIGHT} in flight`,
  async prepare(task) {
    const jobs = task.kind === 'frame' ? await prepareJobs(task) : undefined;
    if (jobs === undefined) return undefined;
    const run = () => Promise.all(Array.from({ length: IN_FLIGHT }, jobs[0]!));
    return { run, isAsync: true, frames: IN_FLIGHT, made: () => made(task, jobs) };
  },
};

async function prepareJobs(task: Task): Promise<readonly Job[] | undefined> {
  if (task.cipher === 'sm4-ecb') return undefined;
  if (task.kind !== 'frame' && task.kind !== 'batch') return undefined;
  const key = await importKey(task.key);
  if (task.kind === 'frame') return [job(task.operation, key, task.frame)];
  return task.frames.map((frame) => job('seal', key, frame));
}

function importKey(key: Uint8Array): Promise<api.CryptoKey> {
  return crypto.subtle.importKey('raw', Uint8Array.from(key), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

function job(operation: 'seal' | 'open', key: api.CryptoKey, frame: Frame): Job {
  const [iv, additionalData, plaintext, sealed] = [frame.nonce, frame.aad, frame.plaintext, frame.sealed].map((bytes) =>
    Uint8Array.from(bytes),
  );
  const algorithm = { name: 'AES-GCM', iv: iv!, additionalData: additionalData! };
  if (operation === 'seal') return () => crypto.subtle.encrypt(algorithm, key, plaintext!);
  return () => crypto.subtle.decrypt(algorithm, key, sealed!);
}

async function made(task: Task, jobs: readonly Job[]) {
  const all = await Promise.all(jobs.map(bytesOf));
  return task.kind === 'frame' && task.operation === 'open' ? { opened: all } : { sealed: all };
}

async function bytesOf(run: Job): Promise<Uint8Array> {
  return new Uint8Array(await run());
}
