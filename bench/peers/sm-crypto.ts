/** sm-crypto: SM4 alone, on arrays of numbers, which it takes and gives. sm-crypto-v2: on Uint8Array. */
import { inTurn, single } from './node.js';
import type { Peer } from './peer.js';

export const smCrypto: Peer = {
  name: 'sm-crypto',
  module: 'sm-crypto',
  async prepare(task) {
    if (task.cipher !== 'sm4-ecb' || (task.kind !== 'frame' && task.kind !== 'batch')) return undefined;
    const { sm4 } = (await import('sm-crypto')).default;
    const key = Array.from(task.key);
    const job = (run: typeof sm4.encrypt, bytes: Uint8Array) => {
      const numbers = Array.from(bytes);
      return () => Uint8Array.from(run(numbers, key, { output: 'array' }));
    };
    if (task.kind === 'batch') return inTurn(task.frames.map(({ plaintext }) => job(sm4.encrypt, plaintext)));
    if (task.operation === 'seal') return single(task, job(sm4.encrypt, task.frame.plaintext));
    return single(task, job(sm4.decrypt, task.frame.sealed));
  },
};

export const smCryptoV2: Peer = {
  name: 'sm-crypto-v2',
  module: 'sm-crypto-v2',
  async prepare(task) {
    if (task.cipher !== 'sm4-ecb' || (task.kind !== 'frame' && task.kind !== 'batch')) return undefined;
    const { sm4 } = await import('sm-crypto-v2');
    const { key } = task;
    const encrypt = (bytes: Uint8Array) => () => sm4.encrypt(bytes, key, { output: 'array' });
    if (task.kind === 'batch') return inTurn(task.frames.map(({ plaintext }) => encrypt(plaintext)));
    if (task.operation === 'seal') return single(task, encrypt(task.frame.plaintext));
    return single(task, () => sm4.decrypt(task.frame.sealed, key, { output: 'array' }));
  },
};
