/** WebCrypto, awaited frame by frame: the cipher that every browser has. No SM4. */
import type { Job, Peer, Task } from './peer.js';

export const webcrypto: Peer = {
  name: 'WebCrypto',
  async prepare(task: Task): Promise<Job | undefined> {
    if (task.cipher === 'sm4-ecb') return undefined;
    const own = (bytes: Uint8Array) => Uint8Array.from(bytes);
    const key = await crypto.subtle.importKey('raw', own(task.key), 'AES-GCM', false, ['encrypt', 'decrypt']);
    const algorithm = { name: 'AES-GCM', iv: own(task.nonce), additionalData: own(task.aad) };
    const plaintext = own(task.plaintext);
    const sealed = own(task.sealed);
    if (task.operation === 'seal')
      return async () => new Uint8Array(await crypto.subtle.encrypt(algorithm, key, plaintext));
    return async () => new Uint8Array(await crypto.subtle.decrypt(algorithm, key, sealed));
  },
};
