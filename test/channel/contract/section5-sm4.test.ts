/** The contract of seal and open, FORMAT.md section 5: SM4, its padding, and what it lacks. */
import { describe, expect, test } from 'vitest';
import { BAD_TAG } from '../../../src/status.js';
import { concat, Guarded } from '../../support/arrays.js';
import { bytes, expectBytes, flipped, rtp } from '../../support/channel.js';
import {
  channelOf,
  clearBytes,
  dropWarnings,
  FIELDS,
  inputOf,
  isGcm,
  NO_BYTES,
  pairOf,
  SETUPS,
  TITLE,
} from './setups.js';

dropWarnings();

describe.each(SETUPS.filter((setup) => !isGcm(setup)))(`SM4: ${TITLE}`, (setup) => {
  const clear = clearBytes(setup);

  test('section 5: no KID, no replay protection, no rotation, unchecked headers', () => {
    const { sealer, opener, receiving } = pairOf(setup);
    const frame = sealer.sealCopy(inputOf(setup, 20));
    expectBytes(sealer.sealCopy(inputOf(setup, 20)), frame);
    expectBytes(opener.openCopy(frame), inputOf(setup, 20));
    expectBytes(opener.openCopy(frame), inputOf(setup, 20));
    expectBytes(receiving.createOpener({ loopback: true }).openCopy(frame), inputOf(setup, 20));
    if (clear > 0) expectBytes(opener.openCopy(flipped(frame, 11)), flipped(inputOf(setup, 20), 11));
  });

  test('section 5: frames of the channel itself open: there is no KID to know them by', () => {
    const channel = channelOf(setup);
    const frame = channel.createSealer().sealCopy(inputOf(setup, 20));
    expectBytes(channel.createOpener().openCopy(frame), inputOf(setup, 20));
  });

  test('section 5: the padding is checked in full, before out is written', () => {
    // ECB: the last block can be put on any other. Payloads that end in a block of text give last blocks at will.
    const { sealer, opener } = pairOf(setup);
    const start = setup.framing === 'rtp' ? rtp(NO_BYTES, FIELDS) : NO_BYTES;
    const ending = (last: readonly number[]) => sealer.sealCopy(concat(start, bytes(16), last)).subarray(0, clear + 32);
    const filled = (count: number, byte: number) => [
      ...bytes(16 - count, 5).map(() => 0x77),
      ...Array(count).fill(byte),
    ];
    for (let padding = 1; padding <= 16; padding++) {
      expect(opener.open(ending(filled(padding, padding)), new Uint8Array(99))).toBe(clear + 32 - padding);
      for (let wrong = 16 - padding; wrong < 15; wrong++) {
        const last = filled(padding, padding);
        last[wrong] = 0x55;
        const out = new Guarded(99);
        expect(opener.open(ending(last), out.bytes), `${padding}, ${wrong}`).toBe(BAD_TAG);
        expect(out.untouched).toBe(true);
      }
    }
    for (const padding of [0, 17, 32, 128, 255]) {
      const out = new Guarded(99);
      expect(opener.open(ending(filled(16, padding)), out.bytes)).toBe(BAD_TAG);
      expect(out.untouched).toBe(true);
    }
  });
});
