/** A user's project below build/, with the packed library installed, the suite beside it, and the vectors as a module. */
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { npm, vectorsModule } from './packages.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** From this folder, and in full. */
const RELATIVE = '../../build/platforms/project/';
export const PROJECT = fileURLToPath(new URL(RELATIVE, import.meta.url));
const FILES = ['client.mjs', 'observe.mjs', 'program.mjs', 'suite', 'threads.mjs', 'worker.mjs', 'worker-module.mjs'];

/** Makes the project anew. */
export function makeProject() {
  rmSync(PROJECT, { recursive: true, force: true });
  mkdirSync(PROJECT, { recursive: true });
  npm(['pack', '--ignore-scripts', '--pack-destination', PROJECT], ROOT);
  const tarball = readdirSync(PROJECT).find((name) => name.endsWith('.tgz'));
  const dependencies = { frameseal: `file:${tarball}` };
  writeFileSync(`${PROJECT}package.json`, JSON.stringify({ private: true, type: 'module', dependencies }));
  npm(['install', '--no-package-lock', '--no-audit', '--no-fund'], PROJECT);
  for (const name of FILES) {
    cpSync(fileURLToPath(new URL(name, import.meta.url)), `${PROJECT}${name}`, { recursive: true });
  }
  writeFileSync(`${PROJECT}vectors.mjs`, vectorsModule());
}

/** A file of the project, from this folder: for `bundle`. */
export function inProject(name) {
  return RELATIVE + name;
}
