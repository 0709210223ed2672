/**
 * What the bench asks of every contestant: a job that does one frame, and shows what it made.
 *
 * A peer does what its user would do for a frame that has just arrived: whatever it must make anew per frame is timed,
 * whatever it can keep per key is not.
 */

/** The same for all contestants of a row. */
export interface Task {
  readonly cipher: 'aes-128-gcm' | 'aes-256-gcm' | 'sm4-ecb';
  readonly operation: 'seal' | 'open';
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  /** ciphertext || tag; for SM4 the padded ciphertext. */
  readonly sealed: Uint8Array;
}

/** One frame's work: the bytes that it made, or a view of them. */
export type Job = () => Uint8Array | Promise<Uint8Array>;

export interface Peer {
  readonly name: string;
  /** The job for a task, or undefined where the peer has no such cipher. */
  prepare(task: Task): Job | undefined | Promise<Job | undefined>;
  /** For peers that have one call for many frames under a key; others do them one by one. Has checked what it makes. */
  prepareBatch?(tasks: readonly Task[]): (() => void) | undefined;
}
