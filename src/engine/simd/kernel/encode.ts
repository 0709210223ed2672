/** Writes the texts that ../text.ts reads. */
import { BACKSLASH, FIRST_CHARACTER, ROTATION, SHORT_VALUES } from '../text.js';

export function encoded(bytes: Uint8Array): string {
  return Array.from(bytes, characters).join('');
}

function characters(byte: number): string {
  const value = (byte + ROTATION) & 0xff;
  if (value < SHORT_VALUES) return character(value);
  const rest = value - SHORT_VALUES;
  return character(SHORT_VALUES + Math.floor(rest / SHORT_VALUES)) + character(rest % SHORT_VALUES);
}

function character(digit: number): string {
  const code = FIRST_CHARACTER + digit;
  return String.fromCharCode(code < BACKSLASH ? code : code + 1);
}
