/**
 * Keys from SDP: the a=crypto lines of RFC 4568 (section 9.1), with the suites of RFC 7714 (section 14.2).
 *
 *     a=crypto:1 AEAD_AES_256_GCM inline:BASE64(key || salt)|2^48 WSH=1024
 *              tag suite          key method and key        lifetime, session parameters
 *
 * What would change the keys or the packets is refused by name. The window size hint is not needed, nor is a lifetime: the limits of
 * the suites hold, and a shorter lifetime is the application's to keep.
 */
import { fromBase64, kindOf } from '../bytes.js';
import { type ConfigError, type ConfigErrorCode, type Field, refusal } from '../config-error.js';
import { keyBytesOf, SALT_BYTES, type SrtpKeys, type SrtpSuite, split } from './keys.js';

const LINE: Field = {
  name: 'line',
  expected: 'a line such as `1 AEAD_AES_256_GCM inline:KEY_AND_SALT_IN_BASE64`',
  remedy: 'RFC 4568 section 9.1 has the form.',
};
/** Names of session parameters, which a message may show. */
const PARAMETER_NAME = /^-?[A-Z][A-Z_]{1,30}(?==|$)/;
/** What needs no answer: a hint, and what the other side lets anybody ignore. */
const IGNORED = /^(?:WSH=\d{1,10}$|-)/;
const MAX_LINE = 1000;

/**
 * The keys of an a=crypto line, with or without `a=crypto:` before it and a line's end after it. Throws ConfigError for another
 * suite, an MKI, several keys, or an unknown session parameter; the message shows no key.
 */
export function keysFromSdes(line: string): SrtpKeys {
  if (typeof line !== 'string') throw refuse('sdes_type', kindOf(line));
  const [tag, suite, keyParameters, ...sessionParameters] = line
    .slice(0, MAX_LINE)
    .replace(/\r?\n$/, '')
    .replace(/^a=crypto:/, '')
    .split(' ');
  if (!/^\d{1,9}$/.test(tag!)) throw refuse('sdes_syntax', kindOf(line), 'it begins with no tag');
  const keyBytes = keyBytesOf(suite);
  const keyAndSalt = readInline(keyParameters);
  const stray = sessionParameters.find((parameter) => !IGNORED.test(parameter));
  if (stray !== undefined) {
    const name = PARAMETER_NAME.exec(stray)?.[0] ?? `of ${stray.length} characters`;
    throw refuse('sdes_parameter', `the session parameter ${name}`, 'not supported');
  }
  const bytes = fromBase64(padded(keyAndSalt));
  if (bytes === undefined) throw refuse('sdes_base64', 'a key that is not Base64');
  try {
    if (bytes.length !== keyBytes + SALT_BYTES) {
      throw refuse(
        'sdes_length',
        `key and salt of ${bytes.length} bytes`,
        `${suite} has ${keyBytes} and ${SALT_BYTES}`,
      );
    }
    return { suite: suite as SrtpSuite, ...split(bytes, 0, keyBytes, keyBytes) };
  } finally {
    bytes.fill(0);
  }
}

function refuse(code: ConfigErrorCode, arrived: string, hint?: string): ConfigError {
  return refusal(LINE, code, arrived, hint);
}

/** The Base64 of the one key that is there. */
function readInline(parameters: string | undefined): string {
  if (parameters === undefined) throw refuse('sdes_syntax', 'a line without a key');
  if (parameters.includes(';')) throw refuse('sdes_several_keys', 'several keys', 'leave one of them');
  const inline = /^inline:([^|]*)((?:\|[^|]*)*)$/.exec(parameters);
  if (inline === null) throw refuse('sdes_syntax', 'a key that does not begin with `inline:`');
  const [lifetime, ...more] = inline[2]!.split('|').slice(1);
  if ([lifetime, ...more].some((part) => part?.includes(':'))) {
    throw refuse('sdes_mki', 'an MKI', 'not supported: leave it out');
  }
  if (lifetime !== undefined && (more.length > 0 || !/^(?:2\^)?\d{1,15}$/.test(lifetime))) {
    throw refuse('sdes_lifetime', 'a lifetime that is no number');
  }
  return inline[1]!;
}

/** Padding may be left out (RFC 4568 section 6.1). */
function padded(base64: string): string {
  return /=/.test(base64) ? base64 : base64 + '='.repeat((4 - (base64.length % 4)) % 4);
}
