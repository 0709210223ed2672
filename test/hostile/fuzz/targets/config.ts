/**
 * `enableEncryption` with any configuration: only documented errors, none of which shows a piece of a key or a salt; keys and
 * salts are taken as Buffer reads them.
 */
import type { Code } from '../code.js';
import { hexOf, must, mustEqual } from '../invariants.js';
import { Reader } from '../reader.js';
import { mustNotShow, vocabulary } from '../secrets.js';
import { configOf, optionsOf } from './config-values.js';
import type { Target } from './target.js';

type Fields = Readonly<Record<string, unknown>>;

/** A secret in every form in which it might be shown. */
function formsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (!(value instanceof Uint8Array)) return [];
  const bytes = Buffer.from(value);
  return [
    hexOf(bytes),
    bytes.toString('base64'),
    bytes.toString('latin1'),
    [...bytes].join(','),
    [...bytes].join(', '),
  ];
}

const LONGEST_SHOWN_MODE = 20;
const LONGEST_SHOWN_NAME = 32;

/** Texts in a configuration that messages may show beside the library's own words (FORMAT.md section 1), and texts that they may not. */
function textsOf(config: Fields): { shown: string[]; secrets: string[] } {
  const { encryptionMode, encryptionKey, encryptionKdfSalt } = config;
  const names = Object.keys(config).map((text) => ({ text, longest: LONGEST_SHOWN_NAME }));
  const modes = typeof encryptionMode === 'string' ? [{ text: encryptionMode, longest: LONGEST_SHOWN_MODE }] : [];
  const [shown, hidden] = [true, false].map((isShort) =>
    [...names, ...modes].filter(({ text, longest }) => text.length <= longest === isShort).map(({ text }) => text),
  );
  return { shown: shown!, secrets: [...hidden!, ...formsOf(encryptionKey), ...formsOf(encryptionKdfSalt)] };
}

/** The bytes that a key or a salt is, as Buffer reads it. */
function bytesIn(value: unknown, encoding: 'hex' | 'base64'): string {
  if (typeof value !== 'string') return hexOf(value as Uint8Array);
  const bytes = Buffer.from(value, encoding);
  mustEqual(
    bytes.toString(encoding),
    encoding === 'hex' ? value.toLowerCase() : value,
    `text taken is whole ${encoding}`,
  );
  return hexOf(bytes);
}

export function configTarget({ config: reading, configError: { ConfigError }, channel, folder }: Code): Target {
  const words = vocabulary(folder);

  function run(input: Uint8Array): string {
    const reader = new Reader(input);
    const options = optionsOf(reader);
    const config = configOf(reader) as import('../../../../dist/index.js').EncryptionConfig;
    let outcome: string;
    try {
      outcome = `taken: ${mustParse(config)}`;
      channel.enableEncryption(config, options).close();
    } catch (error) {
      return mustBeDocumented(error, config, options);
    }
    return outcome;
  }

  function mustParse(config: unknown): string {
    const parsed = reading.parseConfig(config);
    const { encryptionKey, encryptionKdfSalt } = config as Fields;
    mustEqual(hexOf(parsed.key), bytesIn(encryptionKey, 'hex'), 'the key is what was given');
    must(new Set(parsed.key).size > 1 || parsed.key[0] !== 0, 'a key is not zero', () => hexOf(parsed.key));
    if (parsed.mode === 'SM4_128_ECB') {
      must(parsed.key.length === 16 || parsed.key.length === 32, 'lengths of an SM4 key', () => hexOf(parsed.key));
      must(encryptionKdfSalt === undefined, 'SM4 takes no salt', () => String(encryptionKdfSalt));
      return parsed.mode;
    }
    mustEqual(parsed.key.length, 32, 'a key has 32 bytes');
    mustEqual(parsed.salt.length, 32, 'a salt has 32 bytes');
    mustEqual(hexOf(parsed.salt), bytesIn(encryptionKdfSalt, 'base64'), 'the salt is what was given');
    must(hexOf(parsed.salt) !== hexOf(parsed.key), 'a salt is not the key', () => hexOf(parsed.salt));
    must(/^(?:[0-9]|1[0-5])$/.test(String(parsed.keyId)), 'a keyId is 0 to 15', () => String(parsed.keyId));
    return parsed.mode;
  }

  function mustBeDocumented(error: unknown, config: unknown, options: unknown): string {
    const isConfigError = error instanceof ConfigError;
    const isOptionError = options !== undefined && (error instanceof TypeError || error instanceof RangeError);
    if (!isConfigError && !isOptionError) throw error;
    if (typeof config === 'object' && config !== null) {
      const { shown, secrets } = textsOf(config as Fields);
      mustNotShow(error, secrets, [words, ...shown].join('\n'), 'errors show nothing of a key or a salt');
    }
    return isConfigError ? error.code : error.name;
  }

  const seeds = [[], [0, 0, 0], [0, 1, 1], [0, 0, 0, 2], [7, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]];
  return { name: 'config', maxBytes: 300, seeds: seeds.map((bytes) => Uint8Array.from(bytes)), run };
}
