/**
 * The protocol of a peer's adapter: JSON, a request a line and an answer a line (fixtures/README.md, "An adapter for a peer").
 *
 *     {"id":7,"op":"open","config":{...},"options":{...},"sealed":"80..."}
 *     {"id":7,"opened":"80..."}     or     {"id":7,"status":"BAD_TAG"}
 *
 * Request and answer have the fields of a vector's case, under the names of the schema: what the case gives, and what it expects.
 */

/** The operations. An adapter may leave out any of them, and says so. */
export type Operation = 'derive' | 'seal' | 'open' | 'sm4' | 'gcm' | 'hkdf' | 'header' | 'sframe';

/** A request without its id. */
export interface Request {
  readonly op: Operation;
  readonly [field: string]: unknown;
}

/** Results by name: bytes in hex, other numbers and names as they are written. */
export type Values = Readonly<Record<string, string>>;

/** The answer of a peer: results, or the name of a status; or it does not offer the operation; or it failed. */
export type Answer =
  | { readonly kind: 'values'; readonly values: Values }
  | { readonly kind: 'unsupported' }
  | { readonly kind: 'error'; readonly text: string };

/** Longer lines are no answers: the largest frame has 16 MiB, and two digits a byte. */
const MOST_LINE_CHARACTERS = 1 << 26;

/** Text of a peer for people: quoted, without control characters, and not long. */
export function quoted(text: string): string {
  const most = 120;
  return JSON.stringify(text.length <= most ? text : `${text.slice(0, most)}...`);
}

/** An answer that is none: the message says why. */
export class NonsenseError extends Error {
  override readonly name = 'NonsenseError';
}

/** Puts chunks of a stream together as lines. Throws NonsenseError for a line without an end. */
export class Lines {
  readonly #chunks: string[] = [];
  #characters = 0;

  /** The lines that the chunk completes. */
  take(chunk: string): string[] {
    const lines = chunk.split('\n');
    const rest = lines.pop()!;
    if (lines.length > 0) {
      lines[0] = this.#chunks.join('') + lines[0]!;
      this.#chunks.length = this.#characters = 0;
    }
    this.#chunks.push(rest);
    this.#characters += rest.length;
    if (this.#characters > MOST_LINE_CHARACTERS)
      throw new NonsenseError(`a line of more than ${MOST_LINE_CHARACTERS} characters`);
    return lines;
  }
}

/** Reads an answer and its id. Throws NonsenseError. */
export function readAnswer(line: string): { readonly id: number; readonly answer: Answer } {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    throw new NonsenseError(`not JSON: ${quoted(line)}`);
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new NonsenseError(`not a JSON object: ${quoted(line)}`);
  const { id, error, unsupported, ...results } = fields as Record<string, unknown>;
  if (typeof id !== 'number') throw new NonsenseError(`an answer without the id of its request: ${quoted(line)}`);
  if (error !== undefined) return { id, answer: { kind: 'error', text: String(error) } };
  if (unsupported !== undefined && unsupported !== false) return { id, answer: { kind: 'unsupported' } };
  const values: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(results)) {
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new NonsenseError(`"${name}" is neither text nor a number: ${quoted(line)}`);
    values[name] = String(value);
  }
  return { id, answer: { kind: 'values', values } };
}
