/**
 * Functions, written as calls: straight-line blocks of values between explicit loops.
 *
 * Within a block every operation makes a new value; `emit` puts the values into locals and uses a local again when its
 * value has been read for the last time. Between blocks only variables live.
 */
import { type Constants, V128_BYTES } from './constants.js';
import { type FunctionCode, OP, signed, unsigned, type ValueType } from './wasm.js';

/** A variable: lives from block to block. Parameters are variables. */
export interface Variable {
  readonly type: ValueType;
  readonly index: number;
}

/** What an operation made. */
export interface Value {
  readonly type: ValueType | undefined;
  readonly opcode: readonly number[];
  readonly inputs: readonly Value[];
  readonly immediates: readonly number[];
  /** Made anew at every use: constants and reads of variables. */
  readonly inline: boolean;
}

/** What a module is made for, and the constants that its functions share. */
export interface Target {
  /** Whether `swizzle` is one instruction; otherwise it costs about three. */
  readonly relaxed: boolean;
  /** Whether groups of eight blocks go through AES in pairs: see pairs.ts. */
  readonly wide: boolean;
  readonly constants: Constants;
}

/** Alignment hints: every access may be unaligned. */
const NO_ALIGNMENT = 0;

/** A straight line of operations. */
export class Block {
  readonly values: Value[] = [];
  readonly sets: { variable: Variable; value: Value }[] = [];
  readonly target: Target;
  readonly #constants = new Map<number, Value>();

  constructor(target: Target, kept: ReadonlyMap<number, Variable>) {
    this.target = target;
    for (const [address, variable] of kept) this.#constants.set(address, this.get(variable));
  }

  get(variable: Variable): Value {
    return inline(variable.type, [...OP.localGet, ...unsigned(variable.index)]);
  }

  /** Takes effect at the end of the block. */
  set(variable: Variable, value: Value): void {
    this.sets.push({ variable, value });
  }

  int(value: number): Value {
    return inline('i32', [...OP.i32Const, ...signed(value | 0)]);
  }

  /** A vector constant of 16 bytes, loaded once in a block unless it is kept. */
  bytes(values: readonly number[]): Value {
    const address = this.target.constants.address(values);
    const value = this.#constants.get(address) ?? this.load(this.int(0), address);
    this.#constants.set(address, value);
    return value;
  }

  splat8(value: number): Value {
    return this.bytes(new Array(V128_BYTES).fill(value));
  }

  zero(): Value {
    return inline('v128', [...OP.v128Const, ...new Array(V128_BYTES).fill(0)]);
  }

  add(a: Value, b: Value | number): Value {
    return this.#make('i32', OP.i32Add, [a, this.#asInt(b)]);
  }

  sub(a: Value, b: Value | number): Value {
    return this.#make('i32', OP.i32Sub, [a, this.#asInt(b)]);
  }

  mul(a: Value, b: Value | number): Value {
    return this.#make('i32', OP.i32Mul, [a, this.#asInt(b)]);
  }

  intAnd(a: Value, b: Value | number): Value {
    return this.#make('i32', OP.i32And, [a, this.#asInt(b)]);
  }

  intOr(a: Value, b: Value): Value {
    return this.#make('i32', OP.i32Or, [a, b]);
  }

  intXor(a: Value, b: Value | number): Value {
    return this.#make('i32', OP.i32Xor, [a, this.#asInt(b)]);
  }

  intShl(a: Value, bits: number): Value {
    return this.#make('i32', OP.i32Shl, [a, this.int(bits)]);
  }

  intShrU(a: Value, bits: number): Value {
    return this.#make('i32', OP.i32ShrU, [a, this.int(bits)]);
  }

  /** The four bytes in the other order. */
  swapBytes(a: Value): Value {
    const outer = this.intOr(this.intShl(a, 24), this.intShrU(a, 24));
    return this.intOr(
      outer,
      this.intOr(this.intShl(this.intAnd(a, 0xff00), 8), this.intAnd(this.intShrU(a, 8), 0xff00)),
    );
  }

  /** Unsigned. */
  lessThan(a: Value, b: Value): Value {
    return this.#make('i32', OP.i32LtU, [a, b]);
  }

