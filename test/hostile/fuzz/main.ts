/** `npm run fuzz`: see --help. Tables on stdout, progress on a terminal's stderr. Exit code 1 where an invariant is broken. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { number, StatusLine } from '../../../src/cli/terminal.js';
import { findingsOf, runCampaign } from './campaign.js';
import { loadCode } from './code.js';
import { readCorpus, readSeeds, writeCorpus, writeSeed } from './files.js';
import type { Fuzzer } from './fuzzer.js';
import { findPlanted } from './planted.js';
import { branchTable, missedBranches, targetTable } from './report.js';
import { TARGET_NAMES } from './targets/index.js';

const HELP = `npm run fuzz -- [options]
  --minutes N     how long, all targets together; 1 by default
  --target NAME   one target: ${TARGET_NAMES.join(', ')}; all of them in turns where left out
  --seed N        the same mutations again, beginning without the corpus of earlier runs
  --planted       plants three bugs into copies of the code and shows how soon each is found
  --dist DIR      the built code, dist by default
`;
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const WORK = join(ROOT, 'build/fuzz');
const SEEDS = join(ROOT, 'fixtures/seeds');
const MOST_PLANTED_MS = 120_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    target: { type: 'string' },
    seed: { type: 'string' },
    planted: { type: 'boolean' },
    dist: { type: 'string', default: join(ROOT, 'dist') },
    help: { type: 'boolean' },
  },
});
const status = new StatusLine();
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const targets = values.target === undefined ? TARGET_NAMES : [values.target];

if (values.help) {
  process.stdout.write(HELP);
} else if (!(minutes > 0) || !Number.isInteger(seed) || !targets.every((name) => TARGET_NAMES.includes(name))) {
  process.stderr.write(HELP);
  process.exitCode = 2;
} else {
  // SM4 channels warn once.
  console.warn = () => {};
  process.stdout.write(`seed ${seed}\n`);
  const well = values.planted ? await findPlanted(values.dist, WORK, seed, MOST_PLANTED_MS) : await fuzz();
  process.exitCode = well ? 0 : 1;
}

/** One campaign; true where no invariant was broken. */
async function fuzz(): Promise<boolean> {
  const code = await loadCode(values.dist, join(WORK, 'code'));
  const seeds = readSeeds(SEEDS);
  const corpus = join(WORK, 'corpus');
  const kept = (target: string) => [
    ...seeds.filter((entry) => entry.target === target).map(({ input }) => Buffer.from(input, 'hex')),
    ...(values.seed === undefined ? readCorpus(corpus, target) : []),
  ];
  const fuzzers = runCampaign(code, { seed, durationMs: 60_000 * minutes, targets, kept, progress });
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
