/** Our own engines, through the public classes. */
import { AesGcm, type EngineChoice, Sm4Ecb } from 'frameseal/aead';
import type { Job, Peer, Task } from './peer.js';

export const simd: Peer = peer('simd');
export const portable: Peer = peer('portable');

function peer(engine: EngineChoice): Peer {
  return { name: `frameseal ${engine}`, prepare: (task) => prepare(task, engine) };
}

function prepare(task: Task, engine: EngineChoice): Job {
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
