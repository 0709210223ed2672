/** @noble/ciphers: a key schedule and tables for each message, by design. No SM4. */
import type { Peer } from './peer.js';
import { workOf } from './work.js';

export const noble: Peer = {
  name: '@noble/ciphers',
  module: '@noble/ciphers/aes.js',
  async prepare(task) {
    if (task.cipher === 'sm4-ecb') return undefined;
    const { gcm } = await import('@noble/ciphers/aes.js');
    return workOf(task, (key) => (operation, { nonce, aad, plaintext, sealed }) => {
      if (operation === 'seal') return () => gcm(key, nonce, aad).encrypt(plaintext);
      return () => gcm(key, nonce, aad).decrypt(sealed);
    });
  },
};
