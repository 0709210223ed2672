// @ts-check
/** Cases of SM4 (FORMAT.md section 5). */
import { makeChannel, pad, sm4 } from '../format.mjs';
import { bytes, drawKid, flip, join, unhex } from './bytes.mjs';
import { bothWays, opening, refusal, sealedOf } from './record.mjs';
import { ecb, FRAME, GCM2, gcm2, inputOf, KEY, payload, RTP, rtp, UNBOUND } from './setups.mjs';

/**
 * @typedef {import('./setups.mjs').Config} Config
 * @typedef {import('./setups.mjs').Setup} Setup
 */

/** Section 5. */
export function sm4Frames() {
  const lengths = [...Array.from({ length: 18 }, (_, i) => i), 32, 160];
  for (const key of [KEY, KEY.slice(0, 32)]) {
    for (const layout of [RTP, FRAME]) {
      const setup = ecb(key, layout);
      // Every length with both keys: with one of them in RTP, with the other as a frame.
      for (const length of lengths.filter((n) => ((n % 2 === 0) === (key === KEY)) === (layout === RTP))) {
        bothWays(setup, `a payload of ${length}`, { kid: 0n, ctr: 0n, input: inputOf(setup, length) });
      }
    }
  }

  const [setup, frames, loose] = [ecb(KEY, RTP), ecb(KEY, FRAME), ecb(KEY, UNBOUND)];
  const channel = makeChannel(setup.config, setup.options);
  if (!('key16' in channel)) throw new Error('SM4');
  const { key16 } = channel;
  const packet = join(rtp({ p: true, csrcs: 2, profile: 'bede', extension: '107f0000' }), payload(30), unhex('0002'));
  const frame = { kid: 0n, ctr: 0n, input: packet };
  const sealed = bothWays(setup, 'P, CSRCs and an extension', frame);
  bothWays(loose, 'P, CSRCs and an extension', frame);
  bothWays(setup, 'the same frame again', frame, { before: [sealed] });
  opening(setup, 'another RTP header', join(rtp(), sealed.subarray(28)), join(rtp(), packet.subarray(28)));
  opening(loose, 'P taken away', flip(sealed, 0, 0x20), flip(packet, 0, 0x20));
  const [one, two] = [sm4(key16, payload(16), true), sm4(key16, payload(32).subarray(16), true)];
  const end = sm4(key16, pad(Buffer.alloc(0)), true);
  const swapped = join(payload(32).subarray(16), payload(16));
  opening(frames, 'blocks in another order', join(two, one, end), swapped);

  for (const count of [1, 15, 17, 31]) {
    opening(frames, `${count} bytes`, bytes('rubbish', count), 'BAD_TAG');
    opening(setup, `${count} bytes`, join(rtp(), bytes('rubbish', count)), 'BAD_TAG');
  }
  opening(setup, 'no blocks', rtp(), 'BAD_TAG');
  opening(setup, 'without its last block', sealed.subarray(0, -16), 'BAD_TAG');
  /** @type {[string, string][]} */
  const paddings = [
    ['0', '000102030405060708090a0b0c0d0e00'],
    ['16 times 0', '00'.repeat(16)],
    ['17', '11'.repeat(16)],
    ['255', 'ff'.repeat(16)],
    ['2, one of them wrong', '000102030405060708090a0b0c0d0302'],
    ['3, the first of them wrong', '000102030405060708090a0b0c020303'],
    ['15, the first of them wrong', `0f0e${'0f'.repeat(14)}`],
    ['16, the first of them wrong', `0f${'10'.repeat(15)}`],
    ['16, the last but one wrong', `${'10'.repeat(14)}0f10`],
  ];
  for (const [what, last] of paddings) {
    opening(frames, `padding ${what}`, join(one, sm4(key16, unhex(last), true)), 'BAD_TAG');
  }
  const good = '000102030405060708090a0b0c0d0e01';
  opening(frames, 'padding 1', sm4(key16, unhex(good), true), unhex(good).subarray(0, 15));
  const three = '03030303030303030303030303030303';
  opening(
    frames,
    'padding 3, and more of the same before it',
    sm4(key16, unhex(three), true),
    unhex(three).subarray(3),
  );
  opening(frames, 'padding 16, after a block of the same', join(end, end), Buffer.alloc(16, 16));

  const other = ecb(bytes('other key', 32).toString('hex'), FRAME);
  opening(other, 'sealed with another key', sealedOf(frames, 0n, 0n, payload(40)), 'BAD_TAG');
  opening(ecb(KEY.slice(0, 32), FRAME), 'sealed with all of the key', sealedOf(frames, 0n, 0n, payload(40)), 'BAD_TAG');
  const theirs = gcm2(GCM2[0], FRAME);
  opening(frames, 'sealed with GCM2', sealedOf(theirs, drawKid(0, 'sm4'), 7n, payload(20)), 'BAD_TAG');
  opening(frames, 'sealed with GCM2, whole blocks', sealedOf(theirs, drawKid(0, 'sm4'), 7n, payload(23)), 'BAD_TAG');

  for (const some of [setup, frames]) {
    const input = inputOf(some, 20);
    const blocks = sealedOf(some, 0n, 0n, input);
    refusal(some, 'to seal, out is one byte short', input, 'NO_ROOM', { outLength: blocks.length - 1 });
    opening(some, 'to open, out is as long as the input', blocks, input, { outLength: blocks.length });
    opening(some, 'to open, out is one byte shorter than the input', blocks, 'NO_ROOM', {
      outLength: blocks.length - 1,
    });
    opening(some, 'to open, out has room for the plaintext alone', blocks, 'NO_ROOM', { outLength: input.length });
    opening(some, 'to open, out short, not whole blocks', blocks.subarray(0, -1), 'NO_ROOM', { outLength: 16 });
  }
  refusal(setup, 'to seal, out short, RTCP', unhex('80c90001deadbeef'), 'RTCP', { outLength: 8 });
}
