/**
 * Session keys (RFC 3711 section 4.3, RFC 6188, RFC 7714 section 11): derived from a master key once, with AES alone.
 *
 *     x       = (master salt || 0x0000) with the label XORed into its byte 7
 *     PRF(n)  = AES(master key, x || u16 0) || AES(master key, x || u16 1) ... , n bytes
 *     labels    SRTP: key 0, salt 2.   SRTCP: key 3, salt 5.
 *
 * and the nonce of a packet, of both kinds: (0x0000 || SSRC || u48 index) XOR session salt. An index of SRTP is ROC || SEQ.
 * A nonce depends on nothing else, so that an index must be protected once only (streams.ts).
 */
import { load32, secretBytes, store32 } from '../bytes.js';
import type { Engine, FrameJob, GcmKey } from '../engine/engine.js';
import { type ParsedKeys, SALT_BYTES } from './keys.js';

const SRTP_LABELS = { key: 0, salt: 2 } as const;
const SRTCP_LABELS = { key: 3, salt: 5 } as const;

const BLOCK_BYTES = 16;
const LABEL_AT = 7;
const TWO_TO_32 = 0x100000000;

/** A session key with its salt, ready for packets of one kind in one direction. */
export class Session {
  readonly key: GcmKey;
  /** The salt as words: big-endian, in memory that does not move. */
  readonly #salt = new Int32Array(secretBytes(SALT_BYTES).buffer);

  constructor(engine: Engine, keyBytes: 16 | 32) {
    this.key = engine.createGcmKey(keyBytes);
  }

  /** Takes a session key and its salt; neither array is kept. Where it throws, there is no key. */
  set({ key, salt }: ParsedKeys): void {
    for (let i = 0; i < 3; i++) this.#salt[i] = load32(salt, 4 * i);
    this.key.setKey(key);
  }

  /** The job's key, and its nonce. `ssrc` is a signed word, `index` below 2^48. */
  take(job: FrameJob, ssrc: number, index: number): void {
    const { nonce } = job;
    const salt = this.#salt;
    store32(nonce, 0, salt[0]! ^ (ssrc >>> 16));
    store32(nonce, 4, salt[1]! ^ (ssrc << 16) ^ (index / TWO_TO_32));
    store32(nonce, 8, salt[2]! ^ index);
    job.key = this.key;
  }

  wipe(): void {
    this.#salt.fill(0);
    this.key.wipe();
  }
}

/** Derives the keys of both sessions. Where it throws, the caller wipes them. */
export function deriveSessions(engine: Engine, { key, salt }: ParsedKeys, srtp: Session, srtcp: Session): void {
  const keyBytes = key.length as 16 | 32;
  const master = engine.createGcmKey(keyBytes);
  const derived = { key: secretBytes(keyBytes), salt: secretBytes(SALT_BYTES) };
  const scratch = secretBytes(2 * BLOCK_BYTES);
  try {
    master.setKey(key);
    for (const [session, labels] of [
      [srtp, SRTP_LABELS],
      [srtcp, SRTCP_LABELS],
    ] as const) {
      for (const part of ['key', 'salt'] as const) derive(master, salt, labels[part], derived[part], scratch);
      session.set(derived);
    }
  } finally {
    derived.key.fill(0);
    derived.salt.fill(0);
    scratch.fill(0);
    master.wipe();
  }
}

/** out = PRF(out.length) of a label; `scratch` is 32 bytes, for the caller to wipe. */
export function derive(master: GcmKey, salt: Uint8Array, label: number, out: Uint8Array, scratch: Uint8Array): void {
  const [x, block] = [scratch.subarray(0, BLOCK_BYTES), scratch.subarray(BLOCK_BYTES)];
  x.fill(0);
  x.set(salt);
  x[LABEL_AT]! ^= label;
  for (let at = 0; at < out.length; at += BLOCK_BYTES) {
    x[BLOCK_BYTES - 1] = at / BLOCK_BYTES;
    master.encryptBlock(x, block);
    out.set(block.subarray(0, Math.min(BLOCK_BYTES, out.length - at)), at);
  }
}
