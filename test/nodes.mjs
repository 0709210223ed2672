/**
 * `npm run test:nodes`: the whole suite on Node 20, 22, 24 and 26, by npm's node packages; and on the newest with each of the
 * forms of the SIMD module that it would not choose by itself.
 */
import { spawnSync } from 'node:child_process';

const RUNS = [
  ...[20, 22, 24, 26].map((major) => ({ major })),
  ...['plain', 'wide'].map((form) => ({ major: 26, form })),
];
const root = new URL('..', import.meta.url).pathname;
const failed = [];
for (const { major, form } of RUNS) {
  const name = `Node ${major}${form ? `, ${form} SIMD module` : ''}`;
  process.stdout.write(`\n${name}\n`);
  const env = { ...process.env, ...(form ? { FRAMESEAL_SIMD_FORM: form } : {}) };
  const args = ['-y', `node@${major}`, 'node_modules/vitest/vitest.mjs', 'run', '--reporter=dot'];
  const { status } = spawnSync('npx', args, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) failed.push(name);
}
process.stdout.write(failed.length === 0 ? '\nall pass\n' : `\nfailed: ${failed.join('; ')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
