/**
 * The portable engine: plain TypeScript, for every platform.
 *
 * NOT constant-time: AES, GHASH and SM4 look tables up at addresses that depend on key and data. Somebody who
 * shares the processor's caches may learn about the key. SECURITY.md says where that matters.
 */
import type { Engine } from '../engine.js';
import { PortableGcmKey } from './gcm.js';
import { PortableSm4Key } from './sm4.js';

export const portableEngine: Engine = {
  name: 'portable',
  constantTime: false,
  createGcmKey: (keyBytes) => new PortableGcmKey(keyBytes),
  createSm4Key: () => new PortableSm4Key(),
  sealAll: (jobs, count) => {
    for (let i = 0; i < count; i++) jobs[i]!.key!.seal(jobs[i]!);
  },
  openAll: (jobs, count) => {
    for (let i = 0; i < count; i++) jobs[i]!.key!.open(jobs[i]!);
  },
};
