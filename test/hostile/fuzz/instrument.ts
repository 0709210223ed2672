/**
 * Puts a counter on every branch of a JavaScript module, so that the fuzzer sees what an input reaches.
 *
 * Counted: functions, both arms of `if` and `?:` (an `else` that is not written too), both outcomes of && || ??, cases,
 * default values, bodies of loops and of `catch`. Text is only put in between, on the same lines, so that the places
 * reported are those of the module before.
 */
import { parseAst } from 'vitest/node';

/** One counted branch. */
export interface Point {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly kind: string;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** The global that holds the counters while instrumented modules load. */
export const HITS = '__framesealFuzzHits';

const isNode = (value: unknown): value is Node => typeof (value as Node | null)?.type === 'string';

class Instrumenter {
  readonly #file: string;
  readonly #source: string;
  readonly #points: Point[];
  /** Text to put in, in the order in which it was found: outer before inner at a start, inner before outer at an end. */
  readonly #insertions: { at: number; text: string }[] = [];

  constructor(file: string, source: string, points: Point[]) {
    this.#file = file;
    this.#source = source;
    this.#points = points;
  }

  run(): string {
    this.#visitParts(parseAst(this.#source) as unknown as Node);
    let result = `const __hits = globalThis.${HITS};`;
    let done = 0;
    // Sorting is stable.
    for (const { at, text } of this.#insertions.sort((a, b) => a.at - b.at)) {
      result += this.#source.slice(done, at) + text;
      done = at;
    }
    return result + this.#source.slice(done);
  }

  /** A new counter for a branch that stands at an offset: the expression that counts. */
  #count(kind: string, offset: number): string {
    const before = this.#source.slice(0, offset).split('\n');
    this.#points.push({ file: this.#file, line: before.length, column: before.at(-1)!.length + 1, kind });
    return `__hits[${this.#points.length - 1}]++`;
  }

  #put(at: number, text: string): void {
    this.#insertions.push({ at, text });
  }

  #visitParts(node: Node): void {
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) for (const item of value) this.#visitMaybe(item);
      else this.#visitMaybe(value);
    }
  }

  #visitMaybe(value: unknown): void {
    if (isNode(value)) this.#visit(value);
  }

  #visit(node: Node): void {
    switch (node.type) {
      case 'IfStatement':
        this.#visit(node['test'] as Node);
        this.#statement(node['consequent'] as Node, 'if');
        if (isNode(node['alternate'])) this.#statement(node['alternate'], 'else');
        else this.#put(node.end, ` else { ${this.#count('no else', node.start)}; }`);
        return;
      case 'ConditionalExpression':
        this.#visit(node['test'] as Node);
        this.#expression(node['consequent'] as Node, this.#count('?', (node['consequent'] as Node).start));
        this.#expression(node['alternate'] as Node, this.#count(':', (node['alternate'] as Node).start));
        return;
      case 'LogicalExpression':
        this.#logical(node);
        return;
      case 'AssignmentPattern':
        this.#visit(node['left'] as Node);
        this.#expression(node['right'] as Node, this.#count('default', (node['right'] as Node).start));
        return;
      case 'AssignmentExpression':
        if (['??=', '||=', '&&='].includes(node['operator'] as string)) this.#logicalAssignment(node);
        else this.#visitParts(node);
        return;
      case 'ForStatement':
      case 'ForOfStatement':
      case 'ForInStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
        this.#loop(node);
        return;
      case 'SwitchCase': {
        const [first] = node['consequent'] as Node[];
        if (first) this.#put(first.start, `${this.#count('case', node.start)}; `);
        this.#visitParts(node);
        return;
      }
      case 'CatchClause':
        this.#put((node['body'] as Node).start + 1, `${this.#count('catch', node.start)};`);
        this.#visitParts(node);
        return;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        this.#function(node);
        return;
      default:
        this.#visitParts(node);
    }
  }

  #function(node: Node): void {
    for (const param of node['params'] as Node[]) this.#visit(param);
    const body = node['body'] as Node;
    const count = this.#count('function', node.start);
    if (body.type === 'BlockStatement') {
      this.#put(body.start + 1, `${count};`);
      this.#visitParts(body);
    } else {
      this.#expression(body, count);
    }
  }

  /** A statement that becomes a block with a counter in front. */
  #statement(node: Node, kind: string): void {
    this.#put(node.start, `{ ${this.#count(kind, node.start)}; `);
    this.#visit(node);
    this.#put(node.end, ' }');
  }

  #loop(node: Node): void {
    for (const [field, value] of Object.entries(node)) if (field !== 'body') this.#visitMaybe(value);
    this.#statement(node['body'] as Node, 'loop');
  }

  #expression(node: Node, count: string): void {
    this.#put(node.start, `(${count}, `);
    this.#visit(node);
    this.#put(node.end, ')');
  }

  /** Counts "the left side decides" in advance, and takes that back where the right side is reached. */
  #logical(node: Node): void {
    const [left, right] = [node['left'] as Node, node['right'] as Node];
    const decides = this.#count(`left of ${node['operator']}`, left.start);
    this.#expression(left, decides);
    this.#expression(
      right,
      `${decides.replace('++', '--')}, ${this.#count(`right of ${node['operator']}`, right.start)}`,
    );
  }

  #logicalAssignment(node: Node): void {
    const right = node['right'] as Node;
    const decides = this.#count(`left of ${node['operator']}`, node.start);
    this.#put(node.start, `(${decides}, `);
    this.#visit(node['left'] as Node);
    this.#expression(
      right,
      `${decides.replace('++', '--')}, ${this.#count(`right of ${node['operator']}`, right.start)}`,
    );
    this.#put(node.end, ')');
  }
}

/** The module with counters; adds what they count to `points`. */
export function instrument(file: string, source: string, points: Point[]): string {
  return new Instrumenter(file, source, points).run();
}
