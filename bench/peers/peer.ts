/**
 * What the bench asks of every contestant.
 *
 * A peer does what its user would do for a frame that has just arrived: what must be made anew per frame is timed,
 * what can be kept per key is not.
 */
import { createCipheriv, randomBytes, randomInt } from 'node:crypto';

export type Cipher = 'aes-128-gcm' | 'aes-256-gcm' | 'sm4-ecb';
export type Operation = 'seal' | 'open';

/** The same frame for all contestants, and what node:crypto makes of it. */
export interface Frame {
  readonly nonce: Bytes;
  readonly aad: Bytes;
  readonly plaintext: Bytes;
  /** ciphertext || tag; for SM4 the padded ciphertext. */
  readonly sealed: Bytes;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** What is to be done, the same for all contestants of a case; fresh random data each time. */
export type Task =
  /** One frame under a key that lasts. */
  | { readonly kind: 'frame'; readonly cipher: Cipher; readonly operation: Operation; key: Uint8Array; frame: Frame }
  /** The same, with the frame's arrays views of larger buffers: these begin before the frame and end after it. */
  | { readonly kind: 'buffer'; readonly cipher: Cipher; readonly operation: Operation; key: Uint8Array; frame: Frame }
  /** Frames of many keys, one of each in turn. */
  | { readonly kind: 'keys'; readonly cipher: Cipher; readonly operation: Operation; keyed: readonly Keyed[] }
  /** Frames of a burst, under one key: sealed. */
  | { readonly kind: 'batch'; readonly cipher: Cipher; key: Uint8Array; frames: readonly Frame[] }
  /** An RTP packet, through the contestant's protection of RTP. */
  | { readonly kind: 'packet'; readonly cipher: Cipher; readonly operation: Operation; packet: Uint8Array }
  /** An RTP packet to SRTP with AES-GCM, and back; its sequence number is the contestant's. */
  | { readonly kind: 'srtp'; readonly cipher: Cipher; readonly operation: Operation; packet: Uint8Array }
  /** RTP packets of `count` senders, one of each in turn. */
  | { readonly kind: 'senders'; readonly cipher: Cipher; readonly operation: 'open'; count: number; packet: Uint8Array }
  /** A key made ready for frames; the frame shows that it is. */
  | { readonly kind: 'key'; readonly cipher: Cipher; key: Uint8Array; frame: Frame }
  /** A sender's keys made from the shared secret: derived and set up; the packet shows that they are. */
  | { readonly kind: 'sender'; readonly cipher: Cipher; packet: Uint8Array };

export interface Keyed {
  readonly key: Uint8Array;
  readonly frame: Frame;
}

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
  /** Prepares `calls` calls, off the clock: makes what the calls consume. */
  readonly before?: (calls: number) => void;
  /** Does the task and returns its result. */
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
/** At most. */
const CHECKED_KEYS = 100;
const RTP_HEADER = Uint8Array.of(0x80, 96, 0, 1, 0, 0, 0, 2, 0x11, 0x22, 0x33, 0x44);

export function randomKey(cipher: Cipher): Uint8Array {
  return Uint8Array.from(randomBytes(cipher === 'aes-256-gcm' ? 32 : 16));
}

function randomFrame(cipher: Cipher, key: Uint8Array, bytes: number): Frame {
  const [nonce, aad, plaintext] = [12, AAD_BYTES, bytes].map((length) => Uint8Array.from(randomBytes(length)));
  return { nonce: nonce!, aad: aad!, plaintext: plaintext!, sealed: seal(cipher, key, nonce!, aad!, plaintext!) };
}

/** The same frame with its texts in buffers of a given size, from `offset` on. */
export function inBuffers(frame: Frame, bufferBytes: number, offset: number): Frame {
  const placed = (bytes: Uint8Array) => {
    const buffer = new Uint8Array(bufferBytes);
    buffer.set(bytes, offset);
    return buffer.subarray(offset, offset + bytes.length);
  };
  return { ...frame, plaintext: placed(frame.plaintext), sealed: placed(frame.sealed) };
}

/** One text sealed under each of many keys. */
export function randomKeyed(cipher: Cipher, count: number, bytes: number): Keyed[] {
  const { nonce, aad, plaintext } = randomFrame(cipher, randomKey(cipher), bytes);
  return Array.from({ length: count }, () => {
    const key = randomKey(cipher);
    return { key, frame: { nonce, aad, plaintext, sealed: seal(cipher, key, nonce, aad, plaintext) } };
  });
}

/** Frames of lengths drawn from a range, both ends included. */
export function randomFrames(cipher: Cipher, key: Uint8Array, count: number, least: number, most: number): Frame[] {
  return Array.from({ length: count }, () => randomFrame(cipher, key, randomInt(least, most + 1)));
}

/** An RTP packet with a payload of a given number of bytes. */
export function randomPacket(payloadBytes: number): Uint8Array {
  return Uint8Array.from([...RTP_HEADER, ...randomBytes(payloadBytes)]);
}

function seal(cipher: Cipher, key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Bytes {
  if (cipher === 'sm4-ecb') {
    const sm4 = createCipheriv(cipher, key, null);
    return joined([sm4.update(plaintext), sm4.final()]);
  }
  const gcm = createCipheriv(cipher, key, nonce).setAAD(aad);
  return joined([gcm.update(plaintext), gcm.final(), gcm.getAuthTag()]);
}

/** An array of its own: Buffer.concat would give a view of a pool. */
function joined(parts: readonly Uint8Array[]): Bytes {
  return Uint8Array.from(Buffer.concat(parts));
}

/** Throws unless a contestant's work gives what everybody's does. */
export async function validate(name: string, task: Task, work: Work): Promise<void> {
  // Twice: arrays that the first time left behind must not show.
  await work.made();
  const made = await work.made();
  const frames = framesOf(task);
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

/** Of many keys some, evenly spread: all would take longer than the measurement. */
export function checkedOf<T>(ofKeys: readonly T[]): T[] {
  const step = Math.ceil(ofKeys.length / CHECKED_KEYS);
  return ofKeys.filter((_, i) => i % step === 0);
}

function framesOf(task: Task): readonly Frame[] {
  if (task.kind === 'batch') return task.frames;
  if (task.kind === 'keys') return checkedOf(task.keyed).map(({ frame }) => frame);
  return 'frame' in task ? [task.frame] : [];
}
