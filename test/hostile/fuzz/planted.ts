/**
 * The proof that the fuzzer finds bugs: three bugs that other libraries have shipped, planted one by one into a copy of the built
 * code by exact replacement.
 */
import { join } from 'node:path';
import { findingsOf, runCampaign } from './campaign.js';
import { loadCode, type Plant } from './code.js';
import { TARGET_NAMES } from './targets/index.js';

export const PLANTED_BUGS: readonly (Plant & { readonly name: string })[] = [
  {
    name: 'skipped tag check',
    file: 'engine/simd/gcm.js',
    before: 'if (!memory.isGenuine(0))',
    after: 'if (false)',
  },
  {
    name: 'window moved before authentication',
    file: 'channel/sframe-opening.js',
    before: 'sender.newest = ctr;',
    after: 'sender.newest = ctr; sender.window.accept(ctr);',
  },
  {
    name: 'off by one in the header parser',
    file: 'wire/sframe.js',
    before: 'if (end - at < length)',
    after: 'if (end - at < length - 1)',
  },
];

/** Plants each bug and fuzzes all targets until one finds it, for at most `mostMs`. True where all were found. */
export async function findPlanted(dist: string, folder: string, seed: number, mostMs: number): Promise<boolean> {
  let found = 0;
  for (const [i, bug] of PLANTED_BUGS.entries()) {
    const code = await loadCode(dist, join(folder, `planted-${i}`), bug);
    const start = performance.now();
    const options = { seed, durationMs: mostMs, targets: TARGET_NAMES, kept: () => [], untilFound: true };
    const [finding] = findingsOf(runCampaign(code, options));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    if (finding) found++;
    const answer = finding
      ? `found in ${seconds} s by ${finding.target}: ${finding.invariant}`
      : `NOT FOUND in ${seconds} s`;
    process.stdout.write(`${bug.name}: ${answer}\n`);
  }
  process.stdout.write(`${found} of ${PLANTED_BUGS.length} planted bugs found\n`);
  return found === PLANTED_BUGS.length;
}
