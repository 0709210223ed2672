/** Our own engines, through the public classes; of this build, and of another one beside it. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as aead from 'frameseal/aead';
import type { Job, Peer, Task } from './peer.js';

type Aead = Pick<typeof aead, 'AesGcm' | 'Sm4Ecb'>;

export const simd: Peer = peer('frameseal simd', aead, 'simd');
export const portable: Peer = peer('frameseal portable', aead, 'portable');

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
