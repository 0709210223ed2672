// @ts-check
/**
 * The second implementation as a peer for `frameseal verify --peer "node test/interop/second.mjs"`: an adapter in JavaScript
 * (fixtures/README.md, "An adapter for a peer"). It offers what an adapter must, and SM4.
 */
import { createInterface } from 'node:readline';
import { makeChannel, pad, printFingerprint, seal, sm4 } from '../support/second/format.mjs';
import { senderKeys } from '../support/second/keys.mjs';
import { SecondOpener } from '../support/second/opener.mjs';

/** @typedef {Record<string, any>} Fields */

/** @param {string} hex */
const bytes = (hex) => Buffer.from(hex, 'hex');

/**
 * Bytes, or the name of a status.
 * @param {string} name
 * @param {Buffer | string} result
 */
const answerOf = (name, result) => (typeof result === 'string' ? { status: result } : { [name]: result });

/** @type {Record<string, (request: Fields) => Fields>} */
const OPERATIONS = {
  derive({ config, kid }) {
    const channel = makeChannel(config, { framing: 'frame', bindHeader: true });
    const fingerprint = printFingerprint(channel.fingerprint);
    if ('key16' in channel) return { fingerprint, key16: channel.key16 };
    const { prk } = channel;
    if (kid === undefined) return { fingerprint, prk };
    const { baseKey, secret, frameKey, frameSalt } = senderKeys(channel.mode, prk, BigInt(kid), channel.context);
    return { fingerprint, prk, baseKey, secret, frameKey, frameSalt };
  },
  seal({ config, options, kid = '0', ctr = '0', input, clear, outLength }) {
    const channel = makeChannel(config, options);
    return answerOf('sealed', seal(channel, BigInt(kid), BigInt(ctr), bytes(input), { clear, outLength }));
  },
  open({ config, options, before = [], ownKid, sealed, clear, outLength }) {
    const opener = new SecondOpener(config, options, { ownKids: ownKid === undefined ? [] : [BigInt(ownKid)] });
    for (const frame of before) opener.open(bytes(frame), { clear });
    return answerOf('opened', opener.open(bytes(sealed), { clear, outLength }));
  },
  sm4({ key, plaintext, ciphertext, padding, iterations = 1 }) {
    if (iterations > 1 || (padding !== 'none' && plaintext === undefined)) return { unsupported: true };
    if (plaintext === undefined) return { plaintext: sm4(bytes(key), bytes(ciphertext), false) };
    const blocks = padding === 'none' ? bytes(plaintext) : pad(bytes(plaintext));
    return { ciphertext: sm4(bytes(key), blocks, true) };
  },
};

/** @param {Fields} request */
function answer(request) {
  const operation = OPERATIONS[request['op']];
  if (operation === undefined) return { unsupported: true };
  try {
    return operation(request);
  } catch (error) {
    return { error: String(error) };
  }
}

/** @param {unknown} value */
const inHex = (value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value);

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const values = Object.entries(answer(request)).map(([name, value]) => [name, inHex(value)]);
  process.stdout.write(`${JSON.stringify({ id: request.id, ...Object.fromEntries(values) })}\n`);
}
