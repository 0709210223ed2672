/**
 * In the steady state a frame allocates nothing, sealed, opened or refused (FORMAT.md section 7). Measured on the build, in a
 * process of its own for each engine; see allocation.mjs.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { ENGINES } from '../support/engines.js';

interface Measured {
  readonly name: string;
  /** Bytes a frame in the best round; null where the collector ran in all of them. */
  readonly bytes: number | null;
  readonly frames: number;
}

/** Less than any object takes, were there one in every tenth frame. */
const LIMIT = 1;
const FLAGS = ['--expose-gc', '--min-semi-space-size=512', '--max-semi-space-size=512'];
const script = fileURLToPath(new URL('allocation.mjs', import.meta.url));

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
  'sealBatch of 16, AES-256 frames of all lengths',
  'sealBatch of 16, half of them NO_ROOM',
  'openBatch of 16',
  'openBatch of 16, AES-256 frames of all lengths',
  'openBatch of 16, BAD_TAG',
  'openBatch of 16, REPLAYED',
  'openBatch of 16, half of them REPLAYED',
  'SM4 sealBatch of 16',
  'SM4 openBatch of 16',
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
  'SRTP protect',
  'SRTP protect, five SSRCs',
  'SRTP protectRtcp',
  'SRTP protectBatch of 16',
  'SRTP unprotect',
  'SRTP unprotectRtcp',
  'SRTP unprotectBatch of 16',
  'SRTP REPLAYED',
  'SRTP BAD_TAG',
  'SRTP BAD_TAG, unknown SSRC',
  'seal RTP, after a CTR above 2^31',
  'open RTP, after a CTR above 2^31',
];
const ABOVE = [
  'seal RTP, CTR above 2^31',
  'open RTP, CTR above 2^31',
  'SRTP protect, index above 2^31',
  'SRTP unprotect, index above 2^31',
];

/** Measures one engine. */
async function measure(engine: string): Promise<Map<string, Measured>> {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, script, engine]);
  const results = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Measured);
  return new Map(results.map((result) => [result.name, result]));
}

describe('section 7: what a frame allocates', () => {
  const measured = new Map<string, Map<string, Measured>>();

  // All engines at once: that takes time from each other, not memory.
  beforeAll(async () => {
    const all = await Promise.all(ENGINES.map(measure));
    ENGINES.forEach((engine, i) => {
      measured.set(engine, all[i]!);
    });
  }, 300_000);

  describe.each(ENGINES)('engine %s', (engine) => {
    /** Of a batch, per frame. */
    const bytesOf = (name: string) => measured.get(engine)!.get(name)!.bytes! / (name.includes('Batch of 16') ? 16 : 1);

    test('every case was measured', () => {
      const results = measured.get(engine)!;
      expect([...results.keys()].sort()).toEqual([...NAMES, ...ABOVE].sort());
      for (const { name, frames, bytes } of results.values()) {
        expect(frames).toBeGreaterThan(1000);
        // null: the collector ran in every round.
        expect(bytes, name).toBeTypeOf('number');
      }
    });

    test.each(NAMES)('%s', (name) => {
      expect(bytesOf(name)).toBeTypeOf('number');
      expect(bytesOf(name)).toBeLessThan(LIMIT);
    });

    // An opener takes CTRs below 2^53 as numbers, and SRTP indices below 2^48; above 2^31 V8 puts one on the heap, 16 bytes, for each call that it does not
    // inline: the window's check, the nonce, and the window's move.
    test('CTR or index above 2^31', () => {
      for (const name of ABOVE) expect(bytesOf(name), name).toBeLessThan(name.startsWith('seal') ? LIMIT : 49);
    });
  });
});
