// @ts-check
/** Cases of RTCP, and of what has its second byte: FORMAT.md section 4. */
import { bytes, drawKid, flip, join, put, unhex } from './bytes.mjs';
import { bothWays, opening, refusal, sealedOf } from './record.mjs';
import {
  ecb,
  GCM2,
  gcm2,
  KEY,
  PAYLOAD_TYPE_77,
  payload,
  RECEIVER_REPORT,
  RTCP_CLEAR,
  RTP,
  rtp,
  UNBOUND,
} from './setups.mjs';

const REPORT = unhex('80c90001deadbeef');
const COMPOUND = join(
  unhex('80c80006deadbeef'),
  Buffer.alloc(20, 7),
  unhex('81ca0002deadbeef01000000'),
  unhex('81cb0001deadbeef'),
);

/** @type {[string, Buffer][]} */
const COMPOUNDS = [
  ['a receiver report of two words', REPORT],
  ['a receiver report with a block', RECEIVER_REPORT],
  ['a compound of three', COMPOUND],
  ['second byte 192', unhex('80c00001deadbeef')],
  ['first byte 191, second byte 223', unhex('bfdf0001deadbeef')],
  ['second parts of one word', unhex('80c90001deadbeef80cb000080cb0000')],
  ['picture loss', unhex('81ce0002deadbeefcafebabe')],
  ['transport feedback', join(unhex('8fcd0004deadbeefcafebabe'), payload(8))],
  ['an extended report', join(unhex('80cf0003deadbeef'), payload(8))],
  ['application data', join(unhex('83cc0003deadbeef'), payload(8))],
  ['P set, 4 bytes of padding', unhex('a0c90002deadbeef00000004')],
];

/** @type {[string, Buffer][]} */
const OTHERS = [
  ['a part too many of 3 bytes', join(REPORT, unhex('81ca00'))],
  ['a byte too many', join(REPORT, 0)],
  ['a second part that is too long', join(REPORT, unhex('81ca0003deadbeef01000000'))],
  ['a first part that is too long', unhex('80c90002deadbeef')],
  ['a second part of second byte 191', join(REPORT, unhex('80bf0001deadbeef'))],
  ['a second part of second byte 224', join(REPORT, unhex('80e00001deadbeef'))],
  ['a second part of version 1', join(REPORT, unhex('40c90001deadbeef'))],
  ['a second part of zeros', join(REPORT, Buffer.alloc(8))],
  ['SRTCP', join(REPORT, bytes('srtcp', 24), unhex('80000001'), bytes('srtcp tag', 16))],
  ['RTP of payload type 77 with the marker', PAYLOAD_TYPE_77],
  ...[64, 72, 76, 95].map(
    (pt) =>
      /** @type {[string, Buffer]} */ ([
        `RTP of payload type ${pt} with the marker`,
        join(rtp({ m: true, pt }), payload(20)),
      ]),
  ),
  [
    'RTP of payload type 72 with the marker, P set',
    join(rtp({ p: true, m: true, pt: 72 }), payload(20), unhex('00000004')),
  ],
];

/** A sequence number that counts the words of the packet makes RTP a compound of one. */
const LOOKS_LIKE_RTCP = put(join(rtp({ seq: 12 }), payload(40)), 1, 0xdf);

/** rtcp 'sealed': all of it. */
export function rtcpSealed() {
  const all = [
    ...COMPOUNDS,
    ...OTHERS,
    /** @type {[string, Buffer]} */ (['RTP that looks like RTCP', LOOKS_LIKE_RTCP]),
  ];
  all.forEach(([what, input], i) => {
    const setup = gcm2(GCM2[(i >> 1) % 2], [RTP, UNBOUND][i % 2]);
    bothWays(setup, `RTCP, ${what}`, { kid: drawKid(0, 'rtcp'), ctr: BigInt(i), input });
  });
  for (const layout of [RTP, UNBOUND]) {
    const setup = gcm2(GCM2[0], layout);
    const kid = drawKid(0, 'rtcp');
    bothWays(setup, 'RTCP, clear 3 has no effect', { kid, ctr: 50n, input: COMPOUND, clear: 3 });
    bothWays(setup, 'RTCP, clear 100 has no effect', { kid, ctr: 51n, input: REPORT, clear: 100 });
    const before = [sealedOf(setup, kid, 52n, join(rtp(), payload(20)))];
    const sealed = sealedOf(setup, kid, 52n, REPORT);
    opening(setup, 'RTCP with the counter of media', sealed, 'REPLAYED', { before });
    refusal(setup, 'to seal, RTCP, out is one byte short', REPORT, 'NO_ROOM', { outLength: sealed.length - 1 });
    opening(setup, 'to open, RTCP, out fits', sealed, REPORT, { outLength: REPORT.length });
    opening(setup, 'to open, RTCP, out is one byte short', sealed, 'NO_ROOM', { outLength: REPORT.length - 1 });
  }
}

