/** What the tests of SRTP share: packets, keys, and SRTP once more on node:crypto, written from RFC 3711 and RFC 7714. */
import { createCipheriv } from 'node:crypto';
import type { SrtpKeys, SrtpSuite } from '../../src/srtp/index.js';
import { concat } from './arrays.js';
import { bytes } from './channel.js';

export const SUITES: readonly SrtpSuite[] = ['AEAD_AES_128_GCM', 'AEAD_AES_256_GCM'];

export function keyBytesOf(suite: SrtpSuite): 16 | 32 {
  return suite === 'AEAD_AES_128_GCM' ? 16 : 32;
}

/** Master keys; those of different seeds differ. */
export function srtpKeys(suite: SrtpSuite, seed = 1): SrtpKeys {
  return { suite, masterKey: bytes(keyBytesOf(suite), 600 + seed), masterSalt: bytes(12, 700 + seed) };
}

export const SSRC = 0xdeadbeef;

export interface PacketFields {
  readonly ssrc?: number;
  readonly sequence?: number;
  readonly csrcs?: number;
  /** 32-bit words of header extension. */
  readonly extension?: number;
  /** The second byte: marker and payload type. */
  readonly second?: number;
  readonly padding?: boolean;
}

/** An RTP packet. */
export function rtpPacket(payload: Uint8Array, fields: PacketFields = {}): Uint8Array {
  const { ssrc = SSRC, sequence = 1, csrcs = 0, extension, second = 111, padding = false } = fields;
  const header = Buffer.alloc(12 + 4 * csrcs + (extension === undefined ? 0 : 4 + 4 * extension), 0x5b);
  header[0] = 0x80 | csrcs | (extension === undefined ? 0 : 0x10) | (padding ? 0x20 : 0);
  header[1] = second;
  header.writeUInt16BE(sequence, 2);
  header.writeUInt32BE(sequence * 160, 4);
  header.writeUInt32BE(ssrc, 8);
  if (extension !== undefined) header.writeUInt16BE(extension, 12 + 4 * csrcs + 2);
  return concat(header, payload);
}

/** An RTCP packet with the type of a sender report, and `body` after its SSRC. */
export function rtcpPacket(body: Uint8Array, ssrc: number = SSRC): Uint8Array {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(0x80c80000 + 1 + (body.length >> 2), 0);
  header.writeUInt32BE(ssrc, 4);
  return concat(header, body);
}

function headerLengthOf(rtp: Uint8Array): number {
  const fixed = 12 + 4 * (rtp[0]! & 15);
  return rtp[0]! & 0x10 ? fixed + 4 + 4 * Buffer.from(rtp).readUInt16BE(fixed + 2) : fixed;
}

interface SessionKeys {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
}

/** The PRF of RFC 3711 section 4.3.3, and RFC 6188: AES in counter mode, whose IV is the salt with the label in it. */
function derive({ masterKey, masterSalt }: SrtpKeys, label: number, length: number): Uint8Array {
  const iv = concat(masterSalt, new Uint8Array(4));
  iv[7]! ^= label;
  return new Uint8Array(createCipheriv(`aes-${8 * masterKey.length}-ctr`, masterKey, iv).update(Buffer.alloc(length)));
}

/** Protects as in RFC 7714, for any ROC and index. */
export class SrtpReference {
  readonly srtp: SessionKeys;
  readonly srtcp: SessionKeys;

  constructor(keys: SrtpKeys) {
    const { length } = keys.masterKey;
    this.srtp = { key: derive(keys, 0, length), salt: derive(keys, 2, 12) };
    this.srtcp = { key: derive(keys, 3, length), salt: derive(keys, 5, 12) };
  }

  protect(rtp: Uint8Array, roc = 0): Uint8Array {
    const header = rtp.subarray(0, headerLengthOf(rtp));
    const iv = concat([0, 0], rtp.subarray(8, 12), word(roc), rtp.subarray(2, 4));
    return concat(header, seal(this.srtp, iv, header, rtp.subarray(header.length)));
  }

  protectRtcp(rtcp: Uint8Array, index: number, encrypted = true): Uint8Array {
    const iv = concat([0, 0], rtcp.subarray(4, 8), [0, 0], word(index));
    const esrtcp = word(encrypted ? index + 0x80000000 : index);
    const header = encrypted ? rtcp.subarray(0, 8) : rtcp;
    return concat(header, seal(this.srtcp, iv, concat(header, esrtcp), rtcp.subarray(header.length)), esrtcp);
  }
}

function seal({ key, salt }: SessionKeys, iv: Uint8Array, aad: Uint8Array, text: Uint8Array): Uint8Array {
  const nonce = iv.map((byte, i) => byte ^ salt[i]!);
  const cipher = createCipheriv(key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', key, nonce).setAAD(aad);
  return concat(cipher.update(text), cipher.final(), cipher.getAuthTag());
}

function word(value: number): Uint8Array {
  const made = Buffer.alloc(4);
  made.writeUInt32BE(value);
  return made;
}
