/**
 * An input read as choices: what a target builds from (a configuration, a stream of frames) is decided by the input's
 * bytes, so that one mutator on bytes serves every target. Past the end every byte is 0.
 */

export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    // A copy, and no Buffer, whose slices are not.
    this.#bytes = new Uint8Array(bytes);
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  word16(): number {
    return (this.byte() << 8) | this.byte();
  }

  /** A whole number from 0 to below `limit`, which is at most 65,536. */
  below(limit: number): number {
    return (limit > 256 ? this.word16() : this.byte()) % limit;
  }

  flag(): boolean {
    return (this.byte() & 1) === 1;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** The next `length` bytes; fewer at the end. */
  bytes(length: number): Uint8Array {
    const from = this.#at;
    this.#at += length;
    return this.#bytes.slice(from, this.#at);
  }

  /** The remaining bytes. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length);
  }
}
