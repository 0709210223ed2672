/**
 * `npm run test:hashes`: the packed library with the lowest and the highest version of its dependency that package.json
 * allows, each in a folder of its own below build/; every file of vectors must agree there, on both engines.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NAME = '@noble/hashes';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WORK = join(ROOT, 'build/hashes');
const VERIFY = `
  import { readFileSync } from 'node:fs';
  import { verifyVectors } from 'frameseal/vectors';
  let agreed = 0;
  for (const file of process.argv.slice(1)) {
    for (const engine of ['auto', 'portable']) {
      const report = verifyVectors(readFileSync(file, 'utf8'), { engine });
      agreed += report.agreed;
      if (report.disagreements.length > 0) throw new Error(file + ': ' + JSON.stringify(report.disagreements[0]));
    }
  }
  console.log(agreed);
`;

const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const range = dependencies[NAME];
const [, lowest] = /^>=(\d+\.\d+\.\d+) /.exec(range) ?? [];
if (lowest === undefined) throw new Error(`${NAME} in package.json: expected a range from a version on, got ${range}`);
const vectors = readdirSync(join(ROOT, 'fixtures')).filter((name) => name.endsWith('.json'));

rmSync(WORK, { recursive: true, force: true });
mkdirSync(WORK, { recursive: true });
run('npm', ['pack', '--ignore-scripts', '--pack-destination', WORK], ROOT);
const tarball = readdirSync(WORK).find((name) => name.endsWith('.tgz'));
for (const [end, version] of [
  ['lowest', lowest],
  ['highest', range],
]) {
  const folder = join(WORK, end);
  mkdirSync(folder);
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { frameseal: `file:../${tarball}`, [NAME]: version },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  run('npm', ['install', '--no-audit', '--no-fund'], folder);
  const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const copies = Object.keys(packages).filter((path) => path.endsWith(`/${NAME}`));
  const installed = packages[`node_modules/${NAME}`].version;
  if (copies.length !== 1) throw new Error(`expected one ${NAME}, got ${copies.join(', ')}`);
  if (end === 'lowest' && installed !== lowest) throw new Error(`expected ${NAME} ${lowest}, got ${installed}`);
  const files = vectors.map((name) => join(ROOT, 'fixtures', name));
  const agreed = run(process.execPath, ['--input-type=module', '-e', VERIFY, ...files], folder).trim();
  console.log(`${NAME} ${installed}, the ${end} of ${range}: ${agreed} cases agree`);
}

function run(command, args, cwd) {
  const shell = process.platform === 'win32' && command === 'npm';
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], shell });
}
