/** The contract of seal and open, FORMAT.md section 6: headers of other senders, own frames, and the replay window. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { enableEncryptionWith } from '../../../src/channel/channel.js';
import { OWN_FRAME, REPLAYED, TOO_OLD } from '../../../src/status.js';
import { concat, Guarded } from '../../support/arrays.js';
import { config, countedSessions, expectBytes, kidText, referenceSeal } from '../../support/channel.js';
import { mistyped } from '../../support/engines.js';
import { FRAMES, material, WINDOW } from './refusals.js';
import {
  channelOf,
  clearBytes,
  dropWarnings,
  GCM_SETUPS,
  inputOf,
  KEY_ID,
  metadataOf,
  pairOf,
  setupOptions,
  TITLE,
} from './setups.js';

dropWarnings();

describe.each(GCM_SETUPS)(`SFrame: ${TITLE}`, (setup) => {
  const clear = clearBytes(setup);
  const settings = config(setup.mode, KEY_ID);

  test('section 6: CTR and KID of every length, of other senders', () => {
    const { receiving } = pairOf(setup);
    const atKeyZero = enableEncryptionWith(config(setup.mode, 0), { ...setupOptions(setup) }, countedSessions());
    const input = inputOf(setup, 50);
    const metadata = metadataOf(setup, input);
    const kids = [0n, 7n, 8n, 255n, 256n, 0xffffn, 0x10000n, ...[3n, 4n, 5n, 6n, 7n].map((n) => 1n << (8n * n))];
    const ctrs = [0n, 7n, 8n, 255n, 256n, 1n << 16n, 1n << 24n, (1n << 32n) - 1n, 1n << 32n, (1n << 53n) - 1n];
    const settingsAtZero = config(setup.mode, 0);
    for (const kid of kids) {
      const opener = atKeyZero.createOpener();
      for (const ctr of ctrs) {
        const frame = referenceSeal(settingsAtZero, kid, ctr, input.subarray(clear), metadata);
        expectBytes(opener.openCopy(concat(input.subarray(0, clear), frame)), input);
        expect(opener.lastSenderId).toBe(kidText(kid));
      }
    }
    const kid = (BigInt(KEY_ID) << 60n) | 5n;
    const frame = referenceSeal(settings, kid, 9n, input.subarray(clear), metadata);
    expectBytes(receiving.createOpener().openCopy(concat(input.subarray(0, clear), frame)), input);
  });

  test('section 6: loopback opens frames of the channel itself; without it they are OWN_FRAME, of closed sealers too', () => {
    const channel = channelOf(setup);
    const sealer = channel.createSealer();
    const frame = sealer.sealCopy(inputOf(setup, 20));
    const out = new Guarded(200);
    expect(channel.createOpener().open(frame, out.bytes)).toBe(OWN_FRAME);
    expect(channel.createOpener({ loopback: false }).open(frame, out.bytes)).toBe(OWN_FRAME);
    sealer.close();
    expect(channel.createOpener().open(frame, out.bytes)).toBe(OWN_FRAME);
    expect(out.untouched).toBe(true);
    expectBytes(channel.createOpener({ loopback: true }).openCopy(frame), inputOf(setup, 20));
    for (const wrong of [null, 1, 'true'])
      expect(() => channel.createOpener({ loopback: mistyped(wrong) })).toThrow(TypeError);
  });

  test('section 6: the KID of an own sealer that has not sealed yet is OWN_FRAME as well', () => {
    const channel = channelOf(setup);
    const { senderId } = channel.createSealer();
    const input = inputOf(setup, 20);
    const frame = referenceSeal(settings, BigInt(`0x${senderId}`), 5n, input.subarray(clear), metadataOf(setup, input));
    const forged = concat(input.subarray(0, clear), frame);
    expect(channel.createOpener().open(forged, new Uint8Array(200))).toBe(OWN_FRAME);
  });

  test('section 6: the window, against a plain model, in any order of frames', () => {
    const { sealed, receiving } = material(setup);
    const orders = fc.array(fc.nat(FRAMES - 1), { maxLength: 2 * FRAMES, size: 'max' });
    fc.assert(
      fc.property(orders, (order) => {
        const opener = receiving.createOpener();
        const out = new Uint8Array(100);
        const seen = new Set<number>();
        let highest = -1;
        for (const ctr of order) {
          const expected = highest - ctr >= WINDOW ? TOO_OLD : seen.has(ctr) ? REPLAYED : clear + 20;
          expect(opener.open(sealed[ctr]!, out), `CTR ${ctr}`).toBe(expected);
          seen.add(ctr);
          highest = Math.max(highest, ctr);
        }
        opener.close();
      }),
      { numRuns: 20 },
    );
  });
});
