import { describe, expect, it } from 'vitest';
import { CASES, selectCases } from '../../bench/cases.js';
import type { Document, Entry, Result } from '../../bench/document.js';
import { judge, readGoals } from '../../bench/goals.js';
import { validate, type Work } from '../../bench/peers/peer.js';
import { fasterSummary, fasterText } from '../../bench/report/faster.js';
import { githubOf, markdownOf } from '../../bench/report/formats.js';
import { svgOf } from '../../bench/report/svg.js';
import { caseText, headText, summaryText } from '../../bench/report/text.js';

function entry(name: string, ns: number, ratio: number, spread = 0.02): Entry {
  const around = (median: number) => ({ low: median * (1 - spread), median, high: median * (1 + spread) });
  const isOurs = name === 'frameseal';
  return {
    name,
    status: 'measured',
    time: around(ns),
    ratio: isOurs ? { low: 1, median: 1, high: 1 } : around(ratio),
    bytesPerFrame: isOurs ? 0 : 816,
  };
}

function result(bytes: number, ratio: number, more: Partial<Result> = {}): Result {
  const group = 'aes-128-gcm seal';
  return {
    name: `${group} ${bytes} B`,
    group,
    bytes,
    unit: 'ns/frame',
    node: '20.20.2',
    noisy: false,
    contestants: [
      entry('frameseal', 1000, 1),
      entry('node:crypto', 1000 * ratio, ratio),
      { name: '<sm & crypto>', status: 'not offered' },
    ],
    ...more,
  };
}

const latency = { us: [1, 2, 3, 40, 500, 6000], collections: 7, saturated: true };
const document: Document = {
  schema: 1,
  frameseal: '1.2.3',
  commit: 'abc1234',
  date: '2026-01-02T03:04:05.000Z',
  machine: { cpu: 'A <fast> CPU', cores: 2, system: 'Linux' },
  nodes: [{ node: '20.20.2', v8: '11', openssl: '3.0', engine: 'simd' }],
  results: [
    result(20, 9),
    result(160, 5),
    result(1200, 1.5),
    result(160, 2, {
      name: 'latency aes-128-gcm seal 160 B',
      contestants: [{ ...entry('frameseal', 1, 1), status: 'saturated', latency }],
    }),
  ],
};

describe('goals', () => {
  const goal = { case: 'aes-128-gcm seal 160 B', peer: 'node:crypto', atLeast: 5 };
  const verdictOf = (one: Result, more = {}) => judge([{ ...goal, ...more }], [one]).map(({ verdict }) => verdict);

  it('are met, missed, or not to be judged', () => {
    expect(verdictOf(result(160, 5.01))).toEqual(['met']);
    expect(verdictOf(result(160, 4.95))).toEqual(['noisy']);
    expect(verdictOf(result(160, 4.5))).toEqual(['MISSED']);
    expect(verdictOf(result(160, 4.5, { noisy: true }))).toEqual(['noisy']);
  });

  it('are about one Node where they say so, and about what was run', () => {
    expect(verdictOf(result(160, 9), { node: 24 })).toEqual([]);
    expect(verdictOf(result(160, 9), { node: 20 })).toEqual(['met']);
    expect(verdictOf(result(20, 9))).toEqual([]);
  });

  it('are missed where the contestant was not measured', () => {
    expect(verdictOf(result(160, 9), { peer: 'gone' })).toEqual(['MISSED']);
  });

  it('of the other engines compare these', () => {
    const contestants = [entry('frameseal', 1, 1), entry('frameseal portable', 3, 3), entry('node:crypto', 12, 12)];
    const both = result(160, 1, { contestants });
    expect(verdictOf(both, { ours: 'frameseal portable', atLeast: 4 })).toEqual(['met']);
    expect(verdictOf(both, { ours: 'frameseal portable', atLeast: 5 })).toEqual(['MISSED']);
  });

  it('in goals.json are about cases of --quick', () => {
    const quick = CASES.filter((each) => each.quick).map(({ name }) => name);
    const goals = readGoals(new URL('../../bench/goals.json', import.meta.url));
    expect(goals.length).toBeGreaterThan(10);
    for (const each of goals) expect(quick).toContain(each.case);
  });
});

describe('cases', () => {
  it('have names of their own', () => {
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  });

  it('are found by words and sizes', () => {
    expect(selectCases({ filter: 'rtp aes-128-gcm seal 160 B' })).toHaveLength(1);
    expect(selectCases({ filter: 'AES-128 open', sizes: [160] }).map(({ name }) => name)).toEqual([
      'aes-128-gcm open 160 B',
      'larger buffer aes-128-gcm open 160 B in 1500 B',
      '1000 keys aes-128-gcm open 160 B',
      '10000 keys aes-128-gcm open 160 B',
      'rtp from 1000 senders aes-128-gcm open 160 B',
      'rtp aes-128-gcm open 160 B',
    ]);
    expect(selectCases({})).toHaveLength(CASES.length);
    expect(selectCases({ filter: 'no such' })).toEqual([]);
  });
});

