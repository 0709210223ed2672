/** Byte arrays for tests and for what `test/hostile/` compiles: put together, and with watched surroundings. */

export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  // A plain array, because `slice` of a Buffer is no copy.
  return new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
}

const GUARD = 0xa5;
const GUARD_BYTES = 24;

/** A view amid guard bytes, `offset` bytes past a multiple of 8: of guard bytes of a given length, or of a content. */
export class Guarded {
  readonly bytes: Uint8Array;
  readonly #all: Uint8Array;
  readonly #before: Uint8Array;
  readonly #from: number;

  constructor(content: number | Uint8Array, offset = 0) {
    const length = typeof content === 'number' ? content : content.length;
    this.#from = GUARD_BYTES + (offset & 7);
    this.#all = new Uint8Array(this.#from + length + GUARD_BYTES).fill(GUARD);
    if (typeof content !== 'number') this.#all.set(content, this.#from);
    this.#before = this.#all.slice();
    this.bytes = this.#all.subarray(this.#from, this.#from + length);
  }

  /** True where every byte outside bytes[0, written) is as it was. */
  keepsAllBut(written: number): boolean {
    const end = this.#from + written;
    return (
      Buffer.compare(this.#all.subarray(0, this.#from), this.#before.subarray(0, this.#from)) === 0 &&
      Buffer.compare(this.#all.subarray(end), this.#before.subarray(end)) === 0
    );
  }

  /** True where exactly `content` was written, at the start, and every other byte is as it was. */
  holds(content: Uint8Array): boolean {
    return this.keepsAllBut(content.length) && Buffer.compare(this.bytes.subarray(0, content.length), content) === 0;
  }

  /** True where nothing was written. */
  get untouched(): boolean {
    return this.keepsAllBut(0);
  }
}
