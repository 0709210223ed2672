/**
 * Hostile options and configurations: fields of a prototype, accessors, Proxies. Only an object's own fields count, and each is
 * read once.
 */
import { describe, expect, test, vi } from 'vitest';
import { AesGcm, Sm4Ecb } from '../src/aead.js';
import { type Channel, ConfigError, enableEncryption, OWN_FRAME } from '../src/index.js';
import { VectorFormatError, verifyVectors } from '../src/vectors/verify.js';
import { bytes, config, rtp } from './support/channel.js';
import { mistyped } from './support/engines.js';
import { keepsSecrets } from './support/evil-rules.js';

vi.spyOn(console, 'warn').mockImplementation(() => {});

const SETTINGS = config('AES_128_GCM2');
const SM4_SETTINGS = { encryptionMode: 'SM4_128_ECB', encryptionKey: bytes(16, 77) };
const LATER = config('AES_128_GCM2', 1);
const SECRETS = [SETTINGS.encryptionKey, SETTINGS.encryptionKdfSalt] as Uint8Array[];
const VECTORS = '{"format":"frameseal-vectors/1","title":"none","cases":[]}';
const ERROR = new Error('thrown by an accessor');

function shown(channel: Channel): unknown {
  const { mode, keyId, framing, bindHeader, rtcp, engine, fingerprint } = channel;
  channel.close();
  return { mode, keyId, framing, bindHeader, rtcp, engine, fingerprint };
}

interface Reader {
  readonly name: string;
  /** Fields, each with a right value that is not the default; `wrong` ones are never taken. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The result for such an object, in a form that can be compared; defaults where it is absent. */
  readonly read: (options?: object) => unknown;
}

/** What an opener says to a frame of its own channel. */
function ownFrame(options?: object): number {
  using channel = enableEncryption(SETTINGS);
  return channel.createOpener(options).open(channel.createSealer().sealCopy(rtp(bytes(9))), new Uint8Array(99));
}

function rotated(settings: object, options?: object): unknown {
  return changed((channel) => channel.rotate(mistyped(settings), options));
}

function changed(change: (channel: Channel) => void): unknown {
  const channel = enableEncryption(config('AES_128_GCM2', 5));
  try {
    change(channel);
    return [channel.keyId, channel.fingerprint];
  } finally {
    channel.close();
  }
}

const ENGINE = { engine: 'portable' };
const READERS: Reader[] = [
  {
    name: 'options of enableEncryption',
    fields: { framing: 'frame', bindHeader: false, rtcp: 'clear', replayWindow: 64, maxSenders: 1, ...ENGINE },
    read: (options) => shown(enableEncryption(SETTINGS, options)),
  },
  { name: 'options of createOpener', fields: { loopback: true }, read: ownFrame },
  { name: 'options of rotate', fields: { sealAfterMs: 9999, graceMs: 1 }, read: (options) => rotated(LATER, options) },
  {
    name: 'options of AesGcm',
    fields: ENGINE,
    read: (options) => new AesGcm(bytes(16), options).seal(bytes(12), bytes(0), bytes(9), new Uint8Array(25)),
  },
  {
    name: 'options of Sm4Ecb',
    fields: ENGINE,
    read: (options) => new Sm4Ecb(bytes(16), options).encrypt(bytes(9), new Uint8Array(16)),
  },
  { name: 'options of verifyVectors', fields: ENGINE, read: (options) => verifyVectors(VECTORS, options) },
];
const CONFIGS: Reader[] = [
  {
    name: 'configuration of enableEncryption',
    fields: { ...SETTINGS, keyId: 3, context: 'room 7' },
    read: (settings = SETTINGS) => shown(enableEncryption(mistyped(settings))),
  },
  { name: 'configuration of rotate', fields: { ...LATER }, read: (settings = LATER) => rotated(settings) },
  {
    name: 'configuration of holdKeys',
    fields: { ...LATER },
    read: (settings = LATER) => changed((channel) => channel.holdKeys([mistyped(settings)], LATER.keyId!)),
  },
  {
    name: 'configuration of SM4',
    fields: SM4_SETTINGS,
    read: (settings = SM4_SETTINGS) => shown(enableEncryption(mistyped(settings))),
  },
];
const EVERY = [...READERS, ...CONFIGS];
/** Also names that a reader does not have. */
const NAMES = [...new Set(EVERY.flatMap(({ fields }) => Object.keys(fields))), 'clear', 'get', 'name'];

function polluted<T>(name: string, property: PropertyDescriptor, work: () => T): T {
  Object.defineProperty(Object.prototype, name, {
    ...Object.assign(Object.create(null), property),
    configurable: true,
  });
  try {
    return work();
  } finally {
    delete (Object.prototype as Record<string, unknown>)[name];
  }
}

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** The result, or an error that is a refusal, as `undefined`; anything else fails. */
function resultOrRefusal(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error !== ERROR) {
      expect(
        [TypeError, RangeError, ConfigError].some((kind) => error instanceof kind),
        String(error),
      ).toBe(true);
      keepsSecrets(error, SECRETS);
    }
    return undefined;
  }
}

const throwing = {
  get: () => {
    throw ERROR;
  },
};

