/**
 * What the tests of the channel share: configurations, packets, channels whose sessions are chosen, and a sender by the
 * second implementation.
 */
import { expect } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../src/channel/channel.js';
import type { EncryptionConfig, KnownMode } from '../../src/channel/config.js';
import type { SessionSource } from '../../src/channel/keyring.js';
import type { GcmMode } from '../../src/channel/keys.js';
import type { Opener } from '../../src/channel/opener.js';
import type { ChannelOptions } from '../../src/channel/options.js';
import type { Sealer } from '../../src/channel/sealer.js';
import { concat } from './arrays.js';
import { sample } from './engines.js';
import { toHex, u64 } from './fixtures.js';
import { keySchedule } from './key-schedule.js';
import { encryptFrame } from './second/format.mjs';
import { encodeHeader } from './second/headers.mjs';

export const GCM_MODES: readonly GcmMode[] = ['AES_128_GCM2', 'AES_256_GCM2'];
export const MODES: readonly KnownMode[] = [...GCM_MODES, 'SM4_128_ECB'];

/** Bytes that look random and are the same in every run. */
export function bytes(length: number, seed = 1): Uint8Array {
  return new Uint8Array(sample(`channel ${seed}`, length));
}

/** Fails unless both hold the same bytes, in arrays of any kind. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) !== 0) expect(toHex(actual)).toBe(toHex(expected));
}

/** A configuration; keys of different seeds differ. */
export function config(mode: KnownMode, keyId = 0, seed = keyId): EncryptionConfig {
  const encryptionKey = bytes(32, 100 + seed);
  if (mode === 'SM4_128_ECB') return { encryptionMode: mode, encryptionKey };
  return { encryptionMode: mode, encryptionKey, encryptionKdfSalt: bytes(32, 200 + seed), keyId };
}

/** A session to come: of the KID the lower 60 bits count, the keyId is the channel's. */
export interface Session {
  readonly kid: bigint;
  readonly ctr?: number;
}

/** Gives these sessions one after the other, then throws. */
export function sessions(...list: readonly Session[]): SessionSource {
  let next = 0;
  return (words) => {
    const session = list[next++];
    if (session === undefined) throw new Error('no session is left');
    words[0] = Number((session.kid >> 28n) & 0xffff_fff0n);
    words[1] = Number(session.kid & 0xffff_ffffn);
    return session.ctr ?? 0;
  };
}

export const KID = 0x01a1_b2c3_d4e5_f607n;

/** Sessions without end: KID, KID + 1, ... */
export function countedSessions(first = KID): SessionSource {
  let kid = first;
  return (words) => sessions({ kid: kid++ })(words);
}

/** The KID as `senderId` shows it. */
export function kidText(kid: bigint): string {
  return kid.toString(16).padStart(16, '0');
}

export interface Pair {
  readonly sending: Channel;
  readonly receiving: Channel;
  readonly sealer: Sealer;
  readonly opener: Opener;
}

/** Two channels of one configuration, a sealer of the one and an opener of the other. */
export function pair(settings: EncryptionConfig, options: ChannelOptions = {}, source = countedSessions()): Pair {
  const sending = enableEncryptionWith(settings, options, source);
  const receiving = enableEncryptionWith(settings, options, countedSessions(0x0fff_0000_0000_0000n));
  return { sending, receiving, sealer: sending.createSealer(), opener: receiving.createOpener() };
}

export interface RtpFields {
  readonly csrcs?: number;
  /** 32-bit words of header extension; 0 is one without words. */
  readonly extension?: number;
  /** Bytes of padding after the payload, their number in the last; 0 leaves P unset. */
  readonly padding?: number;
  readonly sequence?: number;
}

/** An RTP packet: 12 bytes of header, and what the fields ask for. */
export function rtp(
  payload: Uint8Array,
  { csrcs = 0, extension, padding = 0, sequence = 1 }: RtpFields = {},
): Uint8Array {
  const first = 0x80 | (padding > 0 ? 0x20 : 0) | (extension === undefined ? 0 : 0x10) | csrcs;
  const header = [first, 111, sequence >>> 8, sequence & 0xff, 0, 0, 0x0f, 0xa0, 0xde, 0xad, 0xbe, 0xef];
  for (let i = 0; i < csrcs; i++) header.push(0, 0, 0, i + 1);
  if (extension !== undefined) header.push(0xbe, 0xde, extension >>> 8, extension & 0xff);
  const words = bytes(4 * (extension ?? 0), 9);
  const tail = padding > 0 ? [...new Uint8Array(padding - 1), padding] : [];
  return Uint8Array.from([...header, ...words, ...payload, ...tail]);
}

/** A copy with some bits of one byte flipped; a negative index counts from the end. */
export function flipped(packet: Uint8Array, at: number, mask = 1): Uint8Array {
  const copy = packet.slice();
  copy[at < 0 ? copy.length + at : at]! ^= mask;
  return copy;
}

/** Any other sender: gives SFrame ciphertexts by the second implementation. */
export function referenceSender(settings: EncryptionConfig, kid: bigint) {
  const { encryptionMode, encryptionKey: key, encryptionKdfSalt: salt } = settings;
  const mode = `${encryptionMode}`;
  const keys = keySchedule(mode, key as Uint8Array, salt as Uint8Array, u64(kid));
  return (ctr: bigint, payload: Uint8Array, metadata: Uint8Array = new Uint8Array(0)): Uint8Array =>
    concat(encryptFrame({ mode, ...keys }, ctr, encodeHeader(kid, ctr), metadata, payload).frame);
}

/** One frame of a `referenceSender`. */
export function referenceSeal(
  settings: EncryptionConfig,
  kid: bigint,
  ctr: bigint,
  payload: Uint8Array,
  metadata?: Uint8Array,
): Uint8Array {
  return referenceSender(settings, kid)(ctr, payload, metadata);
}