/** What the tag covers, and what it does not without bindHeader. */
export function rtcpForgeries() {
  for (const mode of GCM2) {
    const [bound, unbound] = [gcm2(mode, RTP), gcm2(mode, UNBOUND)];
    const kid = drawKid(0, `rtcp forged ${mode}`);
    const [sealed, loose] = [bound, unbound].map((setup) => sealedOf(setup, kid, 9n, COMPOUND));
    for (const [what, at, mask] of /** @type {[string, number, number][]} */ ([
      ['the number of reports', 0, 1],
      ['P', 0, 0x20],
      ['the packet type', 1, 1],
      ['the length', 3, 1],
      ['the SSRC', 7, 1],
    ])) {
      opening(bound, `forged RTCP, ${what}`, flip(sealed, at, mask), 'BAD_TAG');
      opening(unbound, `rewritten RTCP, ${what}`, flip(loose, at, mask), flip(COMPOUND, at, mask));
    }
    opening(bound, 'forged RTCP, the first byte of the ciphertext', flip(sealed, 8 + 10), 'BAD_TAG');
    opening(unbound, 'forged RTCP, the last bit of the tag', flip(loose, -1), 'BAD_TAG');
    opening(unbound, 'forged RTCP, cut before the tag', loose.subarray(0, 8 + 10 + 15), 'MALFORMED');
    opening(bound, 'RTCP that was not sealed', COMPOUND, 'BAD_TAG');
    opening(bound, 'RTCP that was not sealed, nothing after 8 bytes', REPORT, 'MALFORMED');
    // Without bindHeader the mark tells RTP and RTCP apart: the SFrame ciphertext of one behind the other's header.
    const media = sealedOf(unbound, kid, 10n, join(rtp(), payload(20)));
    opening(unbound, 'forged, RTCP behind an RTP header', join(rtp(), loose.subarray(8)), 'BAD_TAG');
    opening(unbound, 'forged, media behind an RTCP header', join(REPORT, media.subarray(12)), 'BAD_TAG');
    opening(bound, 'RTCP sealed with bindHeader false', loose, 'BAD_TAG');
    opening(unbound, 'RTCP sealed with bindHeader true', sealed, 'BAD_TAG');
  }
}

/** rtcp 'clear', and SM4. */
export function rtcpInClear() {
  const cases = [
    ...COMPOUNDS.map(([what, packet]) => /** @type {const} */ ([what, packet, 'RTCP'])),
    /** @type {const} */ (['RTP that looks like RTCP', LOOKS_LIKE_RTCP, 'RTCP']),
    ...OTHERS.map(([what, packet]) => /** @type {const} */ ([what, packet, 'NOT_RTP'])),
  ];
  cases.forEach(([what, packet, status], i) => {
    const setup = gcm2(
      GCM2[i % 2],
      i % 3 === 0 ? { ...RTCP_CLEAR, name: 'rtp, unbound, rtcp clear', bindHeader: false } : RTCP_CLEAR,
    );
    refusal(setup, `to seal, RTCP, ${what}`, packet, status);
    opening(setup, `to open, RTCP, ${what}`, packet, status);
    if (i % 4 === 0) refusal(ecb(KEY, RTP), `to seal, RTCP, ${what}`, packet, status);
    if (i % 4 === 2) opening(ecb(KEY, RTP), `to open, RTCP, ${what}`, packet, status);
  });
  // Media and padding are the same with either option.
  const setup = gcm2(GCM2[0], RTCP_CLEAR);
  const input = join(rtp({ p: true }), payload(20), unhex('00000004'));
  bothWays(setup, 'P set', { kid: drawKid(0, 'rtcp clear'), ctr: 1n, input });
  const sealed = sealedOf(gcm2(GCM2[0], RTP), drawKid(0, 'rtcp'), 1n, COMPOUND);
  opening(setup, 'RTCP sealed with rtcp sealed', sealed, 'NOT_RTP');
  opening(gcm2(GCM2[0], RTP), 'RTCP of a channel that leaves it in the clear', RECEIVER_REPORT, 'MALFORMED');
}
