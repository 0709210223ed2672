/** The command's own rule for RTCP equals the library's (FORMAT.md section 4). */
import { expect, it } from 'vitest';
import { isRtcp } from '../../src/cli/rtcp.js';
import * as wire from '../../src/wire/rtp.js';

it('agrees with the library on every start of a packet', () => {
  for (let length = 0; length < 4; length++) {
    for (let start = 0; start < 0x10000; start++) {
      const packet = Uint8Array.of(start >>> 8, start & 0xff, 0, 1).subarray(0, length);
      if (isRtcp(packet) !== wire.isRtcp(packet, length)) expect(`${length} bytes, ${start}`).toBe('the same');
    }
  }
});
