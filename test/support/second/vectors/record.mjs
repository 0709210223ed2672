// @ts-check
/**
 * Makes cases and keeps them. Every expectation is stated by hand, from FORMAT.md, and compared with what SecondOpener says:
 * where the two differ, this throws.
 */
import { makeChannel, printFingerprint, protect, seal } from '../format.mjs';
import { encodeHeader, rtpHeaderLength } from '../headers.mjs';
import { SecondOpener } from '../opener.mjs';
import { drawKid } from './bytes.mjs';

/**
 * @typedef {import('./setups.mjs').Setup} Setup
 * @typedef {{ kid: bigint, ctr: bigint, input: Buffer, header?: Buffer }} Frame
 * @typedef {{ kid: bigint, ctr: bigint }} Own a sealer of the opener's own channel
 * @typedef {{ before?: Buffer[] | undefined, outLength?: number, own?: Own }} Circumstances
 */

/** @type {{ [field: string]: unknown, id: string, expect?: string }[]} */
export const cases = [];
const names = new Set();
const printed = new Set();

/**
 * Adds a case, once it is certain that opening gives what the case says.
 * @param {Setup} setup
 * @param {string} what
 * @param {{ [field: string]: unknown }} fields
 */
function add({ name, config, options }, what, fields) {
  const id = `${name}: ${what}`;
  if (names.has(id)) throw new Error(`two cases are called ${id}`);
  names.add(id);
  cases.push({ id, kind: 'channel', config, options, ...fields });
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
function opened({ config, options }, sealed, { before = [], outLength, own }) {
  const opener = new SecondOpener(config, options, { ownKids: own === undefined ? [] : [own.kid] });
  for (const frame of before) opener.open(frame);
  return opener.open(sealed, outLength);
}

/**
 * The fields of a case that say how its keys and its frame came about.
 * @param {Setup} setup
 * @param {Frame} [frame]
 */
export function intermediates({ config, options }, frame) {
  const channel = makeChannel(config, options);
  const fingerprint = printFingerprint(channel.fingerprint);
  if ('key16' in channel) return { fields: { key16: channel.key16, fingerprint } };
  if (frame === undefined) return { fields: { fingerprint } };
  const { kid, ctr, input, header = encodeHeader(kid, ctr) } = frame;
  const rtpLength = options.framing === 'rtp' ? Number(rtpHeaderLength(input)) : 0;
  const made = protect(channel, kid, ctr, header, input.subarray(0, rtpLength), input.subarray(rtpLength));
  const { baseKey, secret, frameKey, frameSalt, nonce, aad, sealed } = made;
  // What leads to the keys is printed once for each of them: it is long.
  const first = !printed.has(frameKey.toString('hex'));
  printed.add(frameKey.toString('hex'));
  const long = first ? { prk: channel.prk, baseKey, secret } : {};
  return { fields: { kid, ctr, ...long, frameKey, frameSalt, nonce, aad, header, fingerprint }, sealed };
}

/**
 * A sealed frame without a case.
 * @param {Setup} setup
 * @param {bigint} kid
 * @param {bigint} ctr
 * @param {Buffer} input
 */
export function sealedOf({ config, options }, kid, ctr, input) {
  const sealed = seal(makeChannel(config, options), kid, ctr, input);
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
  const { kid, ctr, input } = frame;
  const sealed = sealedOf(setup, kid, ctr, input);
  const made = intermediates(setup, frame);
  if (made.sealed !== undefined) agree(made.sealed, sealed, what);
  agree(opened(setup, sealed, { before }), input, what);
  add(setup, what, { ...made.fields, input, sealed, before });
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
  const { before, outLength, own } = circumstances;
  const end = typeof expected === 'string' ? { expect: expected } : { output: expected };
  add(setup, what, {
    loopback: own === undefined ? undefined : false,
    ...own,
    ...intermediates(setup).fields,
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
 * @param {number} [outLength]
 */
export function refusal(setup, what, input, expected, outLength) {
  const channel = makeChannel(setup.config, setup.options);
  const kid = drawKid(channel.keyId, 'refused');
  agree(seal(channel, kid, 8n, input, outLength), expected, `${setup.name}: ${what}`);
  const sender = 'key16' in channel ? {} : { kid, ctr: 8n };
  add(setup, what, { ...sender, ...intermediates(setup).fields, input, outLength, expect: expected });
}
