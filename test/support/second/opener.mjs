// @ts-check
/**
 * The second implementation, opening: FORMAT.md section 6, and section 5 for SM4.
 */
import { createDecipheriv } from 'node:crypto';
import { checkInput, makeChannel, metadataOf, paddingCountOf, sm4 } from './format.mjs';
import { decodeHeader } from './headers.mjs';
import { nonceOf, senderKeys, suiteOf } from './keys.mjs';

/**
 * @typedef {import('./format.mjs').Config} Config
 * @typedef {import('./format.mjs').Options} Options
 * @typedef {import('./format.mjs').GcmChannel} GcmChannel
 * @typedef {import('./format.mjs').Sm4Channel} Sm4Channel
 * @typedef {import('./format.mjs').Parts} Parts
 */

const TAG_BYTES = 16;
const BLOCK_BYTES = 16;

/**
 * One opener: what came before decides about what comes next. It has no budget for derivations, so it is never BUSY.
 * One key is live, that of its channel: there is no rotation.
 */
export class SecondOpener {
  #channel;
  #options;
  /**
   * The senders, the least recently used first: every CTR accepted of each since it was made, the highest of those,
   * and the CTR up to which everything is TOO_OLD (-1 for nothing).
   * @type {Map<bigint, { accepted: Set<bigint>, highest: bigint, floor: bigint }>}
   */
  #senders = new Map();
  /**
   * Evicted senders, the longest gone first: the highest CTR of each.
   * @type {Map<bigint, bigint>}
   */
  #evicted = new Map();
  #closed = false;

  /**
   * @param {Config} config
   * @param {Options} options
   * @param {{ ownKids?: Iterable<bigint>, maxSenders?: number, maxEvicted?: number }} [more] ownKids: the KIDs that
   *   sealers of the same channel object use or used; none with `loopback: true`
   */
  constructor(config, options, { ownKids = [], maxSenders = 1_024, maxEvicted = 65_536 } = {}) {
    this.#channel = makeChannel(config, options);
    this.#options = {
      ownKids: new Set(ownKids),
      maxSenders,
      maxEvicted,
      window: BigInt(options.replayWindow ?? 1_024),
    };
  }

  close() {
    this.#closed = true;
  }

  /**
   * Section 6, table; section 5 for SM4.
   * @param {Buffer} input
   * @param {{ clear?: number | undefined, outLength?: number | undefined }} [call] outLength: the length of the out that is
   *   offered
   * @returns {Buffer | string} what was in the clear and the plaintext, or the name of a status
   */
  open(input, { clear = 0, outLength = Number.POSITIVE_INFINITY } = {}) {
    const channel = this.#channel;
    // Steps 1 to 3.
    if (this.#closed) return 'CLOSED';
    const parts = checkInput(channel, input, clear, 'open');
    if (typeof parts === 'string') return parts;
    return 'key16' in channel ? this.#openSm4(channel, parts, outLength) : this.#openGcm2(channel, parts, outLength);
  }

  /**
   * Section 5, steps 4 to 6.
   * @param {Sm4Channel} channel
   * @param {Parts} parts
   * @param {number} outLength
   */
  #openSm4({ key16 }, { header, clearBytes, rest: blocks }, outLength) {
    // Step 4.
    if (outLength < header.length + clearBytes.length + blocks.length) return 'NO_ROOM';
    // Step 5.
    if (blocks.length === 0 || blocks.length % BLOCK_BYTES !== 0) return 'BAD_TAG';
    // Step 6.
    const padded = sm4(key16, blocks, false);
    const count = padded[padded.length - 1];
    if (count < 1 || count > 16 || padded.subarray(-count).some((byte) => byte !== count)) return 'BAD_TAG';
    return Buffer.concat([header, clearBytes, padded.subarray(0, -count)]);
  }

  /**
   * Section 6, steps 3 (the padding count) to 11.
   * @param {GcmChannel} channel
   * @param {Parts} parts
   * @param {number} outLength
   */
  #openGcm2(channel, parts, outLength) {
    const { ownKids, window } = this.#options;
    const inClear = Buffer.concat([parts.header, parts.clearBytes]);
    // Step 3, the padding count.
    const countAt = parts.rest.length - paddingCountOf(parts).length;
    if (countAt < 0 || !parts.rest.subarray(countAt).equals(paddingCountOf(parts))) return 'MALFORMED';
    const frame = parts.rest.subarray(0, countAt);
    // Step 4.
    const header = decodeHeader(frame);
    if (header === 'MALFORMED') return header;
    const { kid, ctr, length } = header;
    const plaintextLength = frame.length - length - TAG_BYTES;
    if (plaintextLength < 0) return 'MALFORMED';
    // Step 5.
    if (outLength < inClear.length + plaintextLength) return 'NO_ROOM';
    // Step 6.
    if (ownKids.has(kid)) return 'OWN_FRAME';
    // Step 7. The keyId is the top 4 bits of the 64-bit value (section 3).
    if (kid >> 60n !== BigInt(channel.keyId)) return 'UNKNOWN_KEY';
    const sender = this.#senders.get(kid);
    if (ctr <= (sender?.floor ?? this.#evicted.get(kid) ?? -1n)) return 'TOO_OLD';
    // Step 8. A sender that is not known has no window yet.
    if (sender !== undefined && sender.highest - ctr >= window) return 'TOO_OLD';
    if (sender?.accepted.has(ctr)) return 'REPLAYED';
    // Step 9.
    const { frameKey, frameSalt } = senderKeys(channel.mode, channel.prk, kid, channel.context);
    const aad = Buffer.concat([frame.subarray(0, length), metadataOf(channel, parts)]);
    const decipher = createDecipheriv(suiteOf(channel.mode).cipher, frameKey, nonceOf(frameSalt, ctr));
    decipher.setAAD(aad).setAuthTag(frame.subarray(-TAG_BYTES));
    const plaintext = decipher.update(frame.subarray(length, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return 'BAD_TAG';
    }
    // Steps 10 and 11.
    this.#accept(kid, ctr);
    return Buffer.concat([inClear, plaintext]);
  }

  /**
   * Section 6, step 10, and its list, "Senders".
   * @param {bigint} kid
   * @param {bigint} ctr
   */
  #accept(kid, ctr) {
    const sender = this.#senders.get(kid) ?? {
      accepted: new Set(),
      highest: ctr,
      floor: this.#evicted.get(kid) ?? -1n,
    };
    sender.accepted.add(ctr);
    if (ctr > sender.highest) sender.highest = ctr;
    // Set again, so that the order of the map is that of use.
    this.#senders.delete(kid);
    this.#senders.set(kid, sender);
    this.#evicted.delete(kid);
    if (this.#senders.size > this.#options.maxSenders) {
      const [oldest, { highest }] = /** @type {[bigint, { highest: bigint }]} */ (this.#senders.entries().next().value);
      this.#senders.delete(oldest);
      this.#evicted.set(oldest, highest);
    }
    if (this.#evicted.size > this.#options.maxEvicted) {
      this.#evicted.delete(/** @type {bigint} */ (this.#evicted.keys().next().value));
    }
  }
}
