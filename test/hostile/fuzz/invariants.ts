/** Checks of invariants: a Violation names the broken one. */
import type { Guarded } from '../../support/arrays.js';

/** Thrown by a target. `invariant` names what was broken: findings of one name are one finding. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, details: string) {
    super(`${invariant}: ${details}`);
    this.invariant = invariant;
  }
}

/** Throws unless `condition`; details are only made for a violation. */
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

/** Throws where a byte outside bytes[0, written) has changed. */
export function mustKeepAllBut(memory: Guarded, written: number, invariant: string): void {
  const { length } = memory.bytes;
  must(memory.keepsAllBut(written), invariant, () => `a byte outside [0, ${written}) of ${length} was written`);
}
