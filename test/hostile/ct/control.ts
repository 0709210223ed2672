/**
 * A subject that cannot leak by what it does: XOR and rotation of words in a fixed order, for about as long as a frame takes.
 * Where its classes differ, the machine distinguishes them.
 */
import { fixedAgainstRandom, nothing, type Subject } from './subject.js';

const TEXT_WORDS = 40;
const ROUNDS = 14;

export function control(): Subject {
  const words = new Int32Array(TEXT_WORDS);
  const state = new Int32Array(TEXT_WORDS);
  const run = () => {
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < TEXT_WORDS; i++) state[i] = ((state[i]! << 1) | (state[i]! >>> 31)) ^ words[i]!;
    }
  };
  return { input: new Uint8Array(words.buffer), prepare: fixedAgainstRandom, ready: nothing, run };
}
