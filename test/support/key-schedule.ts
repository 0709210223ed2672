/** The key schedule of the GCM2 modes (FORMAT.md section 2) on node:crypto's HMAC, with all that lies between: one block of HKDF is enough. */
import { createHmac } from 'node:crypto';

export function extract(hash: string, salt: Uint8Array, ikm: Uint8Array): Buffer {
  return createHmac(hash, salt).update(ikm).digest();
}

export function expand(hash: string, prk: Uint8Array, info: readonly (string | Uint8Array)[], length: number): Buffer {
  const mac = createHmac(hash, prk);
  for (const part of info) mac.update(part);
  return mac.update('\x01').digest().subarray(0, length);
}

/** What a sender has. `kid`: 8 bytes. */
export function keySchedule(mode: string, key: Uint8Array, salt: Uint8Array, kid: Uint8Array) {
  const big = mode === 'AES_256_GCM2';
  const hash = big ? 'sha512' : 'sha256';
  const suite = Uint8Array.of(0, big ? 5 : 4);
  const prk = extract(hash, salt, key);
  const baseKey = expand(hash, prk, [`frameseal/1 ${mode} base key `, kid], big ? 64 : 32);
  const secret = extract(hash, new Uint8Array(0), baseKey);
  const frameKey = expand(hash, secret, ['SFrame 1.0 Secret key ', kid, suite], big ? 32 : 16);
  const frameSalt = expand(hash, secret, ['SFrame 1.0 Secret salt ', kid, suite], 12);
  return { prk, baseKey, secret, frameKey, frameSalt };
}
