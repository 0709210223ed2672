/**
 * The SIMD engine's memory map: known to its TypeScript side and to the builder of its kernels, and to nobody else.
 *
 *     0x0000   constants, written by the module itself
 *     0x0800   scratch: what one call leaves for the next
 *     0x2400   AAD on the way in, up to 1 KiB
 *     0x2c00   room before the text: its clear header on the way in, then the AAD for GHASH
 *     0x3000   text, up to 16 KiB, with room for a tag, a length block and the rest of a group of blocks
 *     0x8000   SM4: words of all rounds, frames of a batch
 *     0x12400  SM4: addresses of blocks
 *     0x15000  key slots
 */

/** The module's constants end here. */
export const CONSTANTS_END = 0x800;
/** GHASH's accumulator. */
export const HASH_STATE = 0x800;
/** E(K, J0), which masks the tag. */
export const TAG_MASK = 0x810;
/** Planes after round 1, which groups of blocks share. */
export const FIRST_ROUND = 0x820;
/** Sixteen blocks as nibbles: 16 upper halves of bytes, 16 lower ones. */
export const NIBBLES = 0x900;
export const NIBBLES_END = NIBBLES + 16 * 32;
/** Key set-up: the round keys as FIPS 197 has them, or H; and H times x^0..x^7, 32 bytes each. */
export const KEY_INPUT = 0xb00;
export const MULTIPLES = 0xc00;
/** Key set-up: the round key that was packed last, as rows. */
export const LAST_ROUND_KEY = 0xd00;

export const AAD = 0x2400;
export const TEXT = 0x3000;
/** The most bytes of clear header, and of AAD, that fit in before the text. */
export const BEFORE_TEXT_BYTES = 0x400;
/** A longer text passes in pieces of this length, which is a multiple of 128. */
export const PIECE_BYTES = 0x4000;

/** What calls leave behind ends here, but for SM4's. */
export const SCRATCH_END = 0x8000;
/** The words 0 to 35 of the blocks that go through SM4's rounds side by side: four blocks a stream. */
export const SM4_STATES = 0x8000;
export const SM4_STREAMS = 12;
export const SM4_STATES_END = SM4_STATES + 36 * 16 * SM4_STREAMS;
/** What fills up a list of blocks: read and overwritten. */
export const SM4_DUMMY = 0x9c00;
/** The frames of a batch: each with room before it for a clear header, as the text has. */
export const SM4_BATCH = 0xa000;
export const SM4_BATCH_FRAMES = 16;
export const SM4_BATCH_STRIDE = 0x840;
/** The most bytes of a frame in a batch, with padding. */
export const SM4_BATCH_BYTES = 0x600;
/** Addresses of blocks, 32 bits each: those of the text, which stay; and those of a batch. Here ends what frames leave. */
export const SM4_TEXT_BLOCKS = SM4_BATCH + SM4_BATCH_FRAMES * SM4_BATCH_STRIDE;
export const SM4_BATCH_BLOCKS = SM4_TEXT_BLOCKS + 0x1040;

export const SLOTS = 0x15000;
const MAX_ROUNDS = 14;
/** In a slot: round keys as bit planes, 8 * 16 bytes a round; round key 0 as rows; then the GHASH tables. */
export const ROUND_KEY_BYTES = 128;
export const FIRST_ROUND_KEY = (MAX_ROUNDS + 1) * ROUND_KEY_BYTES;
/** Round keys as rows for vector permutation, 16 bytes each. */
export const VECTOR_KEYS = FIRST_ROUND_KEY + 16;
/** What a counter's last byte adds to round 1, for each of 32 groups of eight counters: planes. */
export const LAST_BYTE_GROUPS = 32;
export const LAST_BYTES = VECTOR_KEYS + 16 * (MAX_ROUNDS + 1);
export const HASH_TABLES = LAST_BYTES + LAST_BYTE_GROUPS * ROUND_KEY_BYTES;
/** For one power of H: 17 byte positions, each with a table for upper and one for lower nibbles. */
export const HASH_POSITIONS = 17;
export const POWER_BYTES = HASH_POSITIONS * 16;
/** Powers of H: this many blocks take one reduction. The highest comes first. */
export const HASH_POWERS = 16;
export const SLOT_BYTES = HASH_TABLES + HASH_POWERS * POWER_BYTES;

/** In a slot for SM4: the 32 round keys of encryption, and then those of decryption; in one set there are so many bytes. */
export const SM4_KEYS_BYTES = 32 * 16;

export const PAGE_BYTES = 0x10000;
export const LEAST_PAGES = 3;
/** 1 GiB: close to 100,000 keys. */
export const MOST_PAGES = 16_384;
