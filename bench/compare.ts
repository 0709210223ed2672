/**
 * `npm run bench:compare -- BASE [options]`: is this checkout slower or faster than another commit?
 *
 * Both are loaded into the same process and take turns there, so that the machine's wandering speed meets both. Where code
 * lies in memory and in which order it was compiled differs from process to process and moves times by some percent: so a
 * case has many processes, each gives one ratio, the median of its rounds, and the verdict rests on how these vary.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { runCommand } from 'frameseal-cli/arguments';
import { bar, StatusLine } from 'frameseal-cli/terminal';
import { numbersArgument } from './arguments.js';
import { type Case, selectCases } from './cases.js';
import { findNodes } from './machine.js';
import type { Measured } from './measure/request.js';
import { ROOT } from './peers/frameseal.js';
import { ask } from './run.js';
import { type Interval, medianOf, REAL, type Verdict, verdictOf } from './statistics.js';

const ROUNDS = 12;
/** Of each case; more while the verdict is open. */
const PROCESSES = 9;
const MOST_PROCESSES = 24;

interface Comparison {
  readonly case: string;
  /** This checkout's time to the base's. */
  readonly ratio: Interval;
  readonly verdict: Verdict;
}

const command = new Command('bench:compare')
  .description(
    `Builds a commit beside this checkout and measures both in turns. Exits 1 where this one is slower: where the whole
interval of a ratio lies beyond ${percent(REAL)}.`,
  )
  .argument('<base>', 'the commit: a hash, tag or branch')
  .option('--filter <text>', 'cases whose name holds every word; the cases of --quick if left out')
  .option('--node <major>', 'under this major version of Node', numbersArgument, [])
  .option('--json', 'one JSON array on stdout: case, verdict, and the ratio of this to the base with its interval')
  .action(main);

await runCommand(command);

async function main(base: string, options: { filter?: string; node: number[]; json?: boolean }): Promise<void> {
  const [node] = await findNodes(options.node);
  const directory = mkdtempSync(join(tmpdir(), 'frameseal-base-'));
  try {
    const root = buildBase(base, directory);
    const comparisons: Comparison[] = [];
    const cases = selectCases(options).filter(
      ({ quick, measure }) => measure === 'time' && (quick || options.filter !== undefined),
    );
    for (const [i, kase] of cases.entries()) {
      const found = await compare(kase, node!.path, root, `${i + 1}/${cases.length}`);
      if (found === undefined) continue;
      comparisons.push(found);
      if (!options.json) process.stdout.write(lineOf(found));
    }
    if (options.json) process.stdout.write(`${JSON.stringify(comparisons, null, 1)}\n`);
    if (comparisons.some(({ verdict }) => verdict === 'slower')) process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Builds the commit in a folder of its own in `directory`. Returns that folder. */
function buildBase(base: string, directory: string): string {
  const git = (...args: string[]) => execFileSync('git', ['-C', ROOT, ...args], { maxBuffer: 1 << 28 });
  process.stderr.write(`building ${base}\n`);
  const commit = git('rev-parse', '--verify', `${base}^{commit}`).toString().trim();
  const root = join(directory, commit);
  mkdirSync(root);
  execFileSync('tar', ['-x', '-C', root], { input: git('archive', commit) });
  execFileSync('npm', ['ci', '--silent'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  return root;
}

/** Undefined where the base does not offer the case. */
async function compare(kase: Case, node: string, base: string, position: string): Promise<Comparison | undefined> {
  const line = new StatusLine();
  const logarithms: number[] = [];
  for (let i = 0; i < MOST_PROCESSES; i++) {
    line.show(`${position} ${kase.name} ${bar(i / PROCESSES, 20)}`);
    // The build that is loaded first has an advantage, or a disadvantage.
    const only = i % 2 ? ['base', 'frameseal'] : ['frameseal', 'base'];
    const request = { task: 'time', name: kase.name, rounds: ROUNDS, base, only } as const;
    const measured = await ask<Measured[]>(node, request);
    const valuesOf = (name: string) => measured.find(({ contestant }) => contestant === name)!.values;
    const theirs = valuesOf('base');
    if (theirs.length === 0) return undefined;
    logarithms.push(medianOf(valuesOf('frameseal').map((ns, round) => Math.log(ns / theirs[round]!))).median);
    if (i + 1 >= PROCESSES && verdictOf(intervalOf(logarithms)) !== 'unclear') break;
  }
  line.clear();
  const ratio = intervalOf(logarithms);
  return { case: kase.name, ratio, verdict: verdictOf(ratio) };
}

function intervalOf(logarithms: readonly number[]): Interval {
  const { low, median, high } = medianOf(logarithms);
  return { low: Math.exp(low), median: Math.exp(median), high: Math.exp(high) };
}

function lineOf({ case: name, ratio: { low, median, high }, verdict }: Comparison): string {
  return `${verdict.padEnd(8)}${name.padEnd(34)}${percent(median - 1).padStart(7)}  (${percent(low - 1)} to ${percent(high - 1)})\n`;
}

function percent(share: number): string {
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}%`;
}
