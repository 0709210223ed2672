/**
 * Genuine frames of senders with any KID and any counter, which the library's own sealers would never use, put together
 * here from the key schedule and the bare ciphers (FORMAT.md sections 2 to 5).
 */
import { concat } from '../../../support/arrays.js';
import { writeSframeHeader } from '../../../support/sframe.js';
import type { Code } from '../code.js';
import type { Reader } from '../reader.js';
import { rtpVerdict } from './rtp.js';

const MODES = ['AES_128_GCM2', 'AES_256_GCM2', 'SM4_128_ECB'] as const;
const TAG_BYTES = 16;
const MOST_BYTES = 65_535 + 128;

/** The setup of a channel. */
export interface Setup {
  readonly mode: (typeof MODES)[number];
  readonly framing: 'rtp' | 'frame';
  readonly bindHeader: boolean;
  readonly keyId: number;
  readonly replayWindow: number;
  readonly maxSenders: number;
  readonly rtcp: 'sealed' | 'clear';
  /** Clear bytes of every frame. */
  readonly clear: number;
}

export function setupOf(reader: Reader): Setup {
  return {
    mode: MODES[reader.pick([0, 1, 0, 1, 2])]!,
    framing: reader.pick(['rtp', 'frame'] as const),
    bindHeader: reader.below(4) !== 3,
    keyId: reader.pick([0, 3]),
    replayWindow: reader.pick([64, 1024]),
    maxSenders: reader.pick([1024, 1, 3]),
    rtcp: reader.pick(['sealed', 'clear'] as const),
    clear: reader.pick([0, 0, 1, 5, 40, 200]),
  };
}

const KEY = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1);
const SALT = Uint8Array.from({ length: 32 }, (_, i) => 11 * i + 5);

export function configOf({ mode, keyId }: Setup): import('../../../../dist/index.js').EncryptionConfig {
  if (mode === 'SM4_128_ECB') return { encryptionMode: mode, encryptionKey: KEY };
  return { encryptionMode: mode, encryptionKey: KEY, encryptionKdfSalt: SALT, keyId };
}

interface SenderKeys {
  readonly cipher: InstanceType<Code['aead']['AesGcm']>;
  readonly salt: Uint8Array;
}

/** Senders in channels of one mode; they keep their keys, which depend on the KID alone. */
class Mode {
  readonly #code: Code;
  readonly #schedule: InstanceType<Code['keys']['KeySchedule']> | undefined;
  readonly #sm4: InstanceType<Code['aead']['Sm4Ecb']>;
  readonly #keys = new Map<bigint, SenderKeys>();

  constructor(code: Code, mode: Setup['mode']) {
    this.#code = code;
    if (mode !== 'SM4_128_ECB') this.#schedule = new code.keys.KeySchedule(mode, KEY, SALT);
    const key = code.sm4.sm4Key({ mode, key: KEY, salt: new Uint8Array(0), keyId: 0, context: '' });
    this.#sm4 = new code.aead.Sm4Ecb(key, { engine: 'portable' });
  }

  sealSm4(payload: Uint8Array): Uint8Array {
    const out = new Uint8Array(payload.length + TAG_BYTES);
    return out.subarray(0, this.#sm4.encrypt(payload, out));
  }

  /** An SFrame ciphertext. */
  seal(kid: bigint, ctr: bigint, metadata: Uint8Array, payload: Uint8Array): Uint8Array {
    const { cipher, salt } = this.#keysOf(kid);
    const nonce = salt.slice();
    for (let i = 0; i < 8; i++) nonce[11 - i]! ^= Number((ctr >> BigInt(8 * i)) & 0xffn);
    const header = writeSframeHeader(kid, ctr);
    const out = new Uint8Array(header.length + payload.length + TAG_BYTES);
    out.set(header);
    cipher.seal(nonce, concat(header, metadata), payload, out.subarray(header.length));
    return out;
  }

  #keysOf(kid: bigint): SenderKeys {
    let keys = this.#keys.get(kid);
    if (keys === undefined) {
      const schedule = this.#schedule!;
      const derived = new this.#code.keys.DerivedKeys(schedule.keyBytes);
      schedule.deriveInto(derived, Number(BigInt.asIntN(32, kid >> 32n)), Number(BigInt.asIntN(32, kid)));
      keys = { cipher: new this.#code.aead.AesGcm(derived.key, { engine: 'portable' }), salt: derived.salt };
      this.#keys.set(kid, keys);
    }
    return keys;
  }
}

/** A frame that a sender made. */
export interface Genuine {
  readonly bytes: Uint8Array;
  readonly kid: bigint;
  readonly ctr: bigint;
  /** The opened frame: clear header and payload. */
  readonly opened: Uint8Array;
}

/** Makes frames for channels of any setup. */
export class Senders {
  readonly #modes = new Map<string, Mode>();
  readonly #code: Code;

