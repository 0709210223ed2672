/**
 * `frameseal/vectors`: reads files of test vectors (this project's schema, Wycheproof, NIST CAVP, RFC 9605), and runs them on an
 * engine.
 *
 * @module frameseal/vectors
 */
import { kindOf } from '../bytes.js';
import { checkNames, own } from '../checks.js';
import { type EngineChoice, pickEngine } from '../engine/pick.js';
import { looksLikeCavp, readCavp } from './cavp.js';
import { parseExactJson } from './json.js';
import type { Difference } from './outcome.js';
import { looksLikeRfc9605, readRfc9605 } from './rfc9605.js';
import { runCase } from './run.js';
import {
  casesOf,
  FORMAT,
  isKnownKind,
  Scope,
  type SharedChannel,
  type VectorCase,
  type VectorFile,
  VectorFormatError,
} from './schema.js';
import { looksLikeWycheproof, readWycheproof } from './wycheproof.js';

export type { Difference } from './outcome.js';
export type {
  BlockCase,
  ChannelCase,
  GcmCase,
  HkdfCase,
  SframeCase,
  SframeHeaderCase,
  Sm4Case,
  SrtpCase,
  VectorCase,
  VectorFile,
} from './schema.js';
export { VectorFormatError } from './schema.js';

/** Options of `verifyVectors`; a wrong one throws TypeError. */
export interface VerifyOptions {
  /** Which engine; `'auto'` (default) takes the best that the platform has. */
  engine?: EngineChoice | undefined;
}

/** A case in which the library and the vector differ. */
export interface Disagreement extends Difference {
  /** The case's id in the file. */
  readonly id: string;
  /** The kind of the case: `gcm`, `channel`, ... */
  readonly kind: string;
  /** A file with this one case, in the project's schema: save it and verify it alone. */
  readonly reproduction: string;
}

/** The result for a file. Every case is in one of the three: agreed, out of scope, disagreements. */
export interface Report {
  /** The file's format, for people. */
  readonly format: string;
  /** The file's title, from the file. */
  readonly title: string;
  /** Name of the engine that ran the cases. */
  readonly engine: string;
  /** The number of cases in which the library and the vector agree. */
  readonly agreed: number;
  /** How many cases were not run, by reason. */
  readonly outOfScope: Readonly<Record<string, number>>;
  /** One for each case in which the library and the vector differ. */
  readonly disagreements: readonly Disagreement[];
}

/**
 * Runs every case of a file: the project's schema (fixtures/README.md), Wycheproof `aes_gcm` and `hkdf`, NIST CAVP GCM, or the
 * SFrame JSON of RFC 9605. `text`: the whole file. Throws VectorFormatError where it is none of these or breaks its format,
 * EngineError where the engine is missing, TypeError for a wrong argument.
 */
export function verifyVectors(text: string, options: VerifyOptions = {}): Report {
  checkNames(options, ['engine']);
  const engine = pickEngine(own(options, 'engine')).name;
  const file = readVectors(text);
  const disagreements: Disagreement[] = [];
  for (const test of file.cases) {
    const difference = attempt(test, engine);
    if (difference) disagreements.push({ id: test.id, kind: test.kind, ...difference, reproduction: reproduce(test) });
  }
  return {
    format: file.format,
    title: file.title,
    engine,
    agreed: file.cases.length - disagreements.length,
    outOfScope: file.outOfScope,
    disagreements,
  };
}

/** A case that makes our code throw is a disagreement too. */
function attempt(test: VectorCase, engine: EngineChoice): Difference | undefined {
  try {
    return runCase(test, engine);
  } catch (error) {
    return { what: 'the case', expected: test.expect ?? 'ok', got: String(error) };
  }
}

function reproduce(test: VectorCase): string {
  return JSON.stringify({ format: FORMAT, title: 'reproduction', source: test.id, cases: [test] });
}

/**
 * The cases of a file in the project's schema, whichever of the known formats the file has: to run them on another
 * implementation. Throws VectorFormatError as `verifyVectors` does.
 */
export function readVectors(text: string): VectorFile {
  if (typeof text !== 'string') throw new TypeError(`text must be a string, got ${kindOf(text)}`);
  // A value of a wrong type where a reader needs another breaks the file's format, whatever the reader makes of it.
  try {
    return readKnown(text);
  } catch (error) {
    if (error instanceof VectorFormatError) throw error;
    throw new VectorFormatError(`a value in the file is not what its format has in that place: ${error}`);
  }
}

function readKnown(text: string): VectorFile {
  if (looksLikeCavp(text)) return readCavp(text);
  const json = parse(text);
  if (looksLikeWycheproof(json)) return readWycheproof(json);
  if (looksLikeRfc9605(json)) return readRfc9605(json);
  if (own(json as { format?: unknown }, 'format') === FORMAT) return readOwn(json);
  throw new VectorFormatError(
    `not a file of test vectors that is known here: ${FORMAT}, Wycheproof aes_gcm or hkdf, NIST CAVP GCM, or the SFrame JSON of RFC 9605`,
  );
}

function parse(text: string): object {
  try {
    const json = parseExactJson(text);
    if (typeof json === 'object' && json !== null) return json;
  } catch {
    // Told below, as any other text that is no vector file.
  }
  throw new VectorFormatError(`neither JSON nor a CAVP response file (${text.length} characters)`);
}

/** The most that a case of ours may ask for: a file from elsewhere must not keep a process busy for days. */
const MOST_AMOUNTS = { iterations: 10_000_000, outLength: 1 << 25, clear: 1 << 25 } as const;

function checkAmounts(test: object): void {
  for (const [name, most] of Object.entries(MOST_AMOUNTS)) {
    const amount = (test as Record<string, unknown>)[name];
    if (amount === undefined) continue;
    if (!Number.isInteger(amount) || (amount as number) < 0 || (amount as number) > most)
      throw new VectorFormatError(`${name} must be a whole number from 0 to ${most}`);
  }
}

function readOwn(json: object): VectorFile {
  const { title } = json as { title?: unknown };
  const cases: unknown = own(json as { cases?: unknown }, 'cases');
  const channels: unknown = own(json as { channels?: unknown }, 'channels');
  const lists = [cases, channels].filter((list) => list !== undefined);
  if (lists.length === 0 || !lists.every(Array.isArray)) {
    throw new VectorFormatError('a vector file needs an array of cases, or of channels with cases');
  }
  const scope = new Scope();
  const shared = ((channels ?? []) as SharedChannel[]).flatMap(casesOf);
  const inScope = [...((cases ?? []) as VectorCase[]), ...shared].filter((test) => {
    if (!isKnownKind(test.kind)) throw new VectorFormatError(`a case has an unknown kind: ${test.kind}`);
    checkAmounts(test);
    if (test.kind === 'aes-block') scope.out('bare AES block');
    return test.kind !== 'aes-block';
  });
  return { format: FORMAT, title: String(title), cases: inScope, outOfScope: scope.counts };
}
