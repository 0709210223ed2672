/**
 * Subjects that leak on purpose: mistakes of the kind that the rows look for, in front of or behind the SIMD engine's own
 * work, so that a leak has the size that it would have there. A test that misses these leaks misses every leak.
 */
import { AesGcm, Sm4Ecb } from 'frameseal/aead';
import { fixedAgainstRandom, type InputClass, nothing, type Subject } from './subject.js';

const TEXT_BYTES = 160;
const BLOCK_BYTES = 16;
const NONCE = new Uint8Array(12);
const AAD = new Uint8Array(12);

/** Compares tags byte by byte and returns at the first that differs. */
export function leakyTagCompare(): Subject {
  const aes = new AesGcm(new Uint8Array(16).fill(7), { engine: 'simd' });
  const input = new Uint8Array(TEXT_BYTES + BLOCK_BYTES);
  const made = new Uint8Array(TEXT_BYTES + BLOCK_BYTES);
  const text = new Uint8Array(TEXT_BYTES);
  const prepare = (bytes: Uint8Array, inputClass: InputClass): void => {
    aes.seal(NONCE, AAD, text, bytes);
    bytes[inputClass === 0 ? TEXT_BYTES : TEXT_BYTES + BLOCK_BYTES - 1]! ^= 0x40;
  };
  const run = () => {
    aes.seal(NONCE, AAD, text, made);
    for (let i = TEXT_BYTES; i < made.length; i++) if (made[i] !== input[i]) return;
  };
  return { input, prepare, ready: nothing, run };
}

/** Looks at the padding from its end and stops at the first byte that is wrong. */
export function leakyPadding(): Subject {
  const sm4 = new Sm4Ecb(new Uint8Array(16).fill(7), { engine: 'simd' });
  const input = new Uint8Array(TEXT_BYTES);
  const text = new Uint8Array(TEXT_BYTES);
  const prepare = (bytes: Uint8Array, inputClass: InputClass): void => {
    text.set(bytes);
    text.fill(BLOCK_BYTES, TEXT_BYTES - BLOCK_BYTES);
    text[TEXT_BYTES - (inputClass === 0 ? BLOCK_BYTES : 2)] = 0;
    sm4.encryptBlocks(text, bytes);
  };
  const run = () => {
    sm4.decryptBlocks(input, text);
    for (let i = 1; i <= BLOCK_BYTES; i++) if (text[TEXT_BYTES - i] !== BLOCK_BYTES) return;
  };
  return { input, prepare, ready: nothing, run };
}

/** Multiplies by x in GF(2^8) as textbooks do: with a branch on the bit that falls off. */
export function leakySeal(): Subject {
  const aes = new AesGcm(new Uint8Array(16).fill(7), { engine: 'simd' });
  const input = new Uint8Array(TEXT_BYTES);
  const sealed = new Uint8Array(TEXT_BYTES + BLOCK_BYTES);
  const run = () => {
    aes.seal(NONCE, AAD, input, sealed);
    for (let i = 0; i < BLOCK_BYTES; i++) {
      let value = input[i]! << 1;
      if ((value & 0x100) !== 0) value ^= 0x11b;
      sealed[i] = value;
    }
  };
  return { input, prepare: fixedAgainstRandom, ready: nothing, run };
}