describe('validate', () => {
  const task = selectCases({ group: 'aes-128-gcm seal', sizes: [160] })[0]!.makeTask();
  if (task.kind !== 'frame') throw new Error('not a frame');
  const sealing = (sealed: Uint8Array): Work => ({ run: () => sealed, made: () => ({ sealed: [sealed] }) });

  it('takes the known bytes', async () => {
    await validate('a peer', task, sealing(Uint8Array.from(task.frame.sealed)));
  });

  it('refuses others, fewer and none', async () => {
    const changed = Uint8Array.from(task.frame.sealed);
    changed[changed.length - 1]! ^= 1;
    await expect(validate('a peer', task, sealing(changed))).rejects.toThrow('a peer gives other bytes');
    await expect(validate('a peer', task, sealing(changed.subarray(1)))).rejects.toThrow('other bytes');
    const nothing: Work = { run: () => 0, made: () => ({ opened: [] }) };
    await expect(validate('a peer', task, nothing)).rejects.toThrow('other bytes');
  });
});

describe('formats', () => {
  it('text names peers that do not offer a case, noisy cases, and the load that a core carries', () => {
    expect(headText(document)).toContain('frameseal 1.2.3 at abc1234, 2026-01-02');
    const text = caseText([result(160, 5, { noisy: true })]);
    expect(text).toMatch(/node:crypto +5,000 +\+-2% +5\.00x +816/);
    expect(text).toContain('not offered by <sm & crypto>');
    expect(text).toContain('too noisy');
    expect(caseText([result(160, 5), result(160, 9, { node: '24.1.0' })])).toMatch(/Node 20 .*Node 24/);
    expect(caseText([document.results[3]!])).toMatch(/saturated$/m);
    expect(summaryText([result(160, 5, { name: 'rtp aes-128-gcm seal 160 B' })])).toContain('20,000 voice streams');
  });

  it('github: name, unit and value, smaller is better', () => {
    expect(githubOf(document).slice(0, 3)).toEqual([
      {
        name: 'aes-128-gcm seal 20 B: frameseal',
        unit: 'ns/frame',
        value: 1000,
        range: '+-2.0%',
        extra: '1.00 times as long as frameseal',
      },
      { name: 'aes-128-gcm seal 20 B: frameseal, allocated', unit: 'B/frame', value: 0 },
      expect.objectContaining({ name: 'aes-128-gcm seal 20 B: node:crypto', value: 9000 }),
    ]);
  });

  it('markdown: a table a group', () => {
    expect(markdownOf(document)).toContain('| 160 B | **1,000** | 5,000 (5.00x) | 0 B |');
  });

  it('markdown and svg say where another library is faster', () => {
    const results = [result(20, 9), result(2500, 0.5), result(20_000, 0.125)];
    const claim = 'node:crypto is faster from 2,500 bytes on (8.00x at 20,000 bytes).';
    expect(markdownOf({ ...document, results })).toContain(`engine simd. ${claim}\n\n|`);
    expect(svgOf({ ...document, results })).toContain(`>${claim}<`);
    expect(fasterSummary(results)).toContain(`aes-128-gcm seal, Node 20: ${claim}`);
    const faster = document.results.slice(0, 3);
    expect(markdownOf({ ...document, results: faster })).toContain('No other library is faster at 20 to 1,200 bytes.');
    expect(fasterSummary(document.results)).toBe('');
  });

  it('sizes that do not go on to the largest, and cases that are no sizes, by their names', () => {
    const claims = (...results: Result[]) => fasterText(results);
    expect(claims(result(20, 0.5), result(160, 9), result(1200, 0.25))).toBe(
      'node:crypto is faster at 20 bytes, 1,200 bytes (4.00x at 1,200 bytes).',
    );
    const keys = { group: 'key set-up', name: 'key set-up sm4-ecb', unit: 'ns' };
    expect(claims(result(0, 0.5, keys))).toBe('node:crypto is faster for sm4-ecb (2.00x).');
    expect(claims(result(160, 0.5, { unit: 'us' }))).toBeUndefined();
  });

  it('svg needs nothing else, and takes names as text', () => {
    const svg = svgOf({ ...document, results: document.results.map((each) => ({ ...each, group: '<group>' })) });
    expect(svg).toMatch(/^<svg [^>]*><style>/);
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(svg.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|<script|<link|url\(|@import/);
    expect(svg).not.toContain('<group>');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});
