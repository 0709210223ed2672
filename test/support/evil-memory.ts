/**
 * Memory that hostile arrays lie in, amid guard bytes, and the truth about an array that misreports itself: what the
 * intrinsic getters read.
 */

const GUARD = 0xa5;
export const GUARD_BYTES = 24;

type Resizable = ArrayBuffer & { resize?: (bytes: number) => void; grow?: (bytes: number) => void };
export type Alloc = (bytes: number) => Uint8Array;
/** The libraries of ES2022 do not know resizable buffers. */
const ResizableBuffer = ArrayBuffer as unknown as new (
  bytes: number,
  options: { maxByteLength: number },
) => ArrayBuffer;
const GrowableBuffer = SharedArrayBuffer as unknown as typeof ResizableBuffer;

export const plain: Alloc = (bytes) => new Uint8Array(new ArrayBuffer(bytes));
export const pooled: Alloc = (bytes) => Buffer.allocUnsafe(bytes);
export const shared: Alloc = (bytes) => new Uint8Array(new SharedArrayBuffer(bytes));
export const resizable: Alloc = (bytes) =>
  new Uint8Array(new ResizableBuffer(bytes, { maxByteLength: 2 * bytes + 256 }));
export const growable: Alloc = (bytes) => new Uint8Array(new GrowableBuffer(bytes, { maxByteLength: 2 * bytes + 256 }));

/** Content amid guard bytes, and what all of it must still be where nothing was written. Follows its buffer when that moves. */
export class Memory {
  buffer: Resizable;
  readonly at: number;
  readonly length: number;
  readonly #base: number;
  #total: number;
  #before: Uint8Array;

  constructor(content: Uint8Array, alloc: Alloc = plain, shift = 0, tail = GUARD_BYTES) {
    const all = alloc(GUARD_BYTES + shift + content.length + tail).fill(GUARD);
    all.set(content, GUARD_BYTES + shift);
    this.buffer = all.buffer as Resizable;
    this.#base = all.byteOffset;
    this.#total = all.length;
    this.#before = Uint8Array.from(all);
    this.at = all.byteOffset + GUARD_BYTES + shift;
    this.length = content.length;
  }

  /** A plain array of the content. */
  view(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, this.at, this.length);
  }

  get #all(): Uint8Array {
    return new Uint8Array(this.buffer, this.#base, this.#total);
  }

  /** Takes the memory away from every array on it. */
  detach(): void {
    if (!(this.buffer instanceof ArrayBuffer)) return;
    this.buffer = structuredClone(this.buffer, { transfer: [this.buffer] });
  }

  /** Adds bytes to the end of the buffer, or removes bytes. */
  resize(by: number): void {
    if (this.buffer.grow) this.buffer.grow(this.#total + by);
    else this.buffer.resize!(this.#total + by);
    this.#total += by;
    const before = new Uint8Array(this.#total);
    before.set(this.#before.subarray(0, this.#total));
    this.#before = before;
  }

  get untouched(): boolean {
    return Buffer.compare(this.#all, this.#before) === 0;
  }

  /** What was written to the content's first bytes, where the content is long enough and no other byte has changed. */
  written(bytes: number): Uint8Array | undefined {
    const all = this.#all.slice();
    const from = this.at - this.#base;
    const result = all.slice(from, from + bytes);
    if (result.length < bytes) return undefined;
    all.set(this.#before.subarray(from, from + bytes), from);
    return Buffer.compare(all, this.#before) === 0 ? result : undefined;
  }
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const intrinsic = (name: PropertyKey, array: unknown): unknown => Reflect.get(typedArray, name, array);

/** A copy of the bytes that an array really has; undefined where the value is no Uint8Array. */
export function realBytes(value: unknown): Uint8Array | undefined {
  if (intrinsic(Symbol.toStringTag, value) !== 'Uint8Array') return undefined;
  const [length, offset] = [intrinsic('length', value) as number, intrinsic('byteOffset', value) as number];
  return length === 0
    ? new Uint8Array(0)
    : new Uint8Array(intrinsic('buffer', value) as ArrayBuffer, offset, length).slice();
}

/** The words that results of a batch really have; none where the value is no Int32Array, or its memory is gone. */
export function realInts(value: unknown): readonly number[] {
  if (intrinsic(Symbol.toStringTag, value) !== 'Int32Array') return [];
  const [length, offset] = [intrinsic('length', value) as number, intrinsic('byteOffset', value) as number];
  return length === 0 ? [] : [...new Int32Array(intrinsic('buffer', value) as ArrayBuffer, offset, length)];
}
