/** Our own engines, through the public classes; of this build, and of another one beside it. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { enableEncryption, generateKey, generateSalt, type Sealer } from 'frameseal';
import * as aead from 'frameseal/aead';
import type { Job, Peer, Task } from './peer.js';

type Aead = Pick<typeof aead, 'AesGcm' | 'Sm4Ecb'>;

export const simd: Peer = {
  ...peer('frameseal simd', aead, 'simd'),
  prepareBatch: (tasks) =>
    prepareSealer(tasks, (sealer, inputs, outs, results) => sealer.sealBatch(inputs, outs, results)),
};
/** The same frames by as many calls of Sealer.seal. */
export const oneByOne: Peer = {
  name: 'one by one',
  prepare: () => undefined,
  prepareBatch: (tasks) =>
    prepareSealer(tasks, (sealer, inputs, outs, results) => {
      for (let i = 0; i < inputs.length; i++) results[i] = sealer.seal(inputs[i]!, outs[i]!);
    }),
};
/** With classes of its own: a program has one engine, and V8 makes calls slower where it has seen two. */
export const portable: Peer = peer(
  'frameseal portable',
  (await import(`${import.meta.resolve('frameseal/aead')}?portable`)) as Aead,
  'portable',
);

/** The default engine of another build: `root` is its checkout, where `npm run build` has run. */
export async function base(root: string): Promise<Peer> {
  const url = pathToFileURL(resolve(root, 'dist/aead.js'));
  return peer('frameseal base', (await import(url.href)) as Aead, 'auto');
}

function peer(name: string, ciphers: Aead, engine: aead.EngineChoice): Peer {
  return { name, prepare: (task) => prepare(task, ciphers, engine) };
}

function prepare(task: Task, { AesGcm, Sm4Ecb }: Aead, engine: aead.EngineChoice): Job {
  const { nonce, aad, plaintext, sealed, key } = task;
  const box = new Uint8Array(sealed.length);
  const text = new Uint8Array(sealed.length);
  const opened = text.subarray(0, plaintext.length);
  const opens = task.operation === 'open';
  if (task.cipher === 'sm4-ecb') {
    const sm4 = new Sm4Ecb(key, { engine });
    return () => {
      if (opens) sm4.decrypt(sealed, text);
      else sm4.encrypt(plaintext, box);
      return opens ? opened : box;
    };
  }
  const aes = new AesGcm(key, { engine });
  return () => {
    if (opens) aes.open(nonce, aad, sealed, opened);
    else aes.seal(nonce, aad, plaintext, box);
    return opens ? opened : box;
  };
}

const MODES = { 'aes-128-gcm': 'AES_128_GCM2', 'aes-256-gcm': 'AES_256_GCM2', 'sm4-ecb': 'SM4_128_ECB' } as const;

/** A sealer of a channel does the frames; that they open to what they were is checked first. */
function prepareSealer(
  tasks: readonly Task[],
  seal: (sealer: Sealer, inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array) => void,
): () => void {
  const encryptionMode = MODES[tasks[0]!.cipher];
  const salt = encryptionMode === 'SM4_128_ECB' ? {} : { encryptionKdfSalt: generateSalt() };
  const config = { encryptionMode, encryptionKey: generateKey(), ...salt };
  const channel = enableEncryption(config, { framing: 'frame', engine: 'simd' });
  const sealer = channel.createSealer();
  const opener = channel.createOpener({ loopback: true });
  const inputs = tasks.map(({ plaintext }) => plaintext);
  const outs = inputs.map((input) => new Uint8Array(input.length + sealer.overhead));
  const results = new Int32Array(inputs.length);
  seal(sealer, inputs, outs, results);
  for (const [i, input] of inputs.entries()) {
    const opened = opener.openCopy(outs[i]!.subarray(0, results[i]));
    if (Buffer.compare(opened, input) !== 0) throw new Error('a batch opens to other bytes: nothing was timed');
  }
  return () => seal(sealer, inputs, outs, results);
}
