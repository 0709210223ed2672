/**
 * SM4 (GB/T 32907-2016) in ECB mode: the words of four blocks in four vectors, a stream.
 *
 *     word w, w = 0..3:    lane l is word w of block l; bytes stand in a lane as in the block, the first one first
 *
 * The S-box is S(x) = affine(1 / affine(x)) over SM4's own GF(2^8); the inversion is look-ups of nibbles (tower.ts).
 * States are kept by bytes in the tower field, with the S-box's first affine map applied: that map is linear but for its
 * constant, and so are the additions between the words, so that a round has neither to go in nor to come out.
 *
 * L is linear over bytes as well: with rot8 the rotation of a word to the left by a byte, there are maps of bytes with
 *
 *     L(x) = m0(x) + rot8(m1(x)) + rot16(m2(x)) + rot24(m3(x)),  and  m1 = m2,  m3 = m0 + m1
 *
 * and the tables give m0 and m1 of the S-box's output, in the tower field again. So the words a, b, c, d become
 *
 *     b, c, d, a + m0 + rot16(m1) + rot8(m1 + rot16(m0 + m1))    of S(b + c + d + round key)
 *
 * with 30 operations for four blocks, of them 12 look-ups, where going in and out of the field would take 36.
 *
 * The constants of both affine maps are in the round keys: what a round's output lacks comes in by the sums of three
 * words that follow, and after 32 rounds every word lacks it an even number of times.
 */
import { KEY_INPUT, SM4_KEYS_BYTES, SM4_STATES, SM4_STREAMS } from '../layout.js';
import { Assembler, type Block, type Target, type Value, type Variable } from './assembler.js';
import { LOW_NIBBLES, nibbles, perNibble, QUOTIENT_TABLES, quotients, towerOf } from './tower.js';
import type { FunctionCode } from './wasm.js';

const ROUNDS = 32;
/** Words in a block: after as many rounds all of them are new. */
const PERIOD = 4;
/** Blocks in a stream. */
const LANES = 4;
const { toTower, fromU, fromV } = towerOf(0x1f5);
const all256 = Array.from({ length: 256 }, (_, i) => i);
const SBOX_CONSTANT = 0xd3;

const rotateLeft = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));

/** The S-box's affine map without its constant: the sum of five rotations of the byte. */
function affine(byte: number): number {
  const twice = byte * 0x101;
  return (twice ^ (twice >>> 1) ^ (twice >>> 2) ^ (twice >>> 5) ^ (twice >>> 7)) & 0xff;
}

/** A byte as the states have it, and back. */
const toState = all256.map((byte) => toTower[affine(byte)]!);
const fromState = all256.map((state) => toState.indexOf(state));

/** L of section 6.2, and L' of section 7.3, which the key expansion has in its place. */
const roundMap = (x: number) => x ^ rotateLeft(x, 2) ^ rotateLeft(x, 10) ^ rotateLeft(x, 18) ^ rotateLeft(x, 24);
const keyMap = (x: number) => x ^ rotateLeft(x, 13) ^ rotateLeft(x, 23);

/** The maps of bytes m0..m3 that a linear map of words is made of. */
function byteMaps(linear: (word: number) => number): ((byte: number) => number)[] {
  return [0, 8, 16, 24].map((turn) => (byte) => rotateLeft(linear(byte << 24), 32 - turn) >>> 24);
}

/** From the quotients' nibbles to a map of the S-box's output, as the states have it. */
const afterSbox = (map: (byte: number) => number) => ({
  u: perNibble((n) => toState[map(affine(fromU(n)))]!),
  v: perNibble((n) => toState[map(affine(fromV(n)))]!),
});

export const TABLES = {
  intoHigh: perNibble((n) => toState[n << 4]!),
  intoLow: perNibble((n) => toState[n]!),
  outHigh: perNibble((n) => fromState[n << 4]!),
  outLow: perNibble((n) => fromState[n]!),
  round: byteMaps(roundMap).slice(0, 2).map(afterSbox),
  key: byteMaps(keyMap).map(afterSbox),
};

