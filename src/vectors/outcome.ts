/** What comparing a case with a vector gives. */
import { toHex } from '../bytes.js';
import { statusName } from '../status.js';

/** Where the library and a vector differ. */
export interface Difference {
  /** What was compared: `sealed`, `opened`, `okm`, ... */
  readonly what: string;
  /** The vector's value: hex, or the name of a status. */
  readonly expected: string;
  /** The library's value, in the same form. */
  readonly got: string;
}

const PATTERN = 0xa5;

/** @internal Undefined where both are the same. */
export function differ(what: string, expected: string, got: string): Difference | undefined {
  return expected === got ? undefined : { what, expected, got };
}

/** @internal A call that writes into an array: its result as hex, or its status's name; says so where a refusal wrote. */
export function outcome(outLength: number, call: (out: Uint8Array) => number): string {
  const out = new Uint8Array(outLength).fill(PATTERN);
  const result = call(out);
  if (result >= 0) return toHex(out.subarray(0, result));
  return statusName(result) + (out.every((byte) => byte === PATTERN) ? '' : ', and out was written');
}
