/**
 * `npm run bench:native`: libsrtp in C, for a yardstick. It is no contestant of the bench: native code, in a process of its own,
 * without the call from JavaScript that an addon would add. Our own numbers stand beside it, from rounds in turn with it.
 *
 * Needs gcc and Debian's libsrtp2-dev.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Case, selectCases } from '../cases.js';
import { contestantsOf, loop, warmUp } from '../measure/contest.js';
import type { Work } from '../peers/peer.js';
import { medianOf } from '../statistics.js';

const SOURCE = fileURLToPath(new URL('../../native/libsrtp.c', import.meta.url));
const ROUNDS = 7;
const WARM_UP_MS = 300;
const CALLS = 20_000;

const folder = mkdtempSync(join(tmpdir(), 'frameseal-native-'));
const program = join(folder, 'libsrtp');
try {
  const { status, stderr } = spawnSync('gcc', ['-O2', '-o', program, SOURCE, '-lsrtp2'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`gcc and libsrtp2-dev are needed: ${stderr}`);
  process.stdout.write('native yardstick, ns/packet: libsrtp in C (not a contestant of the bench)\n');
  for (const kase of selectCases({ filter: 'srtp aes-' })) await compare(kase);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function compare(kase: Case): Promise<void> {
  const [, cipher, operation] = kase.name.split(' ');
  const args = [cipher!.includes('256') ? '256' : '128', operation!, String(kase.bytes)];
  const [contestant] = await contestantsOf(kase, undefined, ['frameseal']);
  const work = contestant!.work!;
  await warmUp(work, WARM_UP_MS);
  const [native, ours]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    native.push(Number(execFileSync(program, args, { encoding: 'utf8' })));
    ours.push(timeOf(work));
  }
  const [theirTime, ourTime] = [medianOf(native).median, medianOf(ours).median];
  const ratio = (ourTime / theirTime).toFixed(2);
  const texts = [kase.name.padEnd(36), theirTime.toFixed(0).padStart(6), ourTime.toFixed(0).padStart(6)];
  process.stdout.write(`  ${texts[0]} libsrtp ${texts[1]}   frameseal ${texts[2]}   ${ratio}x its time\n`);
}

/** Nanoseconds a call. */
function timeOf(work: Work): number {
  const run = loop(work, CALLS);
  work.before?.(CALLS);
  const fromMs = performance.now();
  run();
  return ((performance.now() - fromMs) * 1e6) / CALLS;
}
