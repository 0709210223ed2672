/** `frameseal verify`: runs files of test vectors, ours and other people's, and reports disagreements; or has a peer run them. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { EngineChoice } from 'frameseal';
import { type Disagreement, type Report, readVectors, VectorFormatError, verifyVectors } from 'frameseal/vectors';
import { integerArgument } from './arguments.js';
import { type PeerOptions, verifyPeer } from './peer/command.js';
import { CliError, number, StatusLine, styled } from './terminal.js';

interface VerifyCommandOptions extends Omit<PeerOptions, 'peer'> {
  engine: EngineChoice;
  json?: boolean;
  peer?: string;
}

/** Disagreements that are reported in full for each file. */
const SHOWN = 5;
const LONGEST_VALUE = 200;

export function addVerify(program: Command): void {
  program
    .command('verify')
    .description('run files of test vectors: ours, Wycheproof (aes_gcm, hkdf), NIST CAVP (GCM), RFC 9605')
    .argument('[file...]', 'the files')
    .addOption(
      program
        .createOption('--engine <engine>', 'on which engine')
        .choices(['auto', 'simd', 'portable'])
        .default('auto'),
    )
    .option('--peer <command>', "test another implementation: the shell runs its adapter ('sh -c'; on Windows cmd.exe)")
    .option('--random <n>', 'with --peer: random cases besides those of the files', integerArgument(1, 1e9))
    .option(
      '--seed <n>',
      'with --peer: which random cases (default: others each time)',
      integerArgument(0, 2 ** 32 - 1),
    )
    .option(
      '--peer-timeout <s>',
      'with --peer: seconds without an answer that end the test',
      integerArgument(1, 3600),
      10,
    )
    .option('--json', 'one JSON document on stdout, with a reproduction of every disagreement')
    .action(verify);
}

async function verify(files: string[], options: VerifyCommandOptions): Promise<void> {
  const { peer, random } = options;
  if (peer === undefined) {
    if (random !== undefined || options.seed !== undefined) throw new CliError('--random and --seed are for --peer');
    if (files.length === 0) throw new CliError('no files: name files of test vectors, such as fixtures/*.json');
    verifyFiles(files, options);
    return;
  }
  if (files.length === 0 && random === undefined)
    throw new CliError('nothing to ask the peer: name files of test vectors, or give --random N');
  const vectors = files.map((file) => readFile(file, readVectors));
  await verifyPeer(vectors, { ...options, peer });
}

function verifyFiles(files: readonly string[], options: VerifyCommandOptions): void {
  const line = new StatusLine();
  const reports = files.map((file, i) => {
    line.show(`${i + 1}/${files.length} ${file}`);
    return { file, ...readFile(file, (text) => verifyVectors(text, { engine: options.engine })) };
  });
  line.clear();
  const disagreed = reports.reduce((sum, report) => sum + report.disagreements.length, 0);
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: disagreed === 0, reports })}\n`);
  else for (const report of reports) process.stdout.write(reportText(report.file, report));
  if (disagreed > 0) process.exitCode = 1;
}

/** What `take` makes of a file's text. */
function readFile<Result>(file: string, take: (text: string) => Result): Result {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  try {
    return take(text);
  } catch (error) {
    if (error instanceof VectorFormatError) throw new CliError(`${file}: ${error.message}`);
    throw error;
  }
}
function reportText(file: string, report: Report): string {
  const { agreed, disagreements, outOfScope, format, engine } = report;
  const well = disagreements.length === 0;
  const mark = styled(process.stdout, well ? 'green' : 'red', well ? 'ok' : 'DISAGREES');
  const lines = [
    `${mark}  ${file} (${format}, ${engine} engine)`,
    `    ${number(agreed)} agree, ${number(disagreements.length)} disagree`,
    ...Object.entries(outOfScope).map(([reason, count]) => `    ${number(count)} out of scope: ${reason}`),
    ...disagreements.slice(0, SHOWN).flatMap(disagreementLines),
  ];
  if (disagreements.length > SHOWN) lines.push(`    and ${number(disagreements.length - SHOWN)} more: see --json`);
  return `${lines.join('\n')}\n`;
}

function disagreementLines({ id, kind, what, expected, got, reproduction }: Disagreement): string[] {
  return [
    `    ${kind} "${id}": ${what}`,
    `      the vector  ${shorten(expected)}`,
    `      frameseal   ${shorten(got)}`,
    '      to see it alone, save this line and verify it:',
    reproduction,
  ];
}

function shorten(text: string): string {
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}... (${text.length} characters)`;
}