  /** Signed. */
  isPositive(a: Value): Value {
    return this.#make('i32', OP.i32GtS, [a, this.int(0)]);
  }

  /** A number that is no secret: see test/engine/simd/reader.ts. */
  loadInt(address: Value, offset = 0): Value {
    return this.#make('i32', OP.i32Load, [address], [NO_ALIGNMENT, ...unsigned(offset)]);
  }

  storeInt(address: Value, value: Value, offset = 0): void {
    this.#make(undefined, OP.i32Store, [address, value], [NO_ALIGNMENT, ...unsigned(offset)]);
  }

  load(address: Value, offset = 0): Value {
    return this.#make('v128', OP.v128Load, [address], [NO_ALIGNMENT, ...unsigned(offset)]);
  }

  /** One byte of memory in all 16 places. */
  loadSplat8(address: Value, offset = 0): Value {
    return this.#make('v128', OP.v128Load8Splat, [address], [NO_ALIGNMENT, ...unsigned(offset)]);
  }

  store(address: Value, value: Value, offset = 0): void {
    this.#make(undefined, OP.v128Store, [address, value], [NO_ALIGNMENT, ...unsigned(offset)]);
  }

  xor(a: Value, b: Value): Value {
    return this.#make('v128', OP.v128Xor, [a, b]);
  }

  and(a: Value, b: Value): Value {
    return this.#make('v128', OP.v128And, [a, b]);
  }

  equal8(a: Value, b: Value): Value {
    return this.#make('v128', OP.i8x16Eq, [a, b]);
  }

  anyTrue(a: Value): Value {
    return this.#make('i32', OP.v128AnyTrue, [a]);
  }

  shiftLeft32(a: Value, bits: number): Value {
    return this.#make('v128', OP.i32x4Shl, [a, this.int(bits)]);
  }

  shiftRight32(a: Value, bits: number): Value {
    return this.#make('v128', OP.i32x4ShrU, [a, this.int(bits)]);
  }

  shiftLeft64(a: Value, bits: number): Value {
    return this.#make('v128', OP.i64x2Shl, [a, this.int(bits)]);
  }

  shiftRight64(a: Value, bits: number): Value {
    return this.#make('v128', OP.i64x2ShrU, [a, this.int(bits)]);
  }

  splat32(a: Value): Value {
    return this.#make('v128', OP.i32x4Splat, [a]);
  }

  replaceLane32(vector: Value, lane: number, a: Value): Value {
    return this.#make('v128', OP.i32x4ReplaceLane, [vector, a], [lane]);
  }

  /** Bytes of a || b by constant indices 0..31. */
  shuffle(a: Value, b: Value, indices: readonly number[]): Value {
    return this.#make('v128', OP.i8x16Shuffle, [a, b], indices);
  }

  /** Bytes of a by indices 0..15 in a vector: a look-up that touches no memory. */
  swizzle(a: Value, indices: Value): Value {
    return this.#make('v128', this.target.relaxed ? OP.i8x16RelaxedSwizzle : OP.i8x16Swizzle, [a, indices]);
  }

  call(index: number, inputs: readonly Value[], result?: ValueType): Value {
    return this.#make(result, OP.call, inputs, unsigned(index));
  }

  #asInt(value: Value | number): Value {
    return typeof value === 'number' ? this.int(value) : value;
  }

  #make(
    type: ValueType | undefined,
    opcode: readonly number[],
    inputs: readonly Value[],
    immediates: readonly number[] = [],
  ): Value {
    const value: Value = { type, opcode, inputs, immediates, inline: false };
    this.values.push(value);
    return value;
  }
}

function inline(type: ValueType, opcode: readonly number[]): Value {
  return { type, opcode, inputs: [], immediates: [], inline: true };
}

/** One function under construction. */
export class Assembler {
  readonly params: readonly Variable[];
  readonly #name: string;
  readonly #result: ValueType | undefined;
  readonly target: Target;
  readonly #locals: ValueType[] = [];
  /** Locals for values that are free now, by type. */
  readonly #free: Record<ValueType, number[]> = { i32: [], v128: [] };
  readonly #body: number[] = [];
  /** Constants that stay in variables, by their addresses. */
  readonly #kept = new Map<number, Variable>();

