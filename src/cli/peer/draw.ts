/** Draws the recipes of random cases: a seed gives the same cases on every machine. */
import type { Random } from '../random.js';
import type { Recipe, Subject } from './recipe.js';

/** How often each subject, of 100. */
const SUBJECTS: readonly (readonly [Subject, number])[] = [
  ['derive', 8],
  ['seal', 34],
  ['open', 30],
  ['altered', 12],
  ['truncated', 8],
  ['replayed', 8],
];
const MODES = ['AES_128_GCM2', 'AES_256_GCM2'] as const;
const SM4_SHARE = 0.1;
/** Contexts that mistakes change: an apostrophe of the encoder, bytes that are not ASCII, the longest one. */
const CONTEXTS = [
  'a',
  'room 7/audio/a>b',
  'room 7/audio/b>a',
  '"\\/',
  '\u00fc\u4e2d\u{1f600}',
  'x'.repeat(255),
] as const;
/** Where a counter takes another byte, and the last of them. */
const COUNTER_EDGES = [0, 7, 8, 255, 256, 65_535, 65_536, 0xffffff, 0x1000000, 0xffffffff] as const;
const SMALLEST_WINDOW = 64;
const MOST_CLEAR = 12;

/** The recipe of the `index`-th random case. */
export function drawRecipe(random: Random, index: number): Recipe {
  const isSm4 = random.share() < SM4_SHARE;
  const subject = drawSubject(random, isSm4);
  const config = drawConfig(random, isSm4);
  const options = drawOptions(random, subject);
  const isRtp = options.framing === 'rtp';
  const { header, payload } = isRtp ? drawRtp(random) : { header: '', payload: drawHex(random, drawLength(random)) };
  const ctr = drawCounter(random);
  return {
    source: `random case ${index}`,
    subject,
    config,
    options,
    kid: drawKid(random, config.keyId ?? 0),
    ctr,
    clear: random.share() < 0.6 ? 0 : random.below(MOST_CLEAR + 1),
    header,
    payload,
    position: random.below(4096),
    flip: 1 + random.below(255),
    earlier: subject === 'replayed' ? drawEarlier(random, ctr) : [],
  };
}

function drawSubject(random: Random, isSm4: boolean): Subject {
  let at = random.below(100);
  for (const [subject, share] of SUBJECTS) {
    // SM4 frames have no counters.
    if (at < share) return isSm4 && subject === 'replayed' ? 'open' : subject;
    at -= share;
  }
  return 'open';
}

function drawConfig(random: Random, isSm4: boolean): Recipe['config'] {
  if (isSm4) return { encryptionMode: 'SM4_128_ECB', encryptionKey: drawHex(random, random.share() < 0.5 ? 16 : 32) };
  return {
    encryptionMode: pick(random, MODES),
    encryptionKey: drawHex(random, 32),
    encryptionKdfSalt: Buffer.from(drawHex(random, 32), 'hex').toString('base64'),
    ...(random.share() < 0.7 && { keyId: random.below(16) }),
    ...(random.share() < 0.5 && { context: pick(random, CONTEXTS) }),
  };
}

function drawOptions(random: Random, subject: Subject): Recipe['options'] {
  return {
    framing: random.share() < 0.7 ? 'rtp' : 'frame',
    bindHeader: random.share() < 0.6,
    rtcp: random.share() < 0.7 ? 'sealed' : 'clear',
    ...(subject === 'replayed' && { replayWindow: SMALLEST_WINDOW }),
  };
}

function drawKid(random: Random, keyId: number): bigint {
  const session = (BigInt(random.word()) << 32n) | BigInt(random.word());
  const kid = (BigInt(keyId) << 60n) | (session >> 4n);
  // A KID takes eight bytes: its first byte is not 0.
  return kid >> 56n === 0n ? kid | (1n << 56n) : kid;
}

function drawCounter(random: Random): number {
  return random.share() < 0.5 ? pick(random, COUNTER_EDGES) : random.word() >>> random.below(32);
}

/** Counters about the frame's own: the same, below and above, in the window and at its edge. */
function drawEarlier(random: Random, ctr: number): number[] {
  const steps = [0, 1, -1, SMALLEST_WINDOW - 1, SMALLEST_WINDOW, -SMALLEST_WINDOW, random.below(200) - 100];
  const count = 1 + random.below(3);
  return Array.from({ length: count }, () => Math.min(0xffffffff, Math.max(0, ctr + pick(random, steps))));
}

function drawLength(random: Random): number {
  const share = random.share();
  return random.below(share < 0.7 ? 48 : share < 0.95 ? 300 : 1400);
}

interface Packet {
  readonly header: string;
  readonly payload: string;
}

/** An RTP packet; one time in five RTCP, and now and then neither. */
function drawRtp(random: Random): Packet {
  const share = random.share();
  if (share < 0.03) return { header: drawHex(random, random.below(20)), payload: '' };
  if (share < 0.22) return drawRtcp(random);
  const csrcs = random.share() < 0.3 ? random.below(16) : 0;
  const hasExtension = random.share() < 0.25;
  const first = 0x80 | (random.share() < 0.25 ? 0x20 : 0) | (hasExtension ? 0x10 : 0) | csrcs;
  const second = random.below(192);
  const words = random.below(4);
  const extension = hasExtension ? `bede${number16(words)}${drawHex(random, 4 * words)}` : '';
  const header = number8(first) + number8(second) + drawHex(random, 10 + 4 * csrcs) + extension;
  return { header, payload: drawHex(random, drawLength(random)) };
}

/** Half of the time a compound packet whose lengths add up. */
function drawRtcp(random: Random): Packet {
  const start = number8(0x80 | random.below(64)) + number8(192 + random.below(32));
  if (random.share() < 0.5) return { header: start + drawHex(random, 6), payload: drawHex(random, drawLength(random)) };
  const words = 1 + random.below(6);
  return {
    header: `${start}${number16(words)}${drawHex(random, 4)}`,
    payload: `${drawHex(random, 4 * (words - 1))}81c90001${drawHex(random, 4)}`,
  };
}

function drawHex(random: Random, bytes: number): string {
  let hex = '';
  for (let i = 0; i < bytes; i++) hex += number8(random.below(256));
  return hex;
}

function pick<Type>(random: Random, from: readonly Type[]): Type {
  return from[random.below(from.length)]!;
}

function number8(value: number): string {
  return value.toString(16).padStart(2, '0');
}

function number16(value: number): string {
  return value.toString(16).padStart(4, '0');
}
