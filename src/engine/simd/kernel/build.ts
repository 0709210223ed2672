/**
 * Run by `npm run build`: writes ../modules.ts, which holds both modules as Base64, so that nothing has to be loaded at run
 * time; and, for platforms that compile none then, the plain one as a file. What it writes is not in git.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { buildModule } from './module.js';

const [, , target, folder] = process.argv;
if (target === undefined || folder === undefined) throw new Error('usage: build.ts TARGET.ts FOLDER');
mkdirSync(folder, { recursive: true });
const relaxed = buildModule(true);
const plain = buildModule(false);
const literal = (bytes: Uint8Array) => `'${Buffer.from(bytes).toString('base64')}'`;
writeFileSync(
  target,
  [
    '/** Made by kernel/build.ts. The SIMD modules, with and without relaxed swizzle, as Base64. */',
    `export const RELAXED_MODULE: string = ${literal(relaxed)};`,
    `export const PLAIN_MODULE: string = ${literal(plain)};`,
    '',
  ].join('\n'),
);
writeFileSync(`${folder}/simd.wasm`, plain);
process.stdout.write(`SIMD modules: ${relaxed.length} bytes relaxed, ${plain.length} bytes plain\n`);
