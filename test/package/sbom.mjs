/**
 * The SBOM of a packed package: what its users install, and nothing of this repository's development. `npm sbom` in the repository
 * would list the bench's libraries, and leave out those that the development needs as well.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NPM_INSTALL = ['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
const NPM_SBOM = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev'];

/**
 * Installs the package's dependencies beside it, those that are tarballs of the release from there, and asks npm. Throws unless the
 * SBOM has each package that was installed, with license and hash. Returns the text, without time and serial number, and the components.
 */
export function sbomOf({ tarball, tarballs, release, work }) {
  const folder = mkdtempSync(join(work, 'sbom-'));
  execFileSync('tar', ['-xzf', tarball, '-C', folder]);
  const { devDependencies, workspaces, scripts, ...manifest } = readJson(join(folder, 'package/package.json'));
  // npm calls the component by its folder.
  const home = join(folder, manifest.name);
  mkdirSync(home);
  const dependencies = Object.entries(manifest.dependencies).map(([name, range]) => {
    const own = tarballs.find((each) => each === `${name}-${range}.tgz`);
    return [name, own === undefined ? range : `file:${join(release, own)}`];
  });
  writeFileSync(
    join(home, 'package.json'),
    JSON.stringify({ ...manifest, dependencies: Object.fromEntries(dependencies) }),
  );
  npm(NPM_INSTALL, home);
  const sbom = JSON.parse(npm(NPM_SBOM, home));
  checkComplete(sbom, manifest, home);
  delete sbom.serialNumber;
  delete sbom.metadata.timestamp;
  const components = sbom.components.map(({ name, version }) => `${name}@${version}`).sort();
  return { text: `${JSON.stringify(sbom, null, 2)}\n`, components };
}

function checkComplete(sbom, { name, version }, home) {
  const listed = sbom.components.map((component) => `${component.name}@${component.version}`).sort();
  expectEqual(listed, installedIn(home), 'the components of the SBOM, and what was installed');
  expectEqual(sbom.metadata.component['bom-ref'], `${name}@${version}`, 'the component');
  for (const component of sbom.components) {
    const known = component.licenses?.length > 0 && component.hashes?.length > 0 && component.purl !== undefined;
    if (!known) throw new Error(`the SBOM has no license, hash or purl of ${component.name}`);
  }
  const dependents = new Set(sbom.dependencies.map(({ ref }) => ref));
  expectEqual(dependents.size, listed.length + 1, 'the dependency graph');
}

/** Every package below node_modules, at any depth, by name and version. */
function installedIn(home) {
  const modules = join(home, 'node_modules');
  if (!existsSync(modules)) return [];
  const names = readdirSync(modules).filter((name) => !name.startsWith('.'));
  const scoped = names.flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(modules, name)).map((each) => `${name}/${each}`) : [name],
  );
  return scoped
    .flatMap((name) => {
      const folder = join(modules, name);
      return [`${name}@${readJson(join(folder, 'package.json')).version}`, ...installedIn(folder)];
    })
    .sort();
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function npm(args, cwd) {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function expectEqual(actual, expected, what) {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== should) throw new Error(`${what}: ${is}, expected ${should}`);
}
