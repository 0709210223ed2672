/**
 * AES in counter mode, bitsliced: eight blocks in eight vectors (Kasper and Schwabe, CHES 2009), ShiftRows never done
 * (Adomnicai and Peyrin, "Fixslicing AES-like ciphers", 2020).
 *
 *     plane b holds bit b of every byte of the state; its byte 4 * row + column is that place of the state;
 *     bit k of such a byte belongs to block k
 *
 * Instead of moving rows, a round counts how many ShiftRows are pending, and MixColumns takes the row below from so many
 * columns along. Round keys lie in memory with the same displacement. After 10 or 14 rounds two are pending, which
 * the permutation back to blocks takes in. Bytes of a row lie side by side, so that going down a row turns whole lanes.
 */
import {
  FIRST_ROUND,
  FIRST_ROUND_KEY,
  KEY_INPUT,
  LAST_BYTE_GROUPS,
  LAST_BYTES,
  LAST_ROUND_KEY,
  ROUND_KEY_BYTES,
  VECTOR_KEYS,
} from '../layout.js';
import { Assembler, type Block, type Target, type Value, type Variable } from './assembler.js';
import { SBOX_CONSTANT, subBytes } from './sbox.js';
import { intoTower } from './vpaes.js';
import type { FunctionCode } from './wasm.js';

/** Blocks in a group, and bytes. */
export const GROUP_BLOCKS = 8;
const GROUP_BYTES = 16 * GROUP_BLOCKS;
/** ShiftRows come back to where they began after four rounds: the loop's body. */
export const PERIOD = 4;
/** The three lowest bits of the counters 1 to 8, over the eight blocks of a group. */
const COUNTER_BITS = [0x55, 0x66, 0x78];
const LAST_OF_GROUP = 0x80;

/** Where each byte of a vector comes from. */
function permutation(source: (row: number, column: number) => number): number[] {
  return Array.from({ length: 16 }, (_, at) => source(at >>> 2, at & 3));
}

/** Where a block has the byte of a place, and where a vector in rows has it. */
const inBlock = (row: number, column: number) => 4 * (column & 3) + row;
const inRows = (row: number, column: number) => 4 * (row & 3) + (column & 3);

/** From a block to rows, with `pending` ShiftRows. */
export function toRows(pending: number): number[] {
  return permutation((row, column) => inBlock(row, column - pending * row));
}

/** From rows with two ShiftRows pending, as the last round leaves them, to a block: byte 4 * column + row. */
export const TO_BLOCK = permutation((column, row) => inRows(row, column + 2 * row));

/** Where the bytes of a vector in rows come from that goes one or two rows down, with `pending` ShiftRows. */
export function down(rows: 1 | 2, pending: number): number[] {
  return permutation((row, column) => inRows(row + rows, column + rows * pending));
}

/** `down`, by what costs least. */
function goDown(b: Block, rows: 1 | 2, pending: number): (plane: Value) => Value {
  const columns = (rows * pending) & 3;
  const lanes = down(rows, 0);
  if (columns === 0) return (plane) => b.shuffle(plane, plane, lanes);
  if (columns === 2 && !b.target.relaxed) {
    // Whole lanes, then halves of lanes: together no more than a look-up costs here, and nothing to load.
    const halves = permutation((row, column) => inRows(row, column + 2));
    return (plane) => {
      const moved = b.shuffle(plane, plane, lanes);
      return b.shuffle(moved, moved, halves);
    };
  }
  const mask = b.bytes(down(rows, pending));
  return (plane) => b.swizzle(plane, mask);
}

/** MixColumns (FIPS 197 section 5.1.3): 2a + 3b + c + d = 2(a + b) + b + (c + d), with b one row below a. */
function mixColumns(b: Block, planes: readonly Value[], pending: number): Value[] {
  const oneDown = goDown(b, 1, pending);
  const twoDown = goDown(b, 2, pending);
  const below = planes.map(oneDown);
  const sums = planes.map((plane, i) => b.xor(plane, below[i]!));
  return planes.map((_, i) => {
    const rest = b.xor(below[i]!, twoDown(sums[i]!));
    // Twice: every bit moves up by one, and what falls off comes back as 0x1b.
    const doubled = i === 0 ? sums[7]! : i === 1 || i === 3 || i === 4 ? b.xor(sums[i - 1]!, sums[7]!) : sums[i - 1]!;
    return b.xor(rest, doubled);
  });
}

function addRoundKey(b: Block, planes: readonly Value[], keys: Value, offset: number): Value[] {
  return planes.map((plane, i) => b.xor(plane, b.load(keys, offset + 16 * i)));
}

/** SubBytes and MixColumns, with `pending` ShiftRows. */
function subAndMix(b: Block, planes: readonly Value[], pending: number): Value[] {
  return mixColumns(b, subBytes(b, planes), pending);
}

