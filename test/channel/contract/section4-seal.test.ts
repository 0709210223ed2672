/** The contract of seal and open, FORMAT.md section 4: the bytes of a sealed frame, and what a sealer refuses. */
import { describe, expect, test } from 'vitest';
import * as statuses from '../../../src/status.js';
import { MALFORMED, TOO_LARGE } from '../../../src/status.js';
import { concat, Guarded } from '../../support/arrays.js';
import { config, expectBytes, KID, referenceSeal, sessions } from '../../support/channel.js';
import { type Refusal, rtpRefusals, tooLarge } from './refusals.js';
import {
  channelOf,
  clearBytes,
  dropWarnings,
  GCM_SETUPS,
  inputOf,
  KEY_ID,
  metadataOf,
  NO_BYTES,
  SETUPS,
  TITLE,
  twinSealers,
} from './setups.js';

dropWarnings();

describe.each(SETUPS)(TITLE, (setup) => {
  describe('sections 4 and 7: what a sealer refuses', () => {
    const refused: Refusal[] = [
      { name: 'a byte too many', status: TOO_LARGE, packet: tooLarge(setup, 'seal') },
      ...(setup.framing === 'rtp' ? [{ name: 'an empty input', status: MALFORMED, packet: NO_BYTES }] : []),
      ...(setup.framing === 'rtp' ? rtpRefusals(setup) : []),
    ];
    test.each(refused)('$name: its status, out untouched, no counter used', ({ packet, status }) => {
      const [sealer, twin] = twinSealers(setup);
      const input = inputOf(setup, 20);
      const out = new Guarded(300);
      expect(sealer.seal(packet, out.bytes)).toBe(status);
      // The rules come before the room in out.
      expect(sealer.seal(packet, NO_BYTES)).toBe(status);
      expect(out.untouched).toBe(true);
      expectBytes(sealer.sealCopy(input), twin.sealCopy(input));
      expect(sealer.stats).toMatchObject({ frames: 1, refused: { [statuses.statusName(status)]: 2 } });
    });
  });
});

describe.each(GCM_SETUPS)(`SFrame: ${TITLE}`, (setup) => {
  const clear = clearBytes(setup);
  const settings = config(setup.mode, KEY_ID);

  test('section 4: a sealer gives what FORMAT.md says, byte for byte', () => {
    for (const ctr of [0, 7, 8, 0x1234, 2 ** 32 - 1]) {
      const sealer = channelOf(setup, sessions({ kid: KID, ctr })).createSealer();
      const input = inputOf(setup, 100);
      const kid = (KID & ((1n << 60n) - 1n)) | (BigInt(KEY_ID) << 60n);
      const frame = referenceSeal(settings, kid, BigInt(ctr), input.subarray(clear), metadataOf(setup, input));
      expectBytes(sealer.sealCopy(input), concat(input.subarray(0, clear), frame));
    }
  });
});
