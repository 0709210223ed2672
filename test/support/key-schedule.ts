/** The key schedule of the GCM2 modes (FORMAT.md section 2) by the second implementation, with all that lies between. */
import { senderKeys, sharedKeys } from './second/keys.mjs';

/** What a sender has. `kid`: 8 bytes. */
export function keySchedule(mode: string, key: Uint8Array, salt: Uint8Array, kid: Uint8Array) {
  const { prk } = sharedKeys(mode, key, salt);
  return { prk, ...senderKeys(mode, prk, Buffer.from(kid).readBigUInt64BE()) };
}
