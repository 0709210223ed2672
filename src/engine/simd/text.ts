/**
 * Bytes of modules as the build writes them into sources: text that needs no escape in a string, and that gzip makes little
 * larger than the bytes (hex: a tenth larger). Bytes that are common in modules take one character, others two.
 *
 *     value = (byte + 3) mod 256            the prefix of SIMD instructions, fd, becomes 0
 *     value < 89                            one digit
 *     else                                  digit 89 + (value - 89) div 89, then digit (value - 89) mod 89
 *     digits 0..90                          characters # to ~, without the backslash
 */

export const FIRST_CHARACTER = 0x23;
export const BACKSLASH = 0x5c;
export const SHORT_VALUES = 89;
export const ROTATION = 3;

/** The bytes of a text that the build wrote: checked no further. */
export function decoded(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    let value = digit(text, at);
    if (value >= SHORT_VALUES) value = SHORT_VALUES + (value - SHORT_VALUES) * SHORT_VALUES + digit(text, ++at);
    bytes[length++] = value - ROTATION;
  }
  return bytes.slice(0, length);
}

function digit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code - FIRST_CHARACTER - (code > BACKSLASH ? 1 : 0);
}
