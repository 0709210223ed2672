/** `npm run ct`: see --help. The table on stdout; progress on stderr, on a terminal. */
import { Command } from 'commander';
import { integerArgument, runCommand } from '../../../src/cli/arguments.js';
import { number, StatusLine } from '../../../src/cli/terminal.js';
import { measure, RUNS } from './measure.js';
import { bar, HEADING, isAsAsked, line } from './report.js';
import { ROWS, type Row } from './rows.js';
import { judge } from './statistics.js';

const status = new StatusLine();
const LEAST_MEASUREMENTS = 1000;
/** A leak shows each time; noise of the machine does not (README.md). */
const MOST_ATTEMPTS = 3;

interface CtOptions {
  readonly measurements: number;
  readonly filter: string;
  readonly list?: boolean;
}

const command = new Command('ct')
  .description(
    `Measures whether times depend on keys or texts. A row that fails is measured again, ${MOST_ATTEMPTS} times in all. Exits with 1
where a row of the SIMD engine shows a leak each time, or a leak of a control row is never seen.`,
  )
  .option('--measurements <number>', 'for each row', integerArgument(LEAST_MEASUREMENTS, 1e9), 1_000_000)
  .option('--filter <text>', 'only rows whose name holds every word, such as "simd key"', '')
  .option('--list', 'the names of the rows')
  .action(main);

await runCommand(command);

function main({ measurements, filter, list }: CtOptions): void {
  const words = filter.split(' ').filter(Boolean);
  const rows = ROWS.filter(({ name }) => words.every((word) => name.includes(word)));
  if (rows.length === 0) command.error('no row has this name: --list shows all');
  if (list) process.stdout.write(rows.map(({ name }) => `${name}\n`).join(''));
  else run(rows, measurements);
}

function run(rows: readonly Row[], count: number): void {
  const setting = `Node ${process.versions.node}, ${process.arch}; ${number(count)} measurements a row, ${RUNS} runs each`;
  process.stdout.write(`${setting}; below 5 no leak is seen\n\n${HEADING}\n`);
  for (const row of rows) if (!isAsAskedInTheEnd(row, count)) process.exitCode = 1;
}

function isAsAskedInTheEnd(row: Row, count: number): boolean {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    if (runRow(row, count, attempt === 1 ? '' : ' (again)')) return true;
  }
  return false;
}

/** Measures a row and writes its line. Returns whether the row meets its expectation. */
function runRow({ name, expectation, make }: Row, count: number, suffix: string): boolean {
  const { times, classes } = measure(make(), count, (share) => {
    status.show(`${name} ${Math.floor(100 * share)}%`);
  });
  status.clear();
  const verdict = judge(times, classes);
  const median = times.toSorted()[times.length >> 1]!;
  const drawn = process.stdout.isTTY ? bar(verdict.t) : '';
  process.stdout.write(`${`${line(name + suffix, expectation, median, verdict)}${drawn}`.trimEnd()}\n`);
  return isAsAsked(expectation, verdict.t);
}
