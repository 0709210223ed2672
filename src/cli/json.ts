/**
 * JSON of configuration files, read strictly (RFC 8259): a field twice is a fault, and a fault has a position. Messages never
 * quote the text, because it holds keys.
 */

/** What is wrong with a text, and where: `offset` counts UTF-16 units from its start. */
interface Fault {
  readonly offset: number;
  readonly what: string;
}

/** The text is not JSON, or names a field twice. The message has line and column, and nothing of the text's values. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

/** Deeper than any configuration, and far from the end of the stack. */
const MAX_DEPTH = 32;
/** Names of fields are shown where they cannot be a key that stands in the wrong place. */
const PLAIN_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;

const SPACE = /[ \t\r\n]*/y;
const STRING = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** The value of a JSON text. Throws JsonError. */
export function parseJson(text: string): unknown {
  const fault = new Scanner(text).fault();
  if (fault === undefined) return JSON.parse(text);
  const before = text.slice(0, fault.offset).split('\n');
  throw new JsonError(`line ${before.length}, column ${before.at(-1)!.length + 1}: ${fault.what}`);
}

/** Goes through the text once; each method returns the first fault from where it stands, or undefined past its part. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  fault(): Fault | undefined {
    const fault = this.#value(0);
    if (fault !== undefined) return fault;
    return this.#at === this.#text.length ? undefined : this.#expected('the end of the file');
  }

  /** A value, with the space on both sides of it. */
  #value(depth: number): Fault | undefined {
    this.#match(SPACE);
    if (depth > MAX_DEPTH) return this.#expected(`at most ${MAX_DEPTH} levels`);
    let fault: Fault | undefined;
    if (this.#takes('{')) fault = this.#members(depth);
    else if (this.#takes('[')) fault = this.#elements(depth);
    else if (this.#match(STRING) === undefined && this.#match(SCALAR) === undefined)
      fault = this.#expected('a value (text stands in double quotes, and is closed on its line)');
    this.#match(SPACE);
    return fault;
  }

  #members(depth: number): Fault | undefined {
    const names = new Set<string>();
    this.#match(SPACE);
    if (this.#takes('}')) return undefined;
    do {
      this.#match(SPACE);
      const offset = this.#at;
      const quoted = this.#match(STRING);
      if (quoted === undefined) return this.#expected('the name of a field in double quotes');
      const name: string = JSON.parse(quoted);
      if (names.has(name)) return { offset, what: `${PLAIN_NAME.test(name) ? name : 'a field'} is there twice` };
      names.add(name);
      this.#match(SPACE);
      if (!this.#takes(':')) return this.#expected('a colon');
      const fault = this.#value(depth + 1);
      if (fault !== undefined) return fault;
    } while (this.#takes(','));
    return this.#takes('}') ? undefined : this.#expected('a comma or }');
  }

  #elements(depth: number): Fault | undefined {
    this.#match(SPACE);
    if (this.#takes(']')) return undefined;
    do {
      const fault = this.#value(depth + 1);
      if (fault !== undefined) return fault;
    } while (this.#takes(','));
    return this.#takes(']') ? undefined : this.#expected('a comma or ]');
  }

  #takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #expected(what: string): Fault {
    const found = this.#at === this.#text.length ? 'the end of the file' : 'something else';
    return { offset: this.#at, what: `expected ${what}, and found ${found}` };
  }
}