  constructor(name: string, params: readonly ValueType[], target: Target, result?: ValueType) {
    this.#name = name;
    this.target = target;
    this.#result = result;
    this.params = params.map((type, index) => ({ type, index }));
  }

  variable(type: ValueType): Variable {
    this.#locals.push(type);
    return { type, index: this.params.length + this.#locals.length - 1 };
  }

  variables(type: ValueType, count: number): Variable[] {
    return Array.from({ length: count }, () => this.variable(type));
  }

  /** Constants for short loops: kept in variables from here on. V8 sees which of them are indices that swizzle may have. */
  keep(constants: readonly (readonly number[])[]): void {
    for (const values of constants) {
      const variable = this.variable('v128');
      this.block((b) => b.set(variable, inline('v128', [...OP.v128Const, ...values])));
      this.#kept.set(this.target.constants.address(values), variable);
    }
  }

  /** A straight line. */
  block(write: (block: Block) => void): void {
    const block = new Block(this.target, this.#kept);
    write(block);
    this.#emit(block.values, block.sets);
  }

  /** Repeats the body while the condition that it ends with holds; at least once. */
  loop(body: () => void, condition: (block: Block) => Value): void {
    this.#body.push(...OP.loop, 0x40);
    body();
    this.#push(condition);
    this.#body.push(...OP.brIf, 0, ...OP.end);
  }

  /** Runs the body where the condition is not zero. */
  when(condition: (block: Block) => Value, body: () => void): void {
    this.#push(condition);
    this.#body.push(...OP.if, 0x40);
    body();
    this.#body.push(...OP.end);
  }

  /** The last thing: what the function returns. */
  return(result: (block: Block) => Value): void {
    this.#push(result);
  }

  finish(exported: boolean): FunctionCode {
    return {
      name: this.#name,
      exported,
      params: this.params.map(({ type }) => type),
      result: this.#result,
      locals: this.#locals,
      body: this.#body,
    };
  }

  /** Leaves a value on the stack. */
  #push(write: (block: Block) => Value): void {
    const block = new Block(this.target, this.#kept);
    const result = this.variable('i32');
    block.set(result, write(block));
    this.#emit(block.values, block.sets);
    this.#body.push(...OP.localGet, ...unsigned(result.index));
  }

  #emit(values: readonly Value[], sets: readonly { variable: Variable; value: Value }[]): void {
    const uses = new Map<Value, number>();
    const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
    for (const { inputs } of values) inputs.forEach(use);
    for (const { value } of sets) use(value);

    const homes = new Map<Value, number>();
    let newest: { value: Value; start: number; end: number } | undefined;
    const read = (value: Value) => {
      if (value.inline) {
        this.#body.push(...value.opcode);
        return;
      }
      const home = homes.get(value);
      if (home === undefined) throw new Error(`${this.#name}: a value is used before it is made`);
      const left = uses.get(value)! - 1;
      uses.set(value, left);
      if (left === 0) this.#free[value.type!].push(home);
      // The newest value stays on the stack: the same to V8's optimiser, and fewer bytes.
      const isOnTop = newest?.value === value && newest.end === this.#body.length;
      if (isOnTop) this.#body.length = newest!.start;
      newest = undefined;
      if (left > 0 || !isOnTop) this.#body.push(...(isOnTop ? OP.localTee : OP.localGet), ...unsigned(home));
    };
    for (const value of values) {
      // Values without a reader are not computed.
      if (value.type !== undefined && !uses.has(value)) continue;
      value.inputs.forEach(read);
      this.#body.push(...value.opcode, ...value.immediates);
      if (value.type === undefined) continue;
      const home = this.#free[value.type].pop() ?? this.variable(value.type).index;
      homes.set(value, home);
      newest = { value, start: this.#body.length, end: this.#body.push(...OP.localSet, ...unsigned(home)) };
    }
    // All are read before the first is written: a set may use what another one replaces.
    for (const { value } of sets) read(value);
    for (const { variable } of sets.toReversed()) this.#body.push(...OP.localSet, ...unsigned(variable.index));
  }
}
