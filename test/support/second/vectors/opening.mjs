// @ts-check
/** Cases of what an opener takes and refuses: windows, forgeries, room, own frames (FORMAT.md section 6). */
import { bytes, drawKid, flip, join, put, unhex } from './bytes.mjs';
import { bothWays, opening, refusal, sealedOf } from './record.mjs';
import { FRAME, GCM2, gcm2, inputOf, LAYOUTS, payload, RTCP_CLEAR, RTP, rtp, UNBOUND } from './setups.mjs';

/**
 * @typedef {import('./setups.mjs').Config} Config
 * @typedef {import('./setups.mjs').Setup} Setup
 */

/** Section 6, steps 7, 8 and 10: the window. */
export function windows() {
  GCM2.forEach((mode, m) => {
    const kid = drawKid(0, `window ${mode}`);
    const other = drawKid(0, `window, other ${mode}`);
    let orders = 0;

    /**
     * Counters before, and one more; `!n` is a forgery of n. Each mode takes every other one of them.
     * @param {Setup} setup
     * @param {string} what
     * @param {(number | string)[]} earlier
     * @param {number | string} last
     * @param {string} [status]
     */
    const order = (setup, what, earlier, last, status) => {
      if (orders++ % 2 !== m) return;
      const input = inputOf(setup, 6);
      /** @param {number | string} ctr */
      const frame = (ctr) => {
        const sealed = sealedOf(setup, kid, BigInt(String(ctr).replace('!', '')), input);
        return typeof ctr === 'string' ? flip(sealed, -1) : sealed;
      };
      const before = earlier.map(frame);
      if (status !== undefined) opening(setup, what, frame(last), status, { before });
      else if (Number(last) < 2 ** 32) bothWays(setup, what, { kid, ctr: BigInt(last), input }, { before });
      else opening(setup, what, frame(last), input, { before });
    };

    const plain = gcm2(mode, UNBOUND);
    order(plain, 'the same frame again', [8], 8, 'REPLAYED');
    order(plain, 'the same frame again, counter 0', [0], 0, 'REPLAYED');
    order(plain, 'the same frame again after later ones', [5, 9, 7, 300], 7, 'REPLAYED');
    order(plain, 'a late one', [5, 9, 7, 300], 8);
    order(plain, 'window 1024, 1024 behind', [1_030], 6, 'TOO_OLD');
    order(plain, 'window 1024, 1023 behind', [1_030], 7);
    order(plain, 'window 1024, 1023 behind, again', [7, 1_030], 7, 'REPLAYED');
    order(plain, 'window 1024, 1024 behind, seen before', [6, 1_030], 6, 'TOO_OLD');
    const large = gcm2(mode, FRAME, { replayWindow: 65_536 });
    order(large, 'window 65536, 65536 behind', [70_000], 4_464, 'TOO_OLD');
    order(large, 'window 65536, 65535 behind', [70_000], 4_465);
    const narrow = gcm2(mode, FRAME, { replayWindow: 64 });
    order(narrow, 'window 64, 64 behind', [64], 0, 'TOO_OLD');
    order(narrow, 'window 64, 63 behind', [64], 1);
    order(narrow, 'window 64, a gap of exactly the window', [0, 64], 1);
    order(narrow, 'window 64, nothing left of the window before', [6, 197], 134);
    order(narrow, 'window 64, nothing left of three windows before', [1, 2, 3, 4, 100, 101, 102, 230], 167);
    order(narrow, 'window 64, a mark that a later counter must not wipe', [100, 101, 163], 101, 'REPLAYED');
    order(narrow, 'window 64, the window around 2^32', [2 ** 32 + 10], 2 ** 32 - 1);
    order(narrow, 'window 64, the same frame again above 2^32', [2 ** 32 + 1, 2 ** 32 + 2], 2 ** 32 + 1, 'REPLAYED');
    order(narrow, 'window 64, 2^32 apart is not the same', [5, 2 ** 32 + 5], 2 ** 32 + 4);
    order(narrow, 'window 64, the highest counter of all', [0, 2 ** 53 - 1], 2 ** 53 - 1, 'REPLAYED');
    order(narrow, 'window 64, 63 behind the highest of all', [2 ** 53 - 1], 2 ** 53 - 64);
    order(narrow, 'window 64, 64 behind the highest of all', [2 ** 53 - 1], 2 ** 53 - 65, 'TOO_OLD');
    order(narrow, 'a forged copy came first', ['!8'], 8);
    order(narrow, 'a forged frame does not move the window', [8, '!5000'], 7);
    order(narrow, 'a forged copy of what came before', [8], '!8', 'REPLAYED');
    order(narrow, 'a forgery behind the window', [80], '!8', 'TOO_OLD');
    order(narrow, 'a replay does not move the window', [70, 8, 8, 8], 7);

    const input = inputOf(plain, 6);
    const before = [sealedOf(plain, other, 8n, input), sealedOf(plain, other, 5_000n, input)];
    bothWays(plain, 'each sender has a window of its own', { kid, ctr: 8n, input }, { before });
    const twin = sealedOf(plain, kid, 8n, join(rtp({ seq: 7 }), payload(9)));
    opening(plain, 'another frame with the same counter', twin, 'REPLAYED', {
      before: [sealedOf(plain, kid, 8n, input)],
    });
  });
}

