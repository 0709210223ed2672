/**
 * AES-CTR of the wide form: groups of eight blocks in pairs, as pairs.ts has them, for platforms that make AVX2 of these.
 *
 * No round may have a look-up, so ShiftRows is never done (fixslicing: Adomnicai and Peyrin, TCHES 2021/1): the state after
 * round 1 + k lies there as ShiftRows undone k times, its round key too, and MixColumns turns the columns as it goes down:
 *
 *     phase k mod 4:    a row down is a turn by k columns, two rows down by 2k
 *
 * After four rounds all is as before; the last round comes at phase 0, and its ShiftRows is in the look-up that makes blocks
 * of rows, one vector at a time. Round 1 finds ShiftRows in the look-up that makes rows of blocks.
 */
import {
  FIRST_ROUND_KEY,
  LAST_BYTE_GROUPS,
  LAST_BYTES,
  PACKED_ADDRESSES,
  PACKED_BLOCKS,
  PAIR_BYTES,
  PAIR_FIRST_ROUND,
  PAIR_KEYS,
  PAIR_ROWS,
  PAIR_STATE,
  ROUND_KEY_BYTES,
} from '../layout.js';
import { exchangeBits, GROUP_BLOCKS, inBlock, inRows, mixColumns, permutation, SHIFT_ROWS, TO_ROWS } from './aes.js';
import { Assembler, type Block, type Target, type Value, type Variable } from './assembler.js';
import type { Callees } from './frames.js';
import { type Pair, Pairs } from './pairs.js';
import { subBytes } from './sbox.js';
import type { FunctionCode } from './wasm.js';

const PAIR_BLOCKS = 2 * GROUP_BLOCKS;
const PLANES = Array.from({ length: 8 }, (_, i) => i);
const PHASES = [0, 1, 2, 3];

/** ShiftRows and from a block to rows; and from rows to a block, after ShiftRows. */
const TO_SHIFTED_ROWS = permutation((row, column) => inBlock(row, column + row));
const TO_SHIFTED_BLOCK = permutation((column, row) => inRows(row, column + row));
/** The permutation that undoes as many ShiftRows as the phase counts. */
const UNSHIFTED = PHASES.map((phase) => permutation((row, column) => inRows(row, column - phase * row)));

/** A round that ends in a phase. */
function roundOf(p: Pairs, planes: readonly Pair[], phase: number): Pair[] {
  return mixColumns(p, subBytes(p, planes), (plane, rows) => p.turned(plane, rows, rows * phase));
}

function loadPlanes(p: Pairs, address: Value, offset = 0): Pair[] {
  return PLANES.map((i) => p.load(address, offset + 32 * i));
}

function storePlanes(p: Pairs, address: Value, planes: readonly Pair[]): void {
  for (const [i, plane] of planes.entries()) p.store(address, plane, 32 * i);
}

function addKey(p: Pairs, planes: readonly Pair[], keys: Value, offset: number): Pair[] {
  const key = loadPlanes(p, keys, offset);
  return planes.map((plane, i) => p.xor(plane, key[i]!));
}

/** pairRounds(keys, quads): rounds 2 and up, with their keys from `keys` on: planes in PAIR_STATE to PAIR_ROWS. */
export function pairRoundsFunction(target: Target): FunctionCode {
  const f = new Assembler('pairRounds', ['i32', 'i32'], target);
  const [keys, quads] = f.params as [Variable, Variable];
  f.loop(
    () =>
      f.block((b) => {
        const p = new Pairs(b);
        let planes = loadPlanes(p, b.int(PAIR_STATE));
        for (const i of PHASES) {
          planes = addKey(p, roundOf(p, planes, (i + 1) & 3), b.get(keys), i * PAIR_BYTES);
        }
        storePlanes(p, b.int(PAIR_STATE), planes);
        b.set(keys, b.add(b.get(keys), PHASES.length * PAIR_BYTES));
        b.set(quads, b.sub(b.get(quads), 1));
      }),
    (b) => b.get(quads),
  );
  f.block((b) => {
    const p = new Pairs(b);
    const planes = addKey(p, subBytes(p, loadPlanes(p, b.int(PAIR_STATE))), b.get(keys), 0);
    storePlanes(p, b.int(PAIR_ROWS), exchangeBits(p, planes));
  });
  return f.finish(false);
}

