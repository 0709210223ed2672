/**
 * Inversion in GF(2^8) by look-ups of nibbles, by way of GF(2^4) (Hamburg, "Accelerating AES with Vector Permute
 * Instructions", CHES 2009): what the S-boxes of AES (vpaes.ts) and SM4 (sm4.ts) share.
 *
 * GF(2^8) is GF(2^4)[A] with A^2 = a(A + 1), so that the norm of iA + k is N = a i^2 + a i k + k^2. With j = i + k,
 *
 *     j + 1/(1/i + a/k) = N / (k + a i)            i + 1/(1/j + a/k) = N / (k + a i + a k)
 *
 * from which u and v, their inverses, give the inverse of iA + k: (u/a + (u + v)/a^2) A + u. All that follows the two
 * quotients is linear, and lies in the tables that they choose from. Infinity is 0x80, which swizzle turns into 0.
 */
import type { Block, Value } from './assembler.js';

const INFINITY = 0x80;

/** Multiplication of polynomials over GF(2), modulo a polynomial of the given degree. */
function multiply(x: number, y: number, modulus: number, degree: number): number {
  let product = 0;
  for (let bit = degree - 1; bit >= 0; bit--) {
    product <<= 1;
    if (product >>> degree) product ^= modulus;
    if ((y >>> bit) & 1) product ^= x;
  }
  return product;
}

/** GF(2^4) by x^4 + x + 1. */
const times16 = (x: number, y: number) => multiply(x, y, 0x13, 4);
const all = (count: number) => Array.from({ length: count }, (_, i) => i);
const inverse16 = all(16).map((x) => all(16).find((y) => times16(x, y) === 1) ?? 0);
const over16 = (x: number, y: number) => times16(x, inverse16[y]!);

/** The first a for which A exists. */
const a = all(16).find((c) => c !== 0 && all(16).every((t) => times16(t, t) !== times16(c, t ^ 1)))!;

/** A table for all nibbles. */
export const perNibble = (entry: (n: number) => number): number[] => all(16).map(entry);

/** What the quotients are made from. */
export const QUOTIENT_TABLES = {
  inverse: perNibble((n) => (n === 0 ? INFINITY : inverse16[n]!)),
  aOver: perNibble((n) => (n === 0 ? INFINITY : over16(a, n))),
};

/** GF(2^8) modulo one polynomial, and the way into and out of GF(2^4)[A]; iA + k stands as 16 * i + k. */
export interface Tower {
  readonly times: (x: number, y: number) => number;
  readonly toTower: readonly number[];
  /** The parts of the inverse that come from the quotients' nibbles; their sum is the inverse. */
  readonly fromU: (n: number) => number;
  readonly fromV: (n: number) => number;
}

export function towerOf(polynomial: number): Tower {
  const times = (x: number, y: number) => multiply(x, y, polynomial, 8);
  const x = all(256).find((w) => w > 1 && times(times(w, w), times(w, w)) === (w ^ 1))!;
  const powers = [1, x, times(x, x), times(x, times(x, x))];
  const embed = (n: number) => powers.reduce((sum, power, i) => ((n >>> i) & 1 ? sum ^ power : sum), 0);
  const A = all(256).find((t) => t > 1 && times(t, t) === times(embed(a), t ^ 1))!;
  const fromTower = all(256).map((n) => times(embed(n >>> 4), A) ^ embed(n & 15));
  return {
    times,
    toTower: all(256).map((byte) => fromTower.indexOf(byte)),
    fromU: (n) => {
      const u = inverse16[n]!;
      return fromTower[((over16(u, a) ^ over16(over16(u, a), a)) << 4) | u]!;
    },
    fromV: (n) => fromTower[over16(over16(inverse16[n]!, a), a) << 4]!,
  };
}

export const LOW_NIBBLES: readonly number[] = new Array(16).fill(0x0f);

/** The upper and lower nibbles of all bytes. */
export function nibbles(b: Block, bytes: Value): { high: Value; low: Value } {
  const mask = b.bytes(LOW_NIBBLES);
  return { high: b.and(b.shiftRight64(bytes, 4), mask), low: b.and(bytes, mask) };
}

/** The inverses of N / (k + a i) and N / (k + a i + a k), or infinity, for each of some vectors of iA + k. */
export function quotients(b: Block, states: readonly Value[]): { u: Value; v: Value }[] {
  const inverse = b.bytes(QUOTIENT_TABLES.inverse);
  const aOver = b.bytes(QUOTIENT_TABLES.aOver);
  const parts = states.map((state) => nibbles(b, state));
  const sums = parts.map(({ high, low }) => b.xor(high, low));
  const ratios = parts.map(({ low }) => b.swizzle(aOver, low));
  const first = parts.map(({ high }, n) => b.xor(b.swizzle(inverse, high), ratios[n]!));
  const second = sums.map((sum, n) => b.xor(b.swizzle(inverse, sum), ratios[n]!));
  return parts.map(({ high }, n) => ({
    u: b.xor(b.swizzle(inverse, first[n]!), sums[n]!),
    v: b.xor(b.swizzle(inverse, second[n]!), high),
  }));
}
