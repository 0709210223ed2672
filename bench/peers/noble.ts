/** @noble/ciphers: a key schedule and tables for each message, by design. No SM4. */
import { inTurn, single } from './node.js';
import type { Peer } from './peer.js';

export const noble: Peer = {
  name: '@noble/ciphers',
  module: '@noble/ciphers/aes.js',
  async prepare(task) {
    if (task.cipher === 'sm4-ecb' || (task.kind !== 'frame' && task.kind !== 'batch')) return undefined;
    const { gcm } = await import('@noble/ciphers/aes.js');
    const { key } = task;
    if (task.kind === 'batch') {
      return inTurn(
        task.frames.map(
          ({ nonce, aad, plaintext }) =>
            () =>
              gcm(key, nonce, aad).encrypt(plaintext),
        ),
      );
    }
    const { nonce, aad, plaintext, sealed } = task.frame;
    if (task.operation === 'seal') return single(task, () => gcm(key, nonce, aad).encrypt(plaintext));
    return single(task, () => gcm(key, nonce, aad).decrypt(sealed));
  },
};
