/**
 * `npm run test:interop`: the peer in Python, and the second implementation, answer the vectors of fixtures/ and random cases.
 * Installs python3-cryptography from Debian where no python3 has it. Another seed: `npm run test:interop -- 17`.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { installPackages } from '../e2e/tools.mjs';

const RANDOM_CASES = 20_000;
const PYTHONS = ['python3', '/usr/bin/python3'];
const root = new URL('../../', import.meta.url).pathname;
const [seed = '1'] = process.argv.slice(2);

/** A Python that has the package, and SM4 in it. */
function python() {
  const wants = 'from cryptography.hazmat.primitives.ciphers.algorithms import SM4';
  return PYTHONS.find((name) => spawnSync(name, ['-c', wants]).status === 0);
}

function step(text) {
  process.stdout.write(`interop: ${text}\n`);
}

if (python() === undefined) installPackages(['python3', 'python3-cryptography'], step);
const interpreter = python();
if (interpreter === undefined) throw new Error('python3-cryptography is installed, and no python3 imports SM4 from it');

const files = readdirSync(`${root}fixtures`)
  .filter((name) => name.endsWith('.json'))
  .map((name) => `fixtures/${name}`);
for (const peer of [`${interpreter} test/interop/peer.py`, `'${process.execPath}' test/interop/second.mjs`]) {
  step(peer);
  const args = ['verify', '--peer', peer, '--random', String(RANDOM_CASES), '--seed', seed, ...files];
  const from = performance.now();
  const { status } = spawnSync(process.execPath, ['src/cli/dist/main.js', ...args], { cwd: root, stdio: 'inherit' });
  step(`${((performance.now() - from) / 1000).toFixed(1)} s`);
  if (status !== 0) process.exit(1);
}
