/**
 * Hostile byte arrays, as a table. A row is about an argument, not about the function that takes it:
 * evil-run.ts puts the two together. Numbers and the containers of a batch are in evil-batch.ts.
 */
import { runInNewContext } from 'node:vm';
import { type Alloc, GUARD_BYTES, growable, Memory, plain, pooled, resizable, shared } from './evil-memory.js';

/** What an accessor may do in the middle of a call; evil-run.ts knows the object under test. */
export interface Act {
  /** Thrown by accessors; nothing else of the caller's may come out of a call. */
  readonly error: Error;
  /** Ordinary calls of the same object, of another channel; a batch. */
  same(): void;
  batch(): void;
  others(): void;
  close(): void;
  /** Sets a new key where the object has rotation. */
  rotate(): void;
  /** The outs of the call, in order. */
  readonly outs: readonly Memory[];
}

type Action = (act: Act, hit: number, memory?: Memory) => void;
const ACTIONS: Record<string, Action> = {
  throws: (act) => {
    throw act.error;
  },
  'calls the same object': (act) => act.same(),
  'calls a batch of the same object': (act) => act.batch(),
  'calls other channels': (act) => act.others(),
  'closes the object': (act, hit) => hit === 1 && act.close(),
};
/** Taking memory away at the first, second or third look. */
const LOOKS = [1, 2, 3];
const DETACHING = Object.fromEntries(
  LOOKS.map((look): [string, Action] => [
    `detaches at look ${look}`,
    (_, hit, memory) => hit === look && memory!.detach(),
  ]),
);
const RESIZING = Object.fromEntries(
  LOOKS.flatMap((look): [string, Action][] => [
    [`shrinks at look ${look}`, (_, hit, memory) => hit === look && memory!.resize(-40)],
    [`grows at look ${look}`, (_, hit, memory) => hit === look && memory!.resize(64)],
  ]),
);

export interface Hostile {
  readonly name: string;
  /** 'work': an unusual form of plain bytes, which every call takes. 'refuse': no Uint8Array. Else either is right. */
  readonly must?: 'work' | 'refuse';
}

export interface HostileBytes extends Hostile {
  readonly make: (content: Uint8Array, act: Act) => { readonly value: unknown; readonly memory: Memory };
}

type Place = 'own' | 'inherited';

/** Puts a property on the array itself, or on a prototype between the array and Uint8Array.prototype. */
function equip(array: Uint8Array, place: Place, name: PropertyKey, property: PropertyDescriptor): Uint8Array {
  if (place === 'own') return Object.defineProperty(array, name, property);
  return Object.setPrototypeOf(array, Object.create(Uint8Array.prototype, { [name]: property }));
}

/** An accessor that returns the true value after an action. */
function accessor(place: Place, name: PropertyKey, action: string, alloc = plain, actions = ACTIONS): HostileBytes {
  const make: HostileBytes['make'] = (content, act) => {
    const memory = new Memory(content, alloc);
    let hits = 0;
    const get = () => {
      actions[action]!(act, ++hits, memory);
      return name === Symbol.species ? Uint8Array : Reflect.get(Uint8Array.prototype, name, array);
    };
    const array: Uint8Array = memory.view();
    if (name !== Symbol.species) return { value: equip(array, place, name, { get }), memory };
    const heir = Object.defineProperty(class extends Uint8Array {}, name, { get });
    return { value: equip(array, place, 'constructor', { value: heir }), memory };
  };
  return { name: `${place} ${String(name)} that ${action}`, make };
}

class Other extends Uint8Array {
  constructor() {
    super(1);
  }
}
const LIES: [name: PropertyKey, ...values: ((length: number) => unknown)[]][] = [
  ['length', () => 0, (n) => n >> 1, (n) => n + 4096, () => -1, () => 0.5, () => Number.NaN, (n) => n + 2 ** 20],
  ['length', (n) => String(n), (n) => BigInt(n), () => undefined, (n) => ({ valueOf: () => n + 9 })],
  ['byteLength', () => 0, (n) => n + 4096, () => -1, (n) => 2 ** 32 + n],
  ['byteOffset', () => 0, () => 2 ** 20, () => -1, () => undefined],
  ['buffer', () => new ArrayBuffer(8), () => new SharedArrayBuffer(4096), () => undefined],
  ['constructor', () => Other, () => undefined, () => ({ [Symbol.species]: Other }), () => Array],
  [Symbol.iterator, () => () => [].values(), () => undefined],
  [Symbol.toStringTag, () => 'Int8Array', () => undefined],
  ['every', () => () => true],
  ['some', () => () => false],
  ['map', () => () => new Uint8Array(0)],
  ...['set', 'fill', 'copyWithin', 'subarray', 'slice', 'at', 'indexOf'].map((name): [string, ...(() => unknown)[]] => [
    name,
    () => () => new Uint8Array(0),
    () => undefined,
  ]),
];
const LYING = LIES.flatMap(([name, ...values]) =>
  values.flatMap((value, i) =>
    (['own', 'inherited'] as const).map((place): HostileBytes => {
      const make = (content: Uint8Array) => {
        const memory = new Memory(content);
        const lie = value(content.length);
        const property = place === 'own' ? { value: lie } : { get: () => lie };
        return { value: equip(memory.view(), place, name, property), memory };
      };
      return { name: `${place} ${String(name)} that lies (${i})`, make };
    }),
  ),
);

