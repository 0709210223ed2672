/**
 * The `frameseal` command: its sub-commands, and how they end. Exit codes: 0 well; 1 the work failed (a tag, a vector, a mismatch); 2 usage error
 * or bad configuration. Results go to stdout, everything else to stderr.
 */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { runCommand } from './arguments.js';
import { addCheck } from './check.js';
import { addDemo } from './demo/command.js';
import { addFingerprint } from './fingerprint.js';
import { addFleet } from './fleet/command.js';
import { addGateway } from './gateway/command.js';
import { addKeygen } from './keygen.js';
import { addOpen, addSeal } from './recording/command.js';
import { addSpeed } from './speed.js';
import { CliError, isExplained, styled } from './terminal.js';
import { addVerify } from './verify.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

async function main(): Promise<void> {
  const program = new Command('frameseal')
    .description('Seals and opens real-time media: AES-GCM over SFrame (RFC 9605), and legacy SM4')
    .version(version);
  addKeygen(program);
  addFingerprint(program);
  addFleet(program);
  addGateway(program);
  addSeal(program);
  addOpen(program);
  addCheck(program);
  addVerify(program);
  addSpeed(program);
  addDemo(program);
  program.hook('preAction', (_, command) => {
    outlivesReader = command.name() === 'gateway';
  });
  try {
    await runCommand(program);
  } catch (error) {
    if (!isExplained(error)) throw error;
    fail(error.message, error instanceof CliError ? error.exitCode : 2);
  }
}

/** Reports an error to people, and sets the exit code. */
function fail(message: string, exitCode: number): void {
  process.stderr.write(`${styled(process.stderr, 'red', 'frameseal:')} ${message}\n`);
  process.exitCode = exitCode;
}

let outlivesReader = false;
let outputLost = false;

// A reader of stdout that has ended (`frameseal ... | head`) is no failure. A full disk is one. A gateway goes on without
// either, because media is its work.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' && !outlivesReader) process.exit();
  if (!outputLost) fail(`cannot write to stdout (${error.code}): the rest of the output is dropped`, 1);
  outputLost = true;
});
// Without stderr there is nowhere to report an error.
process.stderr.on('error', () => {});

await main();
