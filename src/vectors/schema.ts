/**
 * The cases that `verifyVectors` runs: our own schema (fixtures/README.md), into which the readers translate others.
 *
 * Bytes are hex, 64-bit integers are decimal strings. `expect` is a status's name; left out, it is 'ok'.
 */
import type { SrtpSuite } from '../srtp/keys.js';

export const FORMAT = 'frameseal-vectors/1';

interface CaseBase {
  readonly id: string;
  readonly expect?: string;
}

/** AES-GCM, 96-bit nonce, 128-bit tag; `expect`: ok or BAD_TAG. */
export interface GcmCase extends CaseBase {
  readonly kind: 'gcm';
  readonly key: string;
  readonly nonce: string;
  readonly aad: string;
  /** Left out where only opening is meant, and it fails. */
  readonly plaintext?: string;
  readonly ciphertext: string;
  readonly tag: string;
}

export interface HkdfCase extends CaseBase {
  readonly kind: 'hkdf';
  readonly hash: 'SHA-256' | 'SHA-512';
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly length: number;
  readonly prk?: string;
  /** Left out where the length is more than HKDF gives, and `expect` is not ok. */
  readonly okm?: string;
}

export interface Sm4Case extends CaseBase {
  readonly kind: 'sm4-ecb';
  readonly key: string;
  readonly plaintext: string;
  readonly ciphertext: string;
  readonly padding: 'none' | 'pkcs7';
  readonly iterations?: number;
}

export interface SframeHeaderCase extends CaseBase {
  readonly kind: 'sframe-header';
  readonly kid: string;
  readonly ctr: string;
  readonly encoded: string;
}

/** RFC 9605 from a base key. */
export interface SframeCase extends CaseBase {
  readonly kind: 'sframe';
  readonly suite: number;
  readonly kid: string;
  readonly ctr: string;
  readonly baseKey: string;
  readonly frameKey: string;
  readonly frameSalt: string;
  readonly metadata: string;
  readonly plaintext: string;
  readonly sealed: string;
}

/** A frame of a channel: `input` alone is refused by the sealer, `sealed` alone is for the opener, both are both. */
export interface ChannelCase extends CaseBase {
  readonly kind: 'channel';
  readonly config: {
    readonly encryptionMode: string;
    readonly encryptionKey: string;
    readonly encryptionKdfSalt?: string;
    readonly keyId?: number;
    readonly context?: string;
  };
  readonly options?: {
    readonly framing?: 'rtp' | 'frame';
    readonly bindHeader?: boolean;
    readonly rtcp?: 'sealed' | 'clear';
    readonly replayWindow?: number;
  };
  readonly kid?: string;
  readonly ctr?: string;
  readonly fingerprint?: string;
  readonly prk?: string;
  readonly baseKey?: string;
  readonly secret?: string;
  readonly frameKey?: string;
  readonly frameSalt?: string;
  readonly key16?: string;
  /** How many bytes of the payload are in the clear; left out, it is 0. */
  readonly clear?: number;
  readonly input?: string;
  readonly sealed?: string;
  /** What opening gives, where it is not `input`. */
  readonly output?: string;
  /** What the opener is given first; forged frames too, which it refuses. */
  readonly before?: readonly string[];
  readonly outLength?: number;
  /** false: the opener refuses this channel's own frames, as openers do. */
  readonly loopback?: boolean;
}

/** What the cases of a channel share. */
type SharedFields = 'config' | 'options' | 'fingerprint' | 'prk' | 'key16';

/** @internal A channel of a file, with what its cases share; their ids are unique within it. */
export interface SharedChannel extends Pick<ChannelCase, SharedFields> {
  readonly name: string;
  readonly cases: readonly Omit<ChannelCase, 'kind' | SharedFields>[];
}

/** @internal The cases of a shared channel, each with all that it needs. */
export function casesOf({ name, cases, ...shared }: SharedChannel): ChannelCase[] {
  return cases.map((test) => ({ ...test, ...shared, id: `${name}: ${test.id}`, kind: 'channel' }));
}

/** An SRTP or SRTCP packet under session keys, as RFC 7714 prints them; without `input` it is only unprotected. */
export interface SrtpCase extends CaseBase {
  readonly kind: 'srtp';
  readonly packet: 'rtp' | 'rtcp';
  readonly suite: SrtpSuite;
  readonly sessionKey: string;
  readonly sessionSalt: string;
  /** RTP: its ROC; 0 where it is left out. */
  readonly roc?: number;
  /** RTCP: the SRTCP index to protect with. */
  readonly index?: number;
  readonly input?: string;
  readonly protected: string;
}

/** A bare AES block: engines offer none, so that these are for tests of one engine's insides. */
interface BlockCase extends CaseBase {
  readonly kind: 'aes-block';
}

export type VectorCase =
  | GcmCase
  | HkdfCase
  | Sm4Case
  | SframeHeaderCase
  | SframeCase
  | ChannelCase
  | SrtpCase
  | BlockCase;

/** Every kind once: the compiler sees to it. */
const KINDS: Readonly<Record<VectorCase['kind'], true>> = {
  gcm: true,
  hkdf: true,
  'sm4-ecb': true,
  'sframe-header': true,
  sframe: true,
  channel: true,
  srtp: true,
  'aes-block': true,
};

/** @internal Whether the kind of a file's case is known. */
export function isKnownKind(kind: unknown): kind is VectorCase['kind'] {
  return typeof kind === 'string' && Object.hasOwn(KINDS, kind);
}

/** What a reader makes of a file. */
export interface VectorFile {
  /** The format's name for people. */
  readonly format: string;
  readonly title: string;
  readonly cases: readonly VectorCase[];
  /** How many cases are out of scope, by reason. */
  readonly outOfScope: Readonly<Record<string, number>>;
}

/** @internal Counts cases that are out of scope. */
export class Scope {
  /** Without a prototype, because a reason may be called like one of its members. */
  readonly counts: Record<string, number> = Object.create(null);

  /** Counts one case for a reason; true, so that a reader can skip it in the same breath. */
  out(reason: string): true {
    this.counts[reason] = (this.counts[reason] ?? 0) + 1;
    return true;
  }
}

/** Thrown for a file that no reader knows, or that breaks its own format. */
export class VectorFormatError extends Error {
  override readonly name = 'VectorFormatError';
}
