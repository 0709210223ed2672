/**
 * GHASH (NIST SP 800-38D section 6.4) by look-ups in registers: a table of 16 bytes is a vector, and swizzle reads it for 16
 * nibbles at once. No memory address depends on H or data.
 *
 * Byte i of a block is a polynomial of degree below 8 times x^(8i); bit 7 is the coefficient of x^0. So the product of a
 * block's upper nibbles with H has at byte i + s the sum of T_s[nibble i], where T_s[n] is byte s of n(x) * H; s goes from
 * 0 to 16. The same with x^4 * H for lower nibbles. Sixteen blocks take a power of H each; their products share the
 * sums for each s, the shifts by s, and the reduction.
 */
import {
  HASH_POSITIONS,
  HASH_POWERS,
  HASH_STATE,
  HASH_TABLES,
  KEY_INPUT,
  MULTIPLES,
  NIBBLES,
  NIBBLES_END,
  POWER_BYTES,
} from '../layout.js';
import { Assembler, type Block, type Target, type Value, type Variable } from './assembler.js';
import type { FunctionCode } from './wasm.js';

/**
 * Sums over blocks are made for so many positions at a time, by what was measured: V8 11, which has no relaxed swizzle, runs
 * out of registers with more than two.
 */
function positionsAtOnce({ relaxed }: Target): number {
  return relaxed ? 4 : 2;
}

const NIBBLE = 0x0f;
/** The byte position that takes what bits of the last byte pass its end. */
const LAST_POSITION = HASH_POSITIONS - 1;
/** Of H times x^0..x^7: the low 16 bytes, then byte 16 in the first place of another vector. */
const MULTIPLE_BYTES = 32;

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** The bytes moved up by s places; zeros come in. */
function up(b: Block, a: Value, s: number): Value {
  return s === 0 ? a : b.shuffle(b.zero(), a, range(16 - s, 32 - s));
}

/** What `up` lets fall off, from the first place on. */
function over(b: Block, a: Value, s: number): Value {
  return b.shuffle(a, b.zero(), range(16 - s, 32 - s));
}

/** Every byte times x^bits, without what falls off its byte: bits move to the right. */
function timesX(b: Block, a: Value, bits: number): Value {
  return b.and(b.shiftRight64(a, bits), b.splat8(0xff >>> bits));
}

/** What timesX lets fall off, to be added one byte on. */
function fallenOff(b: Block, a: Value, bits: number): Value {
  return b.and(b.shiftLeft64(a, 8 - bits), b.splat8(0xff << (8 - bits)));
}

/** low + x^128 * high modulo x^128 + x^7 + x^2 + x + 1. */
function reduce(b: Block, low: Value, high: Value): Value {
  const sum = (values: Value[]) => values.reduce((a, value) => b.xor(a, value));
  // high * (x + x^2 + x^7) passes x^128 by what falls off its last byte: that is reduced with it.
  const last = over(b, high, 1);
  const folded = b.xor(high, sum([1, 2, 7].map((bits) => fallenOff(b, last, bits))));
  const carried = up(b, folded, 1);
  return sum([
    low,
    folded,
    ...[1, 2, 7].map((bits) => timesX(b, folded, bits)),
    ...[1, 2, 7].map((bits) => fallenOff(b, carried, bits)),
  ]);
}

