/**
 * Run by `npm run build`: writes ../modules.ts and ../wide-modules.ts, which hold the plain module and the edits that give the
 * other forms, so that nothing has to be loaded at run time; and, for platforms that compile nothing at run time, the plain
 * module as a file. None of that is in git.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { type Edit, edited, relaxed } from '../edits.js';
import { editsBetween } from './diff.js';
import { encoded } from './encode.js';
import { buildModule } from './module.js';
import { buildProbe } from './probe.js';

const [, , target, folder] = process.argv;
if (target === undefined || folder === undefined) throw new Error('usage: build.ts SOURCES FOLDER');
mkdirSync(folder, { recursive: true });
const [plainModule, relaxedModule, wideModule] = (['plain', 'relaxed', 'wide'] as const).map(buildModule) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const toRelaxed = checkedEdits(relaxed(new Uint8Array(plainModule)), relaxedModule);
const toWide = checkedEdits(new Uint8Array(relaxedModule), wideModule);
const literal = (bytes: Uint8Array) => JSON.stringify(encoded(bytes));
const EDITS_TYPE = 'readonly (readonly [keep: number, skip: number, insert: string])[]';
writeFileSync(
  `${target}/modules.ts`,
  [
    '/** Made by kernel/build.ts: the plain module, and the edits that give the relaxed one (edits.ts); bytes as in text.ts. */',
    `export const PLAIN_MODULE: string = ${literal(plainModule)};`,
    ...editsText('RELAXED_EDITS', toRelaxed),
    '',
  ].join('\n'),
);
writeFileSync(
  `${target}/wide-modules.ts`,
  [
    '/** Made by kernel/build.ts: the edits that give the wide module of the relaxed one, and the module that wide.ts times. */',
    ...editsText('WIDE_EDITS', toWide),
    `export const PROBE_MODULE: string = ${literal(buildProbe())};`,
    '',
  ].join('\n'),
);
writeFileSync(`${folder}/simd.wasm`, plainModule);
process.stdout.write(
  `SIMD module: ${plainModule.length} bytes, ${sizeText(toRelaxed)} for relaxed SIMD, ${sizeText(toWide)} for the wide form\n`,
);

function checkedEdits(from: Uint8Array<ArrayBuffer>, to: Uint8Array): Edit[] {
  const edits = editsBetween(from, to);
  if (Buffer.compare(edited(from, edits), to) !== 0) throw new Error('the edits do not give the other module');
  return edits;
}

function editsText(name: string, edits: readonly Edit[]): string[] {
  const lines = edits.map(([keep, skip, insert]) => `  [${keep}, ${skip}, ${literal(insert)}],`);
  return [`export const ${name}: ${EDITS_TYPE} = [`, ...lines, '];'];
}

function sizeText(edits: readonly Edit[]): string {
  return `${edits.reduce((sum, [, , insert]) => sum + insert.length, 0)} in ${edits.length} edits`;
}