/** Planes to blocks: three stages of bits changing places, and then each block's bytes. */
function toBlocks(b: Block, planes: readonly Value[]): Value[] {
  const state = [...planes];
  for (const [bits, mask] of [
    [1, 0x55],
    [2, 0x33],
    [4, 0x0f],
  ] as const) {
    const kept = b.splat8(mask);
    for (let i = 0; i < 8; i++) {
      if ((i & bits) !== 0) continue;
      const low = state[i]!;
      const high = state[i + bits]!;
      const moving = b.and(b.xor(b.shiftRight64(low, bits), high), kept);
      state[i + bits] = b.xor(high, moving);
      state[i] = b.xor(low, b.shiftLeft64(moving, bits));
    }
  }
  const mask = b.bytes(TO_BLOCK);
  return state.map((block) => b.swizzle(block, mask));
}

/**
 * The planes of eight counter blocks with round key 0 added. `counter` is that of all but the last block, without the three
 * low bits, which `lowBits` adds; `carried` is what differs in the last block's, and both have the nonce's byte order.
 */
function counterPlanes(b: Block, nonce: Value, counter: Value, carried: Value, key: Value, lowBits: boolean): Value[] {
  const rowsOf = b.bytes(toRows(0));
  const rows = b.xor(b.swizzle(b.replaceLane32(nonce, 3, counter), rowsOf), b.load(key, FIRST_ROUND_KEY));
  const lastRows = b.swizzle(b.replaceLane32(b.zero(), 3, carried), rowsOf);
  const last = b.splat8(LAST_OF_GROUP);
  return Array.from({ length: 8 }, (_, i) => {
    const bit = b.splat8(1 << i);
    const plane = b.xor(b.equal8(b.and(rows, bit), bit), b.and(b.shiftLeft64(lastRows, 7 - i), last));
    const ofCounters = lowBits ? COUNTER_BITS[i] : undefined;
    return ofCounters === undefined ? plane : b.xor(plane, b.bytes([...new Array(15).fill(0), ofCounters]));
  });
}

/**
 * groups(key, quads, n0, n1, n2, counter, text, groups): adds the key stream of `groups` groups of eight blocks, at least
 * one, to the text. `quads` is how many times four rounds come between the first and the last: 2 or 3; n0..n2 are the
 * nonce's bytes as little-endian words; `counter` is 1 modulo 8.
 *
 * Round 1 is done once for all groups between which only the last byte of the counter moves: what this byte does to the
 * round depends on the key alone, and is in the slot for all of its values.
 */
export function groupsFunction(target: Target): FunctionCode {
  const f = new Assembler('groups', new Array(8).fill('i32'), target);
  const [key, quads, n0, n1, n2, counter, text, groups] = f.params as Parameters8;
  const nonce = f.variable('v128');
  f.block((b) => {
    const two = b.replaceLane32(b.splat32(b.get(n0)), 1, b.get(n1));
    b.set(nonce, b.replaceLane32(two, 2, b.get(n2)));
  });
  const state = f.variables('v128', 8);
  const [keys, left, run, index] = f.variables('i32', 4) as [Variable, Variable, Variable, Variable];
  f.loop(
    () => {
      f.block((b) => {
        // The upper bytes of all counters in the group, and of the last one's.
        const upper = b.intAnd(b.get(counter), ~0xff);
        const ofLast = b.intAnd(b.add(b.get(counter), GROUP_BLOCKS - 1), ~0xff);
        const carried = b.swapBytes(b.intXor(upper, ofLast));
        const planes = counterPlanes(b, b.get(nonce), b.swapBytes(upper), carried, b.get(key), false);
        const first = addRoundKey(b, subAndMix(b, planes, 1), b.get(key), ROUND_KEY_BYTES);
        for (const [i, plane] of first.entries()) b.store(b.int(FIRST_ROUND), plane, 16 * i);
      });
      f.block((b) => {
        // Up to the group whose last counter carries, which is a run of its own.
        b.set(index, b.intAnd(b.intShrU(b.get(counter), 3), LAST_BYTE_GROUPS - 1));
        b.set(run, b.get(groups));
      });
      f.block((b) => {
        const last = b.lessThan(b.int(LAST_BYTE_GROUPS - 2), b.get(index));
        b.set(left, b.add(b.sub(b.int(LAST_BYTE_GROUPS - 1), b.get(index)), last));
      });
      f.when(
        (b) => b.lessThan(b.get(left), b.get(run)),
        () => f.block((b) => b.set(run, b.get(left))),
      );
      f.block((b) => {
        b.set(index, b.add(b.get(key), b.intShl(b.get(index), 7)));
        b.set(groups, b.sub(b.get(groups), b.get(run)));
        b.set(counter, b.add(b.get(counter), b.intShl(b.get(run), 3)));
      });
      f.loop(
        () => {
          f.block((b) => {
            for (const [i, plane] of state.entries()) {
              const moved = b.load(b.get(index), LAST_BYTES + 16 * i);
              b.set(plane, b.xor(b.load(b.int(FIRST_ROUND), 16 * i), moved));
            }
            b.set(keys, b.add(b.get(key), 2 * ROUND_KEY_BYTES));
            b.set(left, b.get(quads));
          });
          f.loop(
            () =>
              f.block((b) => {
                let planes = state.map((plane) => b.get(plane));
                for (let i = 0; i < PERIOD; i++) {
                  planes = subAndMix(b, planes, (i + 2) % PERIOD);
                  planes = addRoundKey(b, planes, b.get(keys), ROUND_KEY_BYTES * i);
                }
                for (const [i, plane] of planes.entries()) b.set(state[i]!, plane);
                b.set(keys, b.add(b.get(keys), PERIOD * ROUND_KEY_BYTES));
                b.set(left, b.sub(b.get(left), 1));
              }),
            (b) => b.get(left),
          );
          f.block((b) => {
            const planes = state.map((plane) => b.get(plane));
            const last = addRoundKey(b, subBytes(b, planes), b.get(keys), 0);
            const at = b.get(text);
            for (const [i, block] of toBlocks(b, last).entries()) b.store(at, b.xor(block, b.load(at, 16 * i)), 16 * i);
            b.set(text, b.add(b.get(text), GROUP_BYTES));
            b.set(index, b.add(b.get(index), GROUP_BYTES));
            b.set(run, b.sub(b.get(run), 1));
          });
        },
        (b) => b.get(run),
      );
    },
    (b) => b.get(groups),
  );
  return f.finish(false);
}

