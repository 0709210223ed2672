// @ts-check
/** Cases of what is no frame: FORMAT.md section 4, and keys that are not live. */
import { drawKid, join, put, unhex, wide } from './bytes.mjs';
import { intermediates, opening, refusal, sealedOf } from './record.mjs';
import { ecb, FRAME, GCM2, gcm2, inputOf, KEY, LAYOUTS, payload, RTP, rtp, UNBOUND } from './setups.mjs';

/**
 * @typedef {import('./setups.mjs').Config} Config
 * @typedef {import('./setups.mjs').Setup} Setup
 */

/** Section 4, rules 1 to 6: what is not sealed, and not opened either. rtcp.mjs has what rule 5 matches. */
export function datagrams() {
  const extended = rtp({ profile: 'bede', extension: '107f000033443344' });
  const whole = join(rtp(), payload(40));
  /** @type {[string, Buffer, string][]} */
  const both = [
    ['nothing', Buffer.alloc(0), 'MALFORMED'],
    ['one byte', whole.subarray(0, 1), 'MALFORMED'],
    ['two bytes', whole.subarray(0, 2), 'MALFORMED'],
    ['11 bytes', whole.subarray(0, 11), 'MALFORMED'],
    ['a CSRC too few', join(rtp({ csrcs: 15 })).subarray(0, 12 + 56), 'MALFORMED'],
    ['the last CSRC cut short', rtp({ csrcs: 2 }).subarray(0, 19), 'MALFORMED'],
    ['X set, no extension', extended.subarray(0, 12), 'MALFORMED'],
    ['X set, 3 bytes of extension', extended.subarray(0, 15), 'MALFORMED'],
    ['X set, an extension without its words', extended.subarray(0, 16), 'MALFORMED'],
    ['X set, an extension cut short by a byte', extended.subarray(0, 23), 'MALFORMED'],
    ['X set, an extension of 65535 words', join(put(put(extended, 14, 0xff), 15, 0xff), payload(40)), 'MALFORMED'],
    ['a STUN message', unhex('000100002112a442b7e7a701bc34d686fa87dfae'), 'NOT_RTP'],
    ['one byte 0', Buffer.of(0), 'NOT_RTP'],
    ['one byte 127', Buffer.of(127), 'NOT_RTP'],
    ['one byte 192', Buffer.of(192), 'NOT_RTP'],
    ['a DTLS record', unhex('16fefd0000000000000000000101'), 'NOT_RTP'],
    ['a TURN channel', unhex('400000040a0b0c0d'), 'NOT_RTP'],
    ['RTP of version 0', put(whole, 0, 0x00), 'NOT_RTP'],
    ['RTP of version 1', put(whole, 0, 0x7f), 'NOT_RTP'],
    ['RTP of version 3', put(whole, 0, 0xc0), 'NOT_RTP'],
    ['first byte 255', put(whole, 0, 0xff), 'NOT_RTP'],
    ...[2, 3, 4, 7].map(
      (length) =>
        /** @type {[string, Buffer, string]} */ ([
          `second byte 201, ${length} bytes`,
          unhex('80c90001deadbe').subarray(0, length),
          'MALFORMED',
        ]),
    ),
    ['second byte 192, a part of one word', unhex('80c00000'), 'MALFORMED'],
    ['second byte 223, a part of one word', unhex('9fdf0000'), 'MALFORMED'],
  ];
  both.forEach(([what, datagram, status], i) => {
    const [one, other] = [gcm2(GCM2[i % 2], [RTP, UNBOUND][(i >> 1) % 2]), gcm2(GCM2[(i + 1) % 2], RTP)];
    refusal(one, `to seal, ${what}`, datagram, status);
    opening(other, `to open, ${what}`, datagram, status);
    if (i % 8 === 0) refusal(ecb(KEY, RTP), `to seal, ${what}`, datagram, status);
    if (i % 8 === 4) opening(ecb(KEY, RTP), `to open, ${what}`, datagram, status);
  });

  // Sealed frames whose first two bytes were changed: without bindHeader their tags would still be right.
  const setup = gcm2(GCM2[0], UNBOUND);
  const sealed = sealedOf(setup, drawKid(0, 'datagrams'), 8n, whole);
  for (const first of [0x00, 0x40, 0xc0]) {
    opening(setup, `a sealed frame, first byte ${first}`, put(sealed, 0, first), 'NOT_RTP');
  }
  for (const frames of [gcm2(GCM2[0], FRAME), gcm2(GCM2[1], FRAME), ecb(KEY, FRAME)]) {
    opening(frames, 'to open, nothing', Buffer.alloc(0), 'MALFORMED');
  }
}

