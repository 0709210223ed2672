/**
 * AES in counter mode, bitsliced: eight blocks in eight vectors (Kasper and Schwabe, CHES 2009).
 *
 *     plane b holds bit b of every byte of the state; its byte 4 * row + column is that place of the state;
 *     bit k of such a byte belongs to block k
 *
 * Bytes of a row lie side by side: MixColumns goes down by whole lanes, one instruction, and ShiftRows is a look-up with a
 * constant mask. Never doing ShiftRows (Adomnicai and Peyrin, "Fixslicing AES-like ciphers", 2020) was tried: then other
 * rounds have other masks, and V8 11 makes three instructions of a look-up whose mask it does not know.
 */
import {
  FIRST_ROUND,
  FIRST_ROUND_KEY,
  LAST_BYTE_GROUPS,
  LAST_BYTES,
  PACKED_ADDRESSES,
  PACKED_BLOCKS,
  ROUND_KEY_BYTES,
} from '../layout.js';
import { Assembler, type Block, type Target, type Value, type Variable } from './assembler.js';
import { type Gates, subBytes } from './sbox.js';
import type { FunctionCode } from './wasm.js';

/** Blocks in a group, and bytes. */
export const GROUP_BLOCKS = 8;
const GROUP_BYTES = 16 * GROUP_BLOCKS;
/** The three lowest bits of the counters 1 to 8, over the eight blocks of a group. */
const COUNTER_BITS = [0x55, 0x66, 0x78];
const LAST_OF_GROUP = 0x80;

/** Where each byte of a vector comes from. */
export function permutation(source: (row: number, column: number) => number): number[] {
  return Array.from({ length: 16 }, (_, at) => source(at >>> 2, at & 3));
}

/** Where a block has the byte of a place, and where a vector in rows has it. */
export const inBlock = (row: number, column: number) => 4 * (column & 3) + row;
export const inRows = (row: number, column: number) => 4 * (row & 3) + (column & 3);

/** From a block to rows, and back. */
export const TO_ROWS = permutation(inBlock);
export const TO_BLOCK = permutation((column, row) => inRows(row, column));
/** ShiftRows (FIPS 197 section 5.1.2). */
export const SHIFT_ROWS = permutation((row, column) => inRows(row, column + row));

/** So many rows down: whole lanes, one instruction. */
export function rowsDown(b: Block, vector: Value, rows: 1 | 2): Value {
  const lanes = permutation((row, column) => inRows(row + rows, column));
  return b.shuffle(vector, vector, lanes);
}

/** A round without its key, and without the constant of SubBytes. */
export function roundOf(b: Block, planes: readonly Value[]): Value[] {
  const shiftRows = b.bytes(SHIFT_ROWS);
  const shifted = planes.map((plane) => b.swizzle(plane, shiftRows));
  return mixColumns(b, subBytes(b, shifted), (plane, rows) => rowsDown(b, plane, rows));
}

/** What the steps of a round are made of: vectors, or pairs of them. */
export interface Vectors<Wire> extends Gates<Wire> {
  shiftLeft64(a: Wire, bits: number): Wire;
  shiftRight64(a: Wire, bits: number): Wire;
  splat8(value: number): Wire;
}

/** MixColumns (FIPS 197 section 5.1.3): 2a + 3b + c + d = 2(a + b) + b + (c + d), with b one row below a. */
export function mixColumns<Wire>(
  b: Gates<Wire>,
  planes: readonly Wire[],
  down: (plane: Wire, rows: 1 | 2) => Wire,
): Wire[] {
  const below = planes.map((plane) => down(plane, 1));
  const sums = planes.map((plane, i) => b.xor(plane, below[i]!));
  return sums.map((sum, i) => {
    const rest = b.xor(below[i]!, down(sum, 2));
    // Twice: every bit moves up by one, and the top bit is reduced to 0x1b.
    const doubled = i === 0 ? sums[7]! : i === 1 || i === 3 || i === 4 ? b.xor(sums[i - 1]!, sums[7]!) : sums[i - 1]!;
    return b.xor(rest, doubled);
  });
}

function addRoundKey(b: Block, planes: readonly Value[], keys: Value, offset: number): Value[] {
  return planes.map((plane, i) => b.xor(plane, b.load(keys, offset + 16 * i)));
}

/** Bit i of vector j changes places with bit j of vector i, in every byte: from blocks to planes, and back. */
export function exchangeBits<Wire>(b: Vectors<Wire>, vectors: readonly Wire[]): Wire[] {
  const state = [...vectors];
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
  return state;
}

/** Planes after the last round to blocks. */
function toBlocks(b: Block, planes: readonly Value[]): Value[] {
  const bytes = b.bytes(TO_BLOCK);
  return exchangeBits(b, planes).map((rows) => b.swizzle(rows, bytes));
}

/**
 * The planes of eight counter blocks with round key 0 added. `counter` is that of all but the last block, without the three
 * low bits, which `lowBits` adds; `carried` is what differs in the last block's, and both have the nonce's byte order.
 */
