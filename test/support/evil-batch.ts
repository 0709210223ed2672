/** Hostile numbers, and hostile containers of a batch, as tables: what evil.ts is for byte arrays. */
import { runInNewContext } from 'node:vm';
import type { Act, Hostile } from './evil.js';

export interface HostileNumber extends Hostile {
  readonly make: (act: Act) => unknown;
}

const NUMBERS_AS_THEY_ARE = [
  -1,
  0.5,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** 31,
  2 ** 32,
  2 ** 32 + 5,
  2 ** 53,
  '5',
  5n,
  null,
  true,
];

/** Values that are no length and no count of any array. */
export const NUMBERS: readonly HostileNumber[] = [
  ...NUMBERS_AS_THEY_ARE.map((value) => ({ name: `${typeof value} ${value}`, make: () => value })),
  { name: 'a symbol', make: () => Symbol('5') },
  { name: 'a wrapped number', make: () => Object(5) },
  { name: 'an array', make: () => [5] },
  { name: 'valueOf that answers', make: () => ({ valueOf: () => 5 }) },
  {
    name: 'valueOf that throws',
    make: (act) => ({
      valueOf: () => {
        throw act.error;
      },
    }),
  },
  {
    name: 'valueOf that calls the same object',
    make: (act) => ({
      valueOf: () => {
        act.same();
        return 5;
      },
    }),
  },
  {
    name: 'toPrimitive that calls a batch',
    make: (act) => ({
      [Symbol.toPrimitive]: () => {
        act.batch();
        return 5;
      },
    }),
  },
];

/** The arguments of a batch; the results are read back through `results`, also where a wrapper was passed. */
export interface BatchArguments {
  inputs: Uint8Array[];
  outs: Uint8Array[];
  results: Int32Array;
  /** Left out where undefined. */
  count: number | undefined;
}

export interface HostileBatch extends Hostile {
  readonly spoil: (args: BatchArguments, act: Act) => void;
}

/** In the middle of a batch, with frames before it and after it. */
const MIDDLE = 4;
/** What frames have in `results` before the call: as a number of bytes it would look like success. */
export const STALE = 0x7777;

const shared = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(bytes);
const staleResults = (buffer: ArrayBufferLike): Int32Array => new Int32Array(buffer).fill(STALE);
function transfer(results: Int32Array): void {
  structuredClone(results.buffer, { transfer: [results.buffer as ArrayBuffer] });
}

const BATCH_ACTIONS: Record<string, (act: Act, args: BatchArguments) => void> = {
  throws: (act) => {
    throw act.error;
  },
  'calls the same object': (act) => act.same(),
  'calls a batch of the same object': (act) => act.batch(),
  'calls other channels': (act) => act.others(),
  'closes the object': (act) => act.close(),
  'sets a new key': (act) => act.rotate(),
  'detaches the outs before': (act) =>
    act.outs.slice(0, MIDDLE).forEach((memory) => {
      memory.detach();
    }),
  'detaches all outs': (act) =>
    act.outs.forEach((memory) => {
      memory.detach();
    }),
  'detaches the results': (_, args) => transfer(args.results),
  'cuts the inputs short': (_, args) => {
    args.inputs.length = 2;
  },
  'cuts the outs short': (_, args) => {
    args.outs.length = 2;
  },
};

type List = 'inputs' | 'outs';

/** Runs an action at the first look at an element. */
function trap(list: List, action: string): HostileBatch {
  const spoil = (args: BatchArguments, act: Act): void => {
    const element = args[list][MIDDLE];
    let hits = 0;
    const get = () => {
      if (++hits === 1) BATCH_ACTIONS[action]!(act, args);
      return element;
    };
    Object.defineProperty(args[list], MIDDLE, { get, configurable: true });
  };
  return { name: `${list}: an element that ${action}`, spoil };
}

/** A Proxy that runs an action when an element is read. */
function proxied(list: List, action: string): HostileBatch {
  const spoil = (args: BatchArguments, act: Act): void => {
    let hits = 0;
    args[list] = new Proxy(args[list], {
      get(target, name) {
        if (name === String(MIDDLE) && ++hits === 1) BATCH_ACTIONS[action]!(act, args);
        return Reflect.get(target, name) as unknown;
      },
    });
  };
  return { name: `${list}: a Proxy that ${action}`, spoil };
}

/** Null from the second look on, or at the first one alone. */
function changing(list: List, look: 'first' | 'second'): HostileBatch {
  const spoil = (args: BatchArguments): void => {
    const element = args[list][MIDDLE];
    let hits = 0;
    Object.defineProperty(args[list], MIDDLE, { get: () => ((++hits === 1) === (look === 'first') ? null : element) });
  };
  return { name: `${list}: an element that is null at the ${look} look`, spoil };
}

const LENGTHS = [3, 2 ** 32, 2 ** 53, -1, 0.5, Number.NaN, '9', 9n, undefined];

