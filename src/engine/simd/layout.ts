/**
 * The SIMD engine's memory map: only its TypeScript side and the builder of its kernels know it.
 *
 *     0x0000   constants, written by the module itself
 *     0x0800   scratch: what one call leaves for the next
 *     0x2800   frames on the way in: nonce, lengths, tag; their order by key; their AAD
 *     0x3c00   room before the first text: its clear header on the way in, then the AAD for GHASH
 *     0x4000   texts: one of up to 16 KiB, or 16 shorter ones, each with room before and after
 *     0xd000   SM4: words of all rounds, and lists of blocks
 *     0x11fc0  a guard: words that nothing ever changes
 *     0x12000  key slots, and among them the area for a long text
 */

/** The module's constants end here. */
export const CONSTANTS_END = 0x800;
/** GHASH's accumulator. */
export const HASH_STATE = 0x800;
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

/** Blocks of several frames that go through AES together: counter blocks, and the addresses of their text. */
export const PACKED_BLOCKS = 0xe00;
export const PACKED_ADDRESSES = 0x1d00;

/** The wide form: two groups of eight blocks side by side. Their planes after round 1, their state, and their blocks as rows. */
export const PAIR_FIRST_ROUND = 0x2100;
export const PAIR_STATE = 0x2200;
export const PAIR_ROWS = 0x2300;

/** How many frames there are places for. */
export const MOST_FRAMES = 16;
/** By place: nonce (12 bytes), words for the lengths of AAD and text, then the tag, GHASH, each 16 bytes. */
export const FRAMES = 0x2800;
export const FRAME_BYTES = 64;
export const FRAME = { nonce: 0, aadLength: 16, length: 20, tag: 32, hash: 48 } as const;
/** Places, as words: the order in which a call goes through them. */
export const ORDER = 0x2c00;
/** Where the text of a block lies that is there to fill a group. */
export const NOWHERE = 0x2c80;
/** AAD by place. A frame that is alone has room for much more. */
export const AAD = 0x3000;
export const AAD_BYTES = 128;
/** Texts by place: so far apart that neighbours do not share lines of the cache. */
export const TEXT = 0x4000;
export const TEXT_STRIDE = 2112;
/** The longest text, and the most bytes of clear header, of a frame that is not alone. */
export const SHARED_TEXT_BYTES = 1800;
export const SHARED_HEADER_BYTES = 128;
/** The most bytes of clear header, and of AAD, that fit in before a text that is alone. */
export const BEFORE_TEXT_BYTES = 0x400;
/** The longest text that has a place of those; and the pieces in which more AAD than fits there is absorbed. */
export const PIECE_BYTES = 0x4000;
/** Room before a long text, for the block of key stream that masks the tag. */
export const LONG_BEFORE_BYTES = 128;

/** The words 0 to 35 of the blocks that go through SM4's rounds side by side: four blocks a stream. */
export const SM4_STATES = 0xd000;
export const SM4_STREAMS = 12;
export const SM4_STATES_END = SM4_STATES + 36 * 16 * SM4_STREAMS;
/** What fills up a list of blocks: read and overwritten. */
export const SM4_DUMMY = SM4_STATES_END + 16;
/** What calls leave behind ends here. */
export const SCRATCH_END = SM4_DUMMY + 16;
/** Addresses of blocks, as words: those of the first text, which stay; and those of several frames. */
export const SM4_TEXT_BLOCKS = 0xec00;
export const SM4_BATCH_BLOCKS = SM4_TEXT_BLOCKS + 0x1040;
/** The longest text, with its padding, of a frame that is not alone. */
export const SM4_SHARED_BYTES = SHARED_TEXT_BYTES & ~15;

export const SLOTS = 0x12000;
/** Between what copies write to and the keys. */
export const GUARD_BYTES = 64;
export const GUARD = SLOTS - GUARD_BYTES;
const MAX_ROUNDS = 14;
/** In a slot: round keys as bit planes, 8 * 16 bytes a round. What a short frame needs lies at the end, side by side. */
export const ROUND_KEY_BYTES = 128;
/** What a counter's last byte adds to round 1, for each of 32 groups of eight counters: planes. */
export const LAST_BYTE_GROUPS = 32;
export const LAST_BYTES = (MAX_ROUNDS + 1) * ROUND_KEY_BYTES;
export const HASH_TABLES = LAST_BYTES + LAST_BYTE_GROUPS * ROUND_KEY_BYTES;
/** For one power of H: 17 byte positions, each with a table for upper and one for lower nibbles. */
export const HASH_POSITIONS = 17;
export const POWER_BYTES = HASH_POSITIONS * 16;
/** Powers of H: this many blocks take one reduction. The highest comes first. */
export const HASH_POWERS = 16;
/** Round key 0 as rows. */
export const FIRST_ROUND_KEY = HASH_TABLES + HASH_POWERS * POWER_BYTES;
/** Round keys as rows for vector permutation, 16 bytes each. */
export const VECTOR_KEYS = FIRST_ROUND_KEY + 16;
export const SLOT_BYTES = VECTOR_KEYS + 16 * (MAX_ROUNDS + 1);
/** The wide form's slots have round keys 1 and up once more behind that, for pairs of groups. */
export const PAIR_KEYS = (SLOT_BYTES + 31) & ~31;
export const PAIR_BYTES = 2 * ROUND_KEY_BYTES;
export const WIDE_SLOT_BYTES = PAIR_KEYS + MAX_ROUNDS * PAIR_BYTES;

/** In a slot for SM4: the 32 round keys of encryption, and then those of decryption; the size of one set. */
export const SM4_KEYS_BYTES = 32 * 16;

export const PAGE_BYTES = 0x10000;
export const LEAST_PAGES = 2;
/** 1 GiB: close to 100,000 keys. */
export const MOST_PAGES = 16_384;