/** Section 6, step 9: everything that the tag covers. */
export function forgeries() {
  GCM2.forEach((mode, m) => {
    const bound = gcm2(mode, RTP, { keyId: 5 });
    const unbound = gcm2(mode, UNBOUND, { keyId: 5 });
    const kid = drawKid(5, `forged ${mode}`);
    const header = rtp({ csrcs: 1, profile: 'bede', extension: '107f0000' });
    const input = join(header, payload(20));
    const [sealed, loose] = [bound, unbound].map((setup) => sealedOf(setup, kid, 9n, input));
    const start = header.length;

    /** @type {[string, Buffer][]} */
    const flips = [
      ['first bit of the tag', flip(sealed, -16, 0x80)],
      ['a bit in the middle of the tag', flip(sealed, -8, 0x10)],
      ['last bit of the tag', flip(sealed, -1)],
      ['a tag of zeros', join(sealed.subarray(0, -16), Buffer.alloc(16))],
      ['first byte of the ciphertext', flip(sealed, start + 10)],
      ['last byte of the ciphertext', flip(sealed, -17, 0x80)],
      ['one byte of ciphertext less', join(sealed.subarray(0, -17), sealed.subarray(-16))],
      ['one byte cut off', sealed.subarray(0, -1)],
      ['one byte more', join(sealed, 0)],
      ['all but SFrame header and tag cut out', join(sealed.subarray(0, start + 10), sealed.subarray(-16))],
      ['SFrame header, the session', flip(sealed, start + 8)],
      ['SFrame header, the counter', flip(sealed, start + 9, 0x20)],
      ['RTP header, M', flip(sealed, 1, 0x80)],
      ['RTP header, PT', flip(sealed, 1, 0x01)],
      ['RTP header, P, and a padding count', join(flip(sealed, 0, 0x20), 1)],
      ['RTP header, sequence number', flip(sealed, 3)],
      ['RTP header, timestamp', flip(sealed, 7)],
      ['RTP header, SSRC', flip(sealed, 11)],
      ['RTP header, CSRC', flip(sealed, 15)],
      ['RTP header, profile of the extension', flip(sealed, 17)],
      ['RTP header, last byte of the extension', flip(sealed, start - 1)],
      ['RTP header without the extension', join(put(sealed, 0, 0x81).subarray(0, 16), sealed.subarray(start))],
    ];
    flips.forEach(([what, forged], i) => {
      if (i % 2 === m) opening(bound, `forged, ${what}`, forged, 'BAD_TAG');
    });

    // A keyId in the SFrame header; a KID that the config byte makes shorter, and so of keyId 0.
    opening(bound, 'forged, the keyId', flip(sealed, start + 1, 0x80), 'UNKNOWN_KEY');
    const small = sealedOf(bound, kid, 7n, input);
    opening(bound, 'forged, a KID of 7 bytes', flip(small, start, 0x10), 'UNKNOWN_KEY');
    opening(bound, 'forged, a KID in the config byte', flip(small, start, 0x80), 'UNKNOWN_KEY');

    const unboundFlips = /** @type {[string, Buffer][]} */ ([
      ['P, and a padding count', join(flip(loose, 0, 0x20), 1)],
      ['last bit of the tag', flip(loose, -1)],
      ['last byte of the ciphertext', flip(loose, -17)],
      ['SFrame header, the counter', flip(loose, start + 9, 0x20)],
    ]);
    for (const [what, forged] of unboundFlips) opening(unbound, `forged, ${what}`, forged, 'BAD_TAG');
    const padded = sealedOf(unbound, kid, 10n, join(rtp({ p: true }), payload(20)));
    opening(unbound, 'forged, P taken away', flip(padded, 0, 0x20), 'BAD_TAG');

    // What a relay may rewrite without bindHeader: everything but P.
    const body = loose.subarray(start);
    const long = bytes('rewritten', 80).toString('hex');
    /** @type {[string, Buffer][]} */
    const rewritten = [
      ['M', flip(header, 1, 0x80)],
      ['PT', put(header, 1, 96)],
      ['sequence number', flip(header, 3)],
      ['timestamp', flip(header, 7)],
      ['SSRC', flip(header, 11)],
      ['CSRC', flip(header, 15)],
      ['no extension, no CSRC', rtp()],
      ['15 CSRCs and a long extension', rtp({ csrcs: 15, profile: '1000', extension: long })],
    ];
    rewritten.forEach(([what, other], i) => {
      if (i % 2 === m) opening(unbound, `rewritten header, ${what}`, join(other, body), join(other, payload(20)));
    });

    // Sealed with something else than the opener has.
    const ours = { keyId: 5 };
    const otherMode = gcm2(GCM2[1 - m], RTP, ours);
    const otherKey = gcm2(mode, RTP, { ...ours, key: bytes('other key', 32).toString('hex') });
    const otherSalt = gcm2(mode, RTP, { ...ours, salt: bytes('other salt', 32).toString('base64') });
    opening(otherMode, 'sealed with the other mode', sealed, 'BAD_TAG');
    opening(otherKey, 'sealed with another key', sealed, 'BAD_TAG');
    opening(otherSalt, 'sealed with another salt', sealed, 'BAD_TAG');
    opening(unbound, 'sealed with bindHeader true', sealed, 'BAD_TAG');
    opening(bound, 'sealed with bindHeader false', loose, 'BAD_TAG');
    const framed = gcm2(mode, FRAME, ours);
    opening(bound, 'sealed with framing frame', sealedOf(framed, kid, 9n, payload(20)), 'NOT_RTP');
    opening(
      bound,
      'sealed with framing frame, sent in RTP',
      join(header, sealedOf(framed, kid, 9n, payload(20))),
      'BAD_TAG',
    );
    opening(framed, 'sealed with framing rtp, without its header', loose.subarray(start), 'BAD_TAG');
    // Read as an SFrame header, 80 6f is a KID of one byte, so of keyId 0, and CTR 0.
    const zero = sealedOf(gcm2(mode, RTP), drawKid(0, 'framing'), 9n, join(rtp(), payload(20)));
    opening(gcm2(mode, FRAME), 'sealed with framing rtp', zero, 'BAD_TAG');
    opening(framed, 'sealed with framing rtp, keyId 0', zero, 'UNKNOWN_KEY');
  });
}

