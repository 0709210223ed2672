/**
 * Whole frames: AES-GCM of one or several under a key (NIST SP 800-38D section 7), where TypeScript has put them.
 *
 * A call goes through the places that stand in ORDER from `first` on. Alone, a frame's last blocks go by vector permutation;
 * of several frames, the blocks that are left after whole groups of eight are packed to groups together.
 */
import {
  AAD,
  AAD_BYTES,
  FRAME,
  FRAMES,
  HASH_STATE,
  NOWHERE,
  ORDER,
  PACKED_ADDRESSES,
  PACKED_BLOCKS,
  TEXT,
  TEXT_STRIDE,
} from '../layout.js';
import { GROUP_BLOCKS } from './aes.js';
import { Assembler, type Block, type Target, type Value, type Variable } from './assembler.js';
import type { FunctionCode } from './wasm.js';

/** Where the functions that these call stand in the module. */
export interface Callees {
  readonly groups: number;
  readonly fewBlocks: number;
  readonly packed: number;
  readonly crypt: number;
  readonly cryptFrames: number;
  readonly hash: number;
  readonly authenticate: number;
  /** In the wide form alone. */
  readonly pairRounds: number;
  readonly pairFirstRound: number;
}

/** So many blocks are quicker by vector permutation than as a group of eight. */
function mostFewBlocks({ relaxed }: Target): number {
  return relaxed ? 6 : 3;
}

