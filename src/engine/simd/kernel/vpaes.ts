/**
 * AES in counter mode by vector permutation (Hamburg, "Accelerating AES with Vector Permute Instructions", CHES 2009): a
 * block is one vector, and SubBytes is look-ups of nibbles in registers. For the few blocks that would leave a group
 * of eight (aes.ts) mostly empty. State and round keys stand in rows, and ShiftRows is never done, as there.
 *
 * GF(2^8) is GF(2^4)[A] with A^2 = a(A + 1), so that the norm of iA + k is N = a i^2 + a i k + k^2. With j = i + k,
 *
 *     j + 1/(1/i + a/k) = N / (k + a i)            i + 1/(1/j + a/k) = N / (k + a i + a k)
 *
 * from which u and v, their inverses, give the inverse of iA + k: (u/a + (u + v)/a^2) A + u. All that follows the two
 * quotients is linear, and lies in the tables that they choose from. Infinity is 0x80, which swizzle turns into 0.
 */
import { FIRST_ROUND_KEY, VECTOR_KEYS } from '../layout.js';
import { down, PERIOD, TO_BLOCK, toRows } from './aes.js';
import { Assembler, type Block, type Target, type Value, type Variable } from './assembler.js';
import type { FunctionCode } from './wasm.js';

/** Blocks that go through the rounds side by side. */
const BLOCKS_AT_ONCE = 3;
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

/** GF(2^4) by x^4 + x + 1, GF(2^8) by AES's polynomial. */
const times16 = (x: number, y: number) => multiply(x, y, 0x13, 4);
const times256 = (x: number, y: number) => multiply(x, y, 0x11b, 8);
const all = (count: number) => Array.from({ length: count }, (_, i) => i);
const inverse16 = all(16).map((x) => all(16).find((y) => times16(x, y) === 1) ?? 0);

/** The first a for which A exists. */
const a = all(16).find((c) => c !== 0 && all(16).every((t) => times16(t, t) !== times16(c, t ^ 1)))!;

/** What iA + k, at 16 * i + k, is in AES's GF(2^8). */
const fromTower = (() => {
  const x = all(256).find((w) => w > 1 && times256(times256(w, w), times256(w, w)) === (w ^ 1))!;
  const powers = [1, x, times256(x, x), times256(x, times256(x, x))];
  const embed = (n: number) => powers.reduce((sum, power, i) => ((n >>> i) & 1 ? sum ^ power : sum), 0);
  const A = all(256).find((t) => t > 1 && times256(t, t) === times256(embed(a), t ^ 1))!;
  return all(256).map((n) => times256(embed(n >>> 4), A) ^ embed(n & 15));
})();
const toTower = all(256).map((byte) => fromTower.indexOf(byte));

/** SubBytes after the inversion, without its constant (FIPS 197 section 5.1.1). */
function affine(byte: number): number {
  const rotated = byte * 0x101;
  return (rotated ^ (rotated >>> 4) ^ (rotated >>> 5) ^ (rotated >>> 6) ^ (rotated >>> 7)) & 0xff;
}

/** By nibbles. */
const TABLES = (() => {
  const perNibble = (entry: (n: number) => number) => all(16).map(entry);
  const over16 = (x: number, y: number) => times16(x, inverse16[y]!);
  const fromU = (n: number) => {
    const u = inverse16[n]!;
    return fromTower[((over16(u, a) ^ over16(over16(u, a), a)) << 4) | u]!;
  };
  const fromV = (n: number) => fromTower[over16(over16(inverse16[n]!, a), a) << 4]!;
  return {
    inverse: perNibble((n) => (n === 0 ? INFINITY : inverse16[n]!)),
    aOver: perNibble((n) => (n === 0 ? INFINITY : over16(a, n))),
    fromU: perNibble((n) => toTower[affine(fromU(n))]!),
    fromV: perNibble((n) => toTower[affine(fromV(n))]!),
    twiceFromU: perNibble((n) => toTower[times256(2, affine(fromU(n)))]!),
    twiceFromV: perNibble((n) => toTower[times256(2, affine(fromV(n)))]!),
    lastFromU: perNibble((n) => affine(fromU(n))),
    lastFromV: perNibble((n) => affine(fromV(n))),
    lowToTower: perNibble((n) => toTower[n]!),
    highToTower: perNibble((n) => toTower[n << 4]!),
  };
})();

/** The upper and lower nibbles of all bytes. */
function nibbles(b: Block, bytes: Value): { high: Value; low: Value } {
  const mask = b.splat8(0x0f);
  return { high: b.and(b.shiftRight64(bytes, 4), mask), low: b.and(bytes, mask) };
}

/** Bytes of GF(2^8) as iA + k. */
export function intoTower(b: Block, bytes: Value): Value {
  const { high, low } = nibbles(b, bytes);
  return b.xor(b.swizzle(b.bytes(TABLES.highToTower), high), b.swizzle(b.bytes(TABLES.lowToTower), low));
}