type Parameters8 = [Variable, Variable, Variable, Variable, Variable, Variable, Variable, Variable];

/** lastBytes(key): what each value of a counter's last byte adds to round 1, for all groups of eight, into the slot. */
export function lastBytesFunction(target: Target): FunctionCode {
  const f = new Assembler('lastBytes', ['i32'], target);
  const [key] = f.params as [Variable];
  const index = f.variable('i32');
  // Where MixColumns takes the last byte to, after one ShiftRows.
  const reached = Array.from({ length: 16 }, (_, at) => ((at & 3) === at >>> 2 ? 0xff : 0));
  f.block((b) => {
    const planes = counterPlanes(b, b.zero(), b.int(0), b.int(0), b.get(key), false);
    for (const [i, plane] of subAndMix(b, planes, 1).entries()) b.store(b.int(FIRST_ROUND), plane, 16 * i);
  });
  f.loop(
    () =>
      f.block((b) => {
        const upper = b.swapBytes(b.intShl(b.get(index), 3));
        const ofLast = b.swapBytes(b.intAnd(b.intShl(b.add(b.get(index), 1), 3), 0xff));
        const planes = counterPlanes(b, b.zero(), upper, b.intXor(upper, ofLast), b.get(key), true);
        const to = b.add(b.get(key), b.intShl(b.get(index), 7));
        for (const [i, plane] of subAndMix(b, planes, 1).entries()) {
          const moved = b.xor(plane, b.load(b.int(FIRST_ROUND), 16 * i));
          b.store(to, b.and(moved, b.bytes(reached)), LAST_BYTES + 16 * i);
        }
        b.set(index, b.add(b.get(index), 1));
      }),
    (b) => b.lessThan(b.get(index), b.int(LAST_BYTE_GROUPS)),
  );
  return f.finish(true);
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

/** packKeys(key, rounds): the round keys at KEY_INPUT, 16 bytes each, into the slot's planes. */
export function packKeysFunction(target: Target): FunctionCode {
  const f = new Assembler('packKeys', ['i32', 'i32'], target);
  const [key, count] = f.params as [Variable, Variable];
  const round = f.variable('i32');
  const keyRows = target.constants.address([0, 1, 2, 3].flatMap(toRows));
  f.block((b) => {
    const first = b.swizzle(b.load(b.int(KEY_INPUT)), b.bytes(toRows(0)));
    b.store(b.get(key), first, FIRST_ROUND_KEY);
    b.store(b.get(key), intoTower(b, first), VECTOR_KEYS);
    b.set(round, b.int(1));
  });
  f.loop(
    () => {
      f.block((b) => {
        const index = b.get(round);
        const input = b.load(b.intShl(index, 4), KEY_INPUT);
        const pending = b.intShl(b.intAnd(index, PERIOD - 1), 4);
        const rows = b.swizzle(b.xor(input, b.splat8(SBOX_CONSTANT)), b.load(pending, keyRows));
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