  constructor(code: Code) {
    this.#code = code;
  }

  seal(
    { mode, framing, bindHeader, clear: clearBytes }: Setup,
    kid: bigint,
    ctr: bigint,
    clear: Uint8Array,
    payload: Uint8Array,
  ): Genuine {
    const made = this.#modes.get(mode) ?? new Mode(this.#code, mode);
    this.#modes.set(mode, made);
    const header = framing === 'rtp' ? clear : clear.subarray(0, 0);
    const shown = new Uint8Array(isRtcp(header) ? 0 : clearBytes).fill(clear[0]!);
    const mark = isRtcp(header) ? 1 : header[0]! & 0x20;
    const metadata = bindHeader || framing === 'frame' ? concat(header, shown) : concat([mark], shown);
    const inClear = concat(header, shown);
    const sealed = mode === 'SM4_128_ECB' ? made.sealSm4(payload) : made.seal(kid, ctr, metadata, payload);
    const count = mode !== 'SM4_128_ECB' && header.length > 8 && mark === 0x20 ? [1] : [];
    return { bytes: concat(inClear, sealed, count), kid, ctr, opened: concat(inClear, payload) };
  }
}

const isRtcp = (header: Uint8Array) => header.length > 1 && header[1]! >= 192 && header[1]! <= 223;

/** How many bytes of a frame that no rule refuses stay in the clear; undefined for others. */
export function clearLength({ framing, rtcp, clear }: Setup, bytes: Uint8Array): number | undefined {
  const header = framing === 'rtp' ? rtpVerdict(bytes, rtcp) : 0;
  if (typeof header !== 'number') return undefined;
  const length = header + (framing === 'rtp' && isRtcp(bytes) ? 0 : clear);
  return length <= bytes.length ? length : undefined;
}

/** The part of a frame that must stay unchanged: all of it, or, with headers unbound, the mark and what follows the header. */
export function boundPart(setup: Setup, bytes: Uint8Array): Uint8Array {
  const { framing, bindHeader, rtcp } = setup;
  if (framing === 'frame' || bindHeader || clearLength(setup, bytes) === undefined) return bytes;
  return concat([isRtcp(bytes) ? 1 : bytes[0]! & 0x20], bytes.subarray(rtpVerdict(bytes, rtcp) as number));
}

/** A header as the input wants it: of RTP, or of RTCP where that is sealed. */
export function anyHeaderOf({ mode, framing, rtcp }: Setup, reader: Reader): Uint8Array {
  const header = clearHeaderOf(reader);
  if (framing === 'frame' || rtcp === 'clear' || mode === 'SM4_128_ECB' || (header[4]! & 0x90) !== 0x90) return header;
  return concat([0x80 | (header[4]! & 0x3f), 192 | (header[4]! & 0x1f)], header.subarray(2, 8));
}

/** An RTP header as the input wants it. */
export function clearHeaderOf(reader: Reader): Uint8Array {
  const shape = reader.byte();
  const csrcs = (shape & 3) === 3 ? reader.below(16) : 0;
  const words = (shape & 12) === 12 ? reader.pick([0, 1, 2, 30, 300]) : undefined;
  const header = new Uint8Array(12 + 4 * csrcs + (words === undefined ? 0 : 4 + 4 * words));
  header.fill(shape);
  header[0] = 0x80 | csrcs | (words === undefined ? 0 : 0x10) | (shape & 0x20);
  header[1] = 111;
  if (words !== undefined) header.set([words >>> 8, words], 14 + 4 * csrcs);
  return header;
}

/** A payload: most often short, sometimes at one of the engine's edges. */
export function payloadOf(reader: Reader): Uint8Array {
  const kind = reader.below(16);
  let length = reader.byte();
  if (kind < 11) length &= 63;
  else if (kind === 14) length += 1100;
  else if (kind === 15) length += reader.pick([1560, 1700, 16_260, 32_600, 65_300, MOST_BYTES - 256]);
  return new Uint8Array(length).fill(length & 31);
}