/** Section 4: SFrame headers that are not minimal, and frames that are cut short. */
export function sframeHeaders() {
  // Name, KID, the bytes it takes (0: in the config byte), CTR, the bytes it takes.
  /** @type {[string, bigint, number, bigint, number][]} */
  const loose = [];
  for (const kid of [0n, 7n]) loose.push([`KID ${kid} in a byte`, kid, 1, 3n, 0]);
  for (let length = 2; length <= 8; length++) {
    const kid = (1n << BigInt(8 * (length - 1))) - 1n;
    loose.push([`a KID in ${length} bytes that needs ${length - 1}`, kid, length, BigInt(length), length < 8 ? 0 : 1]);
  }
  loose.push(['KID 0 in 8 bytes', 0n, 8, 1n, 0]);
  for (const ctr of [0n, 7n]) loose.push([`CTR ${ctr} in a byte`, 0x0123456789abcdefn, 8, ctr, 1]);
  for (let length = 2; length <= 8; length++) {
    const ctr = length < 8 ? (1n << BigInt(8 * (length - 1))) - 1n : 2n ** 53n - 1n;
    const what = `a CTR in ${length} bytes, a zero first`;
    loose.push(length % 2 === 0 ? [what, 0x0123456789abcdefn, 8, ctr, length] : [what, 5n, 0, ctr, length]);
  }
  loose.push(['CTR 0 in 8 bytes', 0x0123456789abcdefn, 8, 0n, 8]);
  // All of these are sealed as they are, with a right tag: only their headers are at fault.
  loose.forEach(([what, kid, kidBytes, ctr, ctrBytes], i) => {
    const setup = gcm2(GCM2[i % 2], LAYOUTS[i % 3]);
    const high = kidBytes === 0 ? Number(kid) : 8 + kidBytes - 1;
    const low = ctrBytes === 0 ? Number(ctr) : 8 + ctrBytes - 1;
    const numbers = [kidBytes === 0 ? '' : wide(kid, kidBytes), ctrBytes === 0 ? '' : wide(ctr, ctrBytes)];
    const header = join((high << 4) | low, ...numbers.map((number) => Buffer.from(number)));
    const { sealed } = intermediates(setup, { kid, ctr, input: inputOf(setup, 20), header });
    opening(setup, `not minimal, ${what}`, /** @type {Buffer} */ (sealed), 'MALFORMED');
  });

  // An SFrame header of 13 bytes and a tag, cut everywhere.
  const kid = drawKid(0, 'cut');
  for (const layout of [RTP, FRAME]) {
    const setup = gcm2(GCM2[layout === RTP ? 1 : 0], layout);
    const sealed = sealedOf(setup, kid, 2n ** 32n - 1n, inputOf(setup, 0));
    const start = layout === RTP ? 12 : 0;
    const lengths = layout === RTP ? [0, 1, 8, 9, 12, 13, 28] : [1, 2, 8, 9, 10, 11, 12, 13, 14, 20, 28];
    for (const length of lengths) {
      const cut = sealed.subarray(0, start + length);
      opening(setup, `an SFrame ciphertext of 29 bytes cut to ${length}`, cut, 'MALFORMED');
    }
    const small = sealedOf(setup, kid, 7n, inputOf(setup, 0));
    opening(setup, 'an SFrame ciphertext of 25 bytes cut to 24', small.subarray(0, start + 24), 'MALFORMED');
    opening(setup, 'an SFrame ciphertext of 25 bytes cut to 9', small.subarray(0, start + 9), 'MALFORMED');
    // All bits set asks for a KID and a CTR of 8 bytes; a config byte of zeros for none.
    opening(setup, '16 bytes ff', join(layout === RTP ? rtp() : Buffer.alloc(0), Buffer.alloc(16, 0xff)), 'MALFORMED');
    opening(setup, '16 bytes 00', join(layout === RTP ? rtp() : Buffer.alloc(0), Buffer.alloc(16)), 'MALFORMED');
    opening(setup, '17 bytes 00', join(layout === RTP ? rtp() : Buffer.alloc(0), Buffer.alloc(17)), 'BAD_TAG');
  }
}

/** Section 6, step 7: keys that are not live. */
export function unknownKeys() {
  for (const mode of GCM2) {
    for (const [theirs, ours] of [
      [1, 0],
      [0, 1],
      [15, 7],
      [7, 15],
    ]) {
      const setup = gcm2(mode, RTP, { keyId: ours });
      const sealed = sealedOf(setup, drawKid(theirs, 'unknown'), 9n, inputOf(setup, 20));
      opening(setup, `keyId ${theirs} where ${ours} is live`, sealed, 'UNKNOWN_KEY');
    }
  }
  // The keyId is in the value, not in the first bits on the wire: these are of keyId 0.
  for (const kid of [5n, 0x51n, 0x51a1b2c3n, 0x51a1b2c3d4e5f6n]) {
    const setup = gcm2(GCM2[0], FRAME, { keyId: 5 });
    const sealed = sealedOf(setup, kid, 9n, inputOf(setup, 20));
    opening(setup, `KID ${kid} where keyId 5 is live`, sealed, 'UNKNOWN_KEY');
  }
}
