/** The random cases of `frameseal verify --peer`: what is drawn, and what shrinking makes of it. */
import { describe, expect, it } from 'vitest';
import { drawRecipe } from '../../src/cli/peer/draw.js';
import type { Recipe } from '../../src/cli/peer/recipe.js';
import { evenKid, shrink, simplerThan } from '../../src/cli/peer/shrink.js';
import { Random } from '../../src/cli/random.js';

const random = new Random(11);
const recipes = Array.from({ length: 3000 }, (_, i) => drawRecipe(random, i + 1));
const gcm2 = recipes.filter(({ config }) => config.encryptionMode !== 'SM4_128_ECB');
const rtp = recipes.filter(({ options }) => options.framing === 'rtp');

/** Shrinks with a condition that a real peer would be; also how many recipes that took. */
async function shrunk(recipe: Recipe, differs: (recipe: Recipe) => boolean) {
  let asked = 0;
  const result = await shrink(recipe, recipe, async (all) => {
    asked += all.length;
    return all.map((simpler) => (differs(simpler) ? simpler : undefined));
  });
  expect(result.found).toBe(result.recipe);
  return { ...result.recipe, asked };
}

describe('what is drawn', () => {
  const first = ({ header }: Recipe) => Number.parseInt(header.slice(0, 2), 16);
  const second = ({ header }: Recipe) => Number.parseInt(header.slice(2, 4), 16);
  const isRtcp = (recipe: Recipe) => second(recipe) >= 192 && second(recipe) <= 223;
  const wanted: [what: string, among: Recipe[], is: (recipe: Recipe) => boolean][] = [
    ...(['derive', 'seal', 'open', 'altered', 'truncated', 'replayed'] as const).map(
      (subject): [string, Recipe[], (recipe: Recipe) => boolean] => [
        subject,
        recipes,
        (recipe) => recipe.subject === subject,
      ],
    ),
    ['SM4', recipes, ({ config }) => config.encryptionMode === 'SM4_128_ECB'],
    ['AES_128_GCM2', recipes, ({ config }) => config.encryptionMode === 'AES_128_GCM2'],
    ['AES_256_GCM2', recipes, ({ config }) => config.encryptionMode === 'AES_256_GCM2'],
    ['frames', recipes, ({ options }) => options.framing === 'frame'],
    ['unbound headers', rtp, ({ options }) => options.bindHeader === false],
    ['clear RTCP', rtp.filter(isRtcp), ({ options }) => options.rtcp === 'clear'],
    ['RTCP', rtp, isRtcp],
    ['padding', rtp, (recipe) => (first(recipe) & 0x20) !== 0],
    ['extensions', rtp, (recipe) => (first(recipe) & 0x10) !== 0],
    ['CSRCs', rtp, (recipe) => (first(recipe) & 0x0f) !== 0],
    ['neither RTP nor RTCP', rtp, (recipe) => first(recipe) < 128 || first(recipe) > 191],
    ['contexts', gcm2, ({ config }) => config.context !== undefined],
    ['clear bytes', recipes, ({ clear }) => clear > 0],
    ['no payload', recipes, ({ payload }) => payload === ''],
    ['long payloads', recipes, ({ payload }) => payload.length > 2000],
    ['counters of four bytes', gcm2, ({ ctr }) => ctr > 0xffffff],
  ];
  it.each(wanted)('%s', (_, among, is) => {
    const share = among.filter(is).length / among.length;
    expect(share).toBeGreaterThan(0.01);
    expect(share).toBeLessThan(0.99);
  });

  it('is what a channel takes', () => {
    for (const { kid, config, ctr, earlier, header, payload } of gcm2) {
      expect(kid >> 60n).toBe(BigInt(config.keyId ?? 0));
      expect(kid >> 56n).toBeGreaterThan(0n);
      for (const counter of [ctr, ...earlier]) expect(counter >= 0 && counter <= 0xffffffff).toBe(true);
      expect(header + payload).toMatch(/^([0-9a-f]{2})*$/);
    }
  });
});

describe('shrinking', () => {
  it('ends at the simplest case where nothing in particular is needed', async () => {
    for (const recipe of recipes.slice(0, 500)) {
      const { asked, ...smallest } = await shrunk(recipe, () => true);
      expect(asked).toBeLessThan(300);
      expect(simplerThan(smallest)).toEqual([]);
      expect(smallest).toMatchObject({ payload: '', clear: 0, ctr: 0, earlier: [], position: 0, flip: 1 });
      expect(smallest.config.context).toBeUndefined();
      if (recipe.config.encryptionKdfSalt !== undefined) expect(smallest.kid).toBe(evenKid(0));
    }
  });

  const needs: [what: string, is: (recipe: Recipe) => boolean, holds: Partial<Recipe>][] = [
    ['a length', ({ payload }) => payload.length / 2 >= 5, { payload: '0000000000', ctr: 0, clear: 0 }],
    ['a counter', ({ ctr }) => ctr >= 256, { payload: '', ctr: 256 }],
    ['clear bytes', ({ clear, payload }) => clear > 2 && payload.length / 2 >= clear, { payload: '000000', clear: 3 }],
    [
      'an order of frames',
      ({ ctr, earlier }) => earlier.some((counter) => counter === ctr + 1),
      { ctr: 0, earlier: [1] },
    ],
    ['unbound headers', ({ options }) => options.bindHeader === false, { payload: '' }],
  ];
  it.each(needs)('keeps what the case needs: %s', async (_, is, holds) => {
    const starts = recipes.filter(is);
    expect(starts.length).toBeGreaterThan(5);
    for (const recipe of starts.slice(0, 100)) {
      const { asked, ...smallest } = await shrunk(recipe, is);
      expect(asked).toBeLessThan(1000);
      expect(smallest).toMatchObject(holds);
      expect(is(smallest)).toBe(true);
    }
  });

  it('keeps the padding bit, the extension and the kind of packet where they are needed', async () => {
    const bit = (mask: number) => (recipe: Recipe) =>
      recipe.header.length >= 24 && (Number.parseInt(recipe.header.slice(0, 2), 16) & mask) !== 0;
    for (const [mask, header] of [
      [0x20, 'a00000000000000000000000'],
      [0x0f, /^8[1-9a-f]0{20}[0-9a-f]*$/],
    ] as const) {
      const start = rtp.find((recipe) => bit(mask)(recipe) && /^[89ab]/.test(recipe.header))!;
      const smallest = await shrunk(start, bit(mask));
      expect(smallest.header).toMatch(header);
    }
    const rtcp = (recipe: Recipe) => /^..c[89]/.test(recipe.header) && recipe.header.length === 16;
    expect((await shrunk(rtp.find(rtcp)!, rtcp)).header).toMatch(/^..c[89]0{12}$/);
  });
});
