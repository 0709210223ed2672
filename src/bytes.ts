/**
 * Bytes and text: hex, Base64, big-endian words, wiping.
 *
 * Everything multi-byte is big-endian (FORMAT.md, preamble). Nothing here compares or converts secrets on the
 * hot path; text conversions run when a channel is made, and their time may depend on the text.
 */

export const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * What an array really is, whatever properties it shows: the accessors and methods of %TypedArray%, taken when this module
 * is loaded. A subclass, an own property or a changed prototype cannot answer in their place, and none of them runs code
 * of the caller's.
 */
const TypedArray = Object.getPrototypeOf(Uint8Array.prototype);
const accessor = (name: PropertyKey) => Object.getOwnPropertyDescriptor(TypedArray, name)!.get!;
const uncurried = <F>(method: unknown): F => Function.prototype.call.bind(method as () => void) as F;

const tagOf: (value: unknown) => string | undefined = uncurried(accessor(Symbol.toStringTag));
/** Elements of the array; 0 where its memory is gone (detached, or cut off by a resize). */
export const lengthOf: (array: Uint8Array | Int32Array) => number = uncurried(accessor('length'));
export const byteOffsetOf: (array: Uint8Array) => number = uncurried(accessor('byteOffset'));
export const bufferOf: (array: Uint8Array) => ArrayBufferLike = uncurried(accessor('buffer'));
/** target[at, ...) = source; throws before it writes, or writes everything. */
export const copyInto: (target: Uint8Array, source: Uint8Array, at: number) => void = uncurried(TypedArray.set);

/**
 * An array for a secret. Its memory does not move: engines keep small arrays on the heap of their garbage collector, which
 * leaves copies behind that no wiping reaches.
 */
export function secretBytes(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** True for a Uint8Array of any realm: Buffer and other subclasses, views on any kind of buffer. */
export function isBytes(value: unknown): value is Uint8Array {
  return tagOf(value) === 'Uint8Array';
}

/** True for an Int32Array of any realm. */
export function isInt32Array(value: unknown): value is Int32Array {
  return tagOf(value) === 'Int32Array';
}

/** What a value is, for an error message: its kind, and a length where it has one; never its content. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `a string of ${value.length} characters`;
  if (isBytes(value)) return `a Uint8Array of ${lengthOf(value)} bytes`;
  if (Array.isArray(value)) return `an array of ${value.length} elements`;
  if (typeof value !== 'object') return typeof value;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  return name === 'Object' ? 'an object' : `an object (${name})`;
}

/** Lower-case hex, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += bytes[i]!.toString(16).padStart(2, '0');
  return text;
}

/** Bytes of a hex string, either case. Throws RangeError where it is not whole bytes of hex digits; the text is not shown. */
export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new RangeError(`expected pairs of hex digits, got ${kindOf(text)}`);
  const bytes = secretBytes(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Standard Base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let i = 0; i < bytes.length; i++) binary += String.fromCharCode(bytes[i]!);
  return btoa(binary);
}

/** Bytes of standard, padded Base64, or undefined where it is not canonical (alphabet, padding, stray bits, white space). */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined;
  const binary = atob(text);
  const bytes = secretBytes(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return toBase64(bytes) === text ? bytes : undefined;
}

/** The signed 32-bit word at `at`. */
export function load32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Writes the low 32 bits of `word` at `at`. */
export function store32(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** Eight bytes as 16 hex digits, from two 32-bit halves. */
export function hex64(high: number, low: number): string {
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');
}
