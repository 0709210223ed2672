/** JSON whose integers keep all their bits: an integer that a number may not hold exactly becomes a decimal string. */

/** A string, or a number; strings are matched so that digits inside them are left alone. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** 2^53 - 1 has 16 digits. */
const LONG_INTEGER = /^-?\d{16,}$/;

/** As JSON.parse, with integers of 16 digits and more as strings. Throws SyntaxError. */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text.replace(TOKENS, (token) => (LONG_INTEGER.test(token) ? `"${token}"` : token)));
}