/** The two quotients of the head of this file. */
function quotients(b: Block, states: readonly Value[]): { u: Value; v: Value }[] {
  const inverse = b.bytes(TABLES.inverse);
  const aOver = b.bytes(TABLES.aOver);
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

/** SubBytes, MixColumns and the round key; `oneDown` and `twoDown` are the permutations for the pending ShiftRows. */
function round(b: Block, states: readonly Value[], key: Value, oneDown: Value, twoDown: Value): Value[] {
  const [fromU, fromV] = [b.bytes(TABLES.fromU), b.bytes(TABLES.fromV)];
  const [twiceFromU, twiceFromV] = [b.bytes(TABLES.twiceFromU), b.bytes(TABLES.twiceFromV)];
  const chosen = quotients(b, states);
  const once = chosen.map(({ u, v }) => b.xor(b.swizzle(fromU, u), b.swizzle(fromV, v)));
  const twice = chosen.map(({ u, v }) => b.xor(b.swizzle(twiceFromU, u), b.swizzle(twiceFromV, v)));
  const below = once.map((plain) => b.swizzle(plain, oneDown));
  const sums = once.map((plain, n) => b.xor(plain, below[n]!));
  const rest = below.map((plain, n) => b.xor(b.xor(plain, key), b.swizzle(sums[n]!, twoDown)));
  return rest.map((part, n) => b.xor(b.xor(part, twice[n]!), b.swizzle(twice[n]!, oneDown)));
}

/**
 * fewBlocks(key, quads, nonce, counter, text, blocks): adds the key stream of `blocks` blocks, at least one, to the
 * text, and of as many more as fill the last turn. The parameters are those of `groups`, but any counter will do.
 */
export function fewBlocksFunction(target: Target): FunctionCode {
  const f = new Assembler('fewBlocks', new Array(6).fill('i32'), target);
  const [key, quads, nonce, counter, text, blocks] = f.params as [
    Variable,
    Variable,
    Variable,
    Variable,
    Variable,
    Variable,
  ];
  const states = f.variables('v128', BLOCKS_AT_ONCE);
  const keys = f.variable('i32');
  const pending = f.variable('i32');
  const left = f.variable('i32');
  const end = f.variable('i32');
  // One and two rows down, for 0 to 3 ShiftRows pending.
  const rowsDown = target.constants.address([0, 1, 2, 3].flatMap((count) => [...down(1, count), ...down(2, count)]));
  f.block((b) => b.set(end, b.add(b.get(text), b.intShl(b.get(blocks), 4))));
  f.loop(
    () => {
      f.block((b) => {
        const three = b.load(b.get(nonce));
        const rows = b.bytes(toRows(0));
        const firstKey = b.load(b.get(key), FIRST_ROUND_KEY);
        for (const [n, state] of states.entries()) {
          const block = b.replaceLane32(three, 3, b.swapBytes(b.add(b.get(counter), n)));
          b.set(state, intoTower(b, b.xor(b.swizzle(block, rows), firstKey)));
        }
        b.set(keys, b.add(b.get(key), VECTOR_KEYS + 16));
        b.set(pending, b.int(1));
        b.set(left, b.add(b.intShl(b.get(quads), 2), 1));
      });
      f.loop(
        () =>
          f.block((b) => {
            const before = states.map((state) => b.get(state));
            const permutations = b.add(b.intShl(b.intAnd(b.get(pending), PERIOD - 1), 5), rowsDown);
            const after = round(b, before, b.load(b.get(keys)), b.load(permutations), b.load(permutations, 16));
            for (const [n, value] of after.entries()) b.set(states[n]!, value);
            b.set(keys, b.add(b.get(keys), 16));
            b.set(pending, b.add(b.get(pending), 1));
            b.set(left, b.sub(b.get(left), 1));
          }),
        (b) => b.get(left),
      );
      f.block((b) => {
        const lastFromU = b.bytes(TABLES.lastFromU);
        const lastFromV = b.bytes(TABLES.lastFromV);
        const key = b.load(b.get(keys));
        const toBlock = b.bytes(TO_BLOCK);
        const chosen = quotients(
          b,
          states.map((state) => b.get(state)),
        );
        const last = chosen.map(({ u, v }) => b.xor(b.xor(b.swizzle(lastFromU, u), key), b.swizzle(lastFromV, v)));
        for (const [n, rows] of last.entries()) {
          b.store(b.get(text), b.xor(b.swizzle(rows, toBlock), b.load(b.get(text), 16 * n)), 16 * n);
        }
        b.set(counter, b.add(b.get(counter), BLOCKS_AT_ONCE));
        b.set(text, b.add(b.get(text), 16 * BLOCKS_AT_ONCE));
      });
    },
    (b) => b.lessThan(b.get(text), b.get(end)),
  );
  return f.finish(false);
}
