import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Area, fold, sumOf } from '../../src/recording/area.js';
import { internetChecksum } from '../support/recordings.js';

it('sums bytes from and to any place, as RFC 1071 has it', () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ minLength: 60_000, maxLength: 65_535 }));
  fc.assert(
    fc.property(bytes, fc.nat(9), (content, from) => {
      const area = new Area(content.length + 20);
      area.bytes.fill(0xff);
      area.bytes.set(content, from);
      expect(sumOf(area, from, from + content.length)).toBe(0xffff - internetChecksum(content));
    }),
  );
});

it('adds the carry of a carry', () => expect(fold(0x1ffff)).toBe(1));

it('sums the largest bytes there can be', () => {
  const area = new Area(65_540);
  area.bytes.fill(0xff);
  for (let from = 0; from < 4; from++)
    expect(sumOf(area, from, from + 65_535)).toBe(0xffff - internetChecksum(area.bytes.subarray(0, 65_535)));
});
