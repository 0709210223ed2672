/** @noble/ciphers: a key schedule and tables for each message, by design. No SM4. */
import { gcm } from '@noble/ciphers/aes.js';
import type { Job, Peer, Task } from './peer.js';

export const noble: Peer = {
  name: '@noble/ciphers',
  prepare({ cipher, operation, key, nonce, aad, plaintext, sealed }: Task): Job | undefined {
    if (cipher === 'sm4-ecb') return undefined;
    if (operation === 'seal') return () => gcm(key, nonce, aad).encrypt(plaintext);
    return () => gcm(key, nonce, aad).decrypt(sealed);
  },
};
