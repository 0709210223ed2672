/**
 * The nonces that were used, read from the wire by FORMAT.md section 4 and no code of src/:
 *
 *     config(1) || KID(0..8) || CTR(0..8) || ciphertext || tag          nonce = frame_salt XOR CTR
 *
 * Key and salt come from the channel's key and the KID, so one (KID, CTR) twice under one key is one nonce twice. Frames
 * of one plaintext show it a second way, which needs no header: an equal key and nonce make an equal ciphertext.
 */
import { sframeHeader } from '../support/sframe.js';

/** Counters in a block of the ledger: a block is a bit each. */
const BLOCK_COUNTERS = 1024;
const RTP_HEADER_BYTES = 12;

export interface SframeName {
  /** The key id with its session. */
  readonly kid: bigint;
  readonly ctr: number;
  /** Where the ciphertext begins. */
  readonly end: number;
}

/** KID and CTR of the SFrame header at frame[at, ...). */
export function readName(frame: Uint8Array, at = 0): SframeName {
  const { kid, ctr, length } = sframeHeader(frame, at);
  return { kid, ctr, end: at + length };
}

/** KID and CTR of a sealed RTP packet without CSRCs and extension. */
export function readRtpName(packet: Uint8Array): SframeName {
  return readName(packet, RTP_HEADER_BYTES);
}

/** The used (key, KID, CTR). */
export class Ledger {
  /** Frames noted. */
  frames = 0;
  /** Frames whose name was there before. */
  repeats = 0;
  readonly #blocks = new Map<string, Int32Array>();
  readonly #kids = new Set<string>();

  /** Sessions seen: KIDs, each under its key. */
  get sessions(): number {
    return this.#kids.size;
  }

  /** Records a frame; false where its name was used before. `key` distinguishes channels of different keys. */
  note({ kid, ctr }: SframeName, key = ''): boolean {
    this.frames++;
    this.#kids.add(`${key} ${kid}`);
    const name = `${key} ${kid} ${Math.floor(ctr / BLOCK_COUNTERS)}`;
    let block = this.#blocks.get(name);
    if (block === undefined) {
      block = new Int32Array(BLOCK_COUNTERS / 32);
      this.#blocks.set(name, block);
    }
    const bit = ctr % BLOCK_COUNTERS;
    const isNew = ((block[bit >>> 5]! >>> (bit & 31)) & 1) === 0;
    if (!isNew) this.repeats++;
    block[bit >>> 5]! |= 1 << (bit & 31);
    return isNew;
  }
}
