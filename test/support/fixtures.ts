/** The vector files in fixtures/, typed; fixtures/README.md says what each field means. */
import { readFileSync } from 'node:fs';
import { statusName } from '../../src/status.js';

interface Named {
  readonly id: string;
  /** `ok` (the default), or the name of a status. */
  readonly expect?: string;
}

export interface AesBlockCase extends Named {
  readonly kind: 'aes-block';
  readonly key: string;
  readonly plaintext: string;
  readonly ciphertext: string;
}

export interface GcmCase extends Named {
  readonly kind: 'gcm';
  readonly key: string;
  readonly nonce: string;
  readonly aad: string;
  readonly plaintext?: string;
  readonly ciphertext: string;
  readonly tag: string;
}

export interface HkdfCase extends Named {
  readonly kind: 'hkdf';
  readonly hash: 'SHA-256' | 'SHA-512';
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly length: number;
  readonly prk: string;
  readonly okm: string;
}

export interface Sm4EcbCase extends Named {
  readonly kind: 'sm4-ecb';
  readonly key: string;
  readonly plaintext: string;
  readonly ciphertext: string;
  readonly padding: 'none' | 'pkcs7';
  readonly iterations?: number;
}

export interface SframeHeaderCase extends Named {
  readonly kind: 'sframe-header';
  readonly kid: string;
  readonly ctr: string;
  readonly encoded: string;
}

export interface SframeCase extends Named {
  readonly kind: 'sframe';
  readonly suite: number;
  readonly kid: string;
  readonly ctr: string;
  readonly baseKey: string;
  readonly secret: string;
  readonly frameKey: string;
  readonly frameSalt: string;
  readonly metadata: string;
  readonly nonce: string;
  readonly aad: string;
  readonly plaintext: string;
  readonly sealed: string;
}

export interface ChannelCase extends Named {
  readonly kind: 'channel';
  readonly config: {
    readonly encryptionMode: string;
    readonly encryptionKey: string;
    readonly encryptionKdfSalt?: string;
    readonly keyId?: number;
  };
  readonly options: {
    readonly framing: 'rtp' | 'frame';
    readonly bindHeader: boolean;
    readonly replayWindow?: number;
  };
  readonly kid?: string;
  readonly ctr?: string;
  readonly prk?: string;
  readonly baseKey?: string;
  readonly secret?: string;
  readonly frameKey?: string;
  readonly frameSalt?: string;
  readonly key16?: string;
  readonly nonce?: string;
  readonly aad?: string;
  readonly fingerprint: string;
  readonly input?: string;
  readonly sealed?: string;
  readonly output?: string;
  readonly before?: readonly string[];
  readonly outLength?: number;
  readonly loopback?: boolean;
}

export type Case = AesBlockCase | GcmCase | HkdfCase | Sm4EcbCase | SframeHeaderCase | SframeCase | ChannelCase;

export interface FixtureFile {
  readonly format: string;
  readonly title: string;
  readonly source: string;
  readonly cases: readonly Case[];
}

export const fixturesFolder = new URL('../../fixtures/', import.meta.url);

/** The vector file of this name. Throws where it is of another format. */
export function loadFixture(name: string): FixtureFile {
  const file = JSON.parse(readFileSync(new URL(name, fixturesFolder), 'utf8')) as FixtureFile;
  if (file.format !== 'frameseal-vectors/1') throw new Error(`${name} has the format ${file.format}`);
  return file;
}

/** A result in the words of `expect`. */
export function outcome(result: number): string {
  return result < 0 ? statusName(result) : 'ok';
}

/** Bytes of lower-case hex digits; throws for anything else, where Buffer.from would cut the text short. */
export function hex(text: string): Buffer {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new Error(`not lower-case hex: ${text}`);
  return Buffer.from(text, 'hex');
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/** The two signed halves of a 64-bit number. */
export function halves(value: bigint): [high: number, low: number] {
  return [Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value))];
}

/** Eight bytes, big-endian. */
export function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
