/**
 * Run by `npm run build`: writes ../modules.ts, which holds the plain module and what makes the relaxed one of it, so that
 * nothing has to be loaded at run time; and, for platforms that compile none then, the plain one as a file. What it writes is
 * not in git.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { edited, relaxed } from '../edits.js';
import { editsBetween } from './diff.js';
import { buildModule } from './module.js';

const [, , target, folder] = process.argv;
if (target === undefined || folder === undefined) throw new Error('usage: build.ts TARGET.ts FOLDER');
mkdirSync(folder, { recursive: true });
const [plainModule, relaxedModule] = [buildModule(false), buildModule(true)];
const edits = editsBetween(relaxed(new Uint8Array(plainModule)), relaxedModule);
if (Buffer.compare(edited(relaxed(new Uint8Array(plainModule)), edits), relaxedModule) !== 0) {
  throw new Error('the edits do not give the relaxed module');
}
// Hex, because what bundles are compressed with sees its repetitions; of Base64 a fifth more is left.
const hex = (bytes: Uint8Array) => `'${Buffer.from(bytes).toString('hex')}'`;
writeFileSync(
  target,
  [
    '/** Made by kernel/build.ts: the plain module, and the edits that give the relaxed one (edits.ts); bytes are hex. */',
    `export const PLAIN_MODULE: string = ${hex(plainModule)};`,
    `export const RELAXED_EDITS: readonly (readonly [keep: number, skip: number, insert: string])[] = [`,
    ...edits.map(([keep, skip, insert]) => `  [${keep}, ${skip}, ${hex(insert)}],`),
    '];',
    '',
  ].join('\n'),
);
writeFileSync(`${folder}/simd.wasm`, plainModule);
const bytes = edits.reduce((sum, [, , insert]) => sum + insert.length, 0);
process.stdout.write(
  `SIMD module: ${plainModule.length} bytes, and ${bytes} in ${edits.length} edits for relaxed SIMD\n`,
);
