/**
 * Reads a WebAssembly module instruction by instruction, and follows what could be secret: where a load, a parameter or
 * a comparison of loaded data ends up.
 *
 * Knows the instructions that the kernels use, and throws at any other: a new one must be judged before it is taken in.
 * A local is secret from where something secret is put into it until it is overwritten. Where paths meet it is secret if it
 * is on any of them; loops are walked until nothing changes.
 *
 * What is loaded is secret, but for 32-bit words (`i32.load`): these are lengths, nonces and addresses, for which memory has
 * places of its own. TypeScript writes them from public values, and a kernel that stores a secret word is found.
 */

/** Something that a kernel must not do. */
interface Finding {
  readonly function: string;
  readonly instruction: string;
  readonly what: 'address' | 'branch' | 'word';
}

export interface Reading {
  readonly findings: readonly Finding[];
  readonly functions: readonly string[];
  /** How many loads and stores were judged, and how many branches. */
  readonly accesses: number;
  readonly branches: number;
}

type Immediate = 'none' | 'block' | 'index' | 'memory' | 'signed' | 'vector' | 'lane';

interface Instruction {
  readonly name: string;
  readonly immediate: Immediate;
  readonly pops: number;
  readonly pushes: number;
}

const make = (name: string, immediate: Immediate, pops: number, pushes: number): Instruction => ({
  name,
  immediate,
  pops,
  pushes,
});

const PLAIN: Readonly<Record<number, Instruction>> = {
  3: make('loop', 'block', 0, 0),
  4: make('if', 'block', 1, 0),
  11: make('end', 'none', 0, 0),
  13: make('br_if', 'index', 1, 0),
  16: make('call', 'index', 0, 0),
  32: make('local.get', 'index', 0, 1),
  33: make('local.set', 'index', 1, 0),
  34: make('local.tee', 'index', 1, 1),
  40: make('i32.load', 'memory', 1, 1),
  54: make('i32.store', 'memory', 2, 0),
  65: make('i32.const', 'signed', 0, 1),
  69: make('i32.eqz', 'none', 1, 1),
  73: make('i32.lt_u', 'none', 2, 1),
  74: make('i32.gt_s', 'none', 2, 1),
  106: make('i32.add', 'none', 2, 1),
  107: make('i32.sub', 'none', 2, 1),
  108: make('i32.mul', 'none', 2, 1),
  113: make('i32.and', 'none', 2, 1),
  114: make('i32.or', 'none', 2, 1),
  115: make('i32.xor', 'none', 2, 1),
  116: make('i32.shl', 'none', 2, 1),
  118: make('i32.shr_u', 'none', 2, 1),
};

const SIMD: Readonly<Record<number, Instruction>> = {
  0: make('v128.load', 'memory', 1, 1),
  7: make('v128.load8_splat', 'memory', 1, 1),
  11: make('v128.store', 'memory', 2, 0),
  12: make('v128.const', 'vector', 0, 1),
  13: make('i8x16.shuffle', 'vector', 2, 1),
  14: make('i8x16.swizzle', 'none', 2, 1),
  256: make('i8x16.relaxed_swizzle', 'none', 2, 1),
  17: make('i32x4.splat', 'none', 1, 1),
  28: make('i32x4.replace_lane', 'lane', 2, 1),
  35: make('i8x16.eq', 'none', 2, 1),
  78: make('v128.and', 'none', 2, 1),
  81: make('v128.xor', 'none', 2, 1),
  83: make('v128.any_true', 'none', 1, 1),
  171: make('i32x4.shl', 'none', 2, 1),
  173: make('i32x4.shr_u', 'none', 2, 1),
  203: make('i64x2.shl', 'none', 2, 1),
  205: make('i64x2.shr_u', 'none', 2, 1),
};

/** Reads LEB128 and bytes in order. */
class Cursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RangeError('the module is cut short');
    return value;
  }

  unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const length = this.unsigned();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }
}

interface FunctionBody {
  name: string;
  readonly params: number;
  readonly results: number;
  readonly start: number;
  readonly end: number;
}

function readFunctions(bytes: Uint8Array): FunctionBody[] {
  const cursor = new Cursor(bytes, 8);
  const types: { params: number; results: number }[] = [];
  const typeOf: number[] = [];
  const names = new Map<number, string>();
  const bodies: FunctionBody[] = [];
  while (cursor.at < bytes.length) {
    const id = cursor.byte();
    const end = cursor.unsigned() + cursor.at;
    if (id === 1) {
      for (let left = cursor.unsigned(); left > 0; left--) {
        cursor.byte();
        const params = cursor.unsigned();
        cursor.at += params;
        const results = cursor.unsigned();
        cursor.at += results;
        types.push({ params, results });
      }
    } else if (id === 3) {
      for (let left = cursor.unsigned(); left > 0; left--) typeOf.push(cursor.unsigned());
    } else if (id === 7) {
      for (let left = cursor.unsigned(); left > 0; left--) {
        const name = cursor.text();
        const kind = cursor.byte();
        const index = cursor.unsigned();
        if (kind === 0) names.set(index, name);
      }
    } else if (id === 10) {
      const count = cursor.unsigned();
      for (let i = 0; i < count; i++) {
        const size = cursor.unsigned();
        const start = cursor.at;
        bodies.push({ name: names.get(i) ?? `function ${i}`, ...types[typeOf[i]!]!, start, end: start + size });
        cursor.at = start + size;
      }
    }
    cursor.at = end;
  }
  return bodies;
}

