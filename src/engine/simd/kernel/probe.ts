/**
 * A module of its own that shows whether V8 makes one instruction of pairs (pairs.ts): the same work twice, `turns` times, on
 * halves that lie side by side, and on halves that do not. The work is SubBytes of two groups of eight blocks.
 */
import { Assembler, type Target, type Variable } from './assembler.js';
import { Constants } from './constants.js';
import { PAIR_DISTANCE, Pairs } from './pairs.js';
import { subBytes } from './sbox.js';
import { encodeModule, type FunctionCode } from './wasm.js';

const SINGLES_DISTANCE = 1024;

export function buildProbe(): Uint8Array {
  const target = { relaxed: false, wide: true, constants: new Constants() };
  const functions = [work('pairs', PAIR_DISTANCE, target), work('singles', SINGLES_DISTANCE, target)];
  return encodeModule({ functions, memoryPages: { least: 1, most: 1 }, data: [] });
}

function work(name: string, distance: number, target: Target): FunctionCode {
  const f = new Assembler(name, ['i32'], target);
  const [turns] = f.params as [Variable];
  f.loop(
    () =>
      f.block((b) => {
        const p = new Pairs(b, distance);
        const planes = Array.from({ length: 8 }, (_, i) => p.load(b.int(0), 32 * i));
        for (const [i, plane] of subBytes(p, planes).entries()) p.store(b.int(0), plane, 32 * i);
        b.set(turns, b.sub(b.get(turns), 1));
      }),
    (b) => b.get(turns),
  );
  return f.finish(true);
}
