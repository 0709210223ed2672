// @ts-check
/**
 * Makes cases and keeps them. Every expectation is stated by hand, from FORMAT.md, and compared with what SecondOpener says:
 * where the two differ, this throws.
 */
import { checkInput, makeChannel, printFingerprint, protect, seal } from '../format.mjs';
import { encodeHeader } from '../headers.mjs';
import { SecondOpener } from '../opener.mjs';
import { drawKid } from './bytes.mjs';

/**
 * @typedef {import('./setups.mjs').Setup} Setup
 * @typedef {{ kid: bigint, ctr: bigint, input: Buffer, clear?: number, header?: Buffer }} Frame
 * @typedef {{ kid: bigint, ctr: bigint }} Own a sealer of the opener's own channel
 * @typedef {{ before?: Buffer[] | undefined, outLength?: number | undefined, clear?: number | undefined, own?: Own }} Circumstances
 */

/**
 * The channels, by configuration and options, each with its cases.
 * @type {Map<string, { name: string, fields: object, cases: Map<string, object> }>}
 */
export const channels = new Map();
const names = new Set();
const printed = new Set();

/**
 * True the first time that it is asked for these bytes: what can be derived from others is printed once.
 * @param {Buffer} bytes
 */
function isNew(bytes) {
  const hex = bytes.toString('hex');
  const before = printed.size;
  return printed.add(hex).size > before;
}

/**
 * The channel of a setup; its keys are printed once.
 * @param {Setup} setup
 */
function channelOf({ name, config, options }) {
  const identity = JSON.stringify([config, options]);
  const known = channels.get(identity);
  if (known !== undefined) return known;
  let free = name;
  for (let i = 2; names.has(free); i++) free = `${name} (${i})`;
  names.add(free);
  const channel = makeChannel(config, options);
  const secrets = 'key16' in channel ? { key16: channel.key16 } : { prk: channel.prk };
  const keys = isNew(Object.values(secrets)[0]) ? secrets : {};
  const fields = { config, options, ...keys, fingerprint: printFingerprint(channel.fingerprint) };
  const made = { name: free, fields, cases: new Map() };
  channels.set(identity, made);
  return made;
}

/**
 * Adds a case, once it is certain that opening gives what the case says.
 * @param {Setup} setup
 * @param {string} what
 * @param {{ [field: string]: unknown }} fields
 */
function add(setup, what, fields) {
  const { name, cases } = channelOf(setup);
  if (cases.has(what)) throw new Error(`two cases are called ${name}: ${what}`);
  cases.set(what, fields);
}

/**
 * @param {unknown} actual
 * @param {unknown} expected
 * @param {string} what
 */
function agree(actual, expected, what) {
  const [a, b] = [actual, expected].map((value) => (Buffer.isBuffer(value) ? value.toString('hex') : value));
  if (a !== b) throw new Error(`${what}: ${b} was expected, it is ${a}`);
}

/**
 * @param {Setup} setup
 * @param {Buffer} sealed
 * @param {Circumstances} circumstances
 */
function opened({ config, options }, sealed, { before = [], outLength, clear, own }) {
  const opener = new SecondOpener(config, options, { ownKids: own === undefined ? [] : [own.kid] });
  for (const frame of before) opener.open(frame, { clear });
  return opener.open(sealed, { clear, outLength });
}

/**
 * The fields of a case that say how its keys and its frame came about.
 * @param {Setup} setup
 * @param {Frame} frame
 */
export function intermediates({ config, options }, frame) {
  const channel = makeChannel(config, options);
  if ('key16' in channel) return { fields: {} };
  const { kid, ctr, input, clear = 0, header = encodeHeader(kid, ctr) } = frame;
  const parts = checkInput(channel, input, clear, 'seal');
  if (typeof parts === 'string') throw new Error(parts);
  const { baseKey, secret, frameKey, frameSalt, nonce, aad, sealed } = protect(channel, kid, ctr, header, parts);
  const keys = isNew(frameKey) ? { baseKey, secret, frameKey, frameSalt, nonce } : {};
  return { fields: { kid, ctr, ...keys, aad }, sealed };
}

/**
 * A sealed frame without a case.
 * @param {Setup} setup
 * @param {bigint} kid
 * @param {bigint} ctr
 * @param {Buffer} input
 * @param {number} [clear]
 */
export function sealedOf({ config, options }, kid, ctr, input, clear) {
  const sealed = seal(makeChannel(config, options), kid, ctr, input, { clear });
  if (typeof sealed === 'string') throw new Error(sealed);
  return sealed;
}

/**
 * `input` is sealed and opened.
 * @param {Setup} setup
 * @param {string} what
 * @param {Frame} frame
 * @param {Circumstances} [circumstances]
 */
export function bothWays(setup, what, frame, { before } = {}) {
  const { kid, ctr, input, clear } = frame;
  const sealed = sealedOf(setup, kid, ctr, input, clear);
  const made = intermediates(setup, frame);
  if (made.sealed !== undefined) agree(made.sealed, sealed, what);
  agree(opened(setup, sealed, { before, clear }), input, what);
  add(setup, what, { ...made.fields, clear, input, sealed, before });
  return sealed;
}

/**
 * A frame that no sealer of this implementation makes, and that an opener takes.
 * @param {Setup} setup
 * @param {string} what
 * @param {Frame} frame
 */
export function openedOnly(setup, what, frame) {
  const { fields, sealed } = intermediates(setup, frame);
  if (sealed === undefined) throw new Error(what);
  agree(opened(setup, sealed, {}), frame.input, what);
  add(setup, what, { ...fields, sealed, output: frame.input });
}

/**
 * Bytes that come to an opener, and what comes of them: the name of a status, or the bytes that it gives.
 * @param {Setup} setup
 * @param {string} what
 * @param {Buffer} sealed
 * @param {string | Buffer} expected
 * @param {Circumstances} [circumstances]
 */
export function opening(setup, what, sealed, expected, circumstances = {}) {
  agree(opened(setup, sealed, circumstances), expected, `${setup.name}: ${what}`);
  const { before, outLength, clear, own } = circumstances;
  const end = typeof expected === 'string' ? { expect: expected } : { output: expected };
  add(setup, what, {
    loopback: own === undefined ? undefined : false,
    ...own,
    clear,
    sealed,
    before,
    outLength,
    ...end,
  });
}

/**
 * `input` is not sealed.
 * @param {Setup} setup
 * @param {string} what
 * @param {Buffer} input
 * @param {string} expected
 * @param {Circumstances} [circumstances]
 */
export function refusal(setup, what, input, expected, { outLength, clear } = {}) {
  const channel = makeChannel(setup.config, setup.options);
  const kid = drawKid(channel.keyId, 'refused');
  agree(seal(channel, kid, 8n, input, { clear, outLength }), expected, `${setup.name}: ${what}`);
  const sender = 'key16' in channel ? {} : { kid, ctr: 8n };
  add(setup, what, { ...sender, clear, input, outLength, expect: expected });
}
