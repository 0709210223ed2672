/**
 * The cases that `verifyVectors` runs: the project's schema (fixtures/README.md), into which the readers translate others.
 *
 * Bytes are hex, 64-bit integers are decimal strings. `expect` is a status's name; default: 'ok'.
 */
import type { SrtpSuite } from '../srtp/keys.js';

export const FORMAT = 'frameseal-vectors/1';

interface CaseBase {
  /** The name of the case, unique in its file. */
  readonly id: string;
  /** `'ok'` (the default), or the name of the status that opening gives: `'BAD_TAG'`, ... */
  readonly expect?: string;
}

/** AES-GCM with a 96-bit nonce and a 128-bit tag; bytes are hex. `expect`: ok or BAD_TAG. */
export interface GcmCase extends CaseBase {
  /** The kind of the case. */
  readonly kind: 'gcm';
  /** 16 or 32 bytes. */
  readonly key: string;
  /** 12 bytes. */
  readonly nonce: string;
  /** Additional authenticated data. */
  readonly aad: string;
  /** Absent where the case is only opened, and refused. */
  readonly plaintext?: string;
  /** As long as the plaintext. */
  readonly ciphertext: string;
  /** 16 bytes. */
  readonly tag: string;
}

/** HKDF (RFC 5869), extract and expand; bytes are hex. */
export interface HkdfCase extends CaseBase {
  /** The kind of the case. */
  readonly kind: 'hkdf';
  /** The hash function of HMAC. */
  readonly hash: 'SHA-256' | 'SHA-512';
  /** Input keying material. */
  readonly ikm: string;
  /** Salt of HKDF-Extract. */
  readonly salt: string;
  /** Info of HKDF-Expand. */
  readonly info: string;
  /** Bytes of `okm`. */
  readonly length: number;
  /** Result of HKDF-Extract. */
  readonly prk?: string;
  /** Absent where `length` exceeds the maximum of HKDF; `expect` is then TOO_LARGE. */
  readonly okm?: string;
}

/** SM4 in ECB mode (GB/T 32907); bytes are hex. */
export interface Sm4Case extends CaseBase {
  /** The kind of the case. */
  readonly kind: 'sm4-ecb';
  /** 16 bytes. */
  readonly key: string;
  /** Whole blocks of 16 bytes where `padding` is none. */
  readonly plaintext: string;
  /** The plaintext, padded and encrypted. */
  readonly ciphertext: string;
  /** `none` for whole blocks, `pkcs7` for any length. */
  readonly padding: 'none' | 'pkcs7';
  /** Encryptions, each of the previous result; default 1. */
  readonly iterations?: number;
}

/** The header of an SFrame ciphertext (RFC 9605 section 4.3); 64-bit integers are decimal strings. */
export interface SframeHeaderCase extends CaseBase {
  /** The kind of the case. */
  readonly kind: 'sframe-header';
  /** Key id. */
  readonly kid: string;
  /** Counter. */
  readonly ctr: string;
  /** The header alone. */
  readonly encoded: string;
}

/** An SFrame ciphertext from a base key (RFC 9605 section 4.4); bytes are hex, 64-bit integers decimal strings. */
export interface SframeCase extends CaseBase {
  /** The kind of the case. */
  readonly kind: 'sframe';
  /** Cipher suite: 4 (AES_128_GCM_SHA256_128) or 5 (AES_256_GCM_SHA512_128). */
  readonly suite: number;
  /** Key id. */
  readonly kid: string;
  /** Counter. */
  readonly ctr: string;
  /** The base key, of any length. */
  readonly baseKey: string;
  /** `sframe_key` of RFC 9605 section 4.4.2. */
  readonly frameKey: string;
  /** `sframe_salt` of RFC 9605 section 4.4.2. */
  readonly frameSalt: string;
  /** Authenticated beside the header. */
  readonly metadata: string;
  /** The frame. */
  readonly plaintext: string;
  /** Header, ciphertext and tag. */
  readonly sealed: string;
}

/** A frame of a channel (FORMAT.md): with `input` it is sealed, with `sealed` opened; with `input` alone the sealer refuses it. */
export interface ChannelCase extends CaseBase {
  /** The kind of the case. */
  readonly kind: 'channel';
  /** The argument of `enableEncryption`. */
  readonly config: {
    /** Name of the mode. */
    readonly encryptionMode: string;
    /** 64 or 32 hex digits. */
    readonly encryptionKey: string;
    /** Base64 of 32 bytes. */
    readonly encryptionKdfSalt?: string;
    /** 0 to 15. */
    readonly keyId?: number;
    /** Context of the keys. */
    readonly context?: string;
  };
  /** Options of the channel. */
  readonly options?: {
    /** Default `'rtp'`. */
    readonly framing?: 'rtp' | 'frame';
    /** Default true. */
    readonly bindHeader?: boolean;
    /** Default `'sealed'`. */
    readonly rtcp?: 'sealed' | 'clear';
    /** Default 1,024. */
    readonly replayWindow?: number;
  };
  /** KID of the frame. */
  readonly kid?: string;
  /** Counter of the frame. */
  readonly ctr?: string;
  /** The channel's, in printed form. */
  readonly fingerprint?: string;
  /** FORMAT.md section 2. */
  readonly prk?: string;
  /** FORMAT.md section 2. */
  readonly baseKey?: string;
  /** FORMAT.md section 2. */
  readonly secret?: string;
  /** FORMAT.md section 2. */
  readonly frameKey?: string;
  /** FORMAT.md section 2. */
  readonly frameSalt?: string;
  /** Key of SM4 mode (FORMAT.md section 5). */
  readonly key16?: string;
  /** Bytes of the payload that stay in the clear; default 0. */
  readonly clear?: number;
  /** The frame to seal. */
  readonly input?: string;
  /** The result of sealing, and the input of opening. */
  readonly sealed?: string;
  /** The result of opening, where that is not `input`. */
  readonly output?: string;
  /** Frames that the opener opens first, forged ones among them. */
  readonly before?: readonly string[];
  /** Length of the output array in bytes; default: long enough. */
  readonly outLength?: number;
  /** false: the opener belongs to the channel whose sealer has this `kid`, and refuses its frames. */
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
  /** The kind of the case. */
  readonly kind: 'srtp';
  /** SRTP or SRTCP. */
  readonly packet: 'rtp' | 'rtcp';
  /** The suite. */
  readonly suite: SrtpSuite;
  /** 16 or 32 bytes. */
  readonly sessionKey: string;
  /** 12 bytes. */
  readonly sessionSalt: string;
  /** Of RTP: the ROC; default 0. */
  readonly roc?: number;
  /** Of RTCP: the SRTCP index to protect with. */
  readonly index?: number;
  /** The packet to protect. */
  readonly input?: string;
  /** The result of protecting, and the input of unprotecting. */
  readonly protected: string;
}

/** A bare block of AES. Engines offer none, so that `verifyVectors` and `readVectors` count these cases as out of scope. */
export interface BlockCase extends CaseBase {
  /** The kind of the case. */
  readonly kind: 'aes-block';
}

/** A case of a file: `kind` tells which. */
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

/** A file of vectors, in the project's schema. */
export interface VectorFile {
  /** The file's own format, for people. */
  readonly format: string;
  /** The file's title. */
  readonly title: string;
  /** The cases that are in scope. */
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
  /** `'VectorFormatError'`. */
  override readonly name = 'VectorFormatError';
}
