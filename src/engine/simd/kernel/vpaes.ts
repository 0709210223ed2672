/**
 * AES in counter mode by vector permutation (Hamburg, "Accelerating AES with Vector Permute Instructions", CHES 2009): a
 * block is one vector, and SubBytes is look-ups of nibbles in registers (tower.ts). For the few blocks that would leave a
 * group of eight (aes.ts) mostly empty. State and round keys stand in rows, as there.
 */
import { FIRST_ROUND_KEY, VECTOR_KEYS } from '../layout.js';
import { rowsDown, SHIFT_ROWS, TO_BLOCK, TO_ROWS } from './aes.js';
import { Assembler, type Block, type Target, type Value, type Variable } from './assembler.js';
import { nibbles, perNibble, quotients, towerOf } from './tower.js';
import type { FunctionCode } from './wasm.js';

/** Blocks that go through the rounds side by side. */
const BLOCKS_AT_ONCE = 3;
const { times, toTower, fromU, fromV } = towerOf(0x11b);

/** SubBytes after the inversion, without its constant (FIPS 197 section 5.1.1). */
function affine(byte: number): number {
  const rotated = byte * 0x101;
  return (rotated ^ (rotated >>> 4) ^ (rotated >>> 5) ^ (rotated >>> 6) ^ (rotated >>> 7)) & 0xff;
}

/** By nibbles. */
const TABLES = {
  fromU: perNibble((n) => toTower[affine(fromU(n))]!),
  fromV: perNibble((n) => toTower[affine(fromV(n))]!),
  twiceFromU: perNibble((n) => toTower[times(2, affine(fromU(n)))]!),
  twiceFromV: perNibble((n) => toTower[times(2, affine(fromV(n)))]!),
  lastFromU: perNibble((n) => affine(fromU(n))),
  lastFromV: perNibble((n) => affine(fromV(n))),
  lowToTower: perNibble((n) => toTower[n]!),
  highToTower: perNibble((n) => toTower[n << 4]!),
};

/** Bytes of GF(2^8) as iA + k. */
export function intoTower(b: Block, bytes: Value): Value {
  const { high, low } = nibbles(b, bytes);
  return b.xor(b.swizzle(b.bytes(TABLES.highToTower), high), b.swizzle(b.bytes(TABLES.lowToTower), low));
}

function shifted(b: Block, states: readonly Value[]): Value[] {
  const shiftRows = b.bytes(SHIFT_ROWS);
  return states.map((state) => b.swizzle(state, shiftRows));
}

/** A round; ShiftRows comes first, which is the same. */
function round(b: Block, states: readonly Value[], key: Value): Value[] {
  const [fromU, fromV] = [b.bytes(TABLES.fromU), b.bytes(TABLES.fromV)];
  const [twiceFromU, twiceFromV] = [b.bytes(TABLES.twiceFromU), b.bytes(TABLES.twiceFromV)];
  const chosen = quotients(b, shifted(b, states));
  const once = chosen.map(({ u, v }) => b.xor(b.swizzle(fromU, u), b.swizzle(fromV, v)));
  const twice = chosen.map(({ u, v }) => b.xor(b.swizzle(twiceFromU, u), b.swizzle(twiceFromV, v)));
  const below = once.map((plain) => rowsDown(b, plain, 1));
  const sums = once.map((plain, n) => b.xor(plain, below[n]!));
  const rest = below.map((plain, n) => b.xor(b.xor(plain, key), rowsDown(b, sums[n]!, 2)));
  return rest.map((part, n) => b.xor(b.xor(part, twice[n]!), rowsDown(b, twice[n]!, 1)));
}

/**
 * fewBlocks(key, quads, nonce, counter, text, blocks): adds the key stream of `blocks` blocks, at least one, to the
 * text, and of as many more as fill the last turn. The parameters are those of `groups`, but any counter will do.
 */
export function fewBlocksFunction(target: Target): FunctionCode {
  const f = new Assembler('fewBlocks', new Array(6).fill('i32'), target);
  f.keep([SHIFT_ROWS]);
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
  const left = f.variable('i32');
  const end = f.variable('i32');
  f.block((b) => b.set(end, b.add(b.get(text), b.intShl(b.get(blocks), 4))));
  f.loop(
    () => {
      f.block((b) => {
        const three = b.load(b.get(nonce));
        const rows = b.bytes(TO_ROWS);
        const firstKey = b.load(b.get(key), FIRST_ROUND_KEY);
        for (const [n, state] of states.entries()) {
          const block = b.replaceLane32(three, 3, b.swapBytes(b.add(b.get(counter), n)));
          b.set(state, intoTower(b, b.xor(b.swizzle(block, rows), firstKey)));
        }
        b.set(keys, b.add(b.get(key), VECTOR_KEYS + 16));
        b.set(left, b.add(b.intShl(b.get(quads), 2), 1));
      });
      f.loop(
        () =>
          f.block((b) => {
            const before = states.map((state) => b.get(state));
            const after = round(b, before, b.load(b.get(keys)));
            for (const [n, value] of after.entries()) b.set(states[n]!, value);
            b.set(keys, b.add(b.get(keys), 16));
            b.set(left, b.sub(b.get(left), 1));
          }),
        (b) => b.get(left),
      );
      f.block((b) => {
        const lastFromU = b.bytes(TABLES.lastFromU);
        const lastFromV = b.bytes(TABLES.lastFromV);
        const key = b.load(b.get(keys));
        const toBlock = b.bytes(TO_BLOCK);
        const before = states.map((state) => b.get(state));
        const chosen = quotients(b, shifted(b, before));
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
