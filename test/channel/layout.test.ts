/** The clear header is copied once, and the copy is what counts (FORMAT.md section 4). */
import { describe, expect, test } from 'vitest';
import { Layout } from '../../src/channel/layout.js';
import { Frame } from '../../src/frames/pipeline.js';
import { MALFORMED } from '../../src/status.js';
import { bytes, config, expectBytes, GCM_MODES, pair, rtp } from '../support/channel.js';

test.each([true, false])('RTCP that became RTP since it was measured, bindHeader %s: MALFORMED', (bindHeader) => {
  for (const [second, status] of [
    [201, 0],
    [111, MALFORMED],
    [224, MALFORMED],
  ] as const) {
    const frame = new Frame<unknown>();
    frame.job.input = rtp(bytes(20));
    frame.length = frame.job.input.length;
    frame.job.input[1] = 200;
    const layout = new Layout({ framing: 'rtp', bindHeader, rtcp: 'sealed' });
    expect(layout.measure(frame)).toBe(0);
    expect([frame.clearLength, frame.tailLength]).toEqual([8, 0]);
    frame.job.input[1] = second;
    const end = layout.takeHeader(frame, 10);
    expect(Math.min(0, end)).toBe(status);
  }
});

describe.each([true, false])('bindHeader %s', (bindHeader) => {
  const layout = new Layout({ framing: 'rtp', bindHeader, rtcp: 'sealed' });

  /** A packet that another thread changes once its header has been measured. */
  function taken(change: (packet: Uint8Array) => void): number {
    const frame = new Frame<unknown>();
    frame.job.input = rtp(bytes(20), { csrcs: 2, extension: 1 });
    frame.length = frame.job.input.length;
    expect(layout.measure(frame)).toBe(0);
    expect(frame.clearLength).toBe(28);
    change(frame.job.input);
    return layout.takeHeader(frame, 10);
  }

  test('a header that stays as it was', () => {
    expect(taken(() => {})).toBeGreaterThan(28);
  });

  test.each<[string, (packet: Uint8Array) => void]>([
    ['more CSRCs', (packet) => packet.set([0x9f])],
    ['fewer CSRCs', (packet) => packet.set([0x81])],
    ['a longer extension', (packet) => packet.set([0, 2], 22)],
    ['no RTP', (packet) => packet.set([0])],
    ['RTCP', (packet) => packet.set([200], 1)],
    ['padding', (packet) => packet.set([0xb2])],
  ])('%s since it was measured: MALFORMED', (_, change) => {
    expect(taken(change)).toBe(MALFORMED);
  });

  test.each(GCM_MODES)('%s: headers of every length, the first of them in new sealers and openers', (mode) => {
    for (let clear = 0; clear < 300; clear += 7) {
      const packet = rtp(bytes(300), { extension: 2 });
      const { sealer, opener } = pair(config(mode), { bindHeader });
      const out = new Uint8Array(400);
      expectBytes(opener.openCopy(out.subarray(0, sealer.seal(packet, out, undefined, clear)), clear), packet);
    }
    for (let extension = 0; extension < 40; extension++) {
      const packet = rtp(bytes(30), { extension });
      const { sealer, opener } = pair(config(mode), { bindHeader });
      expectBytes(opener.openCopy(sealer.sealCopy(packet)), packet);
    }
  });
});
