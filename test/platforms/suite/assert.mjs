/** Assertions of the suite, and the bytes, packets and configurations that its checks share. No test framework: every runtime has these. */

const LEFT_OVER = 0xa5;
const ROOM_BYTES = 2000;
export const MODES = ['AES_128_GCM2', 'AES_256_GCM2', 'SM4_128_ECB'];
export const GCM_MODES = MODES.slice(0, 2);
/** Checks that take every length take 0 to this one. */
export const MOST_BYTES = 1500;

let assertions = 0;

/** The number of assertions since the last call. */
export function takeAssertions() {
  const taken = assertions;
  assertions = 0;
  return taken;
}

export function equal(actual, expected, what) {
  assertions++;
  if (!Object.is(actual, expected)) throw new Error(`${what}: ${actual}, expected ${expected}`);
}

export function equalBytes(actual, expected, what) {
  equal(actual.length, expected.length, `${what}, length`);
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] !== expected[i])
      throw new Error(`${what}: byte ${i} of ${expected.length} is ${actual[i]}, expected ${expected[i]}`);
  }
}

/** The call writes into an array, returns this status, and leaves the array as it was. */
export function refused(status, what, call) {
  const out = new Uint8Array(ROOM_BYTES).fill(LEFT_OVER);
  equal(call(out), status, what);
  equal(
    out.every((byte) => byte === LEFT_OVER),
    true,
    `${what}: out is untouched`,
  );
}

/** The error that the call throws, whose name is `name`. */
export function thrown(name, what, call) {
  let error;
  try {
    call();
  } catch (caught) {
    error = caught;
  }
  equal(error?.name, name, `${what} throws`);
  return error;
}

/** The same bytes on every run; those of different seeds differ (xorshift32). */
export function bytes(length, seed = 1) {
  let state = Math.imul(seed + 1, 0x9e3779b9) | 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  });
}

/** An RTP packet with a header of 12 bytes. */
export function rtp(payload, sequence = 1) {
  const header = [0x80, 96, sequence >>> 8, sequence & 0xff, 0, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef];
  return Uint8Array.from([...header, ...payload]);
}

/** An RTCP sender report with `body` after its SSRC. */
export function rtcp(body) {
  return Uint8Array.from([0x80, 200, 0, 1 + (body.length >> 2), 0xde, 0xad, 0xbe, 0xef, ...body]);
}

/** A configuration; the keys of different seeds differ. */
export function configOf(encryptionMode, { seed = 0, ...more } = {}) {
  const config = { encryptionMode, encryptionKey: bytes(32, 100 + seed), ...more };
  if (encryptionMode !== 'SM4_128_ECB') config.encryptionKdfSalt = bytes(32, 200 + seed);
  return config;
}

/** A copy with one bit of one byte changed; a negative index counts from the end. */
export function changed(packet, at) {
  const copy = packet.slice();
  copy[at < 0 ? copy.length + at : at] ^= 1;
  return copy;
}
