/**
 * Two forms of one module for little more than the bytes of one: the relaxed form is the plain one with another opcode for
 * look-ups, and with a few edits. The build computes the edits (kernel/diff.ts), and a test compares the result.
 */

/** i8x16.swizzle with its opcode in two bytes, and i8x16.relaxed_swizzle. */
export const SWIZZLE: number[] = [0xfd, 0x8e, 0x00];
export const RELAXED_SWIZZLE: number[] = [0xfd, 0x80, 0x02];

/** Copies `keep` bytes, skips `skip` bytes, and inserts others in their place. */
export type Edit = readonly [keep: number, skip: number, insert: Uint8Array];

/** The same bytes with another opcode for look-ups. Changes its argument. */
export function relaxed(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let i = 0; i + 2 < bytes.length; i++) {
    if (bytes[i] !== SWIZZLE[0] || bytes[i + 1] !== SWIZZLE[1] || bytes[i + 2] !== SWIZZLE[2]) continue;
    bytes[i + 1] = RELAXED_SWIZZLE[1]!;
    bytes[i + 2] = RELAXED_SWIZZLE[2]!;
  }
  return bytes;
}

/** The bytes after the edits; what follows the last of them is kept. */
export function edited(bytes: Uint8Array<ArrayBuffer>, edits: readonly Edit[]): Uint8Array<ArrayBuffer> {
  const length = edits.reduce((sum, [, skip, insert]) => sum + insert.length - skip, bytes.length);
  const result = new Uint8Array(length);
  let from = 0;
  let to = 0;
  for (const [keep, skip, insert] of edits) {
    result.set(bytes.subarray(from, from + keep), to);
    result.set(insert, to + keep);
    from += keep + skip;
    to += keep + insert.length;
  }
  result.set(bytes.subarray(from), to);
  return result;
}