/** Judges every function; `secretParams` names the parameters that are secret: `subWord:0`. */
export function readModule(bytes: Uint8Array, secretParams: readonly string[]): Reading {
  const bodies = readFunctions(bytes);
  const findings: Finding[] = [];
  let accesses = 0;
  let branches = 0;
  for (const body of bodies) {
    const parameters = new Set<number>();
    for (let i = 0; i < body.params; i++) if (secretParams.includes(`${body.name}:${i}`)) parameters.add(i);
    const again: LoopStates = new Map();
    while (walk(bytes, body, bodies, { parameters, again }, () => {}));
    walk(bytes, body, bodies, { parameters, again }, (what, instruction, secret) => {
      if (what === 'address') accesses++;
      if (what === 'branch') branches++;
      if (secret) findings.push({ function: body.name, instruction, what });
    });
  }
  return { findings, functions: bodies.map(({ name }) => name), accesses, branches };
}

type Judge = (what: Finding['what'], instruction: string, secret: boolean) => void;

/** By the place of a loop: the locals that are secret when it goes round. */
type LoopStates = Map<number, Set<number>>;

interface Start {
  readonly parameters: ReadonlySet<number>;
  readonly again: LoopStates;
}

function addAll(target: Set<number>, more: Iterable<number>): void {
  for (const local of more) target.add(local);
}

/**
 * One pass over a function, in the order of its instructions: a stack of "is it secret?". Returns whether a loop has come
 * round with a secret that was not known at its start.
 */
function walk(
  bytes: Uint8Array,
  body: FunctionBody,
  bodies: readonly FunctionBody[],
  { parameters, again }: Start,
  judge: Judge,
): boolean {
  const secrets = new Set(parameters);
  /** Open loops, by their place, and open ifs, with what was secret before them. */
  const open: ({ loop: number } | { before: Set<number> } | undefined)[] = [undefined];
  let changed = false;
  const cursor = new Cursor(bytes, body.start);
  for (let left = cursor.unsigned(); left > 0; left--) {
    cursor.unsigned();
    cursor.byte();
  }
  const stack: boolean[] = [];
  while (cursor.at < body.end) {
    const where = cursor.at - body.start;
    const opcode = cursor.byte();
    const instruction = opcode === 0xfd ? SIMD[cursor.unsigned()] : PLAIN[opcode];
    if (!instruction) throw new RangeError(`${body.name} at ${where}: an instruction without a verdict`);
    const index = skipImmediate(cursor, instruction.immediate);
    const label = `${instruction.name} at ${where}`;
    const popped = Array.from({ length: instruction.pops }, () => pop(stack, label)).reverse();
    if (instruction.immediate === 'memory') judge('address', label, popped[0]!);
    if (instruction.name === 'i32.store') judge('word', label, popped[1]!);
    if (instruction.name === 'if' || instruction.name === 'br_if') judge('branch', label, popped[0]!);
    if (instruction.name === 'loop') {
      open.push({ loop: where });
      addAll(secrets, again.get(where) ?? []);
    } else if (instruction.name === 'if') {
      open.push({ before: new Set(secrets) });
    } else if (instruction.name === 'end') {
      const closed = open.pop();
      if (closed && 'before' in closed) addAll(secrets, closed.before);
    } else if (instruction.name === 'br_if') {
      const target = open[open.length - 1 - index];
      if (!target || !('loop' in target)) throw new RangeError(`${label}: it goes somewhere else than round a loop`);
      const known = again.get(target.loop) ?? new Set();
      const before = known.size;
      addAll(known, secrets);
      again.set(target.loop, known);
      changed ||= known.size > before;
    } else if (instruction.name === 'local.get') stack.push(secrets.has(index));
    else if (instruction.name === 'local.set' || instruction.name === 'local.tee') {
      if (popped[0]) secrets.add(index);
      else secrets.delete(index);
      if (instruction.pushes === 1) stack.push(popped[0]!);
    } else if (instruction.name === 'call') {
      const callee = bodies[index]!;
      for (let i = 0; i < callee.params; i++) {
        // A kernel judged with public parameters must get public ones.
        if (pop(stack, label)) judge('address', `${label}, an argument of ${callee.name}`, true);
      }
      for (let i = 0; i < callee.results; i++) stack.push(true);
    } else if (instruction.pushes === 1) {
      const brings = instruction.name.includes('load') && instruction.name !== 'i32.load';
      stack.push(brings || popped.some(Boolean));
    }
  }
  if (stack.length !== body.results) throw new RangeError(`${body.name} leaves ${stack.length} values`);
  return changed;
}

function pop(stack: boolean[], label: string): boolean {
  const secret = stack.pop();
  if (secret === undefined) throw new RangeError(`${label}: the stack is empty`);
  return secret;
}

/** Skips what follows the opcode; returns the index where that is what it is. */
function skipImmediate(cursor: Cursor, immediate: Immediate): number {
  switch (immediate) {
    case 'none':
      return 0;
    case 'index':
      return cursor.unsigned();
    case 'block':
    case 'lane':
      cursor.byte();
      return 0;
    case 'signed':
      while (cursor.byte() >= 0x80);
      return 0;
    case 'memory':
      cursor.unsigned();
      cursor.unsigned();
      return 0;
    case 'vector':
      cursor.at += 16;
      return 0;
  }
}