/** pairFirstRound(key): round 1, from planes in PAIR_STATE with key 0 added to PAIR_STATE. */
export function pairFirstRoundFunction(target: Target): FunctionCode {
  const f = new Assembler('pairFirstRound', ['i32'], target);
  f.block((b) => {
    const p = new Pairs(b);
    const planes = roundOf(p, loadPlanes(p, b.int(PAIR_STATE)), 0);
    storePlanes(p, b.int(PAIR_STATE), addKey(p, planes, b.get(f.params[0]!), PAIR_KEYS));
  });
  return f.finish(false);
}

/** Rows, with round key 0 added and ShiftRows done, of a vector that has the byte order of blocks. */
function shiftedRows(b: Block, block: Value, key: Value): Value {
  return b.swizzle(b.xor(b.swizzle(block, b.bytes(TO_ROWS)), b.load(key, FIRST_ROUND_KEY)), b.bytes(SHIFT_ROWS));
}

/** Adds block i of PAIR_ROWS to the text at an address. */
function addBlock(b: Block, i: number, at: Value, offset = 0): void {
  const row = b.load(b.int(PAIR_ROWS), 32 * (i & 7) + 16 * (i >>> 3));
  b.store(at, b.xor(b.swizzle(row, b.bytes(TO_SHIFTED_BLOCK)), b.load(at, offset)), offset);
}

/** The same as in the other forms (aes.ts), but that `counter` is 1 modulo 16. An odd group at the end is half a pair. */
export function pairGroupsFunction(target: Target, callees: Callees): FunctionCode {
  const f = new Assembler('groups', new Array(6).fill('i32'), target);
  const [key, quads, nonce, counter, text, groups] = f.params as [
    Variable,
    Variable,
    Variable,
    Variable,
    Variable,
    Variable,
  ];
  const [left, run, index] = f.variables('i32', 3) as [Variable, Variable, Variable];
  f.loop(
    () => {
      f.block((b) => {
        // The upper bytes of all counters in the pair, and of the last one's.
        const upper = b.intAnd(b.get(counter), ~0xff);
        const ofLast = b.intAnd(b.add(b.get(counter), PAIR_BLOCKS - 1), ~0xff);
        const carried = b.swapBytes(b.intXor(upper, ofLast));
        const rows = shiftedRows(b, b.replaceLane32(b.load(b.get(nonce)), 3, b.swapBytes(upper)), b.get(key));
        const lastRows = b.swizzle(b.replaceLane32(b.zero(), 3, carried), b.bytes(TO_SHIFTED_ROWS));
        for (const [i, vector] of [rows, rows, b.zero(), lastRows].entries()) {
          b.store(b.int(PAIR_ROWS), vector, 16 * i);
        }
      });
      f.block((b) => {
        const p = new Pairs(b);
        const rows = p.load(b.int(PAIR_ROWS));
        const lastRows = p.load(b.int(PAIR_ROWS), 32);
        const planes = PLANES.map((i) => {
          const bit = p.splat8(1 << i);
          const ofLast = p.and(p.shiftLeft64(lastRows, 7 - i), p.splat8(0x80));
          return p.xor(p.equal8(p.and(rows, bit), bit), ofLast);
        });
        storePlanes(p, b.int(PAIR_STATE), planes);
      });
      f.block((b) => b.call(callees.pairFirstRound, [b.get(key)]));
      f.block((b) => {
        const p = new Pairs(b);
        storePlanes(p, b.int(PAIR_FIRST_ROUND), loadPlanes(p, b.int(PAIR_STATE)));
      });
      f.block((b) => {
        // Up to the pair whose last counter carries, which is a run of its own.
        b.set(index, b.intAnd(b.intShrU(b.get(counter), 4), LAST_BYTE_GROUPS / 2 - 1));
        b.set(run, b.intShrU(b.add(b.get(groups), 1), 1));
      });
      f.block((b) => {
        const last = b.lessThan(b.int(LAST_BYTE_GROUPS / 2 - 2), b.get(index));
        b.set(left, b.add(b.sub(b.int(LAST_BYTE_GROUPS / 2 - 1), b.get(index)), last));
      });
      f.when(
        (b) => b.lessThan(b.get(left), b.get(run)),
        () => f.block((b) => b.set(run, b.get(left))),
      );
      f.block((b) => {
        b.set(index, b.add(b.get(key), b.intShl(b.get(index), 8)));
        b.set(counter, b.add(b.get(counter), b.intShl(b.get(run), 4)));
      });
      f.loop(
        () => {
          f.block((b) => {
            const p = new Pairs(b);
            const first = loadPlanes(p, b.int(PAIR_FIRST_ROUND));
            const moved = loadPlanes(p, b.get(index), LAST_BYTES);
            storePlanes(
              p,
              b.int(PAIR_STATE),
              first.map((plane, i) => p.xor(plane, moved[i]!)),
            );
          });
          f.block((b) => b.call(callees.pairRounds, [b.add(b.get(key), PAIR_KEYS + PAIR_BYTES), b.get(quads)]));
          f.block((b) => {
            for (const i of PLANES) addBlock(b, i, b.get(text), 16 * i);
            b.set(groups, b.sub(b.get(groups), 2));
          });
          f.when(
            (b) => b.isPositive(b.add(b.get(groups), 1)),
            () =>
              f.block((b) => {
                for (const i of PLANES) addBlock(b, 8 + i, b.get(text), 16 * (8 + i));
              }),
          );
          f.block((b) => {
            b.set(text, b.add(b.get(text), 16 * PAIR_BLOCKS));
            b.set(index, b.add(b.get(index), PAIR_BYTES));
            b.set(run, b.sub(b.get(run), 1));
          });
        },
        (b) => b.get(run),
      );
    },
    (b) => b.isPositive(b.get(groups)),
  );
  return f.finish(false);
}

