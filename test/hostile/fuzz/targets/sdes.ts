/** `keysFromSdes` with lines put together from the input, against RFC 4568 read once more; what is refused shows no key. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Code } from '../code.js';
import { hexOf, must, mustEqual } from '../invariants.js';
import { Reader } from '../reader.js';
import { mustNotShow, vocabulary } from '../secrets.js';
import type { Target } from './target.js';
import { textOf } from './text.js';

const SUITES: Readonly<Record<string, number>> = { AEAD_AES_128_GCM: 16, AEAD_AES_256_GCM: 32 };
const SALT_BYTES = 12;
const TAGS = ['1', '0', '123456789', '1234567890', '', 'a=crypto:1', 'x'];
const NAMES = [...Object.keys(SUITES), 'AES_CM_128_HMAC_SHA1_80', 'aead_aes_128_gcm', ''];
const METHODS = ['inline:', 'inline:', 'inline:', 'uri:', ''];
const TAILS = ['', '', '|2^48', '|99', '|', '|1:4', '|2^31|1:1', ';inline:', '|2^31|7'];
const PARAMETERS = ['', '', ' WSH=64', ' -X', ' KDR=1', ' UNENCRYPTED_SRTP', ' ', ' WSH=', '\r\n', '\n'];
const LENGTHS = [28, 44, 28, 44, 27, 29, 0, 30];

/** Master key and salt of a line, as hex; or undefined where it must be refused. */
function readLine(line: string): string | undefined {
  const match =
    /^(?:a=crypto:)?\d{1,9} (AEAD_AES_(?:128|256)_GCM) inline:([A-Za-z0-9+/]*={0,2})(?:\|(?:2\^)?\d{1,15})?((?: (?:WSH=\d{1,10}|-[^ ]*))*)\r?\n?$/.exec(
      line,
    );
  if (match === null || /\r(?!\n$)/.test(line)) return undefined;
  const [, suite, base64] = match;
  const bytes = Buffer.from(base64!, 'base64');
  const canonical = bytes.toString('base64');
  const isCanonical = base64 === canonical || base64 === canonical.replace(/=+$/, '');
  const keyBytes = SUITES[suite!]!;
  if (!isCanonical || bytes.length !== keyBytes + SALT_BYTES) return undefined;
  return `${suite} ${bytes.toString('hex')}`;
}

export function sdesTarget({ srtp, configError: { ConfigError }, folder }: Code): Target {
  const modules = ['srtp/sdes.js', 'srtp/keys.js', 'config-error.js'];
  const words = vocabulary(folder) + modules.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');

  function run(input: Uint8Array): string {
    const reader = new Reader(input);
    const [tag, name, method] = [reader.pick(TAGS), reader.pick(NAMES), reader.pick(METHODS)];
    const [tail, parameters, cut] = [reader.pick(TAILS), reader.pick(PARAMETERS), reader.below(4)];
    const length = reader.pick(LENGTHS);
    const stray = reader.below(8) === 7 ? textOf(reader.bytes(reader.below(12))) : '';
    const key = new Uint8Array(length);
    key.set(reader.bytes(length));
    const base64 = Buffer.from(key).toString('base64');
    const text = cut === 3 ? base64.replace(/=+$/, '') : base64;
    const line = `${tag} ${name} ${method}${text}${stray}${tail}${parameters}`;
    const expected = readLine(line);
    let read: string;
    try {
      const { suite, masterKey, masterSalt } = srtp.keysFromSdes(line);
      read = `${suite} ${hexOf(masterKey)}${hexOf(masterSalt)}`;
    } catch (error) {
      must(error instanceof ConfigError, 'a line is refused with a ConfigError', () => String(error));
      must(expected === undefined, 'a right line is taken', () => JSON.stringify(line));
      mustNotShow(error, [base64], `${words}\n${name}${parameters}`, 'a refusal shows nothing of the key');
      return (error as InstanceType<typeof ConfigError>).code;
    }
    mustEqual(read, expected, 'keys are read as RFC 4568 has it');
    return 'taken';
  }

  const seeds = [[], [0, 1, 0, 0, 0, 0, 1, 0, 1, 2, 3], [5, 0, 0, 2, 2, 3, 0, 7, 9]];
  return { name: 'sdes', maxBytes: 80, seeds: seeds.map((bytes) => Uint8Array.from(bytes)), run };
}
