/** Mutations of an input: a few small changes on top of each other, and now and then a piece of another input. */
import type { Random } from '../../../src/cli/random.js';

const INTERESTING = [0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 143, 191, 192, 200, 223, 254, 255];
const LARGEST_CHANGE = 16;

type Mutation = (input: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const inPlace =
  (change: (input: Uint8Array, at: number, random: Random) => void): Mutation =>
  (input, random) => {
    if (input.length > 0) change(input, random.below(input.length), random);
    return input;
  };

const splice = (input: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array => {
  const result = new Uint8Array(input.length - remove + insert.length);
  result.set(input.subarray(0, at));
  result.set(insert, at);
  result.set(input.subarray(at + remove), at + insert.length);
  return result;
};

/** A piece of at most LARGEST_CHANGE bytes. */
const piece = (from: Uint8Array, random: Random): Uint8Array => {
  const at = random.below(from.length + 1);
  return from.subarray(at, at + 1 + random.below(LARGEST_CHANGE));
};

const MUTATIONS: readonly Mutation[] = [
  inPlace((input, at, random) => {
    input[at]! ^= 1 << random.below(8);
  }),
  inPlace((input, at, random) => {
    input[at] = random.word();
  }),
  inPlace((input, at, random) => {
    input[at] = INTERESTING[random.below(INTERESTING.length)]!;
  }),
  inPlace((input, at, random) => {
    input[at]! += random.below(9) - 4;
  }),
  inPlace((input, at, random) => {
    input.copyWithin(random.below(input.length), at, at + 1 + random.below(LARGEST_CHANGE));
  }),
  (input, random) => {
    const at = random.below(input.length + 1);
    return splice(input, at, Math.min(input.length - at, 1 + random.below(LARGEST_CHANGE)), new Uint8Array(0));
  },
  (input, random) => {
    const noise = Uint8Array.from({ length: 1 + random.below(LARGEST_CHANGE) }, () => random.word());
    return splice(input, random.below(input.length + 1), 0, noise);
  },
  (input, random) => splice(input, random.below(input.length + 1), 0, piece(input, random)),
  (input, random, other) => splice(input, random.below(input.length + 1), 0, piece(other, random)),
  (input, random, other) => {
    const at = random.below(input.length + 1);
    return splice(input, at, input.length - at, other.subarray(random.below(other.length + 1)));
  },
];

/** A changed copy of an input, of at most `maxBytes`; `other` lends pieces. */
export function mutate(input: Uint8Array, other: Uint8Array, random: Random, maxBytes: number): Uint8Array {
  let result: Uint8Array = new Uint8Array(input);
  for (let i = 1 + random.below(6); i > 0; i--) {
    result = MUTATIONS[random.below(MUTATIONS.length)]!(result, random, other);
  }
  return result.length > maxBytes ? result.slice(0, maxBytes) : result;
}