/** Rotations of every lane to the left by 8, 16 or 24 bits, as bytes stand in a lane. */
const rotation = (bytes: number) => Array.from({ length: 16 }, (_, i) => (i & ~3) | ((i + bytes) & 3));

const splat = (word: number) => [0, 1, 2, 3].flatMap(() => [word >>> 24, word >>> 16, word >>> 8, word]);
/** Words as the states have them. */
const stateWord = (word: number) =>
  [24, 16, 8, 0].reduce((sum, turn) => sum | (toState[(word >>> turn) & 0xff]! << turn), 0);
/** What comes before the S-box, and what comes after L or L', in the places of the S-box's constant. */
export const BEFORE_SBOX = toTower[SBOX_CONSTANT]! * 0x01010101;
const AFTER_ROUND = stateWord(roundMap(SBOX_CONSTANT * 0x01010101));
const AFTER_KEY = stateWord(keyMap(SBOX_CONSTANT * 0x01010101));

/** CK_i of section 7.3. */
function constantKey(round: number): number {
  const ck = [0, 1, 2, 3].reduce((word, j) => (word << 8) | ((7 * (4 * round + j)) & 0xff), 0);
  return stateWord(ck) ^ BEFORE_SBOX;
}

/** A word lacks AFTER_ROUND after an odd number of rounds; in a sum of three words it may cancel out. */
function addedToKey(round: number): number {
  const lacking = [1, 2, 3].filter((i) => ((round + i) / PERIOD) & 1);
  return BEFORE_SBOX ^ (lacking.length & 1 ? AFTER_ROUND : 0);
}

/** Two look-ups by nibbles of bytes. */
function byNibbles(b: Block, bytes: Value, highTable: readonly number[], lowTable: readonly number[]): Value {
  const { high, low } = nibbles(b, bytes);
  return b.xor(b.swizzle(b.bytes(highTable), high), b.swizzle(b.bytes(lowTable), low));
}

const intoState = (b: Block, bytes: Value) => byNibbles(b, bytes, TABLES.intoHigh, TABLES.intoLow);
const outOfState = (b: Block, state: Value) => byNibbles(b, state, TABLES.outHigh, TABLES.outLow);

type Quotients = ReturnType<typeof quotients>[number];

function mapped(b: Block, { u, v }: Quotients, tables: { u: readonly number[]; v: readonly number[] }): Value {
  return b.xor(b.swizzle(b.bytes(tables.u), u), b.swizzle(b.bytes(tables.v), v));
}

/** T of section 6.2, but for its constant. */
function roundOf(b: Block, sum: Value): Value {
  const oneByte = b.bytes(rotation(1));
  const twoBytes = b.bytes(rotation(2));
  const chosen = quotients(b, [sum])[0]!;
  const m0 = mapped(b, chosen, TABLES.round[0]!);
  const m1 = mapped(b, chosen, TABLES.round[1]!);
  const m3 = b.xor(m0, m1);
  const odd = b.swizzle(b.xor(m1, b.swizzle(m3, twoBytes)), oneByte);
  return b.xor(b.xor(m0, b.swizzle(m1, twoBytes)), odd);
}

/** Four words of four blocks, the other way round: block by block to word by word, and back. */
function transpose(b: Block, vectors: readonly Value[]): Value[] {
  const lanes = (...from: number[]) => from.flatMap((lane) => [0, 1, 2, 3].map((i) => 4 * lane + i));
  const [p, q, r, s] = vectors as [Value, Value, Value, Value];
  const [low, high] = [lanes(0, 4, 1, 5), lanes(2, 6, 3, 7)];
  const [pqLow, pqHigh, rsLow, rsHigh] = [
    b.shuffle(p, q, low),
    b.shuffle(p, q, high),
    b.shuffle(r, s, low),
    b.shuffle(r, s, high),
  ];
  const [first, second] = [lanes(0, 1, 4, 5), lanes(2, 3, 6, 7)];
  return [
    b.shuffle(pqLow, rsLow, first),
    b.shuffle(pqLow, rsLow, second),
    b.shuffle(pqHigh, rsHigh, first),
    b.shuffle(pqHigh, rsHigh, second),
  ];
}