/** So many are quicker in groups that they share with other frames' than as a group, or a pair of groups, of their own. */
function mostPackedBlocks({ wide }: Target): number {
  return wide ? 2 * GROUP_BLOCKS - 2 : GROUP_BLOCKS - 2;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Whole blocks that `length` bytes take. */
function blocksOf(b: Block, length: Value): Value {
  return b.intShrU(b.add(length, 15), 4);
}

/**
 * Groups of eight, where up to `most` blocks more are left for another way. The wide form takes a group that is left over as
 * half a pair, which is as long as a whole one: so its groups are pairs but where one takes all.
 */
function groupsOf(b: Block, blocks: Value, most: number): Value {
  if (!b.target.wide) return b.intShrU(b.add(blocks, GROUP_BLOCKS - 1 - most), 3);
  const ofPairs = b.intShl(b.intShrU(b.add(blocks, 2 * GROUP_BLOCKS - 1 - most), 4), 1);
  const enough = b.intShrU(b.add(blocks, GROUP_BLOCKS - 1), 3);
  return b.sub(ofPairs, b.lessThan(enough, ofPairs));
}

/**
 * crypt(key, quads, nonce, counter, text, blocks): adds the key stream of at least one block to the text, and to as much
 * after it as fills a group of eight. `counter` is 1 modulo 8, unless there is one block.
 */
export function cryptFunction(target: Target, callees: Callees): FunctionCode {
  const f = new Assembler('crypt', new Array(6).fill('i32'), target);
  const [key, quads, nonce, counter, text, blocks] = f.params as [
    Variable,
    Variable,
    Variable,
    Variable,
    Variable,
    Variable,
  ];
  const groups = f.variable('i32');
  const call = (b: Block, callee: number, last: Variable) => {
    const variables = [key, quads, nonce, counter, text, last];
    b.call(
      callee,
      variables.map((variable) => b.get(variable)),
    );
  };
  f.block((b) => b.set(groups, groupsOf(b, b.get(blocks), mostFewBlocks(target))));
  f.when(
    (b) => b.get(groups),
    () => {
      f.block((b) => call(b, callees.groups, groups));
      f.block((b) => {
        b.set(counter, b.add(b.get(counter), b.intShl(b.get(groups), 3)));
        b.set(text, b.add(b.get(text), b.intShl(b.get(groups), 7)));
        b.set(blocks!, b.sub(b.get(blocks), b.intShl(b.get(groups), 3)));
      });
    },
  );
  f.when(
    (b) => b.isPositive(b.get(blocks)),
    () => f.block((b) => call(b, callees.fewBlocks, blocks)),
  );
  return f.finish(true);
}

/** A walk over the places in ORDER; `frame` and `text` are where the present one has its words and its text. */
class Places {
  readonly frame: Variable;
  readonly text: Variable;
  readonly #f: Assembler;
  readonly #place: Variable;
  readonly #next: Variable;

  constructor(f: Assembler) {
    this.#f = f;
    [this.frame, this.text, this.#place, this.#next] = f.variables('i32', 4) as [
      Variable,
      Variable,
      Variable,
      Variable,
    ];
  }

  /** `body` for each of `count` places from `first` on, at least one. */
  each(first: Variable, count: Variable, body: () => void): void {
    const f = this.#f;
    f.block((b) => b.set(this.#next, b.get(first)));
    f.loop(
      () => {
        f.block((b) => b.set(this.#place, b.loadInt(b.intShl(b.get(this.#next), 2), ORDER)));
        f.block((b) => {
          b.set(this.frame, b.add(b.intShl(b.get(this.#place), 6), FRAMES));
          b.set(this.text, b.add(b.mul(b.get(this.#place), TEXT_STRIDE), TEXT));
          b.set(this.#next, b.add(b.get(this.#next), 1));
        });
        body();
      },
      (b) => b.lessThan(b.get(this.#next), b.add(b.get(first), b.get(count))),
    );
  }

  aadLength(b: Block): Value {
    return b.loadInt(b.get(this.frame), FRAME.aadLength);
  }

  length(b: Block): Value {
    return b.loadInt(b.get(this.frame), FRAME.length);
  }

  /** The block before the text: counter 1, which masks the tag, is added there. */
  mask(b: Block): Value {
    return b.sub(b.get(this.text), 16);
  }

  aad(b: Block): Value {
    return b.add(b.intShl(b.get(this.#place), Math.log2(AAD_BYTES)), AAD);
  }

  /** The key stream of a frame that is alone. */
  crypt(b: Block, key: Variable, quads: Variable, callee: number): void {
    const blocks = b.add(blocksOf(b, this.length(b)), 1);
    b.call(callee, [b.get(key), b.get(quads), b.get(this.frame), b.int(1), this.mask(b), blocks]);
  }
}

/**
 * cryptFrames(key, quads, first, count): adds the key streams to the texts, and puts what masks the tag before each.
 */
export function cryptFramesFunction(target: Target, callees: Callees): FunctionCode {
  const f = new Assembler('cryptFrames', new Array(4).fill('i32'), target);
  const [key, quads, first, count] = f.params as [Variable, Variable, Variable, Variable];
  const [groups, counter, at, left] = f.variables('i32', 4) as [Variable, Variable, Variable, Variable];
  const [block, address] = f.variables('i32', 2) as [Variable, Variable];
  const places = new Places(f);
  places.each(first, count, () => f.block((b) => b.store(places.mask(b), b.zero())));
  f.when(
    (b) => b.lessThan(b.get(count), b.int(2)),
    () => {
      f.block((b) => places.crypt(b, key, quads, callees.crypt));
      f.block((b) => b.set(count, b.int(0)));
    },
  );
  f.when(
    (b) => b.get(count),
    () => {
      f.block((b) => {
        b.set(block, b.int(PACKED_BLOCKS));
        b.set(address, b.int(PACKED_ADDRESSES));
      });
      places.each(first, count, () => {
        f.block((b) => {
          const blocks = b.add(blocksOf(b, places.length(b)), 1);
          const whole = groupsOf(b, blocks, mostPackedBlocks(target));
          b.set(groups, whole);
          b.set(left, b.sub(blocks, b.intShl(whole, 3)));
          b.set(counter, b.add(b.intShl(whole, 3), 1));
          b.set(at, b.add(places.mask(b), b.intShl(whole, 7)));
        });
        f.when(
          (b) => b.get(groups),
          () =>
            f.block((b) => {
              const variables = [key, quads, places.frame].map((variable) => b.get(variable));
              b.call(callees.groups, [...variables, b.int(1), places.mask(b), b.get(groups)]);
            }),
        );
        f.when(
          (b) => b.isPositive(b.get(left)),
          () =>
            f.loop(
              () =>
                f.block((b) => {
                  b.store(b.get(block), b.replaceLane32(b.load(b.get(places.frame)), 3, b.swapBytes(b.get(counter))));
                  b.storeInt(b.get(address), b.get(at));
                  b.set(block, b.add(b.get(block), 16));
                  b.set(address, b.add(b.get(address), 4));
                  b.set(counter, b.add(b.get(counter), 1));
                  b.set(at, b.add(b.get(at), 16));
                  b.set(left, b.sub(b.get(left), 1));
                }),
              (b) => b.get(left),
            ),
        );
      });
      // The last group is filled with blocks that go nowhere.
      f.block((b) => {
        const atOnce = target.wide ? 2 * GROUP_BLOCKS : GROUP_BLOCKS;
        for (const i of range(atOnce - 1)) b.storeInt(b.get(address), b.int(NOWHERE), 4 * i);
        const words = b.intShrU(b.sub(b.get(address), PACKED_ADDRESSES), 2);
        b.set(groups, b.intShrU(b.add(words, atOnce - 1), Math.log2(atOnce)));
      });
      f.when(
        (b) => b.get(groups),
        () => f.block((b) => b.call(callees.packed, [b.get(key), b.get(quads), b.get(groups)])),
      );
    },
  );
  return f.finish(false);
}

/** Zeros from memory[at + length] up to a whole block: the last block is rewritten, under a mask for its first bytes. */
function padWithZeros(b: Block, at: Value, length: Value): void {
  // Read from the middle, a mask for the first bytes.
  const masks = b.target.constants.address([...new Array(16).fill(0xff), ...new Array(16).fill(0)]);
  const mask = b.load(b.sub(b.int(masks + 16), b.intAnd(length, 15)));
  const last = b.add(at, b.intAnd(length, ~15));
  b.store(last, b.and(b.load(last), mask));
}

/**
 * authenticate(key, text, aad, aadLength, length): GHASH of the AAD, the text and their lengths, to HASH_STATE. The AAD is
 * copied before the text, over what is there, and the lengths behind it.
 */
export function authenticateFunction(target: Target, callees: Callees): FunctionCode {
  const f = new Assembler('authenticate', new Array(5).fill('i32'), target);
  const [key, text, aad, aadLength, length] = f.params as [Variable, Variable, Variable, Variable, Variable];
  const [to, blocks] = f.variables('i32', 2) as [Variable, Variable];
  f.block((b) => {
    padWithZeros(b, b.get(aad), b.get(aadLength));
    padWithZeros(b, b.get(text), b.get(length));
    b.set(to, b.sub(b.get(text), b.intShl(blocksOf(b, b.get(aadLength)), 4)));
    b.set(blocks, b.add(b.add(blocksOf(b, b.get(aadLength)), blocksOf(b, b.get(length))), 1));
  });
  const data = f.variable('i32');
  f.block((b) => {
    const words = b.replaceLane32(b.zero(), 1, b.intShl(b.get(aadLength), 3));
    const lengths = b.replaceLane32(words, 3, b.intShl(b.get(length), 3));
    const bigEndian = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
    // u64 bits of AAD || u64 bits of text: both are below 2^32 here.
    b.store(b.add(b.get(text), b.intShl(blocksOf(b, b.get(length)), 4)), b.shuffle(lengths, lengths, bigEndian));
    b.store(b.int(HASH_STATE), b.zero());
    b.set(data, b.get(to));
  });
  const more = (b: Block) => b.lessThan(b.get(to), b.get(text));
  f.when(more, () =>
    f.loop(
      () =>
        f.block((b) => {
          b.store(b.get(to), b.load(b.get(aad)));
          b.set(aad, b.add(b.get(aad), 16));
          b.set(to, b.add(b.get(to), 16));
        }),
      more,
    ),
  );
  f.block((b) => b.call(callees.hash, [b.get(key), b.get(data), b.get(blocks)]));
  return f.finish(false);
}

function authenticate(b: Block, places: Places, key: Variable, callee: number): void {
  b.call(callee, [b.get(key), b.get(places.text), places.aad(b), places.aadLength(b), places.length(b)]);
}

/** seal(key, quads, first, count): texts become ciphertext || tag. */
export function sealFunction(target: Target, callees: Callees): FunctionCode {
  const f = new Assembler('seal', new Array(4).fill('i32'), target);
  const [key, , first, count] = f.params as [Variable, Variable, Variable, Variable];
  const places = new Places(f);
  const mask = f.variable('v128');
  f.block((b) =>
    b.call(
      callees.cryptFrames,
      f.params.map((variable) => b.get(variable)),
    ),
  );
  places.each(first, count, () => {
    f.block((b) => b.set(mask, b.load(places.mask(b))));
    f.block((b) => authenticate(b, places, key, callees.authenticate));
    f.block((b) => b.store(b.add(b.get(places.text), places.length(b)), b.xor(b.load(b.int(HASH_STATE)), b.get(mask))));
  });
  return f.finish(true);
}

/**
 * open(key, quads, first, count): ciphertext || tag become plaintext, and FRAME.tag what differs in the tag: zeros where it
 * is right. Otherwise the text is rubbish.
 */
export function openFunction(target: Target, callees: Callees): FunctionCode {
  const f = new Assembler('open', new Array(4).fill('i32'), target);
  const [key, , first, count] = f.params as [Variable, Variable, Variable, Variable];
  const places = new Places(f);
  places.each(first, count, () => {
    f.block((b) => b.store(b.get(places.frame), b.load(b.add(b.get(places.text), places.length(b))), FRAME.tag));
    f.block((b) => authenticate(b, places, key, callees.authenticate));
    f.block((b) => b.store(b.get(places.frame), b.load(b.int(HASH_STATE)), FRAME.hash));
  });
  f.block((b) =>
    b.call(
      callees.cryptFrames,
      f.params.map((variable) => b.get(variable)),
    ),
  );
  places.each(first, count, () =>
    f.block((b) => {
      const frame = b.get(places.frame);
      const expected = b.xor(b.load(frame, FRAME.hash), b.load(places.mask(b)));
      b.store(frame, b.xor(b.load(frame, FRAME.tag), expected), FRAME.tag);
    }),
  );
  return f.finish(true);
}
