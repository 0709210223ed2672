/** The recording that the demo plays, and tests use. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPackets } from '../../src/recording/recording.js';

describe('the recording in fixtures', () => {
  const packets = [...readPackets([readFileSync(new URL('../../fixtures/recording.pcap', import.meta.url))])];
  const to = (port: number) =>
    packets.filter(({ destination }) => destination?.port === port).map(({ payload }) => payload);

  it('holds 276 packets of audio, 217 of video and 3 reports of each', () => {
    expect(packets).toHaveLength(499);
    expect([5004, 5005, 5006, 5007].map((port) => to(port).length)).toEqual([276, 3, 217, 3]);
  });

  it('lasts 5.5 seconds and is in order', () => {
    const times = packets.map(({ timeNs }) => Number(timeNs - packets[0]!.timeNs) / 1000);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBe(5_501_649);
  });

  it.each([
    { port: 5004, payloadType: 111, firstSequence: 65436, smallestBytes: 55, largestBytes: 181 },
    { port: 5006, payloadType: 96, firstSequence: 1000, smallestBytes: 23, largestBytes: 1200 },
  ])('has RTP without gaps to port $port', ({ port, payloadType, firstSequence, smallestBytes, largestBytes }) => {
    const sizes = to(port).map((rtp) => rtp.length);
    expect([Math.min(...sizes), Math.max(...sizes)]).toEqual([smallestBytes, largestBytes]);
    to(port).forEach((rtp, i) => {
      expect(rtp[0]).toBe(0x80);
      expect(rtp[1]! & 0x7f).toBe(payloadType);
      expect((rtp[2]! << 8) | rtp[3]!).toBe((firstSequence + i) & 0xffff);
    });
  });
});
