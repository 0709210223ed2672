/** What a peer is asked, what is expected of it, and where the two differ. */
import { CliError } from '../terminal.js';
import { type Answer, type Operation, quoted, type Request, type Values } from './protocol.js';

/** A row of the matrix. */
export interface Row {
  readonly operation: string;
  readonly mode: string;
  readonly framing: string;
}

export interface Question {
  readonly row: Row;
  /** Which case asks it. */
  readonly source: string;
  readonly request: Request;
  /** The results by name; or `status` alone, for a refusal. */
  readonly expected: Values;
}

/** Where a peer differs from what is expected of it. */
export interface PeerDifference {
  /** The names of the results that differ: `sealed`, or `frameKey, frameSalt`. */
  readonly what: string;
  /** The first of them. */
  readonly expected: string;
  readonly got: string;
}

/** Results that an adapter need not give, because an implementation may keep them to itself. */
const OPTIONAL: Readonly<Partial<Record<Operation, readonly string[]>>> = {
  derive: ['prk', 'baseKey', 'secret', 'frameKey', 'frameSalt', 'key16'],
  hkdf: ['prk'],
  sframe: ['secret', 'frameKey', 'frameSalt'],
};

/**
 * How an answer differs; undefined where it does not, or where the peer does not offer the operation. Throws CliError for an
 * answer that has neither a result nor a status in its place.
 */
export function differenceOf({ request, expected }: Question, answer: Answer): PeerDifference | undefined {
  if (answer.kind === 'unsupported') return undefined;
  const optional = OPTIONAL[request.op] ?? [];
  const differing: (readonly [name: string, expected: string, got: string])[] = [];
  for (const [name, value] of Object.entries(expected)) {
    const got = resultOf(answer, name);
    if (got === undefined && !optional.includes(name)) {
      throw new CliError(`the peer answered nonsense: no ${name} and no status, to ${quoted(JSON.stringify(request))}`);
    }
    if (got !== undefined && got !== value) differing.push([name, value, got]);
  }
  if (differing.length === 0) return undefined;
  const [, value, got] = differing[0]!;
  return { what: differing.map(([name]) => name).join(', '), expected: value, got };
}

/** A result of an answer; where the answer has another one in its place (a status, bytes, an error), that. */
function resultOf(answer: Exclude<Answer, { kind: 'unsupported' }>, name: string): string | undefined {
  if (answer.kind === 'error') return `the error ${answer.text}`;
  const { values } = answer;
  if (name in values) return name === 'status' ? values[name] : values[name]!.toLowerCase();
  if (name === 'status') return Object.values(values)[0];
  return values['status'];
}
