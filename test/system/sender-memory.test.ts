/** A flood of made-up KIDs leaves no memory behind (FORMAT.md section 6). Counts what the whole process has. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { BAD_TAG } from '../../src/status.js';
import { madeUp, openerOf, out, take, useClock } from '../channel/senders/setup.js';
import { ENGINES } from '../support/engines.js';

useClock();

test.each(ENGINES)('a flood of made-up KIDs leaves no memory behind, engine %s', (engine) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  // A budget as deep as it can be, so that every one of them is derived.
  const opener = openerOf(65_536, engine);
  take(opener, 0, 0);
  const packets = Array.from({ length: 100 }, (_, i) => madeUp(i));
  const before = used();
  for (let i = 0; i < 20_000; i++) {
    const packet = packets[i % 100]!;
    packet[7] = i >>> 8;
    packet[8] = i;
    if (opener.open(packet, out) !== BAD_TAG) expect(i).toBe('refused as BAD_TAG');
  }
  const grown = used() - before;
  // 64 candidates, each with tables of 16 KiB.
  expect(grown).toBeLessThan(64 * 20 * 1024);
  expect(opener.stats).toMatchObject({ senders: 1, refused: { BAD_TAG: 20_000 } });
  take(opener, 0, 1);
});