/** hash(key, data, blocks): absorbs whole blocks, at least one, into HASH_STATE. */
export function hashFunction(target: Target): FunctionCode {
  const f = new Assembler('hash', ['i32', 'i32', 'i32'], target);
  const [key, data, blocks] = f.params as [Variable, Variable, Variable];
  const state = f.variable('v128');
  const [now, first, tables, left] = f.variables('i32', 4) as [Variable, Variable, Variable, Variable];
  const [place, table] = f.variables('i32', 2) as [Variable, Variable];
  const atOnce = positionsAtOnce(target);
  const products = [f.variables('v128', 2), f.variables('v128', 2)] as [Halves, Halves];
  const sums = range(0, atOnce).map(() => f.variables('v128', 2)) as Halves[];
  f.block((b) => {
    b.set(state, b.load(b.int(HASH_STATE)));
    // The first time as many blocks as leave a multiple of sixteen.
    b.set(now, b.add(b.intAnd(b.sub(b.get(blocks), 1), HASH_POWERS - 1), 1));
  });
  f.loop(
    () => {
      f.block((b) => {
        const skipped = b.sub(b.int(HASH_POWERS), b.get(now));
        b.set(first, b.add(b.intShl(skipped, 5), NIBBLES));
        b.set(tables, b.add(b.add(b.get(key), b.mul(skipped, POWER_BYTES)), HASH_TABLES + 16 * LAST_POSITION));
        b.set(blocks, b.sub(b.get(blocks), b.get(now)));
      });
      const [last] = sums as [Halves];
      const absorb = (b: Block, sum: Halves, multiples: Value, nibbles: readonly Value[]) => {
        for (const [i, half] of sum.entries()) b.set(half, b.xor(b.get(half), b.swizzle(multiples, nibbles[i]!)));
      };
      eachBlock(f, [last], () => {
        f.block((b) => {
          const block = b.xor(b.load(b.get(data)), b.get(state));
          const mask = b.splat8(NIBBLE);
          const nibbles = [b.and(b.shiftRight64(block, 4), mask), b.and(block, mask)];
          for (const [i, nibble] of nibbles.entries()) b.store(b.get(place), nibble, 16 * i);
          absorb(b, last, b.load(b.get(table)), nibbles);
          b.set(state, b.zero());
          b.set(data, b.add(b.get(data), 16));
        });
      });
      f.block((b) => {
        for (const [i, [low, high]] of products.entries()) {
          b.set(low, b.get(last[i]!));
          b.set(high, b.zero());
        }
        b.set(left, b.int(LAST_POSITION / atOnce));
      });
      f.loop(
        () => {
          f.block((b) => b.set(tables, b.sub(b.get(tables), 16 * atOnce)));
          eachBlock(f, sums, () => {
            f.block((b) => {
              const nibbles = [b.load(b.get(place)), b.load(b.get(place), 16)];
              for (const [i, sum] of sums.entries()) absorb(b, sum, b.load(b.get(table), 16 * i), nibbles);
            });
          });
          f.block((b) => {
            for (const [i, [low, high]] of products.entries()) {
              let [lowBytes, highBytes] = [b.get(low), b.get(high)];
              for (const sum of sums.toReversed()) {
                highBytes = b.shuffle(lowBytes, highBytes, range(15, 31));
                lowBytes = b.xor(up(b, lowBytes, 1), b.get(sum[i]!));
              }
              b.set(low, lowBytes);
              b.set(high, highBytes);
            }
            b.set(left, b.sub(b.get(left), 1));
          });
        },
        (b) => b.get(left),
      );
      f.block((b) => {
        const [upper, lower] = products.map((halves) => halves.map((half) => b.get(half))) as [Value[], Value[]];
        // The products of lower nibbles belong four bits further on.
        const fallen = lower.map((half) => fallenOff(b, half, 4)) as [Value, Value];
        const carried = [up(b, fallen[0], 1), b.shuffle(fallen[0], fallen[1], range(15, 31))];
        const [low, high] = upper.map((half, i) => b.xor(half, b.xor(timesX(b, lower[i]!, 4), carried[i]!)));
        b.set(state, reduce(b, low!, high!));
        b.set(now, b.int(HASH_POWERS));
      });
    },
    (b) => b.get(blocks),
  );
  f.block((b) => b.store(b.int(HASH_STATE), b.get(state)));
  return f.finish(true);

  /** From sums of zero, `body` for each block of this turn: its nibbles are at `place`, its power's tables at `table`. */
  function eachBlock(f: Assembler, zeroed: readonly Halves[], body: () => void): void {
    f.block((b) => {
      for (const half of zeroed.flat()) b.set(half, b.zero());
      b.set(place, b.get(first));
      b.set(table, b.get(tables));
    });
    f.loop(
      () => {
        body();
        f.block((b) => {
          b.set(place, b.add(b.get(place), 32));
          b.set(table, b.add(b.get(table), POWER_BYTES));
        });
      },
      (b) => b.lessThan(b.get(place), b.int(NIBBLES_END)),
    );
  }
}

/** One for upper and one for lower nibbles; or the low and the high bytes of a product. */
type Halves = [Variable, Variable];

/** powerTables(key, table): the 17 tables of the power of H at KEY_INPUT, to key + table. */
export function powerTablesFunction(target: Target): FunctionCode {
  const f = new Assembler('powerTables', ['i32', 'i32'], target);
  const [key, table] = f.params as [Variable, Variable];
  f.block((b) => {
    const h = b.load(b.int(KEY_INPUT));
    const carried = up(b, h, 1);
    const last = over(b, h, 1);
    const at = b.int(MULTIPLES);
    for (let bits = 0; bits < 4; bits++) {
      const lowBytes = bits === 0 ? h : b.xor(timesX(b, h, bits), fallenOff(b, carried, bits));
      b.store(at, lowBytes, MULTIPLE_BYTES * bits);
      b.store(at, bits === 0 ? b.zero() : fallenOff(b, last, bits), MULTIPLE_BYTES * bits + 16);
    }
  });
  const position = f.variable('i32');
  const entry = f.variable('i32');
  f.block((b) => {
    b.set(position, b.int(0));
    b.set(entry, b.add(b.get(key), b.get(table)));
  });
  f.loop(
    () =>
      f.block((b) => {
        // Place n of a table: the sum of the multiples that the bits of n choose; bit 3 of n is x^0.
        const parts = range(0, 4).map((i) => {
          const chosen = range(0, 16).map((n) => ((n >>> (3 - i)) & 1 ? 0xff : 0));
          return b.and(b.loadSplat8(b.get(position), MULTIPLES + MULTIPLE_BYTES * i), b.bytes(chosen));
        });
        b.store(
          b.get(entry),
          parts.reduce((a, part) => b.xor(a, part)),
        );
        b.set(position, b.add(b.get(position), 1));
        b.set(entry, b.add(b.get(entry), 16));
      }),
    (b) => b.lessThan(b.get(position), b.int(HASH_POSITIONS)),
  );
  return f.finish(true);
}
