/** The built bench, as it is run. What it measures is not asserted. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { CASES } from '../../bench/cases.js';
import type { Document } from '../../bench/document.js';

const dist = fileURLToPath(new URL('../../bench/dist/', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'frameseal-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

function run(script: string, ...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(dist, script), ...args], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

describe('contestants give the same bytes', () => {
  const others = ['node:crypto', 'node:crypto, raw key', 'WebCrypto', '@noble/ciphers', '@stablelib/gcm'];
  const sm4 = ['node:crypto', 'node:crypto, raw key', 'node:crypto, cipher kept', 'sm-crypto', 'sm-crypto-v2'];
  const offers: [name: string, contestants: string[]][] = [
    ['aes-128-gcm seal 160 B', ['frameseal', 'frameseal portable', ...others, 'WebCrypto, 64 in flight']],
    ['aes-256-gcm open 160 B', ['frameseal', 'frameseal portable', ...others, 'WebCrypto, 64 in flight']],
    ['aes-128-gcm seal 32 x 160 B', ['frameseal', 'frameseal, one by one', 'frameseal portable', ...others]],
    ...['seal', 'open'].map((operation): [string, string[]] => [
      `sm4-ecb ${operation} 160 B`,
      ['frameseal', 'frameseal portable', ...sm4],
    ]),
    ...['seal', 'open'].flatMap((operation): [string, string[]][] => [
      [
        `larger buffer aes-128-gcm ${operation} 1200 B in 65536 B`,
        ['frameseal', 'frameseal portable', ...others, 'WebCrypto, 64 in flight'],
      ],
      [`1000 keys aes-128-gcm ${operation} 160 B`, ['frameseal', 'frameseal portable', ...others]],
      [`rtp aes-128-gcm ${operation} 160 B`, ['frameseal', 'frameseal portable', 'node:crypto', 'werift-rtp SRTP']],
    ]),
    ['aes-256-gcm open 200000 B', ['frameseal', 'frameseal portable', ...others, 'WebCrypto, 64 in flight']],
    ['rtp from 1000 senders aes-128-gcm open 160 B', ['frameseal', 'frameseal portable', 'node:crypto']],
    [
      'srtp aes-128-gcm protect 160 B',
      ['frameseal', 'frameseal, Sealer.seal', 'frameseal portable', 'werift-rtp SRTP', 'werift-rtp SRTP, header kept'],
    ],
    ['srtp aes-128-gcm unprotect 160 B', ['frameseal', 'frameseal portable', 'werift-rtp SRTP']],
    ['srtp aes-256-gcm unprotect 160 B', ['frameseal', 'frameseal portable']],
    ['rtp sm4-ecb seal 160 B', ['frameseal', 'frameseal portable']],
    ['key set-up aes-256-gcm', ['frameseal', 'frameseal portable', 'node:crypto', 'WebCrypto', '@stablelib/gcm']],
    ['new sender aes-128-gcm', ['frameseal', 'frameseal portable', 'werift-rtp SRTP']],
  ];

  it.each(offers)('%s', async (name, contestants) => {
    expect(CASES.map((each) => each.name)).toContain(name);
    const { code, stdout } = await run('worker.js', JSON.stringify({ task: 'check', name }));
    expect(code).toBe(0);
    const found = (JSON.parse(stdout) as { contestant: string }[]).map(({ contestant }) => contestant);
    // Where the platform has relaxed SIMD, or V8 a flag that helps, there is one more.
    const others = found.filter((each) => !/^frameseal, (plain SIMD|accelerated)$/.test(each));
    expect(others.sort()).toEqual(contestants.sort());
  });
});

describe('the bench', () => {
  it('measures, and writes a document and a chart', async () => {
    const svg = join(directory, 'bench.svg');
    const options = ['--quick', '--filter', 'sm4-ecb seal 1200', '--sizes', '1200', '--json', '--svg', svg];
    const { code, stdout } = await run('main.js', ...options);
    expect(code).toBe(0);
    const { schema, results, nodes } = JSON.parse(stdout) as Document;
    expect([schema, nodes[0]?.node, results.map(({ name }) => name)]).toEqual([
      1,
      process.versions.node,
      ['sm4-ecb seal 1200 B'],
    ]);
    for (const { name, status, time, ratio } of results[0]!.contestants) {
      if (status === 'not offered') continue;
      expect(time!.low, name).toBeGreaterThan(0);
      expect(time!.high, name).toBeGreaterThanOrEqual(time!.median);
      expect(ratio!.median, name).toBeGreaterThan(0);
    }
    expect(results[0]!.contestants[0]).toMatchObject({ name: 'frameseal', ratio: { low: 1, median: 1, high: 1 } });
    expect(readFileSync(svg, 'utf8')).toContain('</svg>');
  });

  it.each([['--nosuch'], ['--filter', 'nosuch'], ['--sizes', 'many'], ['--format', 'xml']])(
    'refuses %s %s',
    async (...args) => {
      const { code, stdout, stderr } = await run('main.js', ...args);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toContain('--help shows the options');
    },
  );

  it('--check that checks nothing is wrong use', async () => {
    const file = join(directory, 'empty.json');
    writeFileSync(file, JSON.stringify({ nodes: [], results: [] }));
    expect((await run('main.js', '--from', file, '--check', '--format', 'github')).code).toBe(2);
  });
});
