/**
 * node:crypto: OpenSSL behind a cipher object for each frame, because a cipher object takes no second nonce. The peer has
 * a KeyObject, made once for each key, as its documentation recommends. With a raw key, each cipher object makes a
 * KeyObject of its own: a row of its own shows what that costs. ECB has no nonce: SM4 has a row whose cipher object is kept.
 *
 * RTP as it would be written by hand on node:crypto: the layout of RFC 7714 (AES-GCM), without a replay check.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { Cipher, Peer, Task, Work } from './peer.js';
import { inTurn, type JobsOfKey, workOf } from './work.js';

const TAG_BYTES = 16;
const RTP_HEADER_BYTES = 12;

export const node: Peer = {
  name: 'node:crypto',
  prepare(task) {
    const { cipher } = task;
    const setUp = (key: Uint8Array) => jobsOf(cipher, createSecretKey(key));
    switch (task.kind) {
      case 'key': {
        const { key, frame } = task;
        const made = () => ({ sealed: [setUp(key)('seal', frame, Buffer.alloc(frame.sealed.length))()] });
        return { run: () => createSecretKey(key), made };
      }
      case 'packet':
        return cipher === 'sm4-ecb' ? undefined : packetWork(task, cipher, 1);
      case 'senders':
        return cipher === 'sm4-ecb' ? undefined : packetWork(task, cipher, task.count);
      default:
        return workOf(task, setUp);
    }
  },
};

export const nodeRaw: Peer = {
  name: 'node:crypto, raw key',
  prepare: (task) => workOf(task, (key) => jobsOf(task.cipher, key)),
};

export const nodeKept: Peer = {
  name: 'node:crypto, cipher kept',
  prepare: (task) => (task.cipher === 'sm4-ecb' ? workOf(task, sm4Kept) : undefined),
};

function jobsOf(cipher: Cipher, key: KeyObject | Uint8Array): JobsOfKey {
  return cipher === 'sm4-ecb' ? sm4(key) : gcm(cipher, key);
}

function gcm(cipher: Exclude<Cipher, 'sm4-ecb'>, key: KeyObject | Uint8Array): JobsOfKey {
  return (operation, { nonce, aad, plaintext, sealed }, out) => {
    if (operation === 'seal') {
      return () => {
        const sealer = createCipheriv(cipher, key, nonce);
        sealer.setAAD(aad);
        out.set(sealer.update(plaintext));
        sealer.final();
        out.set(sealer.getAuthTag(), plaintext.length);
        return out;
      };
    }
    const text = sealed.subarray(0, plaintext.length);
    const tag = sealed.subarray(plaintext.length);
    return () => {
      const opener = createDecipheriv(cipher, key, nonce, { authTagLength: TAG_BYTES });
      opener.setAAD(aad);
      opener.setAuthTag(tag);
      const opened = opener.update(text);
      opener.final();
      return opened;
    };
  };
}

function sm4(key: KeyObject | Uint8Array): JobsOfKey {
  return (operation, { plaintext, sealed }, out) => {
    const input = operation === 'seal' ? plaintext : sealed;
    const create = operation === 'seal' ? createCipheriv : createDecipheriv;
    return () => {
      const cipher = create('sm4-ecb', key, null);
      const head = cipher.update(input);
      out.set(head);
      const tail = cipher.final();
      out.set(tail, head.length);
      return out.subarray(0, head.length + tail.length);
    };
  };
}

function sm4Kept(raw: Uint8Array): JobsOfKey {
  const key = createSecretKey(raw);
  return (operation, { plaintext, sealed }, out) => {
    if (operation === 'open') {
      const decipher = createDecipheriv('sm4-ecb', key, null).setAutoPadding(false);
      return () => decipher.update(sealed).subarray(0, plaintext.length);
    }
    const cipher = createCipheriv('sm4-ecb', key, null).setAutoPadding(false);
    const padding = 16 - (plaintext.length % 16);
    return () => {
      out.set(plaintext);
      out.fill(padding, plaintext.length);
      return cipher.update(out);
    };
  };
}

/** Packets of `count` senders in turn, each with a key of its own; a receiver finds the key by the SSRC. */
function packetWork(
  { operation, packet }: Task & { kind: 'packet' | 'senders' },
  cipher: Exclude<Cipher, 'sm4-ecb'>,
  count: number,
): Work {
  const senders = Array.from({ length: count }, (_, i) => newSender(cipher, packet, i));
  const keys = new Map(senders.map(({ ssrc, key, salt }) => [ssrc, { key, salt }]));
  const out = Buffer.alloc(packet.length);
  const open = (sealed: Buffer): Buffer => {
    const { key, salt } = keys.get(sealed.readUInt32BE(8))!;
    const opener = createDecipheriv(cipher, key, nonceOf(salt, sealed), { authTagLength: TAG_BYTES });
    const end = sealed.length - TAG_BYTES;
    opener.setAAD(sealed.subarray(0, RTP_HEADER_BYTES));
    opener.setAuthTag(sealed.subarray(end));
    out.set(opener.update(sealed.subarray(RTP_HEADER_BYTES, end)), RTP_HEADER_BYTES);
    opener.final();
    out.set(sealed.subarray(0, RTP_HEADER_BYTES));
    return out;
  };
  const made = () => {
    const opened = Buffer.from(open(senders.at(-1)!.seal()));
    // The SSRC is the sender's own: the one that was asked for goes back in.
    opened.set(packet.subarray(0, RTP_HEADER_BYTES));
    return { opened: [opened] };
  };
  if (operation === 'seal') return { run: inTurn(senders.map(({ seal }) => seal)), made };
  const packets = senders.map(({ seal }) => Buffer.from(seal()));
  return { run: inTurn(packets.map((each) => () => open(each))), made };
}

/** A sender whose packets differ in their sequence numbers. */
function newSender(cipher: Exclude<Cipher, 'sm4-ecb'>, packet: Uint8Array, ssrc: number) {
  const key = createSecretKey(randomBytes(cipher === 'aes-256-gcm' ? 32 : 16));
  const salt = randomBytes(12);
  const header = Buffer.from(packet.subarray(0, RTP_HEADER_BYTES));
  header.writeUInt32BE(ssrc, 8);
  const payload = packet.subarray(RTP_HEADER_BYTES);
  const out = Buffer.alloc(packet.length + TAG_BYTES);
  const seal = () => {
    header.writeUInt16BE((header.readUInt16BE(2) + 1) & 0xffff, 2);
    const sealer = createCipheriv(cipher, key, nonceOf(salt, header));
    sealer.setAAD(header);
    out.set(header);
    out.set(sealer.update(payload), RTP_HEADER_BYTES);
    sealer.final();
    out.set(sealer.getAuthTag(), packet.length);
    return out;
  };
  return { ssrc, key, salt, seal };
}

/** RFC 7714 section 8.1, with a rollover counter of 0: the salt XOR (00 00 || SSRC || ROC || SEQ). */
function nonceOf(salt: Buffer, packet: Buffer): Buffer {
  const nonce = Buffer.from(salt);
  nonce.writeUInt32BE((salt.readUInt32BE(2) ^ packet.readUInt32BE(8)) >>> 0, 2);
  nonce.writeUInt16BE(salt.readUInt16BE(10) ^ packet.readUInt16BE(2), 10);
  return nonce;
}
