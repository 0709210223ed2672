/**
 * The WebAssembly binary format (WebAssembly Core Specification 2.0, section 5), as far as the kernels need it: function
 * types, one memory, exports, code and data. Opcodes are named as in the specification.
 */

import { RELAXED_SWIZZLE, SWIZZLE } from '../edits.js';

export type ValueType = 'i32' | 'v128';

const TYPE_BYTES: Readonly<Record<ValueType, number>> = { i32: 0x7f, v128: 0x7b };
const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const low = value & 0x7f;
    value >>>= 7;
    bytes.push(value === 0 ? low : low | 0x80);
  } while (value !== 0);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    if ((value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];

/** Opcodes without their immediates. */
export const OP = {
  loop: [0x03],
  if: [0x04],
  end: [0x0b],
  brIf: [0x0d],
  call: [0x10],
  localGet: [0x20],
  localSet: [0x21],
  localTee: [0x22],
  i32Load: [0x28],
  i32Store: [0x36],
  i32Const: [0x41],
  i32LtU: [0x49],
  i32GtS: [0x4a],
  i32Add: [0x6a],
  i32Sub: [0x6b],
  i32Mul: [0x6c],
  i32And: [0x71],
  i32Or: [0x72],
  i32Xor: [0x73],
  i32Shl: [0x74],
  i32ShrU: [0x76],
  v128Load: simd(0x00),
  v128Load8Splat: simd(0x07),
  v128Store: simd(0x0b),
  v128Const: simd(0x0c),
  i8x16Shuffle: simd(0x0d),
  // As long as its relaxed form: 0x0e in two bytes of LEB128.
  i8x16Swizzle: SWIZZLE,
  i8x16RelaxedSwizzle: RELAXED_SWIZZLE,
  i32x4Splat: simd(0x11),
  i32x4ReplaceLane: simd(0x1c),
  i8x16Eq: simd(0x23),
  v128And: simd(0x4e),
  v128Xor: simd(0x51),
  v128AnyTrue: simd(0x53),
  i32x4Shl: simd(0xab),
  i32x4ShrU: simd(0xad),
  i64x2Shl: simd(0xcb),
  i64x2ShrU: simd(0xcd),
} as const;

export interface FunctionCode {
  readonly name: string;
  readonly exported: boolean;
  readonly params: readonly ValueType[];
  readonly result: ValueType | undefined;
  /** Locals after the parameters, in order. */
  readonly locals: readonly ValueType[];
  /** Instructions, without the final `end`. */
  readonly body: readonly number[];
}

export interface ModuleParts {
  readonly functions: readonly FunctionCode[];
  /** Pages of 64 KiB that the memory begins with, and the most it may have. */
  readonly memoryPages: { readonly least: number; readonly most: number };
  /** Constants that stand at the start of the memory. */
  readonly data: readonly number[];
}

/** The module's bytes. */
export function encodeModule({ functions, memoryPages, data }: ModuleParts): Uint8Array {
  const types = functions.map(({ params, result }) => [
    0x60,
    ...vector(params.map((type) => [TYPE_BYTES[type]])),
    ...vector(result === undefined ? [] : [[TYPE_BYTES[result]]]),
  ]);
  const exports = functions
    .map(({ name, exported }, index) => (exported ? [...text(name), 0x00, ...unsigned(index)] : undefined))
    .filter((entry) => entry !== undefined);
  const memory = [0x01, ...unsigned(memoryPages.least), ...unsigned(memoryPages.most)];
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, vector(types)),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(5, vector([memory])),
    ...section(7, vector([...exports, [...text('memory'), 0x02, 0x00]])),
    ...section(10, vector(functions.map(code))),
    ...section(11, vector([[0x00, ...OP.i32Const, ...signed(0), ...OP.end, ...unsigned(data.length), ...data]])),
  ]);
}

function code({ locals, body }: FunctionCode): number[] {
  const bytes = [...vector(locals.map((type) => [0x01, TYPE_BYTES[type]])), ...body, ...OP.end];
  return [...unsigned(bytes.length), ...bytes];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(name: string): number[] {
  return vector([...new TextEncoder().encode(name)].map((byte) => [byte]));
}
