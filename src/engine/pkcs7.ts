/**
 * PKCS#7 padding to blocks of 16 bytes (RFC 5652 section 6.3), on an engine's own memory. Checking it takes the same time
 * whatever the bytes are: which of them is wrong shows in no branch.
 */
export const BLOCK_BYTES = 16;

/** Bytes of a text of `length` bytes with its padding: 1 to 16 more. */
export function paddedLength(length: number): number {
  return (length & ~(BLOCK_BYTES - 1)) + BLOCK_BYTES;
}

/** True for a length that a padded text can have. */
export function isPaddedLength(length: number): boolean {
  return length !== 0 && (length & (BLOCK_BYTES - 1)) === 0;
}

/** Pads memory[at, at + length). */
export function pad(memory: Uint8Array, at: number, length: number): void {
  const padded = paddedLength(length);
  for (let i = length; i < padded; i++) memory[at + i] = padded - length;
}

/** The bytes of padding, 1 to 16, of the block that ends at `end`; 0 where it is not padded. No branches. */
export function paddingOf(memory: Uint8Array, end: number): number {
  const padding = memory[end - 1]!;
  let wrong = ((padding - 1) >>> 31) | ((BLOCK_BYTES - padding) >>> 31);
  for (let i = 1; i <= BLOCK_BYTES; i++) {
    const isPadding = (i - 1 - padding) >> 31;
    wrong |= (memory[end - i]! ^ padding) & isPadding;
  }
  return padding & ((wrong - 1) >> 31);
}
