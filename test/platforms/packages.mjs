/** npm packages that this command alone needs: pinned, in build/platforms, and not among the package's own. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../build/platforms/', import.meta.url));
const FIXTURES = new URL('../../fixtures/', import.meta.url);
/** The last miniflare for Node 20. */
const VERSIONS = { bun: '1.4.5', deno: '2.9.6', esbuild: '0.28.2', miniflare: '4.20260426.0' };
/** Where the packages of a platform have the program: a package for each kind of machine, of which npm installs one or a few. */
const PROGRAMS = { bun: ['@oven', 'bin/bun'], deno: ['@deno', 'deno'] };
const INSTALL_LIMIT_MS = 600_000;
/** The platforms' binaries are packages of their own; no script has to run. */
const NPM_INSTALL = ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];

/** Installs what is missing; `say` reports it. */
export function needPackages(say) {
  const wanted = Object.entries(VERSIONS).filter(([name, version]) => versionOf(name) !== version);
  if (wanted.length === 0) return;
  say(`installing ${wanted.map(([name, version]) => `${name}@${version}`).join(', ')} in build/platforms`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}package.json`, JSON.stringify({ private: true, dependencies: VERSIONS }));
  npm(NPM_INSTALL, FOLDER);
}

/** Runs npm in a folder; throws where that fails. */
export function npm(args, cwd) {
  const { status, error, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', timeout: INSTALL_LIMIT_MS });
  if (status !== 0) throw new Error(`npm ${args[0]} failed: ${error?.message ?? stderr.slice(-500)}`);
}

/** The installed version, or undefined. */
export function versionOf(name) {
  try {
    return JSON.parse(readFileSync(`${FOLDER}node_modules/${name}/package.json`, 'utf8')).version;
  } catch {
    return undefined;
  }
}

/** The path of the program of Bun or Deno that runs on this machine. */
export function programOf(name) {
  const [scope, file] = PROGRAMS[name];
  const folder = `${FOLDER}node_modules/${scope}/`;
  const paths = readdirSync(folder).flatMap((each) => [`${folder}${each}/${file}`, `${folder}${each}/${file}.exe`]);
  const found = paths.find((path) => spawnSync(path, ['--version']).status === 0);
  if (found === undefined) throw new Error(`no program of ${name} runs here`);
  return found;
}

function load(name) {
  return import(pathToFileURL(createRequire(FOLDER).resolve(name)).href);
}

/** The files of vectors as a module, which the suite imports. */
export function vectorsModule() {
  const names = readdirSync(FIXTURES).filter((name) => name.endsWith('.json'));
  const vectors = Object.fromEntries(names.map((name) => [name, readFileSync(new URL(name, FIXTURES), 'utf8')]));
  return `export default ${JSON.stringify(vectors)};\n`;
}

/** Outside of the project there is no file with that module. */
const VECTORS = {
  name: 'vectors',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/vectors\.mjs$/ }, () => ({ path: 'vectors', namespace: 'vectors' }));
    onLoad({ filter: /^vectors$/, namespace: 'vectors' }, () => ({ contents: vectorsModule() }));
  },
};

/** A script, by its path from this folder, with all that it imports, as the text of one module; .wasm files stay imports. */
export async function bundle(name) {
  const { build } = await load('esbuild');
  const entryPoint = fileURLToPath(new URL(name, import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    external: ['*.wasm'],
    plugins: [VECTORS],
    // The package as users have it: the checkout's own tsconfig.json has it from its sources.
    tsconfigRaw: '{}',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

export async function loadMiniflare() {
  const { Miniflare } = await load('miniflare');
  return Miniflare;
}
