/**
 * In the steady state a frame allocates nothing, sealed, opened or refused (FORMAT.md section 7). Measured on the build, in a
 * process of its own for each engine; see support/allocation.mjs.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { ENGINES } from './support/engines.js';

interface Measured {
  readonly name: string;
  /** Bytes a frame in the best round; null where the collector ran in all of them. */
  readonly bytes: number | null;
  readonly frames: number;
}

/** Less than any object takes, were there one in every tenth frame. */
const LIMIT = 1;
const FLAGS = ['--expose-gc', '--min-semi-space-size=512', '--max-semi-space-size=512'];
const script = fileURLToPath(new URL('support/allocation.mjs', import.meta.url));

const NAMES = [
  'seal RTP',
  'seal RTP, AES-256',
  'seal RTP, bindHeader false',
  'seal frame',
  'open RTP',
  'open frame',
  'seal and open RTP',
  'seal and open RTP, bindHeader false',
  'seal and open RTP in place',
  'seal and open frame, AES-256',
  'SM4 seal and open RTP',
  'SM4 seal and open frame in place',
  'AesGcm seal',
  'AesGcm open',
  'AesGcm open, BAD_TAG',
  'Sm4Ecb encrypt and decrypt',
  'sealBatch of 16',
  'openBatch of 16',
  'REPLAYED',
  'TOO_OLD',
  'TOO_OLD, evicted sender',
  'BAD_TAG, known sender',
  'BAD_TAG, sender that failed before',
  'MALFORMED, SFrame header',
  'MALFORMED, RTP header',
  'NOT_RTP',
  'RTCP',
  'NO_ROOM',
  'TOO_LARGE',
  'OWN_FRAME',
  'UNKNOWN_KEY',
  'BUSY',
  'BUSY, reading the clock',
  'CLOSED',
  'seal: NO_ROOM',
  'seal: NOT_RTP',
  'seal: CLOSED',
  'SM4 open: BAD_TAG',
  'seal RTP, after a CTR above 2^31',
  'open RTP, after a CTR above 2^31',
];
const ABOVE = ['seal RTP, CTR above 2^31', 'open RTP, CTR above 2^31'];

describe.each(ENGINES)('section 7: what a frame allocates, engine %s', (engine) => {
  const measured = new Map<string, Measured>();

  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, script, engine]);
    for (const line of stdout.trim().split('\n')) {
      const result = JSON.parse(line) as Measured;
      measured.set(result.name, result);
    }
  }, 120_000);

  test('every case was measured', () => {
    expect([...measured.keys()].sort()).toEqual([...NAMES, ...ABOVE].sort());
    for (const { frames } of measured.values()) expect(frames).toBeGreaterThan(2000);
  });

  test.each(NAMES)('%s', (name) => {
    expect(measured.get(name)!.bytes).toBeTypeOf('number');
    expect(measured.get(name)!.bytes).toBeLessThan(LIMIT);
  });

  test.fails.each(ABOVE)('%s', (name) => {
    expect(measured.get(name)!.bytes).toBeLessThan(LIMIT);
  });
});
