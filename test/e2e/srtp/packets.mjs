/** Keys and packets for the peers: RTP over the sequence wrap, and compound RTCP. */
import { randomBytes } from 'node:crypto';

export const SUITES = ['AEAD_AES_128_GCM', 'AEAD_AES_256_GCM'];
export const SSRC = 0xdeadbeef;
/** So that the sequence wraps within the first packets. */
export const FIRST_SEQUENCE = 65_520;

export function randomKeys(suite) {
  const masterKey = new Uint8Array(randomBytes(suite === 'AEAD_AES_128_GCM' ? 16 : 32));
  return { suite, masterKey, masterSalt: new Uint8Array(randomBytes(12)) };
}

export function keyAndSalt({ masterKey, masterSalt }) {
  return Buffer.concat([masterKey, masterSalt]);
}

/** The RTP packet of a number, with CSRCs, an extension, or padding now and then. */
export function rtpPacket(number, payload = randomBytes((number * 37) % 1200)) {
  const csrcs = number % 7 === 3 ? 2 : 0;
  const extended = number % 5 === 2;
  const header = Buffer.alloc(12 + 4 * csrcs + (extended ? 8 : 0));
  header[0] = 0x80 | csrcs | (extended ? 0x10 : 0);
  header[1] = 8;
  header.writeUInt16BE((FIRST_SEQUENCE + number) & 0xffff, 2);
  header.writeUInt32BE(160 * number, 4);
  header.writeUInt32BE(SSRC, 8);
  // One element of three bytes (RFC 8285 section 4.2).
  if (extended) header.set([0xbe, 0xde, 0, 1, 0x12, 7, 8, 9], 12 + 4 * csrcs);
  return new Uint8Array(Buffer.concat([header, payload]));
}

/** A plain packet of PCMA. */
export function audioPacket(number, payload, { ssrc = SSRC, first = FIRST_SEQUENCE } = {}) {
  const header = Buffer.from([0x80, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt16BE((first + number) & 0xffff, 2);
  header.writeUInt32BE(160 * number, 4);
  header.writeUInt32BE(ssrc, 8);
  return new Uint8Array(Buffer.concat([header, payload]));
}

/** A compound packet: a sender report, and a description with a name. */
export function rtcpPacket(number) {
  const report = Buffer.alloc(28);
  report.writeUInt32BE(0x80c80006, 0);
  report.writeUInt32BE(SSRC, 4);
  randomBytes(20).copy(report, 8);
  const name = `user-${number}`.padEnd(9 + (number % 3), '.');
  const item = Buffer.concat([Buffer.from([1, name.length]), Buffer.from(name), Buffer.alloc(1)]);
  const words = Math.ceil((4 + item.length) / 4);
  const description = Buffer.alloc(4 + 4 * words);
  description.writeUInt32BE(0x81ca0000 + words, 0);
  description.writeUInt32BE(SSRC, 4);
  item.copy(description, 8);
  return new Uint8Array(Buffer.concat([report, description]));
}

/** What a call writes into a new array. Throws where it returns a status. */
export function made(call, input) {
  const out = new Uint8Array(input.length + 20);
  const written = call(input, out);
  if (written < 0) throw new Error(`status ${written} for a packet of ${input.length} bytes`);
  return out.slice(0, written);
}

export function mustEqual(actual, expected, what) {
  if (Buffer.compare(actual, expected) !== 0) {
    throw new Error(`${what}: ${Buffer.from(actual).toString('hex')}, not ${Buffer.from(expected).toString('hex')}`);
  }
}
