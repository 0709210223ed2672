/** What must hold: a Violation says which invariant did not, and memory with watched surroundings shows stray writes. */

/** Thrown by a target. `invariant` names what was broken: findings of one name are one finding. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, details: string) {
    super(`${invariant}: ${details}`);
    this.invariant = invariant;
  }
}

/** Throws unless `condition`; the details are only put together where they are needed. */
export function must(condition: boolean, invariant: string, details: () => string): asserts condition {
  if (!condition) throw new Violation(invariant, details());
}

/** Throws unless both are the same text, number or boolean. */
export function mustEqual<T extends string | number | boolean | bigint | undefined>(
  got: T,
  expected: T,
  invariant: string,
): void {
  if (got !== expected) throw new Violation(invariant, `expected ${expected}, got ${got}`);
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** One after the other. A plain array, because `slice` of a Buffer is no copy. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const GUARD_BYTES = 24;
const CANARY = 0xa5;

/** A view amid canaries: what a call wrote, and that it wrote nothing else. */
export class Guarded {
  readonly view: Uint8Array;
  readonly #all: Uint8Array;
  readonly #before: Uint8Array;
  readonly #from: number;

  /** `content` as it is before the call; `offset` moves the view against words. */
  constructor(content: Uint8Array, offset: number) {
    this.#from = GUARD_BYTES + (offset & 7);
    this.#all = new Uint8Array(this.#from + content.length + GUARD_BYTES).fill(CANARY);
    this.#all.set(content, this.#from);
    this.#before = this.#all.slice();
    this.view = this.#all.subarray(this.#from, this.#from + content.length);
  }

  static canaries(length: number, offset: number): Guarded {
    return new Guarded(new Uint8Array(length).fill(CANARY), offset);
  }

  /** Throws where a byte outside view[0, written) has changed. */
  mustKeepAllBut(written: number, invariant: string): void {
    const end = this.#from + written;
    const kept =
      sameBytes(this.#all.subarray(0, this.#from), this.#before.subarray(0, this.#from)) &&
      sameBytes(this.#all.subarray(end), this.#before.subarray(end));
    must(kept, invariant, () => `a byte outside [0, ${written}) of ${this.view.length} was written`);
  }
}
