/** @stablelib/gcm on @stablelib/aes: keeps the key schedule, and writes where it is told. No SM4. */
import { inTurn, single } from './node.js';
import type { Frame, Peer } from './peer.js';

export const stablelib: Peer = {
  name: '@stablelib/gcm',
  module: '@stablelib/gcm',
  async prepare(task) {
    if (task.cipher === 'sm4-ecb' || task.kind === 'packet' || task.kind === 'sender') return undefined;
    const { GCM } = await import('@stablelib/gcm');
    const { AES } = await import('@stablelib/aes');
    const { key } = task;
    const setUp = () => new GCM(new AES(key));
    const gcm = setUp();
    const sealing = ({ nonce, aad, plaintext, sealed }: Frame, cipher = gcm) => {
      const out = new Uint8Array(sealed.length);
      return () => cipher.seal(nonce, plaintext, aad, out);
    };
    if (task.kind === 'key') return { run: setUp, made: () => ({ sealed: [sealing(task.frame, setUp())()] }) };
    if (task.kind === 'batch') return inTurn(task.frames.map((frame) => sealing(frame)));
    if (task.operation === 'seal') return single(task, sealing(task.frame));
    const { nonce, aad, plaintext, sealed } = task.frame;
    const out = new Uint8Array(plaintext.length);
    return single(task, () => gcm.open(nonce, sealed, aad, out)!);
  },
};
