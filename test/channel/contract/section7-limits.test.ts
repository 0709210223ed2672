/** The contract of seal and open, FORMAT.md section 7: the largest inputs, and every status in words. */
import { describe, expect, test } from 'vitest';
import { FrameError } from '../../../src/frames/error.js';
import * as statuses from '../../../src/status.js';
import { BAD_TAG, describe as describeStatus, NO_ROOM, REPLAYED, TOO_LARGE } from '../../../src/status.js';
import { concat } from '../../support/arrays.js';
import { bytes, expectBytes, flipped, KID, sessions } from '../../support/channel.js';
import { ENGINES } from '../../support/engines.js';
import { largest } from './refusals.js';
import {
  CLEAR_BYTES,
  dropWarnings,
  inputOf,
  isGcm,
  NO_BYTES,
  pairOf,
  RTP_SETUPS,
  type Setup,
  TITLE,
} from './setups.js';

dropWarnings();

describe('section 7: the largest inputs', () => {
  test.each(RTP_SETUPS)(`${TITLE}: 65,535 bytes and the overhead`, (setup) => {
    const { sealer, opener } = pairOf(setup, {}, sessions({ kid: KID, ctr: 2 ** 24 }));
    const input = inputOf(setup, 65_535 - CLEAR_BYTES);
    const frame = sealer.sealCopy(input);
    expect(frame.length).toBe(isGcm(setup) ? 65_564 : 65_544);
    expectBytes(opener.openCopy(frame), input);
    const longest = concat(frame, new Uint8Array(65_535 + sealer.overhead - frame.length));
    expect(longest.length).toBe(isGcm(setup) ? 65_565 : 65_551);
    expect(opener.open(longest, new Uint8Array(70_000))).toBe(isGcm(setup) ? REPLAYED : BAD_TAG);
    expect(opener.open(concat(longest, [0]), new Uint8Array(70_000))).toBe(TOO_LARGE);
    expect(sealer.seal(concat(input, [0]), new Uint8Array(70_000))).toBe(TOO_LARGE);
    const padded = flipped(input, 0, 0x20);
    const longestFrame = sealer.sealCopy(padded);
    expect(longestFrame.length).toBe(isGcm(setup) ? 65_565 : 65_544);
    expectBytes(opener.openCopy(longestFrame), padded);
  });

  test.each(ENGINES)('%s: 16,777,215 bytes and the overhead', (engine) => {
    const setup: Setup = { engine, mode: 'AES_128_GCM2', framing: 'frame', bindHeader: true };
    const { sealer, opener } = pairOf(setup, {}, sessions({ kid: KID, ctr: 2 ** 24 }));
    const memory = bytes(16_777_245);
    const head = memory.slice(0, 1000);
    expect(sealer.seal(memory, memory, 16_777_216)).toBe(TOO_LARGE);
    expect(sealer.seal(memory, memory, 16_777_215)).toBe(16_777_244);
    const copy = flipped(memory, 20);
    expect(opener.open(copy, copy)).toBe(TOO_LARGE);
    expect(opener.open(copy, copy, 16_777_244)).toBe(BAD_TAG);
    expect(opener.open(memory, memory, 16_777_244)).toBe(16_777_215);
    expectBytes(memory.subarray(0, 1000), head);
    expectBytes(memory.subarray(16_776_000, 16_777_215), bytes(16_777_215).subarray(16_776_000));
  });

  test.each(ENGINES)('%s, SM4: frames that are too large, and one that is not', (engine) => {
    const { sealer, opener } = pairOf({ engine, mode: 'SM4_128_ECB', framing: 'frame', bindHeader: true });
    expect(sealer.seal(largest, NO_BYTES, 16_777_215)).toBe(NO_ROOM);
    expect(sealer.seal(largest, NO_BYTES, 16_777_216)).toBe(TOO_LARGE);
    expect(opener.open(largest, largest, 16_777_231)).toBe(BAD_TAG);
    expect(opener.open(largest, largest, 16_777_232)).toBe(TOO_LARGE);
  });
});
describe('section 7: describe', () => {
  const codes = Object.entries(statuses).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  test.each(codes.filter(([name]) => name !== 'STATUS_COUNT'))('%s is %i and is explained', (name, status) => {
    expect(describeStatus(status)).toMatch(new RegExp(`^${name}: [a-zA-Z].{20,}`));
    expect(new FrameError(status).message).toBe(describeStatus(status));
  });

  test('success, and numbers that are no status', () => {
    expect(describeStatus(0)).toMatch(/^OK: /);
    expect(describeStatus(1500)).toMatch(/^OK: /);
    expect(describeStatus(-99)).toContain('-99');
  });
});
