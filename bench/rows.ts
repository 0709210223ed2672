/** What is measured, as data; and what `--check` holds it to. */
import { randomBytes } from 'node:crypto';
import { AesGcm, Sm4Ecb } from 'frameseal/aead';
import { portable, simd } from './peers/frameseal.js';
import { noble } from './peers/noble.js';
import { node } from './peers/node.js';
import type { Peer, Task } from './peers/peer.js';
import { smCrypto } from './peers/sm-crypto.js';
import { webcrypto } from './peers/webcrypto.js';

/** The first is our default: ratios are the others' time over its. */
export const PEERS: readonly Peer[] = [simd, portable, node, webcrypto, noble, smCrypto];

export interface Row {
  readonly cipher: Task['cipher'];
  readonly operation: Task['operation'];
  readonly bytes: number;
}

const GCM_BYTES = [20, 60, 160, 500, 1200, 1400];
const SM4_BYTES = [20, 160, 1200];
const AAD_BYTES = 12;

export const ROWS: readonly Row[] = [
  ...rows('aes-128-gcm', GCM_BYTES),
  ...rows('aes-256-gcm', GCM_BYTES),
  ...rows('sm4-ecb', SM4_BYTES),
];

function rows(cipher: Task['cipher'], sizes: readonly number[]): Row[] {
  return (['seal', 'open'] as const).flatMap((operation) => sizes.map((bytes) => ({ cipher, operation, bytes })));
}

export function rowName({ cipher, operation, bytes }: Row): string {
  return `${cipher} ${operation} ${bytes} B`;
}

/** Random inputs for a row; what they seal to is made by us, and every peer must agree before it is timed. */
export function makeTask({ cipher, operation, bytes }: Row): Task {
  const random = (length: number) => Uint8Array.from(randomBytes(length));
  const key = random(cipher === 'aes-256-gcm' ? 32 : 16);
  const nonce = random(12);
  const aad = random(AAD_BYTES);
  const plaintext = random(bytes);
  const sealed = new Uint8Array(cipher === 'sm4-ecb' ? bytes + 16 - (bytes % 16) : bytes + 16);
  if (cipher === 'sm4-ecb') new Sm4Ecb(key).encrypt(plaintext, sealed);
  else new AesGcm(key).seal(nonce, aad, plaintext, sealed);
  return { cipher, operation, key, nonce, aad, plaintext, sealed };
}

/** Least ratios of a peer's time to ours, by `npm run bench -- --check`. */
export interface Target extends Row {
  /** Which of our engines. */
  readonly engine: 'simd' | 'portable';
  readonly peer: string;
  readonly atLeast: number;
  /** Where node:crypto costs what it does there. */
  readonly nodeMajor?: number;
}

export const TARGETS: readonly Target[] = [
  ...seal('simd', 'node:crypto', { 20: 10, 160: 5.2, 500: 2.2, 1200: 1.45 }, 20),
  ...seal('simd', 'node:crypto', { 20: 55, 160: 22, 500: 9, 1200: 5.4 }, 24),
  ...seal('simd', '@noble/ciphers', { 160: 22, 1200: 10 }),
  ...seal('portable', 'node:crypto', { 160: 2.9, 1200: 0.6 }, 20),
  ...seal('portable', '@noble/ciphers', { 160: 9 }),
  { cipher: 'sm4-ecb', operation: 'seal', bytes: 1200, engine: 'portable', peer: 'sm-crypto', atLeast: 3 },
];

/** AES-128 sealing: the least ratio for each length. */
function seal(
  engine: Target['engine'],
  peer: string,
  ratios: Readonly<Record<number, number>>,
  nodeMajor?: number,
): Target[] {
  return Object.entries(ratios).map(([bytes, atLeast]) => {
    const target = { cipher: 'aes-128-gcm', operation: 'seal', bytes: Number(bytes), engine, peer, atLeast } as const;
    return nodeMajor === undefined ? target : { ...target, nodeMajor };
  });
}
