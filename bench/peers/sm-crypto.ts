/** sm-crypto: SM4 alone, on arrays of numbers, which it takes and gives. */
import sm from 'sm-crypto';
import type { Job, Peer, Task } from './peer.js';

export const smCrypto: Peer = {
  name: 'sm-crypto',
  prepare({ cipher, operation, key, plaintext, sealed }: Task): Job | undefined {
    if (cipher !== 'sm4-ecb') return undefined;
    const keyArray = Array.from(key);
    const text = Array.from(operation === 'seal' ? plaintext : sealed);
    const run = operation === 'seal' ? sm.sm4.encrypt : sm.sm4.decrypt;
    return () => Uint8Array.from(run(text, keyArray, { output: 'array' }));
  },
};
