// @ts-check
/**
 * The second implementation, headers: FORMAT.md section 4, SFrame (RFC 9605 section 4.3) and RTP (RFC 3550).
 *
 * @typedef {{ kid: bigint, ctr: bigint, length: number }} Header
 */

/**
 * Section 4: a number as a half of the config byte and the bytes that follow.
 * @param {bigint} value
 * @returns {[number, Buffer]}
 */
function encodeNumber(value) {
  // X or Y = 0: the number itself, 0..7.
  if (value < 8n) return [Number(value), Buffer.alloc(0)];
  // X or Y = 1: as few bytes as it needs, and their number less one.
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return [8 + bytes.length - 1, bytes];
}

/**
 * Section 4: the SFrame header of a KID and a CTR, each below 2^64.
 * @param {bigint} kid
 * @param {bigint} ctr
 */
export function encodeHeader(kid, ctr) {
  const [high, kidBytes] = encodeNumber(kid);
  const [low, ctrBytes] = encodeNumber(ctr);
  return Buffer.concat([Buffer.of((high << 4) | low), kidBytes, ctrBytes]);
}

/**
 * Section 4: the SFrame header at the start of a frame, or its refusal. What has to follow it is not looked at.
 * @param {Buffer} frame
 * @returns {Header | 'MALFORMED'}
 */
export function decodeHeader(frame) {
  if (frame.length === 0) return 'MALFORMED';
  let length = 1;
  /** @type {bigint[]} */
  const numbers = [];
  for (const half of [frame[0] >> 4, frame[0] & 15]) {
    if (half < 8) {
      numbers.push(BigInt(half));
      continue;
    }
    const bytes = frame.subarray(length, length + (half & 7) + 1);
    length += (half & 7) + 1;
    // "a header that the input cuts short"
    if (length > frame.length) return 'MALFORMED';
    const value = BigInt(`0x${bytes.toString('hex')}`);
    // "a KID or a CTR whose first byte is zero", "X = 1 with a KID below 8, or Y = 1 with a CTR below 8"
    if (bytes[0] === 0 || value < 8n) return 'MALFORMED';
    numbers.push(value);
  }
  const [kid, ctr] = numbers;
  // "a CTR of 2^53 or more"
  if (ctr >= 1n << 53n) return 'MALFORMED';
  return { kid, ctr, length };
}

/**
 * Section 4, "RTCP": whether every part of a datagram is of version 2, has a second byte in 192..223, and the last part
 * ends exactly at the end.
 * @param {Buffer} datagram
 */
function isCompound(datagram) {
  let rest = datagram;
  while (rest.length >= 4) {
    if (rest[0] < 128 || rest[0] > 191 || rest[1] < 192 || rest[1] > 223) return false;
    const partLength = 4 * (rest.readUInt16BE(2) + 1);
    if (partLength > rest.length) return false;
    rest = rest.subarray(partLength);
  }
  return rest.length === 0;
}

/**
 * Section 4, rules 3 to 6: what a datagram that is not empty is, and how long the header that stays in the clear; or the
 * refusal.
 * @param {Buffer} datagram
 * @param {'sealed' | 'clear'} rtcp
 * @returns {{ kind: 'rtp' | 'rtcp', headerLength: number } | string}
 */
export function readDatagram(datagram, rtcp) {
  const { length } = datagram;
  const [first, second] = datagram;
  // Rule 3.
  if (first < 128 || first > 191) return 'NOT_RTP';
  // Rules 4 and 5. A datagram of one byte has no second byte.
  if (length >= 2 && second >= 192 && second <= 223) {
    if (length < 8) return 'MALFORMED';
    if (rtcp === 'sealed') return { kind: 'rtcp', headerLength: 8 };
    return isCompound(datagram) ? 'RTCP' : 'NOT_RTP';
  }
  // Rule 6: 12 + 4 * CC bytes; where X is set 4 bytes more, and the 32-bit words that the last two of them count.
  let headerLength = 12 + 4 * (first & 0x0f);
  if (length < headerLength) return 'MALFORMED';
  if ((first & 0x10) !== 0) {
    headerLength += 4;
    if (length < headerLength) return 'MALFORMED';
    headerLength += 4 * datagram.readUInt16BE(headerLength - 2);
    if (length < headerLength) return 'MALFORMED';
  }
  return { kind: 'rtp', headerLength };
}
