/** sm-crypto: SM4 alone, on arrays of numbers, which it takes and gives. sm-crypto-v2: on Uint8Array. */
import type { Peer } from './peer.js';
import { workOf } from './work.js';

export const smCrypto: Peer = {
  name: 'sm-crypto',
  module: 'sm-crypto',
  async prepare(task) {
    if (task.cipher !== 'sm4-ecb') return undefined;
    const { sm4 } = (await import('sm-crypto')).default;
    return workOf(task, (key) => {
      const numbers = Array.from(key);
      return (operation, { plaintext, sealed }) => {
        const [run, bytes] = operation === 'seal' ? [sm4.encrypt, plaintext] : [sm4.decrypt, sealed];
        const input = Array.from(bytes);
        return () => Uint8Array.from(run(input, numbers, { output: 'array' }));
      };
    });
  },
};

export const smCryptoV2: Peer = {
  name: 'sm-crypto-v2',
  module: 'sm-crypto-v2',
  async prepare(task) {
    if (task.cipher !== 'sm4-ecb') return undefined;
    const { sm4 } = await import('sm-crypto-v2');
    return workOf(task, (key) => (operation, { plaintext, sealed }) => {
      if (operation === 'seal') return () => sm4.encrypt(plaintext, key, { output: 'array' });
      return () => sm4.decrypt(sealed, key, { output: 'array' });
    });
  },
};
