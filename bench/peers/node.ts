/** node:crypto: OpenSSL behind a cipher object per frame for GCM; for SM4 one that is kept, which is its best. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Job, Peer, Task } from './peer.js';

export const node: Peer = {
  name: 'node:crypto',
  prepare(task: Task): Job {
    const { cipher, key, nonce, aad, plaintext, sealed } = task;
    if (cipher === 'sm4-ecb') return sm4(task);
    const text = sealed.subarray(0, plaintext.length);
    const tag = sealed.subarray(plaintext.length);
    const box = Buffer.alloc(sealed.length);
    if (task.operation === 'seal') {
      return () => {
        const sealer = createCipheriv(cipher, key, nonce);
        sealer.setAAD(aad);
        box.set(sealer.update(plaintext));
        sealer.final();
        box.set(sealer.getAuthTag(), plaintext.length);
        return box;
      };
    }
    return () => {
      const opener = createDecipheriv(cipher, key, nonce, { authTagLength: 16 });
      opener.setAAD(aad);
      opener.setAuthTag(tag);
      const opened = opener.update(text);
      opener.final();
      return opened;
    };
  },
};

function sm4({ operation, key, plaintext, sealed }: Task): Job {
  const padding = 16 - (plaintext.length % 16);
  if (operation === 'seal') {
    const cipher = createCipheriv('sm4-ecb', key, null).setAutoPadding(false);
    const padded = Buffer.alloc(sealed.length);
    return () => {
      padded.set(plaintext);
      padded.fill(padding, plaintext.length);
      return cipher.update(padded);
    };
  }
  const decipher = createDecipheriv('sm4-ecb', key, null).setAutoPadding(false);
  return () => decipher.update(sealed).subarray(0, plaintext.length);
}
