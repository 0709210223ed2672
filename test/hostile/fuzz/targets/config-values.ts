/** Configurations and options that an input chooses: good ones, nearly good ones, and any value of JavaScript. */
import type { Reader } from '../reader.js';
import { textOf } from './text.js';

const KEYS = [
  '00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0',
  'FEDCBA98765432100123456789ABCDEFfedcba98765432100123456789abcdef',
  '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
];
/** The first is the first key. */
const SALTS = [
  'ABEiM0RVZneImaq7zN3u/w8eLTxLWml4h5altMPS4fA=',
  '7n3p+K1cQ0b9mV5sXo2aUe4gJrTzLwHyDkRfI6tNqPM=',
  '8Gd/1Rk3vWsZ0uTqYx5nLbEo7hCjA9fKmP2iVtDlXwc=',
];
const MODES = ['AES_128_GCM2', 'AES_256_GCM2', 'SM4_128_ECB', 7, 8, 4, 'aes-256-gcm-2', 'Aes_128-Gcm_2', 'sm4-128-ecb'];
const OTHER_MODES = [
  'AES_128_XTS',
  'aes-256-xts',
  1,
  2,
  3,
  5,
  6,
  'AES_256_GCM',
  'AES_256_GCM2 ',
  '7',
  '',
  'toString',
  7n,
  9,
];
const FIELD_NAMES = [
  'encryptionkey',
  'EncryptionMode',
  'key-id',
  'salt',
  'encryption_key',
  '__proto__',
  'constructor',
  '',
];

/** Values of every kind. Some are no plain data; none has code of its own. */
const VALUES: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -0,
  15,
  16,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1n,
  Symbol('value'),
  () => 0,
  {},
  [],
  [1, 2, 3],
  new Map(),
  new Date(0),
  new ArrayBuffer(32),
  new DataView(new ArrayBuffer(32)),
  new Int8Array(32),
  Buffer.alloc(32).toJSON(),
  new Uint8Array(32),
  new Uint8Array(0),
  Object.create(null),
  new String('7'),
];

/** Text with a few changes that the input chooses, most often none. */
function changed(text: string, reader: Reader): string {
  let result = text;
  for (let i = reader.below(8) - 4; i > 0; i--) {
    const at = reader.below(result.length + 1);
    const insert = textOf(reader.bytes(reader.below(3)));
    result = result.slice(0, at) + insert + result.slice(at + reader.below(3));
  }
  return result;
}

function bytesOf(text: string, reader: Reader): Uint8Array {
  switch (reader.below(4)) {
    case 0:
      return new Uint8Array(Buffer.from(text, 'hex'));
    case 1:
      return Buffer.from(text, 'base64');
    case 2:
      return Buffer.from(text);
    default:
      return new Uint8Array(reader.bytes(reader.below(70)));
  }
}

function secret(texts: readonly string[], reader: Reader): unknown {
  const text = changed(reader.pick([...texts, ...texts, ...KEYS, ...SALTS]), reader);
  switch (reader.below(8)) {
    case 0:
      return reader.pick(VALUES);
    case 1:
    case 2:
      return bytesOf(text, reader);
    case 3:
      return textOf(reader.bytes(reader.below(80)));
    default:
      return text;
  }
}

/** A configuration, or a value in its place. */
export function configOf(reader: Reader): unknown {
  const kind = reader.below(16);
  if (kind === 1) return reader.pick(VALUES);
  const config: Record<string, unknown> = {
    encryptionMode: reader.below(4) === 3 ? reader.pick([...OTHER_MODES, ...VALUES]) : reader.pick(MODES),
    encryptionKey: secret(KEYS, reader),
  };
  if (reader.below(5) !== 4) config['encryptionKdfSalt'] = secret(SALTS, reader);
  if (reader.below(3) === 2) config['keyId'] = reader.below(4) === 3 ? reader.pick(VALUES) : reader.below(18);
  if (reader.below(3) === 2)
    config['context'] = reader.below(4) === 3 ? reader.pick(VALUES) : textOf(reader.bytes(reader.below(12)));
  if (kind === 2) config[reader.pick(FIELD_NAMES)] = reader.pick(VALUES);
  if (kind === 3) config[textOf(reader.bytes(reader.below(40)))] = reader.pick(VALUES);
  if (kind === 4) config['encryptionMode'] = textOf(reader.bytes(reader.below(30)));
  // A key pasted where the mode or a name belongs.
  if (kind === 5) config['encryptionMode'] = changed(reader.pick(KEYS), reader);
  if (kind === 6) config[changed(reader.pick([...KEYS, ...SALTS]), reader)] = '';
  return config;
}

/** Options of a channel, right and wrong ones. */
export function optionsOf(reader: Reader): object | undefined {
  const kind = reader.below(8);
  if (kind < 3) return undefined;
  if (kind === 3) return reader.pick(VALUES) as object;
  const options: Record<string, unknown> = {};
  const maybe = (name: string, values: readonly unknown[]) => {
    if (reader.flag()) options[name] = reader.below(8) === 7 ? reader.pick(VALUES) : reader.pick(values);
  };
  maybe('framing', ['rtp', 'frame', 'RTP']);
  maybe('bindHeader', [true, false]);
  maybe('replayWindow', [64, 1024, 65_536, 65, 32, 131_072]);
  maybe('maxSenders', [1, 1024, 65_536, 65_537, 0]);
  maybe('engine', ['auto', 'simd', 'portable', 'native']);
  if (kind === 4) options[reader.pick(FIELD_NAMES)] = reader.pick(VALUES);
  return options;
}