const WATCHED = ['length', 'byteLength', 'byteOffset', 'buffer'];
const SELDOM = ['set', 'subarray', 'slice', 'fill', 'copyWithin', 'constructor', 'every', Symbol.species];
const SYMBOLS = [Symbol.iterator, Symbol.toStringTag];
const ACTING = [
  ...WATCHED.flatMap((name) => Object.keys(ACTIONS).map((action) => accessor('own', name, action))),
  ...WATCHED.flatMap((name) =>
    ['throws', 'calls the same object'].map((action) => accessor('inherited', name, action)),
  ),
  ...[...SELDOM, ...SYMBOLS].flatMap((name) =>
    ['throws', 'calls the same object'].map((action) => accessor('own', name, action)),
  ),
  ...WATCHED.flatMap((name) => Object.keys(DETACHING).map((action) => accessor('own', name, action, plain, DETACHING))),
  ...WATCHED.flatMap((name) =>
    Object.keys(RESIZING).map((action) => accessor('own', name, action, resizable, RESIZING)),
  ),
];

type Form = (memory: Memory) => unknown;
function form(name: string, make: Form, must?: 'work' | 'refuse', ...memory: [Alloc?, number?, number?]): HostileBytes {
  const made: HostileBytes['make'] = (content) => {
    const held = new Memory(content, ...memory);
    return { value: make(held), memory: held };
  };
  return must === undefined ? { name, make: made } : { name, make: made, must };
}
const asIs: Form = (memory) => memory.view();
/** A view that ends where its buffer ends: it has no guard bytes behind it. */
const tracking: Form = (memory) => new Uint8Array(memory.buffer, memory.at);
const after =
  (view: Form, change: (memory: Memory) => void): Form =>
  (memory) => {
    const array = view(memory);
    change(memory);
    return array;
  };
const bound: ProxyHandler<Uint8Array> = {
  get(target, name) {
    const value: unknown = Reflect.get(target, name, target);
    return typeof value === 'function' ? value.bind(target) : value;
  },
};
const FORMS: HostileBytes[] = [
  form('a plain array', asIs, 'work'),
  form('an odd offset', asIs, 'work', plain, 3),
  form('a Buffer of the pool', (memory) => Buffer.from(memory.buffer, memory.at, memory.length), 'work', pooled),
  form('another realm', ({ buffer, at, length }) => new (runInNewContext('Uint8Array'))(buffer, at, length), 'work'),
  form('a subclass', ({ buffer, at, length }) => new (class extends Uint8Array {})(buffer, at, length), 'work'),
  form('no extensions', (memory) => Object.preventExtensions(memory.view()), 'work'),
  form('shared memory', asIs, undefined, shared),
  form('growable shared memory', asIs, undefined, growable),
  form(
    'growable shared memory, tracking, grown',
    after(tracking, (m) => m.resize(8)),
    undefined,
    growable,
    0,
    0,
  ),
  form('a fixed view of a resizable buffer', asIs, undefined, resizable),
  form('a tracking view', tracking, undefined, resizable, 0, 0),
  form(
    'a tracking view of a shrunk buffer',
    after(tracking, (m) => m.resize(-9)),
    undefined,
    resizable,
    0,
    0,
  ),
  form(
    'a tracking view of a grown buffer',
    after(tracking, (m) => m.resize(9)),
    undefined,
    resizable,
    0,
    0,
  ),
  form(
    'out of bounds',
    after(asIs, (memory) => memory.resize(-GUARD_BYTES - 1)),
    undefined,
    resizable,
  ),
  form(
    'detached',
    after(asIs, (memory) => memory.detach()),
  ),
  form('no prototype', (memory) => Object.setPrototypeOf(memory.view(), null)),
  form('Array.prototype', (memory) => Object.setPrototypeOf(memory.view(), Array.prototype)),
  form('a Proxy', (memory) => new Proxy(memory.view(), {}), 'refuse'),
  form('a Proxy that binds', (memory) => new Proxy(memory.view(), bound), 'refuse'),
  form('clamped', ({ buffer, at, length }) => new Uint8ClampedArray(buffer, at, length), 'refuse'),
  form('Int8Array', ({ buffer, at, length }) => new Int8Array(buffer, at, length), 'refuse'),
  form('Float64Array', ({ buffer, at, length }) => new Float64Array(buffer, at, length >> 3), 'refuse'),
  form('DataView', ({ buffer, at, length }) => new DataView(buffer, at, length), 'refuse'),
  form('ArrayBuffer', ({ buffer }) => buffer, 'refuse'),
  form('an array', (memory) => [...memory.view()], 'refuse'),
  form('an object with a tag', ({ length }) => ({ length, [Symbol.toStringTag]: 'Uint8Array' }), 'refuse'),
  form('a bare heir', () => Object.create(Uint8Array.prototype), 'refuse'),
  ...[null, undefined, 5, 'text', Symbol('s'), () => 5].map((value) =>
    form(`${typeof value} ${String(value)}`, () => value, 'refuse'),
  ),
];

export const BYTES: readonly HostileBytes[] = [...FORMS, ...LYING, ...ACTING];
