/** The contract of seal and open, FORMAT.md sections 5 and 6: what an opener refuses, without a change of state. */
import { describe, expect, test, vi } from 'vitest';
import * as statuses from '../../../src/status.js';
import {
  BAD_TAG,
  BUSY,
  MALFORMED,
  NO_ROOM,
  OWN_FRAME,
  REPLAYED,
  TOO_LARGE,
  TOO_OLD,
  UNKNOWN_KEY,
} from '../../../src/status.js';
import { concat, Guarded } from '../../support/arrays.js';
import { bytes, expectBytes, flipped } from '../../support/channel.js';
import { material, probe, refusals, SEEN, tooLarge, WAITING } from './refusals.js';
import {
  clearBytes,
  dropWarnings,
  GCM_SETUPS,
  inputOf,
  isGcm,
  NO_BYTES,
  pairOf,
  SETUPS,
  sealAll,
  TITLE,
  visible,
} from './setups.js';

dropWarnings();

describe.each(SETUPS)(TITLE, (setup) => {
  const clear = clearBytes(setup);

  describe('sections 5 and 6: what an opener refuses, without a change of state', () => {
    const made = material(setup);
    const { sealed, receiving } = made;
    const known = SEEN.map((i) => sealed[i]!);

    test.each(refusals(made))('$name', ({ packet, status, room = packet.length }) => {
      const [opener, twin] = [receiving.createOpener(), receiving.createOpener()];
      const scratch = new Uint8Array(200);
      for (const frame of known) expect(opener.open(frame, scratch)).toBe(twin.open(frame, scratch));
      const before = visible(opener);
      const copy = packet.slice();
      const out = new Guarded(room);
      for (let i = 0; i < 3; i++) {
        expect(opener.open(packet, out.bytes)).toBe(status);
        expect(out.untouched).toBe(true);
      }
      expectBytes(packet, copy);
      expect(visible(opener)).toEqual(before);
      expect(opener.stats.refused).toEqual({ [statuses.statusName(status)]: 3 });
      expect(opener.open(sealed[WAITING]!, scratch)).toBe(twin.open(sealed[WAITING]!, scratch));
      expectBytes(scratch.subarray(0, clear + 20), inputOf(setup, 20, WAITING));
      expect(probe(opener, sealed)).toEqual(probe(twin, sealed));
    });

    test('a refusal of a frame of an unknown sender: the genuine frame makes it known', () => {
      for (const { packet, status, room = packet.length } of refusals(made)) {
        if (status === TOO_OLD || status === REPLAYED) continue;
        const opener = receiving.createOpener();
        const out = new Guarded(room);
        const forgedFirst = packet === sealed[WAITING] ? flipped(packet, clear) : packet;
        expect(opener.open(forgedFirst, out.bytes)).toBeLessThan(0);
        expect(out.untouched).toBe(true);
        expect(visible(opener)).toEqual({ frames: 0, bytesIn: 0, bytesOut: 0, senders: 0, last: '' });
        expect(probe(opener, sealed)).toEqual(probe(receiving.createOpener(), sealed));
      }
    });

    test('every frame cut short', () => {
      const frame = sealed[WAITING]!;
      const opener = receiving.createOpener();
      for (let length = 0; length < frame.length; length++) {
        const out = new Guarded(200);
        const status = opener.open(frame, out.bytes, length);
        const least = isGcm(setup) ? clear + 10 + 16 : Math.max(clear, 1);
        expect(status, `${length} bytes`).toBe(length < least ? MALFORMED : BAD_TAG);
        expect(out.untouched).toBe(true);
      }
      expect(opener.stats.senders).toBe(0);
      expectBytes(opener.openCopy(frame), inputOf(setup, 20, WAITING));
    });
  });
});

describe.each(GCM_SETUPS)(`SFrame: ${TITLE}`, (setup) => {
  const clear = clearBytes(setup);

  test('section 6: BUSY changes nothing either', () => {
    const { receiving, sealer } = pairOf(setup, { maxSenders: 1 });
    const now = vi.spyOn(performance, 'now').mockReturnValue(5000);
    try {
      const opener = receiving.createOpener();
      const known = sealAll(
        sealer,
        [1, 2, 3, 4].map((i) => inputOf(setup, 20, i)),
      );
      opener.openCopy(known[1]!);
      const stray = (kid: number) =>
        concat(known[0]!.subarray(0, clear), [0xf0, 0x31, 0, 0, 0, 0, 0, 0, kid], bytes(40));
      const out = new Guarded(200);
      expect(opener.open(stray(1), out.bytes)).toBe(BAD_TAG);
      const before = visible(opener);
      expect(opener.open(stray(2), out.bytes)).toBe(BUSY);
      expect(opener.open(stray(2), out.bytes)).toBe(BUSY);
      expect(out.untouched).toBe(true);
      expect(visible(opener)).toEqual(before);
      expect(opener.open(known[1]!, out.bytes)).toBe(REPLAYED);
      expectBytes(opener.openCopy(known[0]!), inputOf(setup, 20, 1));
      now.mockReturnValue(6000);
      expect(opener.open(stray(2), out.bytes)).toBe(BAD_TAG);
    } finally {
      now.mockRestore();
    }
  });

  test('section 6: the order is fixed: where two steps refuse, the first one decides', () => {
    const { sealed, own, receiving } = material(setup);
    const opener = receiving.createOpener();
    for (const i of SEEN) opener.openCopy(sealed[i]!);
    const out = new Guarded(200);
    const padded = flipped(sealed[9]!, 0, 0x20);
    const clearFirst: [string, number, Uint8Array, Uint8Array][] =
      setup.framing === 'rtp' ? [['padding count before room', MALFORMED, padded, NO_BYTES]] : [];
    const ordered: [string, number, Uint8Array, Uint8Array][] = [
      ['length before RTP', TOO_LARGE, tooLarge(setup, 'open'), out.bytes],
      ...clearFirst,
      ['header before room', MALFORMED, concat(sealed[0]!.subarray(0, clear), [0x80, 7], bytes(40)), NO_BYTES],
      ['room before own frame', NO_ROOM, own, NO_BYTES.subarray(0, 0)],
      ['room before key', NO_ROOM, flipped(sealed[9]!, clear + 1, 0x40), NO_BYTES],
      ['room before window', NO_ROOM, sealed[120]!, NO_BYTES],
      ['own frame before tag', OWN_FRAME, flipped(own, -1), out.bytes],
      ['key before tag', UNKNOWN_KEY, flipped(sealed[9]!, clear + 1, 0x40), out.bytes],
      ['window before tag: seen', REPLAYED, flipped(sealed[120]!, -1), out.bytes],
      ['window before tag: old', TOO_OLD, flipped(sealed[2]!, -1), out.bytes],
    ];
    for (const [name, status, packet, room] of ordered) expect(opener.open(packet, room), name).toBe(status);
    // Clear bytes come before room, own frame, key and window.
    for (const packet of [own, flipped(sealed[9]!, clear + 1, 0x40), sealed[120]!, sealed[0]!]) {
      expect(opener.open(packet, NO_BYTES, undefined, packet.length - clear + 1)).toBe(MALFORMED);
    }
    expect(out.untouched).toBe(true);
  });
});
