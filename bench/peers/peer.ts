/**
 * What the bench asks of every contestant.
 *
 * A peer does what its user would do for a frame that has just arrived: whatever it must make anew per frame is timed,
 * whatever it can keep per key is not.
 */
import { createCipheriv, randomBytes, randomInt } from 'node:crypto';

export type Cipher = 'aes-128-gcm' | 'aes-256-gcm' | 'sm4-ecb';
export type Operation = 'seal' | 'open';

/** The same frame for all contestants, and what node:crypto makes of it. */
export interface Frame {
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  /** ciphertext || tag; for SM4 the padded ciphertext. */
  readonly sealed: Uint8Array;
}

/** What is to be done, the same for all contestants of a case; fresh random data each time. */
export type Task =
  /** One frame under a key that lasts. */
  | { readonly kind: 'frame'; readonly cipher: Cipher; readonly operation: Operation; key: Uint8Array; frame: Frame }
  /** Frames of a burst, under one key: sealed. */
  | { readonly kind: 'batch'; readonly cipher: Cipher; key: Uint8Array; frames: readonly Frame[] }
  /** An RTP packet, through whatever the contestant protects RTP with. */
  | { readonly kind: 'packet'; readonly cipher: Cipher; readonly operation: Operation; packet: Uint8Array }
  /** A key made ready for frames; the frame shows that it is. */
  | { readonly kind: 'key'; readonly cipher: Cipher; key: Uint8Array; frame: Frame }
  /** A sender's keys made from the shared secret: derived and set up; the packet shows that they are. */
  | { readonly kind: 'sender'; readonly cipher: Cipher; packet: Uint8Array };

/** What a contestant made, to be compared with the task: frames that it sealed, or what they opened to. */
type Made = { readonly sealed: readonly Uint8Array[] } | { readonly opened: readonly Uint8Array[] };

/** A contestant, ready for one task. */
export interface Work {
  /** One call. */
  readonly run: () => unknown;
  /** A call returns a promise, to be awaited before the next. */
  readonly isAsync?: true;
  /** Frames that a call does; 1 if left out. */
  readonly frames?: number;
  /** Before so many calls, off the clock: whatever they use up. */
  readonly before?: (calls: number) => void;
  /** Does the task and shows what came of it. */
  readonly made: () => Made | Promise<Made>;
}

export interface Peer {
  readonly name: string;
  /** What it imports when it prepares, if that need not be installed. */
  readonly module?: string;
  /** The work for a task, or undefined where the peer does not offer it. Imports the peer's package. */
  prepare(task: Task): Work | undefined | Promise<Work | undefined>;
}

const AAD_BYTES = 12;
const RTP_HEADER = Uint8Array.of(0x80, 96, 0, 1, 0, 0, 0, 2, 0x11, 0x22, 0x33, 0x44);

export function randomKey(cipher: Cipher): Uint8Array {
  return Uint8Array.from(randomBytes(cipher === 'aes-256-gcm' ? 32 : 16));
}

function randomFrame(cipher: Cipher, key: Uint8Array, bytes: number): Frame {
  const [nonce, aad, plaintext] = [12, AAD_BYTES, bytes].map((length) => Uint8Array.from(randomBytes(length)));
  return { nonce: nonce!, aad: aad!, plaintext: plaintext!, sealed: seal(cipher, key, nonce!, aad!, plaintext!) };
}

/** Frames of lengths drawn from a range, both ends included. */
export function randomFrames(cipher: Cipher, key: Uint8Array, count: number, least: number, most: number): Frame[] {
  return Array.from({ length: count }, () => randomFrame(cipher, key, randomInt(least, most + 1)));
}

/** An RTP packet with a payload of so many bytes. */
export function randomPacket(payloadBytes: number): Uint8Array {
  return Uint8Array.from([...RTP_HEADER, ...randomBytes(payloadBytes)]);
}

function seal(cipher: Cipher, key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  if (cipher === 'sm4-ecb') {
    const sm4 = createCipheriv(cipher, key, null);
    return Uint8Array.from([...sm4.update(plaintext), ...sm4.final()]);
  }
  const gcm = createCipheriv(cipher, key, nonce).setAAD(aad);
  const text = [...gcm.update(plaintext), ...gcm.final()];
  return Uint8Array.from([...text, ...gcm.getAuthTag()]);
}

/** Throws unless a contestant's work gives what everybody's does. */
export async function validate(name: string, task: Task, work: Work): Promise<void> {
  const made = await work.made();
  const frames = task.kind === 'batch' ? task.frames : 'frame' in task ? [task.frame] : [];
  const known =
    'sealed' in made
      ? frames.map(({ sealed }) => sealed)
      : 'packet' in task
        ? [task.packet]
        : frames.map(({ plaintext }) => plaintext);
  const given = 'sealed' in made ? made.sealed : made.opened;
  const same = given.length === known.length && known.every((bytes, i) => Buffer.compare(bytes, given[i]!) === 0);
  if (!same || known.length === 0) throw new Error(`${name} gives other bytes than node:crypto: nothing was measured`);
}
