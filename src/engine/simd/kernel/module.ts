/**
 * The module: one source, two forms. With `relaxed`, look-ups are i8x16.relaxed_swizzle, one instruction on most processors
 * (Node 22 and newer, current browsers); without, i8x16.swizzle. Indices are always 0..15, for which both agree.
 */
import { AAD, CONSTANTS_END, HASH_STATE, LEAST_PAGES, MOST_PAGES, TAG_MASK, TEXT } from '../layout.js';
import { GROUP_BLOCKS, groupsFunction, lastBytesFunction, packKeysFunction, subWordFunction } from './aes.js';
import { Assembler, type Block, Constants, type Target, type Value, type Variable } from './assembler.js';
import { hashFunction, powerTablesFunction } from './ghash.js';
import { sm4Function, sm4KeysFunction } from './sm4.js';
import { fewBlocksFunction } from './vpaes.js';
import { encodeModule, type FunctionCode } from './wasm.js';

const GROUPS = 0;
const FEW_BLOCKS = 1;
const CRYPT = 2;
const HASH = 3;

/** Counter 1 masks the tag, and text begins at counter 2. */
const TAG_AND_TEXT = TEXT - 16;

/** So many blocks are quicker by vector permutation than as a group of eight. */
function mostFewBlocks(target: Target): number {
  return target.relaxed ? 6 : 3;
}

export function buildModule(relaxed: boolean): Uint8Array {
  const target = { relaxed, constants: new Constants() };
  const functions: FunctionCode[] = [
    groupsFunction(target),
    fewBlocksFunction(target),
    cryptFunction(target),
    hashFunction(target),
    sealFunction(target),
    openFunction(target),
    subWordFunction(target),
    packKeysFunction(target),
    lastBytesFunction(target),
    powerTablesFunction(target),
    sm4Function(target),
    sm4KeysFunction(target),
  ];
  const data = target.constants.bytes;
  if (data.length > CONSTANTS_END) throw new Error('the constants pass the end of their place');
  return encodeModule({ functions, memoryPages: { least: LEAST_PAGES, most: MOST_PAGES }, data });
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

/**
 * crypt(key, quads, n0, n1, n2, counter, text, blocks): adds the key stream of at least one block to the text, and to as much
 * after it as fills a group of eight. `counter` is 1 modulo 8, unless there is one block.
 */
function cryptFunction(target: Target): FunctionCode {
  const f = new Assembler('crypt', new Array(8).fill('i32'), target);
  const words = f.params.slice(0, 5);
  const [counter, text, blocks] = f.params.slice(5) as [Variable, Variable, Variable];
  const groups = f.variable('i32');
  const few = mostFewBlocks(target);
  f.block((b) => b.set(groups, b.intShrU(b.add(b.get(blocks), GROUP_BLOCKS - 1 - few), 3)));
  f.when(
    (b) => b.get(groups),
    () => {
      const read = (b: Block, variables: readonly Variable[]) => variables.map((variable) => b.get(variable));
      f.block((b) => b.call(GROUPS, read(b, [...words, counter, text, groups])));
      f.block((b) => {
        b.set(counter, b.add(b.get(counter), b.intShl(b.get(groups), 3)));
        b.set(text, b.add(b.get(text), b.intShl(b.get(groups), 7)));
        b.set(blocks, b.sub(b.get(blocks), b.intShl(b.get(groups), 3)));
      });
    },
  );
  f.when(
    (b) => b.isPositive(b.get(blocks)),
    () =>
      f.block((b) =>
        b.call(
          FEW_BLOCKS,
          f.params.map((variable) => b.get(variable)),
        ),
      ),
  );
  return f.finish(true);
}

/** Adds the key stream to the text; keeps what masks the tag. */
function cryptText(f: Assembler, frame: Frame): void {
  f.block((b) => b.store(b.int(TAG_AND_TEXT), b.zero()));
  f.block((b) => {
    const { key, quads, n0, n1, n2 } = frame;
    const words = [key, quads, n0, n1, n2].map((variable) => b.get(variable));
    const blocks = b.add(blocksOf(b, frame.length), 1);
    b.call(CRYPT, [...words, b.int(1), b.int(TAG_AND_TEXT), blocks]);
  });
  f.block((b) => b.store(b.int(TAG_MASK), b.load(b.int(TAG_AND_TEXT))));
}

/** Zeros from memory[at + length] up to a whole block: the last block is rewritten, under a mask for its first bytes. */
function padWithZeros(b: Block, at: number, length: Variable): void {
  // Read from the middle, a mask for the first bytes.
  const masks = b.target.constants.address([...new Array(16).fill(0xff), ...new Array(16).fill(0)]);
  const mask = b.load(b.sub(b.int(masks + 16), b.intAnd(b.get(length), 15)));
  const last = b.add(b.intAnd(b.get(length), ~15), at);
  b.store(last, b.and(b.load(last), mask));
}

/** GHASH of the AAD, which lies right before the text, the text, and their lengths. */
function hashText(f: Assembler, frame: Frame): void {
  const end = f.variable('i32');
  f.block((b) => {
    padWithZeros(b, TEXT, frame.length);
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

/** Puts the AAD right before the text, with zeros up to a whole block. */
function placeAad(f: Assembler, { aadLength }: Frame): void {
  const [from, to] = f.variables('i32', 2) as [Variable, Variable];
  f.block((b) => padWithZeros(b, AAD, aadLength));
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
function sealFunction(target: Target): FunctionCode {
  const f = new Assembler('seal', FRAME_PARAMETERS, target);
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
function openFunction(target: Target): FunctionCode {
  const f = new Assembler('open', FRAME_PARAMETERS, target, 'i32');
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
