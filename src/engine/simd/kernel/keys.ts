/** What is made of a key once: round keys for both forms of AES, and round 1 of counters. Constant-time, as all else. */
import {
  FIRST_ROUND,
  FIRST_ROUND_KEY,
  KEY_INPUT,
  LAST_BYTE_GROUPS,
  LAST_BYTES,
  LAST_ROUND_KEY,
  VECTOR_KEYS,
} from '../layout.js';
import { counterPlanes, roundOf, TO_ROWS } from './aes.js';
import { Assembler, type Block, type Target, type Value, type Variable } from './assembler.js';
import { SBOX_CONSTANT, subBytes } from './sbox.js';
import { intoTower } from './vpaes.js';
import type { FunctionCode } from './wasm.js';

/** Bytes of a line of the processor's caches. */
const LINE_BYTES = 64;

/** lastBytes(key): what each value of a counter's last byte adds to round 1, for all groups of eight, into the slot. */
export function lastBytesFunction(target: Target): FunctionCode {
  const f = new Assembler('lastBytes', ['i32'], target);
  const [key] = f.params as [Variable];
  const index = f.variable('i32');
  // Where ShiftRows and MixColumns take the last byte to: the first column.
  const reached = Array.from({ length: 16 }, (_, at) => ((at & 3) === 0 ? 0xff : 0));
  f.block((b) => {
    const planes = counterPlanes(b, b.zero(), b.int(0), b.int(0), b.get(key), false);
    for (const [i, plane] of roundOf(b, planes).entries()) b.store(b.int(FIRST_ROUND), plane, 16 * i);
  });
  f.loop(
    () =>
      f.block((b) => {
        const upper = b.swapBytes(b.intShl(b.get(index), 3));
        const ofLast = b.swapBytes(b.intAnd(b.intShl(b.add(b.get(index), 1), 3), 0xff));
        const planes = counterPlanes(b, b.zero(), upper, b.intXor(upper, ofLast), b.get(key), true);
        const [to, apart] = lastBytesOf(b, b.get(key), b.get(index));
        for (const [i, plane] of roundOf(b, planes).entries()) {
          const moved = b.xor(plane, b.load(b.int(FIRST_ROUND), 16 * i));
          b.store(to, b.and(moved, b.bytes(reached)), LAST_BYTES + apart * i);
        }
        b.set(index, b.add(b.get(index), 1));
      }),
    (b) => b.lessThan(b.get(index), b.int(LAST_BYTE_GROUPS)),
  );
  return f.finish(true);
}

/** Where a group's planes of this begin, without LAST_BYTES, and how far apart they are. */
function lastBytesOf(b: Block, key: Value, index: Value): [at: Value, apart: number] {
  if (!b.target.wide) return [b.add(key, b.intShl(index, 7)), 16];
  const pair = b.add(key, b.intShl(b.intShrU(index, 1), 8));
  return [b.add(pair, b.intShl(b.intAnd(index, 1), 4)), 32];
}

/** subWord(word): SubWord of FIPS 197 section 5.2 on all four bytes at once, through the same circuit. */
export function subWordFunction(target: Target): FunctionCode {
  const f = new Assembler('subWord', ['i32'], target, 'i32');
  f.return((b) => {
    const word = b.get(f.params[0]!);
    const gates = { xor: (x: Value, y: Value) => b.intXor(x, y), and: (x: Value, y: Value) => b.intAnd(x, y) };
    const planes = Array.from({ length: 8 }, (_, i) => b.intAnd(b.intShrU(word, i), 0x01010101));
    const bits = subBytes(gates, planes).map((plane, i) => b.intShl(plane, i));
    return b.intXor(
      bits.reduce((sum, bit) => b.intOr(sum, bit)),
      SBOX_CONSTANT * 0x01010101,
    );
  });
  return f.finish(true);
}

/**
 * prefetch(from, to): a word of each line of memory in [from, to), so that the processor fetches the lines at the same time. The
 * sum of the words keeps V8 from leaving the loads out.
 */
export function prefetchFunction(target: Target): FunctionCode {
  const f = new Assembler('prefetch', ['i32', 'i32'], target, 'i32');
  const [from, to] = f.params as [Variable, Variable];
  const sum = f.variable('i32');
  f.loop(
    () =>
      f.block((b) => {
        b.set(sum, b.intXor(b.get(sum), b.loadInt(b.get(from))));
        b.set(from, b.add(b.get(from), LINE_BYTES));
      }),
    (b) => b.lessThan(b.get(from), b.get(to)),
  );
  f.return((b) => b.get(sum));
  return f.finish(true);
}

/** packKeys(key, rounds): the round keys at KEY_INPUT, 16 bytes each, into the slot's planes. */
export function packKeysFunction(target: Target): FunctionCode {
  const f = new Assembler('packKeys', ['i32', 'i32'], target);
  const [key, count] = f.params as [Variable, Variable];
  const round = f.variable('i32');
  f.block((b) => {
    const first = b.swizzle(b.load(b.int(KEY_INPUT)), b.bytes(TO_ROWS));
    b.store(b.get(key), first, FIRST_ROUND_KEY);
    b.store(b.get(key), intoTower(b, first), VECTOR_KEYS);
    b.set(round, b.int(1));
  });
  f.loop(
    () => {
      f.block((b) => {
        const index = b.get(round);
        const input = b.load(b.intShl(index, 4), KEY_INPUT);
        const rows = b.swizzle(b.xor(input, b.splat8(SBOX_CONSTANT)), b.bytes(TO_ROWS));
        b.store(b.add(b.get(key), b.intShl(index, 4)), intoTower(b, rows), VECTOR_KEYS);
        b.store(b.int(LAST_ROUND_KEY), rows);
        const target = b.add(b.get(key), b.intShl(index, 7));
        for (let i = 0; i < 8; i++) {
          const bit = b.splat8(1 << i);
          b.store(target, b.equal8(b.and(rows, bit), bit), 16 * i);
        }
        b.set(round, b.add(index, 1));
      });
    },
    (b) => b.lessThan(b.get(round), b.add(b.get(count), 1)),
  );
  f.block((b) => b.store(b.add(b.get(key), b.intShl(b.get(count), 4)), b.load(b.int(LAST_ROUND_KEY)), VECTOR_KEYS));
  return f.finish(true);
}
