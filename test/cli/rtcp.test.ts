/** The command's own rule for RTCP says what the library's says (FORMAT.md section 4). */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isRtcp } from '../../src/cli/rtcp.js';
import { RTCP } from '../../src/status.js';
import { compoundStatus, isRtcp as saysRtcp } from '../../src/wire/rtp.js';
import { RECEIVER_REPORT, rtp } from '../support/cli.js';

const agrees = (packet: Uint8Array) => {
  const isCompound = saysRtcp(packet, packet.length) && compoundStatus(packet, packet.length) === RTCP;
  expect(isRtcp(packet)).toBe(isCompound);
};

it('knows a report, two of them, and media', () => {
  expect(isRtcp(RECEIVER_REPORT)).toBe(true);
  expect(isRtcp(Buffer.concat([RECEIVER_REPORT, RECEIVER_REPORT]))).toBe(true);
  expect(isRtcp(RECEIVER_REPORT.subarray(0, 7))).toBe(false);
  expect(isRtcp(rtp(1))).toBe(false);
});

it('agrees with the library on every start of a packet', () => {
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) agrees(Uint8Array.of(first, second, 0, 1, 1, 2, 3, 4));
  }
});

it('agrees with the library on lengths', () => {
  const part = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), fc.integer({ min: 0, max: 5 }), (parts, cut) => {
      const bytes = parts.flatMap(([words, told]) => [0x80, 200, 0, told, ...new Array<number>(4 * words).fill(0x80)]);
      agrees(Uint8Array.from(bytes.slice(0, Math.max(0, bytes.length - cut))));
    }),
  );
});
