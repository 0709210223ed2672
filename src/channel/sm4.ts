/** The legacy mode (FORMAT.md section 5): PKCS#7 and SM4-ECB over the payload. The key belongs to the channel. */
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { secretBytes } from '../bytes.js';
import type { FrameJob, Sm4Key } from '../engine/engine.js';
import { paddedLength } from '../engine/pkcs7.js';
import type { Frame } from '../frames/pipeline.js';
import { BAD_TAG, MALFORMED, NO_ROOM } from '../status.js';
import type { ParsedConfig } from './config.js';
import { fingerprintText } from './keys.js';
import { type Layout, SM4_OVERHEAD } from './layout.js';
import type { OpenProtocol } from './opener.js';
import type { SealProtocol } from './sealer.js';
import type { Sender } from './senders.js';

const encoder = new TextEncoder();

/** The 16-byte key: the configured one, or derived from 32 bytes. A new array. */
export function sm4Key(config: ParsedConfig): Uint8Array {
  const key = secretBytes(16);
  if (config.key.length === 16) {
    key.set(config.key);
    return key;
  }
  const prk = extract(sha256, config.key);
  const made = expand(sha256, prk, encoder.encode('frameseal/1 SM4_128_ECB key'), 16);
  key.set(made);
  made.fill(0);
  prk.fill(0);
  return key;
}

/** The fingerprint of a 16-byte key. */
export function sm4Fingerprint(key: Uint8Array): string {
  const prk = extract(sha256, key);
  const bytes = expand(sha256, prk, encoder.encode('frameseal/1 SM4_128_ECB fingerprint'), 8);
  prk.fill(0);
  return fingerprintText(bytes);
}

/** Fills in the job of a frame that was measured: 0, or MALFORMED. There is no tag that a padding count could follow. */
function fillJob(frame: Frame<unknown>, layout: Layout): number {
  const { length, clearLength, job } = frame;
  if (layout.takeHeader(frame, 0) < 0) return MALFORMED;
  job.headLength = clearLength;
  job.inputAt = clearLength;
  job.length = length - clearLength;
  job.outputAt = clearLength;
  return 0;
}

export class Sm4Sealing implements SealProtocol {
  readonly maxBytes: number;
  readonly growth: number = SM4_OVERHEAD;
  readonly senderId: string = '';
  readonly #key: Sm4Key;
  readonly #layout: Layout;

  constructor(key: Sm4Key, layout: Layout) {
    this.#key = key;
    this.#layout = layout;
    this.maxBytes = layout.maxBytes;
  }

  prepare(frame: Frame<undefined>): number {
    const measured = this.#layout.measure(frame);
    if (measured < 0) return measured;
    const { length, clearLength } = frame;
    if (frame.room < clearLength + paddedLength(length - clearLength)) return NO_ROOM;
    return fillJob(frame, this.#layout);
  }

  crypt(jobs: readonly FrameJob[], count: number): void {
    if (count === 1) this.#key.encrypt(jobs[0]!);
    else this.#key.encryptAll(jobs, count);
  }

  finish({ job }: Frame<undefined>): number {
    return job.headLength + job.written;
  }

  settle(): void {}

  wipe(): void {}
}

export class Sm4Opening implements OpenProtocol {
  readonly maxBytes: number;
  readonly growth: number = 0;
  readonly lastSenderId: string = '';
  readonly senders: number = 0;
  readonly #key: Sm4Key;
  readonly #layout: Layout;

  constructor(key: Sm4Key, layout: Layout) {
    this.#key = key;
    this.#layout = layout;
    this.maxBytes = layout.maxBytes + SM4_OVERHEAD;
  }

  prepare(frame: Frame<Sender>): number {
    const measured = this.#layout.measure(frame);
    if (measured < 0) return measured;
    if (frame.length === 0) return MALFORMED;
    if (frame.room < frame.length) return NO_ROOM;
    return fillJob(frame, this.#layout);
  }

  crypt(jobs: readonly FrameJob[], count: number): void {
    if (count === 1) this.#key.decrypt(jobs[0]!);
    else this.#key.decryptAll(jobs, count);
  }

  finish({ job }: Frame<Sender>): number {
    return job.written < 0 ? BAD_TAG : job.headLength + job.written;
  }

  settle(): void {}

  wipe(): void {}
}
