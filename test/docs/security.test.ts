/** SECURITY.md: every number of its arithmetic is computed again, from the formulas that stand beside it. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const page = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8');

/** The rows of the table with this heading in its first column, as cells. */
function table(heading: string): string[][] {
  const lines = page.split('\n');
  const from = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  const rest = lines.slice(from + 2);
  const rows = rest.slice(0, rest.indexOf('')).map((line) => line.split('|').slice(1, -1));
  return rows.map((cells) => cells.map((cell) => cell.trim()));
}

/** `1,000`, `2^32`, and what ends in a power such as `: 2^44.7`. */
function numberOf(text: string): number {
  const power = /2\^(-?[\d.]+)/.exec(text);
  return power ? 2 ** Number(power[1]) : Number(/^[\d,]+/.exec(text)![0].replaceAll(',', ''));
}

const power = (log2: number): string => `2^${log2.toFixed(1)}`;

const RTP_HEADER_BYTES = 12;
const SFRAME_HEADER_BYTES = 13;
const TAG_BYTES = 16;
const UDP_AND_IP_BYTES = 28;
const MOST_FRAMES = 2 ** 32;
const MOST_BLOCKS = 2 ** 36;
const blocks = (bytes: number): number => Math.ceil(bytes / 16);
/** Packets authenticate both headers, frames the SFrame header. */
const blocksOf = (bytes: number): number =>
  blocks(bytes) + blocks(SFRAME_HEADER_BYTES + (bytes <= 1400 ? RTP_HEADER_BYTES : 0));

describe('SECURITY.md', () => {
  test.each(table('sealers under one key'))('%s sealers: %s', (sealers, probability) => {
    expect(probability.replace(/:.*/, '')).toBe(power(2 * Math.log2(numberOf(sealers)) - 61));
  });

  test.each(table('frame'))('%s are %s blocks: %s, %s', (frame, count, some, most) => {
    const l = blocksOf(numberOf(frame));
    expect(numberOf(count)).toBe(l);
    const advantage = (q: number): string => power(2 * Math.log2(q * l + q + 1) - 129);
    expect(some).toBe(advantage(65_536));
    const frames = Math.min(MOST_FRAMES, Math.floor(MOST_BLOCKS / (1 + blocks(numberOf(frame)))));
    expect(most).toBe(advantage(frames));
  });

  test.each(table('attempts'))('%s attempts: %s, %s', (attempts, packet, longest) => {
    const forged = (bytes: number): string => power(Math.log2(2 * numberOf(attempts) * (blocksOf(bytes) + 1)) - 128);
    expect(packet).toBe(forged(1400));
    if (longest !== '') expect(longest).toBe(forged(16_777_215));
  });

  test('a year of a line, and the life of a session', () => {
    const packetBits = 8 * (1400 + RTP_HEADER_BYTES + SFRAME_HEADER_BYTES + TAG_BYTES + UDP_AND_IP_BYTES);
    const packets = (1e10 / packetBits) * 86_400 * 365;
    expect(page).toContain(`a year of a 10 Gbit/s line, 1,400-byte frames: ${power(Math.log2(packets))} `);
    expect(page).toContain(`2^32 frames, ${Math.floor(MOST_FRAMES / 1000 / 86_400)} days at 1,000 a second`);
  });

  test('nothing has dropped out of the page', () => {
    expect(['sealers under one key', 'frame', 'attempts', 'attacker'].map((heading) => table(heading).length)).toEqual([
      4, 4, 3, 7,
    ]);
    expect(page.split('\n').length).toBeLessThanOrEqual(170);
  });
});