describe.each(EVERY)('$name', ({ fields, read }) => {
  const isConfig = Object.hasOwn(fields, 'encryptionKey');
  const whole = read({ ...fields });

  test.each(NAMES)('%s is not inherited', (name) => {
    const defaults = read(isConfig ? { ...fields } : {});
    const values = [fields[name], 'none', -1, false, undefined].map((value) => ({
      value,
      enumerable: true,
      writable: true,
    }));
    const set = name === 'get' || name === 'name' ? [] : [throwing];
    for (const property of [...values, ...set])
      expect(polluted(name, property, () => read(isConfig ? { ...fields } : {}))).toEqual(defaults);
    if (isConfig) return;
    for (const property of values) expect(polluted(name, property, () => read())).toEqual(defaults);
  });

  test('a field of a class, or of an object behind, is not there', () => {
    const heir = Object.create({ ...fields });
    const instance = new (class {})();
    for (const [name, value] of Object.entries(fields))
      Object.defineProperty(Object.getPrototypeOf(instance), name, { get: () => value });
    for (const options of [heir, instance]) {
      if (isConfig) expect(errorOf(() => read(options))).toMatchObject({ code: 'mode_missing' });
      else expect(read(options)).toEqual(read({}));
    }
  });

  test('an object without a prototype, or with fields that are not enumerable, is as good', () => {
    const bare = Object.assign(Object.create(null), fields);
    const hidden = Object.defineProperties(
      {},
      Object.fromEntries(Object.entries(fields).map(([k, value]) => [k, { value }])),
    );
    expect(read(bare)).toEqual(whole);
    expect(read(hidden)).toEqual(whole);
    expect(read(Object.freeze({ ...fields }))).toEqual(whole);
  });

  test.each(Object.keys(fields))('%s: an accessor that throws, or changes its answer', (name) => {
    expect(errorOf(() => read(Object.defineProperty({ ...fields }, name, throwing)))).toBe(ERROR);
    for (const later of [undefined, null, 'none', -1, {}, new Uint8Array(1)]) {
      let looks = 0;
      const get = () => (++looks === 1 ? fields[name] : later);
      expect(read(Object.defineProperty({ ...fields }, name, { get, enumerable: true }))).toEqual(whole);
      expect(looks).toBe(1);
    }
  });

  test('a Proxy is refused or read for what it is', () => {
    const plain = resultOrRefusal(() => read(new Proxy({ ...fields }, {})));
    expect([undefined, whole]).toContainEqual(plain);
    for (const trap of ['get', 'ownKeys', 'getOwnPropertyDescriptor', 'has', 'getPrototypeOf']) {
      const handler = { [trap]: throwing.get };
      expect([undefined, whole]).toContainEqual(resultOrRefusal(() => read(new Proxy({ ...fields }, handler))));
    }
    const { proxy, revoke } = Proxy.revocable({ ...fields }, {});
    revoke();
    const revoked = errorOf(() => read(proxy));
    expect(revoked instanceof TypeError || revoked instanceof ConfigError, String(revoked)).toBe(true);
  });

  test('unknown fields and symbols', () => {
    const unknown = [
      { ...fields, unknown: 1 },
      JSON.parse('{"__proto__":{"engine":"none"}}'),
      { ...fields, [`${SECRETS[0]}`]: 1 },
    ];
    for (const options of unknown) {
      const error = errorOf(() => read(options));
      expect(error).toBeInstanceOf(isConfig ? ConfigError : TypeError);
      keepsSecrets(error, SECRETS);
    }
    const symbols = { ...fields, [Symbol('framing')]: 'none', [Symbol.toPrimitive]: throwing.get };
    expect([undefined, whole]).toContainEqual(resultOrRefusal(() => read(symbols)));
    for (const none of [null, Symbol('s')]) expect(resultOrRefusal(() => read(mistyped(none)))).toBeUndefined();
  });
});

test.each(['encryptionMode', 'encryptionKey', 'encryptionKdfSalt'])(
  'a missing %s is not found on a prototype',
  (name) => {
    const { [name]: value, ...rest } = { ...SETTINGS } as Record<string, unknown>;
    const code = { encryptionMode: 'mode_missing', encryptionKey: 'key_missing', encryptionKdfSalt: 'salt_missing' }[
      name
    ];
    const error = polluted(name, { value, writable: true }, () => errorOf(() => enableEncryption(mistyped(rest))));
    expect(error).toMatchObject({ code });
    expect(ownFrame()).toBe(OWN_FRAME);
  },
);

const NO_TEXTS = [
  undefined,
  null,
  5,
  5n,
  true,
  Symbol('s'),
  {},
  [],
  Object(VECTORS),
  new Uint8Array(9),
  { toString: throwing.get },
];
test('verifyVectors: what is no text of vectors', () => {
  for (const text of [
    ...NO_TEXTS,
    '',
    '{}',
    '[]',
    'null',
    '"text"',
    '{"__proto__":{"format":"frameseal-vectors/1","cases":[]}}',
  ]) {
    const error = errorOf(() => verifyVectors(mistyped(text)));
    const right = [TypeError, RangeError, VectorFormatError].some((kind) => error instanceof kind);
    expect(right, String(error)).toBe(true);
  }
  const fields = () =>
    polluted('format', { value: 'frameseal-vectors/1' }, () => errorOf(() => verifyVectors('{"cases":[]}')));
  expect(fields()).toBeInstanceOf(VectorFormatError);
});