/** Section 4, "Sealing: the order of checks", and section 6, step 5. */
export function rooms() {
  GCM2.forEach((mode, m) => {
    for (const layout of LAYOUTS) {
      const setup = gcm2(mode, layout);
      const kid = drawKid(0, `room ${mode}`);
      const input = inputOf(setup, 20);
      const sealed = sealedOf(setup, kid, 8n, input);
      refusal(setup, 'to seal, out is one byte short', input, 'NO_ROOM', { outLength: sealed.length - 1 });
      opening(setup, 'to open, out fits', sealed, input, { outLength: input.length });
      opening(setup, 'to open, out is one byte short', sealed, 'NO_ROOM', { outLength: input.length - 1 });
      const nothing = inputOf(setup, 0);
      const least = sealedOf(setup, kid, 9n, nothing);
      opening(setup, 'to open, no payload, out fits', least, nothing, { outLength: nothing.length });
    }

    const setup = gcm2(mode, m === 0 ? RTP : UNBOUND);
    const kid = drawKid(0, `room ${mode}`);
    const input = inputOf(setup, 20);
    const sealed = sealedOf(setup, kid, 8n, input);
    refusal(setup, 'to seal, out as long as the input', input, 'NO_ROOM', { outLength: input.length });
    refusal(setup, 'to seal, out short, cut short', input.subarray(0, 11), 'MALFORMED', { outLength: 11 });
    refusal(gcm2(mode, RTCP_CLEAR), 'to seal, out short, RTCP', unhex('80c90001deadbeef'), 'RTCP', { outLength: 8 });
    refusal(setup, 'to seal, out short, STUN', unhex('000100002112a442'), 'NOT_RTP', { outLength: 8 });
    const short = { outLength: input.length - 1 };
    opening(setup, 'to open, no out, the tag cut short', sealed.subarray(0, 12 + 10 + 15), 'MALFORMED', {
      outLength: 0,
    });
    opening(setup, 'to open, out short, forged', flip(sealed, -1), 'NO_ROOM', short);
    opening(setup, 'to open, out short, again', sealed, 'NO_ROOM', { ...short, before: [sealed] });
    const unknown = sealedOf(setup, drawKid(9, 'room'), 8n, input);
    opening(setup, 'to open, out short, keyId not live', unknown, 'NO_ROOM', short);
  });
}

/** Section 6, step 6: frames of the channel itself. */
export function ownFrames() {
  GCM2.forEach((mode, m) => {
    const setup = gcm2(mode, LAYOUTS[m === 0 ? 0 : 2]);
    const kid = drawKid(0, `own ${mode}`);
    const other = drawKid(0, `own, other ${mode}`);
    const input = inputOf(setup, 20);
    const sealed = sealedOf(setup, kid, 3n, input);
    const own = { own: { kid, ctr: 3n } };
    opening(setup, 'a frame of its own', sealed, 'OWN_FRAME', own);
    opening(setup, 'a frame of its own, forged', flip(sealed, -1), 'OWN_FRAME', own);
    opening(setup, 'a frame of its own, again', sealed, 'OWN_FRAME', { ...own, before: [sealed] });
    opening(setup, 'a frame of its own, out short', sealed, 'NO_ROOM', { ...own, outLength: input.length - 1 });
    opening(setup, 'a frame of another while it has sealers', sealedOf(setup, other, 3n, input), input, own);
  });
}
