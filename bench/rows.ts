/** What is measured, as data; and what `--check` holds it to. */
import { randomBytes, randomInt } from 'node:crypto';
import { AesGcm, Sm4Ecb } from 'frameseal/aead';
import { oneByOne, portable, simd } from './peers/frameseal.js';
import { noble } from './peers/noble.js';
import { node } from './peers/node.js';
import type { Peer, Task } from './peers/peer.js';
import { smCrypto } from './peers/sm-crypto.js';
import { webcrypto } from './peers/webcrypto.js';

/** The first is our default: ratios are the others' time over its. */
export const PEERS: readonly Peer[] = [simd, oneByOne, portable, node, webcrypto, noble, smCrypto];

export interface Row {
  readonly cipher: Task['cipher'];
  readonly operation: Task['operation'];
  /** Bytes of a frame; of a batch with frames of all lengths in a range, the longest. */
  readonly bytes: number;
  readonly batch?: Batch;
}

/** Frames of one call. */
interface Batch {
  readonly frames: number;
  /** The shortest, where lengths are drawn from a range, and whether the caller has sorted them. */
  readonly from?: number;
  readonly sorted?: boolean;
}

const GCM_BYTES = [20, 60, 160, 500, 1200, 1400];
const SM4_BYTES = [20, 160, 1200];
const AAD_BYTES = 12;
const GCM_BATCH_BYTES = [20, 160, 1200];
const BATCH_FRAMES = 32;

export const ROWS: readonly Row[] = [
  ...rows('aes-128-gcm', GCM_BYTES),
  ...rows('aes-256-gcm', GCM_BYTES),
  ...rows('sm4-ecb', SM4_BYTES),
  ...GCM_BATCH_BYTES.map((bytes) => batch('aes-128-gcm', bytes, { frames: BATCH_FRAMES })),
  batch('aes-128-gcm', 1200, { frames: BATCH_FRAMES, from: 20 }),
  batch('aes-128-gcm', 1200, { frames: BATCH_FRAMES, from: 20, sorted: true }),
  ...[1, 2, 3, 8].flatMap((frames) => GCM_BATCH_BYTES.map((bytes) => batch('aes-128-gcm', bytes, { frames }))),
  ...[160, 1200].map((bytes) => batch('sm4-ecb', bytes, { frames: BATCH_FRAMES })),
];

function batch(cipher: Task['cipher'], bytes: number, frames: Batch): Row {
  return { cipher, operation: 'seal', bytes, batch: frames };
}

function rows(cipher: Task['cipher'], sizes: readonly number[]): Row[] {
  return (['seal', 'open'] as const).flatMap((operation) => sizes.map((bytes) => ({ cipher, operation, bytes })));
}

export function rowName({ cipher, operation, bytes, batch }: Row): string {
  if (batch === undefined) return `${cipher} ${operation} ${bytes} B`;
  const range = batch.from === undefined ? '' : `${batch.from}..`;
  return `${cipher} ${operation} ${batch.frames} x ${range}${bytes} B${batch.sorted ? ' sorted' : ''}`;
}

/** The frames of a row: one, or those of its batch, under one key. */
export function makeTasks(row: Row): Task[] {
  const key = Uint8Array.from(randomBytes(row.cipher === 'aes-256-gcm' ? 32 : 16));
  const { bytes, batch } = row;
  const shortest = batch?.from ?? bytes;
  const lengths = Array.from({ length: batch?.frames ?? 1 }, () => randomInt(shortest, bytes + 1));
  if (batch?.sorted) lengths.sort((a, b) => a - b);
  return lengths.map((length) => makeTask(row, key, length));
}

/** Random inputs for a frame; what they seal to is made by us, and every peer must agree before it is timed. */
function makeTask({ cipher, operation }: Row, key: Uint8Array, bytes: number): Task {
  const random = (length: number) => Uint8Array.from(randomBytes(length));
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
  { cipher: 'sm4-ecb', operation: 'seal', bytes: 1200, engine: 'simd', peer: 'sm-crypto', atLeast: 9 },
  ...batches(20, { 20: 12, 160: 7.3, 1200: 1.6 }, 2.5),
  ...batches(24, { 20: 75, 160: 31, 1200: 5.8 }, 10),
  ...sm4(20, 2.6, 2.5),
  ...sm4(24, 4, 4),
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

/** Batches of 32 frames to node:crypto: by length, and of mixed ones. */
function batches(nodeMajor: number, ratios: Readonly<Record<number, number>>, mixed: number): Target[] {
  const target = { engine: 'simd', peer: 'node:crypto', nodeMajor } as const;
  const frames = BATCH_FRAMES;
  return [
    ...Object.entries(ratios).map(([bytes, atLeast]) => ({
      ...batch('aes-128-gcm', Number(bytes), { frames }),
      ...target,
      atLeast,
    })),
    ...[false, true].map((sorted) => ({
      ...batch('aes-128-gcm', 1200, { frames, from: 20, ...(sorted ? { sorted } : {}) }),
      ...target,
      atLeast: mixed,
    })),
  ];
}

/** SM4 to node:crypto's cipher that is kept: 1,200 bytes, and batches of 160. */
function sm4(nodeMajor: number, single: number, batched: number): Target[] {
  const target = { engine: 'simd', peer: 'node:crypto', nodeMajor } as const;
  return [
    { cipher: 'sm4-ecb', operation: 'seal', bytes: 1200, ...target, atLeast: single },
    { ...batch('sm4-ecb', 160, { frames: BATCH_FRAMES }), ...target, atLeast: batched },
  ];
}