/**
 * sm4(keys, list, count): puts `count` blocks, at least one, through the rounds, each in its place. Their addresses are
 * the words at `list`, which goes on with addresses of blocks that may be overwritten up to a multiple of four.
 *
 * A loop over streams in a loop over rounds: both are short, so that all constants stay in registers; and the streams
 * are independent of each other, so that the processor mixes them. Every round writes new words, after the old ones.
 */
export function sm4Function(target: Target): FunctionCode {
  const f = new Assembler('sm4', ['i32', 'i32', 'i32'], target);
  const [keys, list, count] = f.params as [Variable, Variable, Variable];
  // `wordBytes`: from a word to the next one of the same stream.
  const [streams, wordBytes, block, at, end] = f.variables('i32', 5) as Variables5;
  const [key, round] = f.variables('i32', 2) as [Variable, Variable];
  const roundKey = f.variable('v128');
  const wordAt = (b: Block, word: number) => b.add(b.get(at), b.mul(b.get(wordBytes), word));
  const addressOf = (b: Block, lane: number) => b.loadInt(b.get(block), 4 * lane);
  const nextStream = (b: Block) => {
    b.set(at, b.add(b.get(at), 16));
    b.set(block, b.add(b.get(block), 4 * LANES));
  };
  const moreStreams = (b: Block) => b.lessThan(b.get(at), b.get(end));

  f.keep([LOW_NIBBLES, rotation(1), rotation(2)]);
  f.keep([QUOTIENT_TABLES.inverse, QUOTIENT_TABLES.aOver, ...TABLES.round.flatMap(({ u, v }) => [u, v])]);
  f.block((b) => {
    b.set(count, b.intShrU(b.add(b.get(count), LANES - 1), 2));
  });
  f.loop(
    () => {
      f.block((b) => b.set(streams, b.get(count)));
      f.when(
        (b) => b.lessThan(b.int(SM4_STREAMS), b.get(count)),
        () => f.block((b) => b.set(streams, b.int(SM4_STREAMS))),
      );
      f.block((b) => {
        b.set(count, b.sub(b.get(count), b.get(streams)));
        b.set(wordBytes, b.intShl(b.get(streams), 4));
        b.set(at, b.int(SM4_STATES));
        b.set(end, b.add(b.intShl(b.get(streams), 4), SM4_STATES));
        b.set(block, b.get(list));
        b.set(key, b.get(keys));
        b.set(round, b.int(ROUNDS));
      });
      f.loop(
        () =>
          f.block((b) => {
            const blocks = [0, 1, 2, 3].map((lane) => b.load(addressOf(b, lane)));
            for (const [i, word] of transpose(b, blocks).entries()) b.store(wordAt(b, i), intoState(b, word));
            nextStream(b);
          }),
        moreStreams,
      );
      f.block((b) => b.set(at, b.int(SM4_STATES)));
      f.loop(
        () => {
          f.block((b) => {
            b.set(roundKey, b.load(b.get(key)));
            b.set(key, b.add(b.get(key), 16));
            b.set(round, b.sub(b.get(round), 1));
            b.set(end, b.add(b.get(at), b.get(wordBytes)));
          });
          f.loop(
            () =>
              f.block((b) => {
                const [first, ...others] = [0, 1, 2, 3].map((i) => b.load(wordAt(b, i)));
                const sum = others.reduce((total, word) => b.xor(total, word), b.get(roundKey));
                const added = roundOf(b, sum);
                b.store(wordAt(b, 4), b.xor(first!, added));
                b.set(at, b.add(b.get(at), 16));
              }),
            moreStreams,
          );
        },
        (b) => b.get(round),
      );
      f.block((b) => {
        b.set(end, b.add(b.get(at), b.get(wordBytes)));
        b.set(block, b.get(list));
      });
      f.loop(
        () =>
          f.block((b) => {
            const words = [3, 2, 1, 0].map((i) => outOfState(b, b.load(wordAt(b, i))));
            for (const [lane, text] of transpose(b, words).entries()) b.store(addressOf(b, lane), text);
            nextStream(b);
          }),
        moreStreams,
      );
      f.block((b) => b.set(list, b.get(block)));
    },
    (b) => b.get(count),
  );
  return f.finish(true);
}