export function counterPlanes(
  b: Block,
  nonce: Value,
  counter: Value,
  carried: Value,
  key: Value,
  lowBits: boolean,
): Value[] {
  const rowsOf = b.bytes(TO_ROWS);
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
 * groups(key, quads, nonce, counter, text, groups): adds the key stream of `groups` groups of eight blocks, at least one, to
 * the text. `quads` is how many times four rounds come between the first and the last: 2 or 3; `nonce` is an address;
 * `counter` is 1 modulo 8.
 *
 * Round 1 is done once for all groups between which only the last byte of the counter moves: what this byte does to the
 * round depends on the key alone, and is in the slot for all of its values.
 */
export function groupsFunction(target: Target): FunctionCode {
  const f = new Assembler('groups', new Array(6).fill('i32'), target);
  f.keep([SHIFT_ROWS]);
  const [key, quads, nonce, counter, text, groups] = f.params as Parameters6;
  const state = f.variables('v128', 8);
  const [keys, left, run, index] = f.variables('i32', 4) as [Variable, Variable, Variable, Variable];
  f.loop(
    () => {
      f.block((b) => {
        // The upper bytes of all counters in the group, and of the last one's.
        const upper = b.intAnd(b.get(counter), ~0xff);
        const ofLast = b.intAnd(b.add(b.get(counter), GROUP_BLOCKS - 1), ~0xff);
        const carried = b.swapBytes(b.intXor(upper, ofLast));
        const planes = counterPlanes(b, b.load(b.get(nonce)), b.swapBytes(upper), carried, b.get(key), false);
        const first = addRoundKey(b, roundOf(b, planes), b.get(key), ROUND_KEY_BYTES);
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
            b.set(left, b.intShl(b.get(quads), 2));
          });
          middleRounds(f, state, keys, left);
          f.block((b) => {
            const at = b.get(text);
            for (const [i, block] of lastRound(b, state, keys).entries()) {
              b.store(at, b.xor(block, b.load(at, 16 * i)), 16 * i);
            }
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

type Parameters6 = [Variable, Variable, Variable, Variable, Variable, Variable];

/** `left` rounds before the last, one a turn; `keys` is where their keys begin. */
function middleRounds(f: Assembler, state: readonly Variable[], keys: Variable, left: Variable): void {
  f.loop(
    () =>
      f.block((b) => {
        const planes = roundOf(
          b,
          state.map((plane) => b.get(plane)),
        );
        for (const [i, plane] of addRoundKey(b, planes, b.get(keys), 0).entries()) b.set(state[i]!, plane);
        b.set(keys, b.add(b.get(keys), ROUND_KEY_BYTES));
        b.set(left, b.sub(b.get(left), 1));
      }),
    (b) => b.get(left),
  );
}

/** The last round, and from planes to blocks. */
function lastRound(b: Block, state: readonly Variable[], keys: Variable): Value[] {
  const shiftRows = b.bytes(SHIFT_ROWS);
  const shifted = state.map((plane) => b.swizzle(b.get(plane), shiftRows));
  return toBlocks(b, addRoundKey(b, subBytes(b, shifted), b.get(keys), 0));
}

/**
 * packed(key, quads, groups): adds the key stream of `groups` groups of eight blocks at PACKED_BLOCKS, at least one, to the
 * texts at PACKED_ADDRESSES. Any block may be of any nonce.
 */
export function packedFunction(target: Target): FunctionCode {
  const f = new Assembler('packed', ['i32', 'i32', 'i32'], target);
  f.keep([SHIFT_ROWS]);
  const [key, quads, groups] = f.params as [Variable, Variable, Variable];
  const state = f.variables('v128', 8);
  const [keys, left, blocks, addresses] = f.variables('i32', 4) as [Variable, Variable, Variable, Variable];
  f.block((b) => {
    b.set(blocks, b.int(PACKED_BLOCKS));
    b.set(addresses, b.int(PACKED_ADDRESSES));
  });
  f.loop(
    () => {
      f.block((b) => {
        const rowsOf = b.bytes(TO_ROWS);
        const firstKey = b.load(b.get(key), FIRST_ROUND_KEY);
        const rows = state.map((_, i) => b.xor(b.swizzle(b.load(b.get(blocks), 16 * i), rowsOf), firstKey));
        for (const [i, plane] of exchangeBits(b, rows).entries()) b.set(state[i]!, plane);
        b.set(keys, b.add(b.get(key), ROUND_KEY_BYTES));
        b.set(left, b.add(b.intShl(b.get(quads), 2), 1));
      });
      middleRounds(f, state, keys, left);
      f.block((b) => {
        for (const [i, block] of lastRound(b, state, keys).entries()) {
          const at = b.loadInt(b.get(addresses), 4 * i);
          b.store(at, b.xor(block, b.load(at)));
        }
        b.set(blocks, b.add(b.get(blocks), GROUP_BYTES));
        b.set(addresses, b.add(b.get(addresses), 4 * GROUP_BLOCKS));
        b.set(groups, b.sub(b.get(groups), 1));
      });
    },
    (b) => b.get(groups),
  );
  return f.finish(false);
}
