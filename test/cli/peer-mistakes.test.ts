/**
 * `frameseal verify --peer` with the second implementation: the right one agrees in everything; copies with one mistake each are found,
 * by a case of a few bytes that says where the mistake is, and no two mistakes have the same report.
 */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { CLI } from '../support/cli.js';
import { MISTAKES, type Mistake, peerCommand, SECOND_PEER } from '../support/wrong-peers.js';

const FIXTURES = new URL('../../fixtures/', import.meta.url).pathname;
/** Enough for every kind of case; and enough for a mistake to show in some of them. */
const CASES_OF_THE_RIGHT_ONE = 3000;
const CASES_OF_A_MISTAKE = 500;
const MOST_PAYLOAD_BYTES = 40;

interface MatrixRow {
  readonly operation: string;
  readonly mode: string;
  readonly framing: string;
  readonly agree: number;
  readonly differ: number;
  readonly unsupported: number;
}

interface PeerJson {
  readonly ok: boolean;
  readonly agree: number;
  readonly differ: number;
  readonly matrix: readonly MatrixRow[];
  readonly disagreements: readonly (MatrixRow & {
    readonly what: string;
    readonly where: string;
    readonly needs: readonly string[];
    readonly payloadBytes: number;
  })[];
}

/** The exit code and the report. */
function verify(
  peer: string,
  cases: number,
  ...files: string[]
): Promise<{ status: number; report: PeerJson; stderr: string }> {
  const args = ['verify', '--json', '--peer', peer, '--random', String(cases), '--seed', '1', ...files];
  return new Promise((resolve) =>
    execFile(process.execPath, [CLI, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve({ status: Number(error?.code ?? 0), report: JSON.parse(stdout || '{}'), stderr }),
    ),
  );
}

it('the second implementation agrees', async () => {
  const files = readdirSync(FIXTURES).filter((name) => name.endsWith('.json'));
  const { status, report } = await verify(SECOND_PEER, CASES_OF_THE_RIGHT_ONE, ...files.map((name) => FIXTURES + name));
  expect(report.disagreements).toEqual([]);
  expect(status).toBe(0);
  const rows = report.matrix.filter(({ agree }) => agree > 0);
  const names = ['derive', 'seal', 'open', 'refuse', 'altered', 'truncated', 'replayed', 'sm4'];
  expect([...new Set(rows.map(({ operation }) => operation))]).toEqual(names);
  for (const operation of ['seal', 'open', 'refuse', 'altered', 'truncated']) {
    const kinds = rows.filter((row) => row.operation === operation && row.mode !== 'alias');
    expect(kinds.map(({ mode, framing }) => `${mode} ${framing}`).sort()).toEqual(
      ['AES_128_GCM2', 'AES_256_GCM2', 'SM4_128_ECB'].flatMap((mode) =>
        ['frame', 'rtcp', 'rtp'].map((framing) => `${mode} ${framing}`),
      ),
    );
  }
  expect(report.agree).toBeGreaterThan(CASES_OF_THE_RIGHT_ONE);
});

describe('a mistake', () => {
  const signatures = new Map<string, string>();

  it.concurrent.each(MISTAKES)('is found: $name', async ({ name, found, edits }: Mistake) => {
    const { status, report, stderr } = await verify(peerCommand(edits), CASES_OF_A_MISTAKE);
    expect(status, stderr).toBe(1);
    const operations = [...new Set(report.disagreements.map(({ operation }) => operation))];
    const expected = found.split(' ');
    expect(operations[0]).toBe(expected[0]);
    expect(operations).toEqual(expect.arrayContaining(expected));
    for (const { payloadBytes } of report.disagreements) expect(payloadBytes).toBeLessThan(MOST_PAYLOAD_BYTES);
    const shown = report.disagreements.map(({ operation, framing, what, where, needs }) => [
      operation,
      framing,
      what,
      where,
      needs,
    ]);
    signatures.set(name, JSON.stringify(shown));
  });

  afterAll(() => {
    const names = new Map<string, string>();
    for (const [name, signature] of signatures) {
      expect(names.get(signature), `the report of: ${name}`).toBeUndefined();
      names.set(signature, name);
    }
  });
});
