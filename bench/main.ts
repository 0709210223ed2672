/** The bench: `npm run bench`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { runCommand } from 'frameseal-cli/arguments';
import { StatusLine } from 'frameseal-cli/terminal';
import { numbersArgument } from './arguments.js';
import { type Case, selectCases } from './cases.js';
import type { Document, Result } from './document.js';
import { judge, readGoals } from './goals.js';
import { commit, findNodes, machine, version } from './machine.js';
import { fasterSummary } from './report/faster.js';
import { githubOf, markdownOf } from './report/formats.js';
import { svgOf } from './report/svg.js';
import { caseText, headText, summaryText } from './report/text.js';
import { type Effort, type NodeBinary, runCase } from './run.js';

const GOALS = fileURLToPath(new URL('../goals.json', import.meta.url));
const FULL: Effort = {
  processes: 3,
  rounds: 9,
  latencyFrames: 1_000_000,
  repetitions: 2,
  deadlineMs: Number.POSITIVE_INFINITY,
};
const QUICK: Effort = { processes: 1, rounds: 11, latencyFrames: 20_000, repetitions: 1, deadlineMs: 40_000 };

const command = new Command('bench')
  .description(
    'Times every cipher and packet path against other libraries, after checking that all give the same bytes.',
  )
  .option('--quick', 'the cases that say most, in a minute or two')
  .option('--filter <text>', 'only cases whose name holds every word, such as "aes-128 seal"')
  .option('--group <name>', 'only the cases of one chart, by its whole name, such as "aes-128-gcm seal"')
  .option('--sizes <list>', 'only cases of these sizes in bytes, such as 160,1200', numbersArgument, [])
  .option('--node <list>', 'under these major versions of Node, side by side, such as 20,24', numbersArgument, [])
  .option('--base <dir>', 'with the engine of another checkout, built, as one more contestant')
  .option('--check', 'exit 1 where a ratio falls short of bench/goals.json')
  .addOption(
    new Option('--format <format>', 'github: the array that benchmark-tracking actions read as customSmallerIsBetter')
      .choices(['text', 'json', 'markdown', 'github'])
      .default('text'),
  )
  .option('--json', '--format json; bench/README.md has the schema')
  .option('--svg <file>', 'also a chart of the first group')
  .option('--from <file>', 'show what an earlier run printed as json, and measure nothing')
  .option('--list', 'the names of the cases')
  .action(main);

interface BenchOptions {
  quick?: boolean;
  filter?: string;
  group?: string;
  sizes: number[];
  node: number[];
  base?: string;
  check?: boolean;
  format: 'text' | 'json' | 'markdown' | 'github';
  json?: boolean;
  svg?: string;
  from?: string;
  list?: boolean;
}

await runCommand(command);

async function main(options: BenchOptions): Promise<void> {
  const format = options.json ? 'json' : options.format;
  const cases = selectCases(options).filter(({ quick }) => quick || !options.quick);
  if (cases.length === 0) command.error('no case has this name and size: --list shows all');
  if (options.list) return print(cases.map(({ name }) => `${name}\n`).join(''));
  const document = options.from
    ? (JSON.parse(readFileSync(options.from, 'utf8')) as Document)
    : await run(cases, options, format);
  if (format === 'json') print(`${JSON.stringify(document, null, 1)}\n`);
  if (format === 'github') print(`${JSON.stringify(githubOf(document), null, 1)}\n`);
  if (format === 'markdown') print(markdownOf(document));
  if (format === 'text' && options.from) print(textOf(document));
  if (format === 'text') print(summaryText(document.results) + fasterSummary(document.results));
  if (options.svg) writeFileSync(options.svg, svgOf(document));
  if (options.check) check(document.results);
}

async function run(cases: readonly Case[], options: BenchOptions, format: string): Promise<Document> {
  const line = new StatusLine();
  const startMs = performance.now();
  const effort = options.quick ? QUICK : FULL;
  const nodes = await findNodes(options.node);
  const about = {
    schema: 1,
    frameseal: version(),
    commit: commit(),
    date: new Date().toISOString(),
    machine: machine(),
  } as const;
  const head = { ...about, nodes: nodes.map(({ facts }) => facts) };
  if (format === 'text') print(`${headText(head)}\n`);
  const results: Result[] = [];
  for (const [i, kase] of cases.entries()) {
    const found: Result[] = [];
    for (const node of nodes) {
      line.show(progress(i, cases.length, kase, node, performance.now() - startMs));
      found.push(await runCase(kase, node, effort, options.base));
    }
    line.clear();
    results.push(...found);
    if (format === 'text') print(`${caseText(found)}\n`);
  }
  return { ...head, results };
}

function progress(done: number, all: number, { name }: Case, { facts }: NodeBinary, elapsedMs: number): string {
  const left = done === 0 ? '' : `, about ${Math.ceil((elapsedMs / done) * (all - done) * 0.001)} s left`;
  return `${done + 1}/${all} ${name}, Node ${facts.node.split('.')[0]}${left}`;
}

function textOf(document: Document): string {
  const names = [...new Set(document.results.map(({ name }) => name))];
  const texts = names.map((name) => caseText(document.results.filter((result) => result.name === name)));
  return [headText(document), ...texts].join('\n');
}

function check(results: readonly Result[]): void {
  const verdicts = judge(readGoals(GOALS), results);
  for (const { verdict, text } of verdicts) process.stderr.write(`${verdict.padEnd(7)} ${text}\n`);
  if (verdicts.length === 0) command.error('no goal is about these cases: nothing was checked');
  if (verdicts.some(({ verdict }) => verdict === 'MISSED')) process.exitCode = 1;
}

function print(text: string): void {
  process.stdout.write(text);
}
