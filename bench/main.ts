/** `npm run bench`: see --help. Results on stdout; progress on stderr. */
import { parseArgs } from 'node:util';
import { type RowResult, runRow } from './harness.js';
import { base } from './peers/frameseal.js';
import { asJson, checkTargets, rowText } from './report.js';
import { PEERS, ROWS, rowName } from './rows.js';

const HELP = `npm run bench -- [options]
  --rows TEXT     only rows whose name holds every word of TEXT, such as "aes-128 seal" (see --list)
  --rounds N      rounds a row, 15 by default; more are steadier
  --base DIR      with the engine of another checkout, built, as one more contestant
  --json          one JSON array on stdout: name, unit, value, range
  --check         exit 1 where a ratio is below its target
  --list          the names of the rows
`;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '' },
    rounds: { type: 'string', default: '15' },
    base: { type: 'string' },
    json: { type: 'boolean' },
    check: { type: 'boolean' },
    list: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
const words = values.rows.split(' ').filter(Boolean);
const rows = ROWS.filter((row) => words.every((word) => rowName(row).includes(word)));

if (values.help) process.stdout.write(HELP);
else if (values.list) process.stdout.write(rows.map((row) => `${rowName(row)}\n`).join(''));
else await bench(Number(values.rounds));

async function bench(rounds: number): Promise<void> {
  const results: RowResult[] = [];
  const peers = values.base === undefined ? PEERS : [...PEERS, await base(values.base)];
  if (!values.json)
    process.stdout.write(
      `Node ${process.versions.node}, ${process.arch}; ns a frame, medians of ${rounds} interleaved rounds\n\n`,
    );
  for (const [i, row] of rows.entries()) {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${i + 1}/${rows.length} ${rowName(row)}`);
    const result = await runRow(row, peers, rounds);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    results.push(result);
    if (!values.json) process.stdout.write(`${rowText(result)}\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(asJson(results), null, 1)}\n`);
  if (!values.check) return;
  const { lines, met } = checkTargets(results);
  process.stderr.write(`${lines.join('\n')}\n`);
  if (!met) process.exitCode = 1;
}