/** The same as in the other forms (aes.ts), but that `groups` counts pairs of them. */
export function pairPackedFunction(target: Target, callees: Callees): FunctionCode {
  const f = new Assembler('packed', ['i32', 'i32', 'i32'], target);
  const [key, quads, groups] = f.params as [Variable, Variable, Variable];
  const [blocks, addresses] = f.variables('i32', 2) as [Variable, Variable];
  f.block((b) => {
    b.set(blocks, b.int(PACKED_BLOCKS));
    b.set(addresses, b.int(PACKED_ADDRESSES));
  });
  f.loop(
    () => {
      f.block((b) => {
        for (let i = 0; i < PAIR_BLOCKS; i++) {
          const rows = shiftedRows(b, b.load(b.get(blocks), 16 * i), b.get(key));
          b.store(b.int(PAIR_ROWS), rows, 32 * (i & 7) + 16 * (i >>> 3));
        }
      });
      f.block((b) => {
        const p = new Pairs(b);
        storePlanes(p, b.int(PAIR_STATE), exchangeBits(p, loadPlanes(p, b.int(PAIR_ROWS))));
      });
      f.block((b) => b.call(callees.pairFirstRound, [b.get(key)]));
      f.block((b) => b.call(callees.pairRounds, [b.add(b.get(key), PAIR_KEYS + PAIR_BYTES), b.get(quads)]));
      f.block((b) => {
        for (let i = 0; i < PAIR_BLOCKS; i++) addBlock(b, i, b.loadInt(b.get(addresses), 4 * i));
        b.set(blocks, b.add(b.get(blocks), 16 * PAIR_BLOCKS));
        b.set(addresses, b.add(b.get(addresses), 4 * PAIR_BLOCKS));
        b.set(groups, b.sub(b.get(groups), 1));
      });
    },
    (b) => b.get(groups),
  );
  return f.finish(false);
}

/** packPairs(key, rounds): the slot's round keys 1 and up for pairs, from its planes: each as its round's phase has it. */
export function packPairsFunction(target: Target): FunctionCode {
  const f = new Assembler('packPairs', ['i32', 'i32'], target);
  const [key, rounds] = f.params as [Variable, Variable];
  const round = f.variable('i32');
  const masks = target.constants.address(UNSHIFTED.flat());
  f.loop(
    () =>
      f.block((b) => {
        const unshifted = b.load(b.intShl(b.intAnd(b.get(round), 3), 4), masks);
        const from = b.add(b.get(key), b.intShl(b.get(round), 7));
        const to = b.add(b.get(key), b.intShl(b.get(round), 8));
        for (const i of PLANES) {
          const plane = b.swizzle(b.load(from, ROUND_KEY_BYTES + 16 * i), unshifted);
          b.store(to, plane, PAIR_KEYS + 32 * i);
          b.store(to, plane, PAIR_KEYS + 32 * i + 16);
        }
        b.set(round, b.add(b.get(round), 1));
      }),
    (b) => b.lessThan(b.get(round), b.get(rounds)),
  );
  return f.finish(true);
}
