/** The headers and datagrams of FORMAT.md appendix A.10, as src reads them. */
import { expect, test } from 'vitest';
import { Layout } from '../../src/channel/layout.js';
import { Frame } from '../../src/frames/pipeline.js';
import { statusName } from '../../src/status.js';
import { SframeHeader } from '../../src/wire/sframe.js';
import { halves, hex } from '../support/fixtures.js';
import { lines } from '../support/format-page.js';

test.each(lines('headers'))('SFrame header %s is %s', (text, printed) => {
  const bytes = hex(text);
  const header = new SframeHeader();
  const length = header.parse(bytes, 0, bytes.length);
  if (printed === 'MALFORMED') {
    expect(statusName(length)).toBe('MALFORMED');
    return;
  }
  const [kid, ctr] = printed.split(' ').map((digits) => BigInt(`0x${digits}`));
  expect([length, header.kidHigh, header.kidLow, header.ctr]).toEqual([bytes.length, ...halves(kid!), Number(ctr)]);
});

test.each(lines('datagrams'))('datagram %s is %s', (text, printed) => {
  const [sealed, clear = sealed] = printed.split(' / ');
  for (const [rtcp, expected] of [
    ['sealed', sealed],
    ['clear', clear],
  ] as const) {
    const frame = new Frame<unknown>();
    frame.job.input = hex(text);
    frame.length = text.length / 2;
    const status = new Layout({ framing: 'rtp', bindHeader: true, rtcp }).measure(frame);
    expect(status < 0 ? statusName(status) : String(frame.clearLength)).toBe(expected);
  }
});