type Variables5 = [Variable, Variable, Variable, Variable, Variable];

/**
 * sm4Keys(slot): expands the key at KEY_INPUT (section 7.3) to two sets of 32 round keys, for encryption and, the other
 * way round, for decryption: each in all four lanes, as the states have it, with the constants that the rounds leave out.
 */
export function sm4KeysFunction(target: Target): FunctionCode {
  const f = new Assembler('sm4Keys', ['i32'], target);
  const [slot] = f.params as [Variable];
  const words = f.variables('v128', PERIOD);
  const [forwards, backwards, constants] = f.variables('i32', 3) as [Variable, Variable, Variable];
  const lane = (b: Block, vector: Value, index: number) => {
    return b.shuffle(
      vector,
      vector,
      rotation(0).map((i) => 4 * index + (i & 3)),
    );
  };
  const vectorOf = (words4: readonly number[]) => words4.flatMap((word) => splat(word).slice(0, 4));
  // For four rounds at a time: the constants CK_i, whose bytes are (4i + j) * 7 modulo 256, with what comes before the
  // S-box; and what is added to the round keys.
  const four = (word: (round: number) => number, first: number) => vectorOf([0, 1, 2, 3].map((i) => word(first + i)));
  const iterations = Array.from({ length: ROUNDS / PERIOD }, (_, i) => PERIOD * i);
  const constantKeys = target.constants.address(
    iterations.flatMap((first) => [...four(constantKey, first), ...four(addedToKey, first)]),
  );
  f.block((b) => {
    const systemKey = b.bytes(vectorOf([0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc]));
    const key = intoState(b, b.xor(b.load(b.int(KEY_INPUT)), systemKey));
    for (const [i, word] of words.entries()) b.set(word, lane(b, key, i));
    b.set(forwards, b.get(slot));
    b.set(backwards, b.add(b.get(slot), SM4_KEYS_BYTES + 16 * (ROUNDS - PERIOD)));
    b.set(constants, b.int(constantKeys));
  });
  f.loop(
    () =>
      f.block((b) => {
        const state = words.map((word) => b.get(word));
        const before = b.load(b.get(constants));
        const added = b.load(b.get(constants), 16);
        for (let i = 0; i < PERIOD; i++) {
          const others = b.xor(b.xor(state[(i + 1) & 3]!, state[(i + 2) & 3]!), state[(i + 3) & 3]!);
          const chosen = quotients(b, [b.xor(others, lane(b, before, i))])[0]!;
          const parts = TABLES.key.map((tables) => mapped(b, chosen, tables));
          const turn = b.bytes(rotation(1));
          const after = parts.reduceRight((sum, part) => b.xor(part, b.swizzle(sum, turn)));
          state[i] = b.xor(state[i]!, b.xor(after, b.bytes(splat(AFTER_KEY))));
          const key = b.xor(state[i]!, lane(b, added, i));
          b.store(b.get(forwards), key, 16 * i);
          b.store(b.get(backwards), key, 16 * (PERIOD - 1 - i));
        }
        for (const [i, word] of state.entries()) b.set(words[i]!, word);
        b.set(forwards, b.add(b.get(forwards), 16 * PERIOD));
        b.set(backwards, b.sub(b.get(backwards), 16 * PERIOD));
        b.set(constants, b.add(b.get(constants), 32));
      }),
    (b) => b.lessThan(b.get(constants), b.int(constantKeys + 32 * (ROUNDS / PERIOD))),
  );
  return f.finish(true);
}
