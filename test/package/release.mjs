/**
 * `npm run check:release`: what a release has beside `npm run check:package`, in build/release:
 *
 *     *.tgz           both packages, packed twice in copies of the tree (other paths and time zones): the same bytes
 *     *.cdx.json      their SBOMs (CycloneDX), made twice: the same bytes, and complete
 *     SHA512SUMS      hashes of all of these, for a comparison after publication
 *
 * attw reads the tarballs (types under every module resolution; the packages are ESM only), and each listing is what package.json says.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sbomOf } from './sbom.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RELEASE = join(ROOT, 'build/release');
const ATTW = '@arethetypeswrong/cli@0.18.5';
/** Two machines, as far as one can be two. Modes come from the umask, which is 022 for both. */
const COPIES = [
  { folder: 'a', timeZone: 'UTC' },
  { folder: 'another copy of the tree', timeZone: 'Pacific/Kiritimati' },
];
const PACK = ['pack', '--include-workspace-root', '--workspace', 'frameseal-cli', '--pack-destination'];

/** Manifests that have one version, and its heading in CHANGELOG.md. */
const MANIFESTS = ['package.json', 'src/cli/package.json', 'bench/package.json'];

const work = mkdtempSync(join(tmpdir(), 'frameseal-release-'));
try {
  rmSync(RELEASE, { recursive: true, force: true });
  mkdirSync(RELEASE, { recursive: true });
  checkVersions();
  const [first, second] = COPIES.map(packCopy);
  compareCopies(first, second);
  const tarballs = readdirSync(RELEASE).filter((name) => name.endsWith('.tgz'));
  for (const tarball of tarballs) checkTarball(tarball);
  writeSboms(tarballs);
  writeSums();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

function checkVersions() {
  const text = (name) => readFileSync(join(ROOT, name), 'utf8');
  const [version, ...others] = MANIFESTS.map((name) => JSON.parse(text(name)).version);
  for (const other of others) expectEqual(other, version, 'the version of a workspace');
  const [, newest] = /^## (\S+)/m.exec(text('CHANGELOG.md'));
  expectEqual(newest, version, 'the newest version of CHANGELOG.md');
}

/** Packs both packages in a copy of the tree. Returns the folder of the tarballs. */
function packCopy({ folder, timeZone }) {
  const copy = join(work, folder, 'frameseal');
  const files = run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], ROOT).split('\0');
  for (const file of files.filter((name) => name !== '' && isThere(name))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  const made = join(work, folder, 'made');
  mkdirSync(made);
  const environment = { ...process.env, TZ: timeZone };
  const npm = (...args) => run('sh', ['-c', `umask 022 && exec "$@"`, 'sh', 'npm', ...args], copy, environment);
  npm('ci', '--prefer-offline');
  npm(...PACK, made);
  return made;
}

/** A deleted file is still in the index. */
function isThere(file) {
  try {
    readFileSync(join(ROOT, file));
    return true;
  } catch {
    return false;
  }
}

function compareCopies(first, second) {
  const names = readdirSync(first);
  expectEqual(names.length, 2, 'tarballs');
  for (const name of names) {
    const [one, other] = [first, second].map((folder) => readFileSync(join(folder, name)));
    if (!one.equals(other))
      throw new Error(`${name} differs between two copies of the tree${differenceOf(first, second, name)}`);
    writeFileSync(join(RELEASE, name), one);
    console.log(`reproducible: ${name}, ${one.length} bytes, sha512 ${sha512(one)}`);
  }
}

/** The files of two tarballs that differ, for people. */
function differenceOf(first, second, name) {
  const [one, other] = [first, second].map((folder) => contentsOf(join(folder, name)));
  const differing = [...new Set([...one.keys(), ...other.keys()])].filter((file) => one.get(file) !== other.get(file));
  return differing.length === 0 ? ' (modes or order alone)' : `: ${differing.slice(0, 5).join(', ')}`;
}

/** Hashes of the files in a tarball, by name. */
function contentsOf(tarball) {
  const folder = unpacked(tarball);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(folder.length + 1), sha512(readFileSync(path))]));
}

function unpacked(tarball) {
  const folder = mkdtempSync(join(work, 'unpacked-'));
  run('tar', ['-xzf', tarball, '-C', folder], work);
  return join(folder, 'package');
}

/** The listing and the types of a tarball. */
function checkTarball(name) {
  const tarball = join(RELEASE, name);
  const files = [...contentsOf(tarball).keys()];
  const manifest = JSON.parse(readFileSync(join(unpacked(tarball), 'package.json'), 'utf8'));
  for (const pattern of manifest.files) {
    const matches = files.some((file) => file === pattern || file.startsWith(`${pattern}/`));
    if (!matches) throw new Error(`${manifest.name}: no file for ${pattern}, which package.json lists`);
  }
  const always = ['package.json', 'README.md', 'LICENSE'];
  const stray = files.filter(
    (file) => !always.includes(file) && !manifest.files.some((each) => file === each || file.startsWith(`${each}/`)),
  );
  expectEqual(stray.join(', '), '', `${manifest.name}: files that package.json does not list`);
  // A module that no TypeScript has types for.
  const excluded = Object.keys(manifest.exports).filter((path) => path.endsWith('.wasm'));
  const exclude = excluded.length === 0 ? [] : ['--exclude-entrypoints', ...excluded.map((path) => path.slice(2))];
  run('npx', ['-y', ATTW, tarball, '--profile', 'esm-only', '--no-color', ...exclude], work);
  console.log(`listing and types: ${manifest.name}, ${files.length} files`);
}

function writeSboms(tarballs) {
  for (const name of tarballs) {
    const [sbom, again] = [0, 1].map(() => sbomOf({ tarball: join(RELEASE, name), tarballs, release: RELEASE, work }));
    if (sbom.text !== again.text) throw new Error(`the SBOM of ${name} differs from run to run`);
    writeFileSync(join(RELEASE, name.replace(/tgz$/, 'cdx.json')), sbom.text);
    console.log(`SBOM: ${name}, ${sbom.components.length} components: ${sbom.components.join(', ')}`);
  }
}

function writeSums() {
  const lines = readdirSync(RELEASE).map((name) => `${sha512(readFileSync(join(RELEASE, name)), 'hex')}  ${name}\n`);
  writeFileSync(join(RELEASE, 'SHA512SUMS'), lines.join(''));
}

/** In Base64, as `npm view NAME dist.integrity` prints it. */
function sha512(bytes, encoding = 'base64') {
  return createHash('sha512').update(bytes).digest(encoding);
}

function expectEqual(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: ${actual}, expected ${expected}`);
}

function run(command, args, cwd, env = process.env) {
  try {
    return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 26 });
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')} failed (${error.status})\n${error.stdout}${error.stderr}`);
  }
}
