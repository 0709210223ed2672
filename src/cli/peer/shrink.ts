/**
 * Shrinking: from a random case in which a peer differs to the smallest one that still does. Each round tries simpler recipes,
 * the boldest first, and goes on from the first in which the peer differs; it ends where none does.
 */
import type { Recipe } from './recipe.js';

/** A round more than a case of the longest payload takes, with every field on the way. */
const MOST_ROUNDS = 100;
/** Recipes that are tried at once: more is work for nothing where the first differs, fewer is waiting for the peer. */
const AT_ONCE = 8;
const PLAIN_KEY = '11'.repeat(32);
/** Of the ciphers. */
const BLOCK_BYTES = 16;
/** Of the shortest RTP header. */
const RTP_DIGITS = 24;
const PLAIN_SALT = Buffer.alloc(32, 0x22).toString('base64');

/** The smallest recipe found, with what `differs` says of it. `differs` is asked of a few recipes at once. */
export async function shrink<Found>(
  recipe: Recipe,
  found: Found,
  differs: (recipes: readonly Recipe[]) => Promise<readonly (Found | undefined)[]>,
): Promise<{ readonly recipe: Recipe; readonly found: Found }> {
  let smallest = { recipe, found };
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const simpler = await firstThatDiffers(simplerThan(smallest.recipe), differs);
    if (simpler === undefined) break;
    smallest = simpler;
  }
  return smallest;
}

async function firstThatDiffers<Found>(
  recipes: readonly Recipe[],
  differs: (recipes: readonly Recipe[]) => Promise<readonly (Found | undefined)[]>,
): Promise<{ readonly recipe: Recipe; readonly found: Found } | undefined> {
  for (let at = 0; at < recipes.length; at += AT_ONCE) {
    const some = recipes.slice(at, at + AT_ONCE);
    const results = await differs(some);
    const first = results.findIndex((result) => result !== undefined);
    if (first >= 0) return { recipe: some[first]!, found: results[first]! };
  }
  return undefined;
}

/** Recipes that are simpler in one thing. Each step leads down, so that steps end. */
export function simplerThan(recipe: Recipe): Recipe[] {
  const changes: Partial<Recipe>[] = [
    ...simplerTexts(recipe.payload).map((payload) => ({ payload })),
    ...simplerHeaders(recipe.header).map((header) => ({ header })),
    ...simplerConfigs(recipe),
    ...simplerOptions(recipe.options).map((options) => ({ options })),
    ...(recipe.clear > 0 ? [{ clear: 0, payload: recipe.payload.slice(2 * recipe.clear) }] : []),
    ...simplerNumbers(recipe.clear).map((clear) => ({ clear })),
    ...simplerNumbers(recipe.ctr).map((ctr) => ({ ctr })),
    ...recipe.earlier.map((_, i) => ({ earlier: recipe.earlier.toSpliced(i, 1) })),
    ...simplerNumbers(recipe.position).map((position) => ({ position })),
    ...(recipe.flip > 1 ? [{ flip: 1 }] : []),
    ...closerCounters(recipe),
  ];
  return changes.map((change) => ({ ...recipe, ...change }));
}

/** Shorter bytes, also by whole blocks; then the same number of them, all zero. */
function simplerTexts(hex: string): string[] {
  const bytes = hex.length / 2;
  const rest = bytes % BLOCK_BYTES;
  const byBlocks = simplerNumbers((bytes - rest) / BLOCK_BYTES).map((blocks) => BLOCK_BYTES * blocks + rest);
  const lengths = new Set([...simplerNumbers(bytes), ...byBlocks]);
  const zeros = '00'.repeat(bytes);
  return [...[...lengths].map((length) => hex.slice(0, 2 * length)), ...(zeros === hex ? [] : [zeros])];
}

/** 0, then numbers ever closer to `value`, the last of them one less. */
function simplerNumbers(value: number): number[] {
  const numbers: number[] = [];
  for (let step = value; step >= 1; step = Math.floor(step / 2)) numbers.push(value - step);
  return numbers;
}

/** Without extension and CSRCs; then without P, marker and type; then with zeros for the rest. Where there is less than RTP has, shorter. */
function simplerHeaders(header: string): string[] {
  const first = Number.parseInt(header.slice(0, 2), 16);
  const withFirst = (bits: number, rest: string) => (first & bits).toString(16).padStart(2, '0') + rest;
  const zeros = (kept: number, length: number) => header.slice(0, kept).padEnd(length, '0');
  const isRtp = header.length >= RTP_DIGITS;
  const simpler = isRtp
    ? [
        withFirst(0xe0, header.slice(2, RTP_DIGITS)),
        withFirst(0xdf, header.slice(2)),
        `${header.slice(0, 2)}00${header.slice(4)}`,
        zeros(4, RTP_DIGITS) + header.slice(RTP_DIGITS),
      ]
    : [
        withFirst(0xe0, header.slice(2)),
        withFirst(0xdf, header.slice(2)),
        zeros(4, header.length),
        ...simplerTexts(header),
      ];
  return header === '' ? [] : [...new Set(simpler)].filter((candidate) => candidate !== header);
}

function simplerConfigs({ config, kid }: Recipe): Partial<Recipe>[] {
  const { context, ...withoutContext } = config;
  const changes: Partial<Recipe>[] = [];
  if (context !== undefined) changes.push({ config: withoutContext });
  for (const shorter of ['a', 'ab'])
    if (context && shorter.length < context.length) changes.push({ config: { ...config, context: shorter } });
  const { keyId = 0, ...withoutKeyId } = config;
  if (keyId > 0) changes.push({ config: withoutKeyId, kid: evenKid(0) });
  else if (config.keyId === 0) changes.push({ config: withoutKeyId });
  const kids = [evenKid(keyId), keyId === 0 ? 1n << 56n : BigInt(keyId) << 60n];
  const rank = kids.indexOf(kid);
  for (const simpler of rank < 0 ? kids : kids.slice(0, rank)) changes.push({ kid: simpler });
  const plainKey = PLAIN_KEY.slice(0, config.encryptionKey.length);
  if (config.encryptionKey !== plainKey) {
    const salt = config.encryptionKdfSalt === undefined ? {} : { encryptionKdfSalt: PLAIN_SALT };
    changes.push({ config: { ...config, encryptionKey: plainKey, ...salt } });
  }
  return changes;
}

/** The simplest KID, which is the same in both byte orders: a case that has another one is about the order. */
export function evenKid(keyId: number): bigint {
  return BigInt(`0x${(keyId === 0 ? '01' : `${keyId.toString(16)}`.repeat(2)).repeat(8)}`);
}

/** The defaults, one after the other. */
function simplerOptions(options: Recipe['options']): Recipe['options'][] {
  const simpler: Recipe['options'][] = [];
  if (options.bindHeader === false) simpler.push({ ...options, bindHeader: true });
  if (options.rtcp === 'clear') simpler.push({ ...options, rtcp: 'sealed' });
  return simpler;
}

/** The same steps between counters, from a lower one on. */
function closerCounters({ ctr, earlier }: Recipe): Partial<Recipe>[] {
  const lowest = Math.min(ctr, ...earlier);
  if (earlier.length === 0 || lowest === 0) return [];
  return [{ ctr: ctr - lowest, earlier: earlier.map((counter) => counter - lowest) }];
}
