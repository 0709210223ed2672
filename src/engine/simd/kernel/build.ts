/**
 * Run by `npm run build`: writes ../modules.ts, which holds both modules as Base64, so that nothing has to be loaded at run
 * time. What it writes is not in git.
 */
import { writeFileSync } from 'node:fs';
import { buildModule } from './module.js';

const [, , target] = process.argv;
if (target === undefined) throw new Error('usage: build.js TARGET.ts');
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
process.stdout.write(`SIMD modules: ${relaxed.length} bytes relaxed, ${plain.length} bytes plain\n`);
