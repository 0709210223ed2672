/**
 * node:crypto: OpenSSL behind a cipher object per frame, since it has no way to give one a new nonce. ECB needs no nonce,
 * so that SM4 has a second contestant, whose cipher object is kept: its best.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Frame, Peer, Task, Work } from './peer.js';

export const node: Peer = {
  name: 'node:crypto',
  prepare(task) {
    if (task.kind === 'batch') return inTurn(task.frames.map((frame) => job(task.cipher, 'seal', task.key, frame)));
    if (task.kind !== 'frame') return undefined;
    return single(task, job(task.cipher, task.operation, task.key, task.frame));
  },
};

export const nodeKept: Peer = {
  name: 'node:crypto, cipher kept',
  prepare(task) {
    if (task.cipher !== 'sm4-ecb') return undefined;
    if (task.kind === 'frame') return single(task, sm4Kept(task.operation, task.key, task.frame));
    if (task.kind !== 'batch') return undefined;
    return inTurn(task.frames.map((frame) => sm4Kept('seal', task.key, frame)));
  },
};

/** One frame's work: the bytes that it made, or a view of them. */
type Job = () => Uint8Array;

export function single({ operation }: Task & { kind: 'frame' }, run: Job): Work {
  return { run, made: () => (operation === 'seal' ? { sealed: [run()] } : { opened: [run()] }) };
}

/** The frames of a batch, one after the other. */
export function inTurn(jobs: readonly Job[]): Work {
  const run = () => {
    for (let i = 0; i < jobs.length; i++) jobs[i]!();
  };
  return { run, frames: jobs.length, made: () => ({ sealed: jobs.map((each) => each()) }) };
}

function job(cipher: Task['cipher'], operation: 'seal' | 'open', key: Uint8Array, frame: Frame): Job {
  if (cipher === 'sm4-ecb') return sm4(operation, key, frame);
  const { nonce, aad, plaintext, sealed } = frame;
  if (operation === 'seal') {
    const box = Buffer.alloc(sealed.length);
    return () => {
      const sealer = createCipheriv(cipher, key, nonce);
      sealer.setAAD(aad);
      box.set(sealer.update(plaintext));
      sealer.final();
      box.set(sealer.getAuthTag(), plaintext.length);
      return box;
    };
  }
  const text = sealed.subarray(0, plaintext.length);
  const tag = sealed.subarray(plaintext.length);
  return () => {
    const opener = createDecipheriv(cipher, key, nonce, { authTagLength: 16 });
    opener.setAAD(aad);
    opener.setAuthTag(tag);
    const opened = opener.update(text);
    opener.final();
    return opened;
  };
}

function sm4(operation: 'seal' | 'open', key: Uint8Array, { plaintext, sealed }: Frame): Job {
  const box = Buffer.alloc(sealed.length);
  const input = operation === 'seal' ? plaintext : sealed;
  const create = operation === 'seal' ? createCipheriv : createDecipheriv;
  return () => {
    const cipher = create('sm4-ecb', key, null);
    const head = cipher.update(input);
    box.set(head);
    const tail = cipher.final();
    box.set(tail, head.length);
    return box.subarray(0, head.length + tail.length);
  };
}

function sm4Kept(operation: 'seal' | 'open', key: Uint8Array, { plaintext, sealed }: Frame): Job {
  if (operation === 'open') {
    const decipher = createDecipheriv('sm4-ecb', key, null).setAutoPadding(false);
    return () => decipher.update(sealed).subarray(0, plaintext.length);
  }
  const cipher = createCipheriv('sm4-ecb', key, null).setAutoPadding(false);
  const padding = 16 - (plaintext.length % 16);
  const padded = Buffer.alloc(sealed.length);
  return () => {
    padded.set(plaintext);
    padded.fill(padding, plaintext.length);
    return cipher.update(padded);
  };
}
