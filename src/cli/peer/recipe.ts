/**
 * Recipes of random cases: what to seal, and how it is changed before it is opened. A recipe says everything that a case
 * depends on, so that a simpler recipe is a simpler case.
 */
import type { ChannelCase, VectorCase } from 'frameseal/vectors';
import { ASKED, type Ours } from './ours.js';
import type { Request, Values } from './protocol.js';
import type { Question } from './question.js';
import { framingOf } from './vectors.js';

/**
 * - derive    both derive the keys
 * - seal      the peer seals, frameseal seals as well and opens what the peer sealed
 * - open      frameseal seals, the peer opens
 * - altered   frameseal seals, one byte changes, both open
 * - truncated frameseal seals, the end is cut off, both open
 * - replayed  frameseal seals several frames, both open them in one order
 */
export type Subject = 'derive' | 'seal' | 'open' | 'altered' | 'truncated' | 'replayed';

export interface Recipe {
  /** For people: `random case 17`. */
  readonly source: string;
  readonly subject: Subject;
  readonly config: ChannelCase['config'];
  readonly options: NonNullable<ChannelCase['options']>;
  /** A KID of eight bytes. */
  readonly kid: bigint;
  readonly ctr: number;
  readonly clear: number;
  /** What is sealed: an RTP header or the 8 bytes of RTCP, and what follows them; hex. */
  readonly header: string;
  readonly payload: string;
  /** altered: which byte, counted on from the start again; truncated: how many bytes go. */
  readonly position: number;
  /** altered: what the byte changes by, 1 to 255. */
  readonly flip: number;
  /** replayed: the counters of the frames that are opened before. */
  readonly earlier: readonly number[];
}

/** The questions of recipes, and what is expected by our code. */
export function questionsFor(recipes: readonly Recipe[], ours: Ours): Question[] {
  const sealed = sealAll(recipes, ours);
  const asked = recipes.map((recipe, i) => requestOf(recipe, sealed[i]!));
  const results = ours(asked.flatMap(({ cases }) => cases));
  let at = 0;
  return recipes.map((recipe, i) => {
    const { request, names } = asked[i]!;
    const values = results.slice(at, at + names.length);
    at += names.length;
    return { row: rowOf(recipe), source: recipe.source, request, expected: expectedOf(names, values) };
  });
}

function rowOf({ subject, config, options, header }: Recipe): Question['row'] {
  const framing = subject === 'derive' ? '' : framingOf(options, header);
  return { operation: subject, mode: config.encryptionMode, framing };
}

/** A status is no hex; a fingerprint has its own name. */
function expectedOf(names: readonly string[], values: readonly string[]): Values {
  const [first] = values;
  if (names[0] !== 'fingerprint' && !/^[0-9a-f]*$/.test(first!)) return { status: first! };
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}

/** The frames that a recipe's opener gets, the earlier ones first; none where the recipe has no opener. */
function sealAll(recipes: readonly Recipe[], ours: Ours): string[][] {
  const opened = recipes.map((recipe) =>
    recipe.subject === 'derive' || recipe.subject === 'seal' ? [] : framesOf(recipe),
  );
  const results = ours(opened.flat());
  let at = 0;
  return opened.map((frames) => frames.map(({ input }) => usable(results[at++]!, input!)));
}

function framesOf(recipe: Recipe): ChannelCase[] {
  return [...recipe.earlier, recipe.ctr].map((ctr) => sealCase(recipe, ctr));
}

/** Where our code refuses to seal, an opener gets the input as it is. */
function usable(result: string, input: string): string {
  return /^[0-9a-f]*$/.test(result) ? result : input;
}

function sealCase(recipe: Recipe, ctr: number): ChannelCase {
  const { kid, header, payload } = recipe;
  return blankCase({ ...fieldsOf(recipe), kid: String(kid), ctr: String(ctr), input: header + payload });
}

/** What requests and cases have in common; `clear` only where there are clear bytes, as in vectors. */
function fieldsOf({ config, options, clear }: Recipe) {
  return { config, options, ...(clear > 0 && { clear }) };
}

/** A case that asks our code. */
function blankCase(fields: Omit<ChannelCase, 'kind' | 'id' | 'expect'>): ChannelCase {
  return { kind: 'channel', id: '', expect: ASKED, ...fields };
}

interface Asked {
  readonly request: Request;
  /** The results' names, and for each of them a case that asks our code for it. */
  readonly names: readonly string[];
  readonly cases: readonly VectorCase[];
}

function requestOf(recipe: Recipe, frames: readonly string[]): Asked {
  if (recipe.subject === 'derive') return deriveRequest(recipe);
  const fields = fieldsOf(recipe);
  if (recipe.subject === 'seal') {
    const test = sealCase(recipe, recipe.ctr);
    const { kid, ctr, input } = test;
    return { request: { op: 'seal', ...fields, kid, ctr, input }, names: ['sealed'], cases: [test] };
  }
  const before = frames.slice(0, -1);
  const sealed = damaged(recipe, frames.at(-1)!);
  const given = { ...fields, ...(before.length > 0 && { before }), sealed };
  return { request: { op: 'open', ...given }, names: ['opened'], cases: [blankCase(given)] };
}

function deriveRequest(recipe: Recipe): Asked {
  const { config } = recipe;
  const isSm4 = config.encryptionMode === 'SM4_128_ECB';
  const given = isSm4 ? { config } : { config, kid: String(recipe.kid) };
  const names = isSm4 ? ['fingerprint', 'key16'] : ['fingerprint', 'frameKey', 'frameSalt'];
  const cases = names.map((name) => blankCase({ ...given, [name]: ASKED }));
  return { request: { op: 'derive', ...given }, names, cases };
}

function damaged({ subject, position, flip }: Recipe, sealed: string): string {
  const bytes = sealed.length / 2;
  if (bytes === 0) return sealed;
  const at = 2 * (position % bytes);
  if (subject === 'truncated') return sealed.slice(0, 2 * bytes - at);
  if (subject !== 'altered') return sealed;
  const byte = Number.parseInt(sealed.slice(at, at + 2), 16) ^ flip;
  return sealed.slice(0, at) + byte.toString(16).padStart(2, '0') + sealed.slice(at + 2);
}

/** What our code makes of the frames that the peer sealed. */
export function openedByUs(recipes: readonly Recipe[], sealed: readonly string[], ours: Ours): readonly string[] {
  return ours(recipes.map((recipe, i) => blankCase({ ...fieldsOf(recipe), sealed: sealed[i]! })));
}
