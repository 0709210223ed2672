/** `npm run fuzz`: see --help. Tables on stdout, progress on a terminal's stderr. Exit code 1 where an invariant is broken. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { integerArgument, runCommand } from '../../../src/cli/arguments.js';
import { number, StatusLine } from '../../../src/cli/terminal.js';
import { findingsOf, runCampaign } from './campaign.js';
import { loadCode } from './code.js';
import { readCorpus, readSeeds, writeCorpus, writeSeed } from './files.js';
import type { Fuzzer } from './fuzzer.js';
import { findPlanted } from './planted.js';
import { branchTable, missedBranches, targetTable } from './report.js';
import { TARGET_NAMES } from './targets/index.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const WORK = join(ROOT, 'build/fuzz');
const SEEDS = join(ROOT, 'fixtures/seeds');
const MOST_PLANTED_MS = 120_000;

const status = new StatusLine();

interface FuzzOptions {
  readonly minutes: number;
  readonly target?: string;
  readonly seed?: number;
  readonly planted?: boolean;
  readonly dist: string;
}

const command = new Command('fuzz')
  .description('Fuzzes the parsers, and open under changed packets. Exits with 1 where an invariant is broken.')
  .option('--minutes <number>', 'how long, all targets together', minutesArgument, 1)
  .addOption(new Option('--target <name>', 'one target; all in turns if left out').choices([...TARGET_NAMES]))
  .option('--seed <number>', 'repeats mutations, without the corpus of earlier runs', integerArgument(0, 2 ** 32 - 1))
  .option('--planted', 'plants three bugs into copies of the code, and shows how soon each is found')
  .option('--dist <dir>', 'the built code', join(ROOT, 'dist'))
  .action(main);

await runCommand(command);

async function main(options: FuzzOptions): Promise<void> {
  // SM4 channels warn once.
  console.warn = () => {};
  const seed = options.seed ?? randomInt(2 ** 31);
  process.stdout.write(`seed ${seed}\n`);
  const well = options.planted
    ? await findPlanted(options.dist, WORK, seed, MOST_PLANTED_MS)
    : await fuzz(options, seed);
  process.exitCode = well ? 0 : 1;
}

function minutesArgument(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new InvalidArgumentError('Expected a number above 0.');
  return minutes;
}

/** Runs one campaign. Returns whether every invariant holds. */
async function fuzz(options: FuzzOptions, seed: number): Promise<boolean> {
  const code = await loadCode(options.dist, join(WORK, 'code'));
  const seeds = readSeeds(SEEDS);
  const corpus = join(WORK, 'corpus');
  const kept = (target: string) => [
    ...seeds.filter((entry) => entry.target === target).map(({ input }) => Buffer.from(input, 'hex')),
    ...(options.seed === undefined ? readCorpus(corpus, target) : []),
  ];
  const targets = options.target === undefined ? TARGET_NAMES : [options.target];
  const durationMs = 60_000 * options.minutes;
  const fuzzers = runCampaign(code, { seed, durationMs, targets, kept, progress });
  status.clear();
  for (const fuzzer of fuzzers) writeCorpus(corpus, fuzzer.target.name, fuzzer.corpus);
  process.stdout.write(`${targetTable(fuzzers)}\n\n${branchTable(code.coverage)}\n${missedBranches(code.coverage)}\n`);
  const findings = findingsOf(fuzzers);
  for (const finding of findings) {
    process.stdout.write(`\nVIOLATION (${finding.target}) ${finding.message}\n  seed: ${writeSeed(SEEDS, finding)}\n`);
  }
  return findings.length === 0;
}

function progress(fuzzers: readonly Fuzzer[], leftMs: number): void {
  const sum = (pick: (fuzzer: Fuzzer) => number) => fuzzers.reduce((total, fuzzer) => total + pick(fuzzer), 0);
  const executions = number(sum((fuzzer) => fuzzer.executions));
  const kept = sum((fuzzer) => fuzzer.corpus.length);
  const broken = sum((fuzzer) => fuzzer.findings.length);
  const left = Math.max(0, Math.round(leftMs / 1000));
  status.show(`${executions} executions, corpus ${kept}, findings ${broken}, ${left} s left`);
}
