/** Output of the command: a table of targets, and a table of branches. */
import { number, table } from '../../../src/cli/terminal.js';
import type { Coverage, FileCoverage } from './coverage.js';
import type { Fuzzer } from './fuzzer.js';

/** Folders whose branches the report covers. */
const JUDGED = ['wire/', 'channel/', 'srtp/'];
const OTHERS = ['recording/', 'vectors/', 'bytes.js', 'replay.js', 'arrays.js'];
/** Branches that are listed, of all files. */
const MOST_MISSED = 60;

const percent = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(1)}%`;

export function targetTable(fuzzers: readonly Fuzzer[]): string {
  const sum = (pick: (fuzzer: Fuzzer) => number) => fuzzers.reduce((total, fuzzer) => total + pick(fuzzer), 0);
  const row = (name: string, pick: (value: (fuzzer: Fuzzer) => number) => number) => {
    const executions = pick((fuzzer) => fuzzer.executions);
    const seconds = Math.max(0.001, pick((fuzzer) => fuzzer.elapsedMs) / 1000);
    const others = [(fuzzer: Fuzzer) => fuzzer.corpus.length, (fuzzer: Fuzzer) => fuzzer.violations].map(pick);
    return [name, number(executions), number(executions / seconds), ...others.map((value) => number(value))];
  };
  return table([
    ['target', 'executions', 'per second', 'corpus', 'violations'],
    ...fuzzers.map((fuzzer) => row(fuzzer.target.name, (pick) => pick(fuzzer))),
    row('all', sum),
  ]);
}

const total = (files: readonly FileCoverage[]): [reached: number, all: number] => [
  files.reduce((sum, file) => sum + file.reached, 0),
  files.reduce((sum, file) => sum + file.total, 0),
];

export function branchTable(coverage: Coverage): string {
  const judged = coverage.files(JUDGED);
  const others = coverage.files(OTHERS);
  const row = (name: string, reached: number, all: number) => [
    name,
    number(reached),
    number(all),
    percent(reached, all),
  ];
  const rows = (files: readonly FileCoverage[]) =>
    files.map(({ file, reached, total: all }) => row(file, reached, all));
  const [reached, all] = total(judged);
  return table([
    ['branches', 'reached', 'of', ''],
    ...rows(judged),
    row('wire/, channel/, srtp/', reached, all),
    ...rows(others),
  ]);
}

/** Positions of branches that no input reached, in the built code. */
export function missedBranches(coverage: Coverage): string {
  const missed = coverage.files([...JUDGED, ...OTHERS]).flatMap((file) => file.missed);
  const lines = missed
    .slice(0, MOST_MISSED)
    .map(({ file, line, column, kind }) => `  dist/${file}:${line}:${column} ${kind}`);
  const more = missed.length > MOST_MISSED ? [`  and ${missed.length - MOST_MISSED} more`] : [];
  return ['not reached:', ...lines, ...more].join('\n');
}
