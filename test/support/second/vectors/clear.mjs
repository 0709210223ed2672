// @ts-check
/** Cases of clear bytes and of the padding count: FORMAT.md section 4. */
import { drawKid, flip, join, put, unhex } from './bytes.mjs';
import { bothWays, opening, refusal, sealedOf } from './record.mjs';
import { ecb, FRAME, GCM2, gcm2, inputOf, KEY, payload, RTP, rtp, UNBOUND } from './setups.mjs';

/** "The padding count". */
export function paddingCounts() {
  GCM2.forEach((mode, m) => {
    const setup = gcm2(mode, m === 0 ? RTP : UNBOUND);
    const kid = drawKid(0, `padding ${mode}`);
    const input = join(rtp({ p: true }), payload(20), unhex('00000004'));
    const sealed = sealedOf(setup, kid, 9n, input);
    for (const count of [0, 2, 4, 0x81, 255]) {
      opening(setup, `a padding count of ${count}`, put(sealed, sealed.length - 1, count), 'MALFORMED');
    }
    opening(setup, 'no padding count', sealed.subarray(0, -1), 'MALFORMED');
    opening(setup, 'two padding counts', join(sealed, 1), 'BAD_TAG');
    opening(setup, 'a padding count, P taken away', flip(sealed, 0, 0x20), 'BAD_TAG');
    const plain = sealedOf(setup, kid, 10n, join(rtp(), payload(20)));
    opening(setup, 'P added, no padding count', flip(plain, 0, 0x20), 'MALFORMED');
    opening(setup, 'P added, a padding count too', join(flip(plain, 0, 0x20), 1), 'BAD_TAG');
    opening(setup, 'P set, the header alone', rtp({ p: true }), 'MALFORMED');
    // The last byte of the header is 1, and is no padding count.
    opening(setup, 'P set, a header that ends in 1', put(rtp({ p: true }), 11, 1), 'MALFORMED');
    opening(setup, 'P set, a padding count alone', join(rtp({ p: true }), 1), 'MALFORMED');
    const least = sealedOf(setup, kid, 11n, rtp({ p: true }));
    opening(setup, 'P set, the tag a byte short', join(least.subarray(0, -2), 1), 'MALFORMED');
    const { length } = input;
    opening(setup, 'P set, out fits', sealed, input, { outLength: length });
    opening(setup, 'P set, out is one byte short', sealed, 'NO_ROOM', { outLength: length - 1 });
    opening(setup, 'a padding count of 2, out short', put(sealed, sealed.length - 1, 2), 'MALFORMED', { outLength: 0 });
    opening(setup, 'a padding count of 2, again', put(sealed, sealed.length - 1, 2), 'MALFORMED', { before: [sealed] });
    refusal(setup, 'to seal, P set, out has no room for the padding count', input, 'NO_ROOM', {
      outLength: sealed.length - 1,
    });
    // The largest SFrame header of a sealer: an overhead of 30 bytes.
    bothWays(setup, 'P set, the largest overhead', { kid, ctr: 2n ** 32n - 1n, input });
  });
}

export function clearBytes() {
  GCM2.forEach((mode, m) => {
    const kid = drawKid(0, `clear ${mode}`);
    [1, 2, 3, 4, 10, 16, 17, 40].forEach((clear, i) => {
      const setup = gcm2(mode, m === 1 ? FRAME : [RTP, UNBOUND][i % 2]);
      bothWays(setup, `${clear} clear bytes of 40`, { kid, ctr: BigInt(i), input: inputOf(setup, 40), clear });
    });
    for (const layout of [RTP, UNBOUND, FRAME]) {
      const setup = gcm2(mode, layout);
      const input = inputOf(setup, 200);
      // More than the engines' short ways have room for.
      if (m === 0) bothWays(setup, '150 clear bytes', { kid, ctr: 100n, input, clear: 150 });
      const short = inputOf(setup, 5);
      refusal(setup, 'to seal, 6 clear bytes of 5', short, 'MALFORMED', { clear: 6 });
      refusal(setup, 'to seal, 6 clear bytes of 5, out short', short, 'MALFORMED', { clear: 6, outLength: 0 });
      opening(setup, 'to open, 6 clear bytes of 5', short, 'MALFORMED', { clear: 6 });
      opening(setup, 'to open, all bytes clear', short, 'MALFORMED', { clear: 5 });

      const sealed = sealedOf(setup, kid, 101n, inputOf(setup, 20), 4);
      const start = layout === FRAME ? 0 : 12;
      opening(setup, 'forged, the first clear byte', flip(sealed, start), 'BAD_TAG', { clear: 4 });
      opening(setup, 'forged, the last clear byte', flip(sealed, start + 3), 'BAD_TAG', { clear: 4 });
      const { length } = inputOf(setup, 20);
      opening(setup, '4 clear bytes, out fits', sealed, inputOf(setup, 20), { clear: 4, outLength: length });
      opening(setup, '4 clear bytes, out is one byte short', sealed, 'NO_ROOM', { clear: 4, outLength: length - 1 });
      // A clear byte that is read as a config byte of KID and CTR 0, and its bytes after it.
      const zeros = layout === FRAME ? Buffer.alloc(20) : join(rtp(), Buffer.alloc(20));
      opening(setup, '4 clear bytes, opened with 3', sealedOf(setup, kid, 102n, zeros, 4), 'BAD_TAG', { clear: 3 });
      opening(setup, '4 clear bytes, opened with none', sealedOf(setup, kid, 102n, zeros, 4), 'BAD_TAG');
    }
    const unbound = gcm2(mode, UNBOUND);
    const loose = sealedOf(unbound, kid, 103n, inputOf(unbound, 20), 4);
    const other = rtp({ seq: 99, csrcs: 3 });
    const rewritten = join(other, payload(20));
    opening(unbound, 'rewritten header, 4 clear bytes', join(other, loose.subarray(12)), rewritten, { clear: 4 });
    const padded = join(rtp({ p: true, csrcs: 1 }), payload(20), unhex('00000004'));
    for (const layout of [RTP, UNBOUND]) {
      bothWays(gcm2(mode, layout), 'P set, 7 clear bytes', { kid, ctr: 104n, input: padded, clear: 7 });
      const allClear = join(rtp({ p: true }), payload(3), 1);
      bothWays(gcm2(mode, layout), 'P set, all of it clear', { kid, ctr: 105n, input: allClear, clear: 4 });
      opening(gcm2(mode, layout), 'to open, P set, all of it clear', allClear, 'MALFORMED', { clear: 4 });
    }
  });

  for (const layout of [RTP, FRAME]) {
    const setup = ecb(KEY, layout);
    const none = { kid: 0n, ctr: 0n };
    for (const clear of [1, 5, 16, 20]) {
      bothWays(setup, `${clear} clear bytes of 20`, { ...none, input: inputOf(setup, 20), clear });
    }
    refusal(setup, 'to seal, 6 clear bytes of 5', inputOf(setup, 5), 'MALFORMED', { clear: 6 });
    opening(setup, 'to open, 6 clear bytes of 5', inputOf(setup, 5), 'MALFORMED', { clear: 6 });
    opening(setup, 'to open, all bytes clear', inputOf(setup, 16), 'BAD_TAG', { clear: 16 });
    const sealed = sealedOf(setup, 0n, 0n, inputOf(setup, 20), 4);
    const start = layout === FRAME ? 0 : 12;
    // Nothing authenticates them.
    opening(setup, 'another clear byte', flip(sealed, start + 1), flip(inputOf(setup, 20), start + 1), { clear: 4 });
  }
}
