/**
 * `verifyVectors` with changed vector files: a report that adds up, or a VectorFormatError. JSON is changed as a tree (a
 * value in it replaced, moved, taken out), CAVP's text and some JSON as text.
 */
import type { Code } from '../code.js';
import { must, mustEqual } from '../invariants.js';
import { Reader } from '../reader.js';
import type { Target } from './target.js';
import { textOf } from './text.js';
import { JSON_FILES, TEXT_FILES } from './vector-files.js';

type Tree = Record<string, unknown>;

const VALUES: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => [],
  () => ({}),
  () => [null],
  () => '',
  () => 'zz',
  () => '0',
  () => '00',
  () => '-1',
  () => '18446744073709551615',
  () => 'ok',
  () => 'BAD_TAG',
  () => 'constructor',
  () => ({ toString: 0 }),
  () => 0,
  () => -1,
  () => 0.5,
  () => 16,
  () => 300,
  () => 16_321,
];
const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'kind',
  'cases',
  'format',
  'before',
  'outLength',
  'expect',
  'header',
];
const OWN_FORMAT = 'frameseal-vectors/1';
const KNOWN_KINDS = ['gcm', 'hkdf', 'sm4-ecb', 'sframe-header', 'sframe', 'channel', 'srtp', 'aes-block'];
const KINDS = [...KNOWN_KINDS, 'none', 'toString'];

/** Counts of work and of memory that a file may ask for, as numbers or as text; what asks for more is no finding. */
const HEAVY = /"(?:iterations|outLength|length)":[^,}]*?(?:\d{5}|\d[eE]|0[xX]|Infinity)/;

/** Every object and array in a tree. */
function branches(value: unknown, into: Tree[] = []): Tree[] {
  if (typeof value !== 'object' || value === null) return into;
  into.push(value as Tree);
  for (const part of Object.values(value)) branches(part, into);
  return into;
}

function changeTree(tree: unknown, reader: Reader): void {
  const all = branches(tree);
  const branch = all[reader.below(all.length)]!;
  const names = Object.keys(branch);
  const name = names[reader.below(names.length || 1)] ?? reader.pick(NAMES);
  switch (reader.below(7)) {
    case 0:
      branch[name] = reader.pick(VALUES)();
      return;
    case 1:
      delete branch[name];
      return;
    case 2:
      branch[reader.pick(NAMES)] = Object.hasOwn(branch, name) ? branch[name] : null;
      return;
    case 3:
      branch[name] = structuredClone(all[reader.below(all.length)]);
      return;
    case 4:
      branch[name] = textOf(reader.bytes(reader.below(24)));
      return;
    case 5:
      if ('kind' in branch) branch['kind'] = reader.pick(KINDS);
      return;
    default: {
      const value = branch[name];
      const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
      const at = reader.below(text.length + 1);
      branch[name] = text.slice(0, at) + reader.pick(['0', 'f', 'A', '']) + text.slice(at + reader.below(3));
    }
  }
}

function fileOf(reader: Reader): string {
  const kind = reader.below(4);
  if (kind === 0) return textOf(reader.rest());
  if (kind === 1) {
    const text = reader.pick(TEXT_FILES);
    const at = reader.below(text.length);
    return text.slice(0, at) + textOf(reader.bytes(reader.below(20))) + text.slice(at + reader.below(20));
  }
  const tree = structuredClone(reader.pick(JSON_FILES));
  for (let i = reader.below(4); i >= 0 && !reader.done; i--) changeTree(tree, reader);
  return JSON.stringify(tree);
}

export function vectorsTarget({ verify }: Code): Target {
  type Report = ReturnType<typeof verify.verifyVectors>;

  function attempt(text: string, engine: 'simd' | 'portable'): Report | string {
    try {
      return verify.verifyVectors(text, { engine });
    } catch (error) {
      if (!(error instanceof verify.VectorFormatError)) throw error;
      return error.message;
    }
  }

  function run(input: Uint8Array): string {
    const text = fileOf(new Reader(input));
    if (HEAVY.test(text)) return 'heavy';
    const report = attempt(text, 'simd');
    const other = attempt(text, 'portable');
    mustEqual(
      JSON.stringify(other).replace('"portable"', '"simd"'),
      JSON.stringify(report),
      'the engines agree on a vector file',
    );
    if (typeof report === 'string') return report.slice(0, 5);
    const counts = [report.agreed, ...Object.values(report.outOfScope)];
    must(
      counts.every((count) => Number.isSafeInteger(count) && count >= 0),
      'a report counts',
      () => JSON.stringify(counts),
    );
    if (report.format === OWN_FORMAT) mustKnowKinds(text);
    for (const { reproduction } of report.disagreements) mustReproduce(reproduction);
    return `${report.format.slice(0, 5)} ${report.disagreements.length > 0}`;
  }

  /** A case of an unknown kind was not run, and must not count as agreed. */
  function mustKnowKinds(text: string): void {
    const { cases } = JSON.parse(text) as { cases: { kind: unknown }[] };
    must(
      cases.every(({ kind }) => KNOWN_KINDS.includes(kind as string)),
      'cases of unknown kinds are refused',
      () => text,
    );
  }

  /** A disagreement's file, verified alone, disagrees in the same way. */
  function mustReproduce(reproduction: string): void {
    const again = attempt(reproduction, 'simd');
    must(
      typeof again !== 'string' && again.agreed === 0 && again.disagreements.length === 1,
      'a reproduction disagrees alone',
      () => `${reproduction} gives ${JSON.stringify(again)}`,
    );
  }

  const seeds = [...JSON_FILES.keys()].map((i) => Uint8Array.of(2, i));
  const text = [...TEXT_FILES.keys()].map((i) => Uint8Array.of(1, i, 0, 0, 0, 0));
  return { name: 'vectors', maxBytes: 400, seeds: [...seeds, ...text, Buffer.from('\0{"cases":[]}')], run };
}
