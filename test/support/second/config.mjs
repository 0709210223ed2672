// @ts-check
/**
 * A second reading of FORMAT.md section 1: as much of it as turns a valid configuration of strings and numbers into
 * mode, key, salt, keyId and context. It shares no code with src/, and refuses unknown values without a code.
 */

/**
 * @typedef {'AES_128_GCM2' | 'AES_256_GCM2' | 'SM4_128_ECB'} Mode
 * @typedef {{ encryptionMode: string | number, encryptionKey: string }} ModeAndKey
 * @typedef {ModeAndKey & { encryptionKdfSalt?: string | undefined, keyId?: number, context?: string }} Config
 * @typedef {{ mode: Mode, key: Buffer, salt: Buffer | undefined, keyId: number, context: Buffer }} Parsed
 */

/**
 * Section 1, table of modes: every name, in lower case and with `_`, and every number.
 * @type {[string | number, Mode][]}
 */
const MODE_NAMES = [
  [7, 'AES_128_GCM2'],
  ['aes_128_gcm2', 'AES_128_GCM2'],
  ['aes_128_gcm_2', 'AES_128_GCM2'],
  [8, 'AES_256_GCM2'],
  ['aes_256_gcm2', 'AES_256_GCM2'],
  ['aes_256_gcm_2', 'AES_256_GCM2'],
  [4, 'SM4_128_ECB'],
  ['sm4_128_ecb', 'SM4_128_ECB'],
];
const MODES = new Map(MODE_NAMES);

const FIELDS = ['encryptionMode', 'encryptionKey', 'encryptionKdfSalt', 'keyId', 'context'];

/**
 * @param {boolean} valid
 * @param {string} what
 * @returns {asserts valid}
 */
function need(valid, what) {
  if (!valid) throw new TypeError(`invalid configuration: ${what}`);
}

/**
 * Section 1. The order of the checks is the page's.
 * @param {Config} config
 * @returns {Parsed}
 */
export function parseConfig(config) {
  need(
    Object.keys(config).every((name) => FIELDS.includes(name)),
    'unknown field',
  );

  // "Names ignore case and take `-` and `_` for each other, mixed too."
  const { encryptionMode, encryptionKey, encryptionKdfSalt, keyId, context } = config;
  const name = typeof encryptionMode === 'string' ? encryptionMode.toLowerCase().replaceAll('-', '_') : encryptionMode;
  const mode = MODES.get(name);
  need(mode !== undefined, 'encryptionMode');

  // The key: 64 hex digits of either case; SM4 also takes 32. Not zeros.
  need(
    /^[0-9a-f]{64}$/i.test(encryptionKey) || (mode === 'SM4_128_ECB' && /^[0-9a-f]{32}$/i.test(encryptionKey)),
    'key',
  );
  const key = Buffer.from(encryptionKey, 'hex');
  need(!/^0+$/.test(encryptionKey), 'a key of zeros');

  if (mode === 'SM4_128_ECB') {
    const absent = [encryptionKdfSalt, keyId, context].every((value) => value === undefined);
    need(absent, 'SM4 takes no salt, no keyId and no context');
    return { mode, key, salt: undefined, keyId: 0, context: Buffer.alloc(0) };
  }

  // The salt: 32 bytes of standard Base64, padded and canonical. Not zeros, and not the key.
  need(typeof encryptionKdfSalt === 'string', 'salt');
  const salt = Buffer.from(encryptionKdfSalt, 'base64');
  need(salt.length === 32 && salt.toString('base64') === encryptionKdfSalt, 'salt');
  need(salt.some((byte) => byte !== 0) && !salt.equals(key), 'a salt of zeros, or equal to the key');

  need(keyId === undefined || (Number.isInteger(keyId) && keyId >= 0 && keyId <= 15), 'keyId');

  // The context: 1 to 255 bytes of well-formed UTF-8, no control characters; without one, no bytes.
  const contextBytes = Buffer.from(context ?? '', 'utf8');
  if (context !== undefined) {
    need(contextBytes.length >= 1 && contextBytes.length <= 255, 'length of the context');
    need(contextBytes.toString('utf8') === context, 'a context that is not well-formed');
    const codes = [...context].map((character) => Number(character.codePointAt(0)));
    need(!codes.some((code) => code <= 0x1f || (code >= 0x7f && code <= 0x9f)), 'a control character in the context');
  }
  return { mode, key, salt, keyId: keyId ?? 0, context: contextBytes };
}
