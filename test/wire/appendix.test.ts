/** The headers and datagrams of FORMAT.md appendix A.8, as src reads them. */
import { expect, test } from 'vitest';
import { statusName } from '../../src/status.js';
import { rtpHeaderLength } from '../../src/wire/rtp.js';
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
  const length = rtpHeaderLength(hex(text), text.length / 2);
  expect(length < 0 ? statusName(length) : String(length)).toBe(printed);
});
