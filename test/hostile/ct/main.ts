/** `npm run ct`: see --help. The table on stdout; progress on stderr, on a terminal. */
import { parseArgs } from 'node:util';
import { number, StatusLine } from '../../../src/cli/terminal.js';
import { measure, RUNS } from './measure.js';
import { bar, HEADING, isAsAsked, line } from './report.js';
import { ROWS, type Row } from './rows.js';
import { judge } from './statistics.js';

const HELP = `npm run ct -- [options]
  --measurements N   a row, 1,000,000 by default
  --filter TEXT      only rows whose name holds every word of TEXT, such as "simd key"
  --list             the names of the rows
A row that is not as it should be is measured again, up to three times in all. Exit code 1: a row of the SIMD engine shows a leak
each time, or a leak that was put there is never seen; 2: wrong use.
`;

const status = new StatusLine();
const LEAST_MEASUREMENTS = 1000;
/** What is a leak shows each time; what the machine adds does not (README.md). */
const MOST_ATTEMPTS = 3;

const { values } = parseArgs({
  options: {
    measurements: { type: 'string', default: '1000000' },
    filter: { type: 'string', default: '' },
    list: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
const words = values.filter.split(' ').filter(Boolean);
const rows = ROWS.filter(({ name }) => words.every((word) => name.includes(word)));

if (values.help) process.stdout.write(HELP);
else if (values.list) process.stdout.write(rows.map(({ name }) => `${name}\n`).join(''));
else if (!(Number(values.measurements) >= LEAST_MEASUREMENTS) || rows.length === 0) refuse();
else run(Math.floor(Number(values.measurements)));

function refuse(): void {
  process.stderr.write(`give at least ${LEAST_MEASUREMENTS} measurements, and a filter that a row matches (--list)\n`);
  process.exitCode = 2;
}

function run(count: number): void {
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

/** Measures a row and writes its line; whether it is as it should be. */
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
