/** @stablelib/gcm on @stablelib/aes: keeps the key schedule, and writes into an array of the caller. No SM4. */
import type { Peer } from './peer.js';
import { roomFor, workOf } from './work.js';

export const stablelib: Peer = {
  name: '@stablelib/gcm',
  module: '@stablelib/gcm',
  async prepare(task) {
    if (task.cipher === 'sm4-ecb') return undefined;
    const { GCM } = await import('@stablelib/gcm');
    const { AES } = await import('@stablelib/aes');
    if (task.kind === 'key') {
      const { nonce, aad, plaintext } = task.frame;
      const setUp = () => new GCM(new AES(task.key));
      return { run: setUp, made: () => ({ sealed: [setUp().seal(nonce, plaintext, aad, roomFor(task.frame))] }) };
    }
    return workOf(task, (key) => {
      const gcm = new GCM(new AES(key));
      return (operation, { nonce, aad, plaintext, sealed }, out) => {
        if (operation === 'seal') {
          return () => {
            // The tag is summed up in its place: what an earlier frame left there would count.
            out.fill(0, plaintext.length);
            return gcm.seal(nonce, plaintext, aad, out);
          };
        }
        const opened = out.subarray(0, plaintext.length);
        return () => gcm.open(nonce, sealed, aad, opened)!;
      };
    });
  },
};
