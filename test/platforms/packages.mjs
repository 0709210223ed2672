/** npm packages that this command alone needs: pinned, in build/platforms, and not among the package's own. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../build/platforms/', import.meta.url));
/** The last miniflare for Node 20. */
const VERSIONS = { esbuild: '0.28.2', miniflare: '4.20260426.0' };
const INSTALL_LIMIT_MS = 300_000;
/** The platforms' binaries are packages of their own; no script has to run. */
const NPM_INSTALL = ['install', '--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];

/** Installs what is missing; `say` is told of it. */
export function needPackages(say) {
  const wanted = Object.entries(VERSIONS).filter(([name, version]) => versionOf(name) !== version);
  if (wanted.length === 0) return;
  const names = Object.entries(VERSIONS).map(([name, version]) => `${name}@${version}`);
  say(`installing ${names.join(', ')} in build/platforms`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}package.json`, '{ "private": true }\n');
  const options = { cwd: FOLDER, encoding: 'utf8', timeout: INSTALL_LIMIT_MS };
  const { status, error, stderr } = spawnSync('npm', [...NPM_INSTALL, ...names], options);
  if (status !== 0) throw new Error(`npm install failed: ${error?.message ?? stderr.slice(-500)}`);
}

/** The installed version, or undefined. */
export function versionOf(name) {
  try {
    return JSON.parse(readFileSync(`${FOLDER}node_modules/${name}/package.json`, 'utf8')).version;
  } catch {
    return undefined;
  }
}

function load(name) {
  return import(pathToFileURL(createRequire(FOLDER).resolve(name)).href);
}

/** One of this folder's scripts with all that it imports, as the text of one module; .wasm files stay imports. */
export async function bundle(name) {
  const { build } = await load('esbuild');
  const entryPoint = fileURLToPath(new URL(name, import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    external: ['*.wasm'],
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

export async function loadMiniflare() {
  const { Miniflare } = await load('miniflare');
  return Miniflare;
}