function lists(list: List): HostileBatch[] {
  const replace = (name: string, value: (was: Uint8Array[], act: Act) => unknown, must?: 'work' | 'refuse') => {
    const spoil = (args: BatchArguments, act: Act): void => {
      args[list] = value(args[list], act) as Uint8Array[];
    };
    return must === undefined ? { name: `${list}: ${name}`, spoil } : { name: `${list}: ${name}`, spoil, must };
  };
  const withLength = (was: Uint8Array[], length: unknown) =>
    new Proxy(was, { get: (target, name) => (name === 'length' ? length : (Reflect.get(target, name) as unknown)) });
  return [
    ...Object.keys(BATCH_ACTIONS).flatMap((action) => [trap(list, action), proxied(list, action)]),
    changing(list, 'first'),
    changing(list, 'second'),
    replace('a plain Proxy', (was) => new Proxy(was, {})),
    ...LENGTHS.map((length) =>
      replace(`a Proxy of length ${typeof length} ${length}`, (was) => withLength(was, length)),
    ),
    ...LENGTHS.map((length) =>
      replace(`no array, of length ${typeof length} ${length}`, (was) => ({ ...was, length })),
    ),
    replace(
      'a Proxy whose length throws',
      (was, act) =>
        new Proxy(was, {
          get(target, name) {
            if (name === 'length') throw act.error;
            return Reflect.get(target, name) as unknown;
          },
        }),
    ),
    replace('a subclass', (was) => class extends Array<Uint8Array> {}.from(was), 'work'),
    replace('an own iterator', (was) => Object.assign(was, { [Symbol.iterator]: () => [].values() }), 'work'),
    replace('of another realm', (was) => Object.assign(runInNewContext('[]') as Uint8Array[], was), 'work'),
    replace('frozen', (was) => Object.freeze(was), 'work'),
    replace(
      'a hole',
      (was) =>
        Object.assign(Array(was.length), Object.fromEntries(Object.entries(was).filter(([i]) => i !== String(MIDDLE)))),
      'refuse',
    ),
    replace('a hole at the end', (was) => Object.assign(Array(was.length), { ...was.slice(0, -1) }), 'refuse'),
    replace('null', () => null, 'refuse'),
    replace('undefined', () => undefined, 'refuse'),
    replace('a Uint8Array', () => new Uint8Array(9), 'refuse'),
    replace('text', () => 'nine chars', 'refuse'),
    replace('a number', () => 9, 'refuse'),
  ];
}

function results(name: string, make: (frames: number, act: Act) => unknown, must?: 'work' | 'refuse'): HostileBatch {
  const spoil = (args: BatchArguments, act: Act): void => {
    args.results = make(args.results.length, act) as Int32Array;
  };
  return must === undefined ? { name: `results: ${name}`, spoil } : { name: `results: ${name}`, spoil, must };
}

/** Results with an own or inherited property. */
function equipped(name: PropertyKey, property: (act: Act) => PropertyDescriptor, how: string): HostileBatch[] {
  const make = (n: number): Int32Array => staleResults(new ArrayBuffer(4 * n));
  return [
    results(`own ${String(name)} that ${how}`, (n, act) => Object.defineProperty(make(n), name, property(act))),
    results(`inherited ${String(name)} that ${how}`, (n, act) =>
      Object.setPrototypeOf(make(n), Object.create(Int32Array.prototype, { [name]: property(act) })),
    ),
  ];
}

export const BATCHES: readonly HostileBatch[] = [
  ...lists('inputs'),
  ...lists('outs'),
  results('as they should be', (n) => staleResults(new ArrayBuffer(4 * n)), 'work'),
  results('longer', (n) => staleResults(new ArrayBuffer(4 * n + 40)), 'work'),
  results('a subclass', (n) => new (class extends Int32Array {})(new ArrayBuffer(4 * n)).fill(STALE), 'work'),
  results('an odd word', (n) => new Int32Array(staleResults(new ArrayBuffer(4 * n + 4)).buffer, 4), 'work'),
  results('of another realm', (n) => new (runInNewContext('Int32Array'))(staleResults(new ArrayBuffer(4 * n)).buffer)),
  results('on shared memory', (n) => staleResults(shared(4 * n))),
  results('no prototype', (n) => Object.setPrototypeOf(staleResults(new ArrayBuffer(4 * n)), null)),
  results('too short', (n) => staleResults(new ArrayBuffer(4 * n - 4)), 'refuse'),
  results('a Float64Array', (n) => new Float64Array(n).fill(STALE), 'refuse'),
  results('a Uint32Array', (n) => new Uint32Array(n).fill(STALE), 'refuse'),
  results(
    'a Float64Array that says it is an heir',
    (n) => Object.setPrototypeOf(new Float64Array(n), Int32Array.prototype),
    'refuse',
  ),
  results('an array', (n) => Array(n).fill(STALE), 'refuse'),
  results('a Proxy', (n) => new Proxy(staleResults(new ArrayBuffer(4 * n)), {}), 'refuse'),
  results('a bare heir', () => Object.create(Int32Array.prototype), 'refuse'),
  results('a bare heir with a length', (n) => Object.create(Int32Array.prototype, { length: { value: n } }), 'refuse'),
  results('null', () => null, 'refuse'),
  results('undefined', () => undefined, 'refuse'),
  results(
    'detached',
    (n) => {
      const array = staleResults(new ArrayBuffer(4 * n));
      transfer(array);
      return array;
    },
    'refuse',
  ),
  ...[0, 3, 4096, -1, 2 ** 32, '9', undefined].flatMap((length) =>
    equipped('length', () => ({ get: () => length }), `is ${typeof length} ${length}`),
  ),
  ...['length', 'buffer', 'byteOffset', 'fill', Symbol.toStringTag].flatMap((name) => [
    ...equipped(
      name,
      (act) => ({
        get: () => {
          throw act.error;
        },
      }),
      'throws',
    ),
    ...equipped(name, (act) => ({ get: () => act.same() }), 'calls the same object'),
  ]),
];
