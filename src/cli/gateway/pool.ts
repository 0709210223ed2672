/** Buffers for sealed datagrams: each is busy until the system has taken it, then it serves again. */

/** Room for a packet of the usual MTU with the overhead of sealing. */
const USUAL_BYTES = 2048;

export class BufferPool {
  readonly #free: Uint8Array[] = [];

  /** A buffer of at least `bytes` bytes. */
  take(bytes: number): Uint8Array {
    if (bytes > USUAL_BYTES) return new Uint8Array(bytes);
    return this.#free.pop() ?? new Uint8Array(USUAL_BYTES);
  }

  /** Gives back what `take` gave. */
  give(buffer: Uint8Array): void {
    if (buffer.length === USUAL_BYTES) this.#free.push(buffer);
  }
}
