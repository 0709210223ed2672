/** The contract of seal and open, FORMAT.md section 4: RTP headers, bit by bit, and what a relay may rewrite. */
import { describe, expect, test } from 'vitest';
import * as statuses from '../../../src/status.js';
import { BAD_TAG, MALFORMED, NOT_RTP, UNKNOWN_KEY } from '../../../src/status.js';
import { concat, Guarded } from '../../support/arrays.js';
import { bytes, expectBytes, flipped, type RtpFields, rtp } from '../../support/channel.js';
import { sframeHeader } from '../../support/sframe.js';
import { CLEAR_BYTES, dropWarnings, FIELDS, inputOf, isGcm, NO_BYTES, pairOf, RTP_SETUPS, TITLE } from './setups.js';

dropWarnings();

describe.each(RTP_SETUPS.filter(isGcm))(`RTP: ${TITLE}`, (setup) => {
  const at = CLEAR_BYTES;
  const input = inputOf(setup, 40);

  /** The statuses that turning over this bit of a sealed packet can give; with a result of 0, it opens. */
  function possible(index: number, mask: number): number[] {
    const broken = [MALFORMED, UNKNOWN_KEY, BAD_TAG];
    // With P the last byte of the tag stands for a padding count.
    if (index === 0) return mask >= 0x40 ? [NOT_RTP] : mask === 0x20 ? [MALFORMED] : broken;
    // CC, X and the length of the extension say where the SFrame header is.
    if (index === 18 || index === 19) return broken;
    // RTCP, whose SFrame header is in another place.
    if (index === 1 && ((111 ^ mask) & 0xe0) === 0xc0) return broken;
    if (index < at) return [setup.bindHeader ? BAD_TAG : 0];
    if (index === at) return [MALFORMED, UNKNOWN_KEY, BAD_TAG];
    if (index === at + 1) return [UNKNOWN_KEY, BAD_TAG];
    // CTR 9 becomes 1, which fits into the config byte.
    if (index === at + 9 && mask === 8) return [MALFORMED];
    return [BAD_TAG];
  }

  test('section 4: every single wrong bit of a sealed packet', () => {
    const { sealer, receiving } = pairOf(setup);
    for (let i = 0; i < 9; i++) sealer.sealCopy(input);
    const frame = sealer.sealCopy(input);
    expect(sframeHeader(frame, at)).toMatchObject({ ctr: 9, length: 10 });
    const counts: Record<string, number> = {};
    const opener = receiving.createOpener();
    for (let index = 0; index < frame.length; index++) {
      for (let mask = 1; mask < 256; mask <<= 1) {
        const out = new Guarded(frame.length);
        const packet = flipped(frame, index, mask);
        const allowed = possible(index, mask);
        const result = (allowed.includes(0) ? receiving.createOpener() : opener).open(packet, out.bytes);
        const name = statuses.statusName(result);
        counts[name] = (counts[name] ?? 0) + 1;
        expect(allowed, `bit ${mask} of byte ${index}: ${name}`).toContain(Math.min(0, result));
        if (result < 0) expect(out.untouched).toBe(true);
        else expect(out.holds(concat(packet.subarray(0, at), input.subarray(at)))).toBe(true);
      }
    }
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(8 * frame.length);
    const expected = ['BAD_TAG', 'MALFORMED', 'NOT_RTP', ...(setup.bindHeader ? [] : ['OK']), 'UNKNOWN_KEY'];
    expect(Object.keys(counts).sort()).toEqual(expected);
    expect(opener.stats).toMatchObject({ frames: 0, senders: 0 });
    expectBytes(opener.openCopy(frame), input);
  });

  test('section 4: what a relay may rewrite', () => {
    const { sealer, receiving } = pairOf(setup);
    const frame = sealer.sealCopy(input);
    const rewrites: [field: string, index: number, mask: number][] = [
      ['M', 1, 0x80],
      ['PT', 1, 1],
      ['sequence number', 2, 0xff],
      ['timestamp', 7, 0xff],
      ['SSRC', 11, 0xff],
      ['CSRC', 15, 0xff],
      ['profile of the extension', 17, 0xff],
      ['word of the extension', 23, 0xff],
    ];
    for (const [field, index, mask] of rewrites) {
      const packet = flipped(frame, index, mask);
      const out = new Guarded(200);
      const result = receiving.createOpener().open(packet, out.bytes);
      expect(result, field).toBe(setup.bindHeader ? BAD_TAG : input.length);
      if (!setup.bindHeader) expectBytes(out.bytes.subarray(0, result), flipped(input, index, mask));
    }
    // A relay can also drop the extension altogether, but not set or take away P.
    const bare = concat(flipped(frame, 0, 0x10).subarray(0, 16), frame.subarray(at));
    const out = new Uint8Array(200);
    expect(receiving.createOpener().open(bare, out)).toBe(setup.bindHeader ? BAD_TAG : input.length - 8);
    expect(receiving.createOpener().open(flipped(frame, 0, 0x20), out)).toBe(MALFORMED);
    expect(receiving.createOpener().open(concat(flipped(frame, 0, 0x20), [1]), out)).toBe(BAD_TAG);
  });

  test('section 4: padding stays inside, its count unread, and P is authenticated', () => {
    const { sealer, receiving } = pairOf(setup);
    for (const padding of [1, 4, 255]) {
      const padded = rtp(bytes(30), { ...FIELDS, padding });
      const frame = sealer.sealCopy(padded);
      expect(frame[0]! & 0x20).toBe(0x20);
      // To others the packet has one byte of padding.
      expect(frame.at(-1)).toBe(1);
      for (const count of [0, 2, 4, 0x81, 255]) {
        const out = new Guarded(999);
        expect(receiving.createOpener().open(concat(frame.subarray(0, -1), [count]), out.bytes)).toBe(MALFORMED);
        expect(out.untouched).toBe(true);
      }
      expectBytes(receiving.createOpener().openCopy(frame), padded);
      expect(receiving.createOpener().open(flipped(frame, 0, 0x20), new Uint8Array(999))).toBe(BAD_TAG);
    }
    const nonsense = flipped(rtp(bytes(3), { padding: 4 }), -1, 0xff);
    expectBytes(receiving.createOpener().openCopy(sealer.sealCopy(nonsense)), nonsense);
    const paddedOnly = rtp(NO_BYTES, { padding: 1 }).subarray(0, 12);
    expectBytes(receiving.createOpener().openCopy(sealer.sealCopy(paddedOnly)), paddedOnly);
  });

  test('section 4: headers of every length, up to a packet that is all header', () => {
    const { sealer, opener } = pairOf(setup);
    const shapes: RtpFields[] = [
      {},
      { csrcs: 15 },
      { extension: 0 },
      { csrcs: 15, extension: 300 },
      { extension: 16_379 },
    ];
    for (const shape of shapes) {
      const packet = rtp(NO_BYTES, shape);
      const frame = sealer.sealCopy(packet);
      expectBytes(frame.subarray(0, packet.length), packet);
      expectBytes(opener.openCopy(frame), packet);
    }
  });
});
