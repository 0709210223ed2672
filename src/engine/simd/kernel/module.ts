/**
 * The module: one source, two forms. With `relaxed`, look-ups are i8x16.relaxed_swizzle, one instruction on most processors
 * (Node 22 and newer, current browsers); without, i8x16.swizzle. Indices are always 0..15, for which both agree.
 */
import { AAD, CONSTANT_BYTES, HASH_STATE, LEAST_PAGES, MOST_PAGES, TAG_MASK, TAIL_MASKS, TEXT } from '../layout.js';
import { cryptFunction, packKeysFunction, permutationBytes, subWordFunction } from './aes.js';
import { Assembler, type Block, type Value, type Variable } from './assembler.js';
import { hashFunction, powerTablesFunction } from './ghash.js';
import { encodeModule, type FunctionCode } from './wasm.js';

const CRYPT = 0;
const HASH = 1;

/** Text begins at counter 2; counter 0 is not used, and 1 masks the tag. */
const COUNTERS_BEFORE_TEXT = 2;
const BASE = TEXT - 16 * COUNTERS_BEFORE_TEXT;

export function buildModule(relaxed: boolean): Uint8Array {
  const constants = [...permutationBytes()];
  constants.splice(TAIL_MASKS, 0, ...new Array(16).fill(0xff), ...new Array(16).fill(0));
  if (constants.length !== CONSTANT_BYTES) throw new Error('the constants do not fill their place');
  const functions: FunctionCode[] = [
    exported(cryptFunction(relaxed)),
    hashFunction(relaxed),
    sealFunction(relaxed),
    openFunction(relaxed),
    subWordFunction(relaxed),
    packKeysFunction(relaxed),
    powerTablesFunction(relaxed),
  ];
  return encodeModule({ functions, memoryPages: { least: LEAST_PAGES, most: MOST_PAGES }, data: constants });
}

function exported(code: FunctionCode): FunctionCode {
  return { ...code, exported: true };
}

type Frame = Record<'key' | 'quads' | 'n0' | 'n1' | 'n2' | 'aadLength' | 'length', Variable>;

const FRAME_PARAMETERS = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;

function frameOf(f: Assembler): Frame {
  const [key, quads, n0, n1, n2, aadLength, length] = f.params as [
    Variable,
    Variable,
    Variable,
    Variable,
    Variable,
    Variable,
    Variable,
  ];
  return { key, quads, n0, n1, n2, aadLength, length };
}

/** Whole blocks that `length` bytes take. */
function blocksOf(b: Block, length: Variable): Value {
  return b.intShrU(b.add(b.get(length), 15), 4);
}

/** Adds the key stream to the text; keeps what masks the tag. */
function cryptText(f: Assembler, frame: Frame): void {
  f.block((b) => b.store(b.int(TEXT - 16), b.zero()));
  f.block((b) => {
    const groups = b.intShrU(b.add(blocksOf(b, frame.length), COUNTERS_BEFORE_TEXT + 7), 3);
    const { key, quads, n0, n1, n2 } = frame;
    const words = [key, quads, n0, n1, n2].map((variable) => b.get(variable));
    b.call(CRYPT, [...words, b.int(0), b.int(BASE), groups]);
  });
  f.block((b) => b.store(b.int(TAG_MASK), b.load(b.int(TEXT - 16))));
}

/** GHASH of the AAD, which lies right before the text, the text, and their lengths. */
function hashText(f: Assembler, frame: Frame): void {
  const end = f.variable('i32');
  f.block((b) => {
    // Zeros up to a whole block: the last block is rewritten, under a mask for its first bytes.
    const rest = b.intAnd(b.get(frame.length), 15);
    const at = b.add(b.intAnd(b.get(frame.length), ~15), TEXT);
    const mask = b.load(b.sub(b.int(TAIL_MASKS + 16), rest));
    b.store(at, b.and(b.load(at), mask));
    b.set(end, b.add(b.intShl(blocksOf(b, frame.length), 4), TEXT));
  });
  f.block((b) => {
    b.store(b.get(end), lengths(b, frame));
    b.store(b.int(HASH_STATE), b.zero());
  });
  f.block((b) => {
    const aadBlocks = blocksOf(b, frame.aadLength);
    const data = b.sub(b.int(TEXT), b.intShl(aadBlocks, 4));
    const blocks = b.add(b.add(aadBlocks, blocksOf(b, frame.length)), 1);
    b.call(HASH, [b.get(frame.key), data, blocks]);
  });
}

/** u64 bits of AAD || u64 bits of text; both are below 2^32 here. */
function lengths(b: Block, { aadLength, length }: Frame): Value {
  const words = b.replaceLane32(
    b.replaceLane32(b.zero(), 1, b.intShl(b.get(aadLength), 3)),
    3,
    b.intShl(b.get(length), 3),
  );
  return b.shuffle(words, words, [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]);
}

/** Puts the AAD, which the caller has padded with zeros, right before the text. */
function placeAad(f: Assembler, { aadLength }: Frame): void {
  const [from, to] = f.variables('i32', 2) as [Variable, Variable];
  f.block((b) => {
    b.set(from, b.int(AAD));
    b.set(to, b.sub(b.int(TEXT), b.intShl(blocksOf(b, aadLength), 4)));
  });
  const more = (b: Block) => b.lessThan(b.get(to), b.int(TEXT));
  f.when(more, () =>
    f.loop(
      () =>
        f.block((b) => {
          b.store(b.get(to), b.load(b.get(from)));
          b.set(from, b.add(b.get(from), 16));
          b.set(to, b.add(b.get(to), 16));
        }),
      more,
    ),
  );
}

/** seal(key, quads, n0, n1, n2, aadLength, length): text becomes ciphertext || tag. */
function sealFunction(relaxed: boolean): FunctionCode {
  const f = new Assembler('seal', FRAME_PARAMETERS, { relaxed });
  const frame = frameOf(f);
  cryptText(f, frame);
  placeAad(f, frame);
  hashText(f, frame);
  f.block((b) => {
    const tag = b.xor(b.load(b.int(HASH_STATE)), b.load(b.int(TAG_MASK)));
    b.store(b.add(b.get(frame.length), TEXT), tag);
  });
  return f.finish(true);
}

/** open(...): the same the other way round; 0 where the tag is right. The text is plaintext then, and rubbish otherwise. */
function openFunction(relaxed: boolean): FunctionCode {
  const f = new Assembler('open', FRAME_PARAMETERS, { result: 'i32', relaxed });
  const frame = frameOf(f);
  const tag = f.variable('v128');
  f.block((b) => b.set(tag, b.load(b.add(b.get(frame.length), TEXT))));
  placeAad(f, frame);
  hashText(f, frame);
  cryptText(f, frame);
  f.return((b) => {
    const expected = b.xor(b.load(b.int(HASH_STATE)), b.load(b.int(TAG_MASK)));
    return b.anyTrue(b.xor(expected, b.get(tag)));
  });
  return f.finish(true);
}
