/**
 * The `frameseal` command. Exit codes: 0 well; 1 the work failed (a tag, a vector, a mismatch); 2 wrong use or
 * configuration. Results go to stdout, everything else to stderr.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addDemo } from './demo/command.js';
import { addFingerprint } from './fingerprint.js';
import { addGateway } from './gateway/command.js';
import { addKeygen } from './keygen.js';
import { addSpeed } from './speed.js';
import { CliError, isExplained, styled } from './terminal.js';
import { addVerify } from './verify.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

async function main(): Promise<void> {
  const program = new Command('frameseal')
    .description('Seals and opens real-time media: AES-GCM over SFrame (RFC 9605), and legacy SM4')
    .version(version)
    .showHelpAfterError('(frameseal --help, or frameseal COMMAND --help, shows the options)')
    .exitOverride();
  addKeygen(program);
  addFingerprint(program);
  addGateway(program);
  addVerify(program);
  addSpeed(program);
  addDemo(program);
  program.hook('preAction', (_, command) => {
    outlivesReader = command.name() === 'gateway';
  });
  // Sub-commands are made before exitOverride can reach them.
  for (const command of program.commands) command.exitOverride().showHelpAfterError('(--help shows the options)');
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCode(error);
  }
}

/** Tells people what went wrong, and returns the exit code. */
function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!isExplained(error)) throw error;
  return tell(error.message, error instanceof CliError ? error.exitCode : 2);
}

function tell(message: string, code: number): number {
  process.stderr.write(`${styled(process.stderr, 'red', 'frameseal:')} ${message}\n`);
  return code;
}

let outlivesReader = false;
let outputLost = false;

// A reader that has gone away (`frameseal ... | head`) is no failure. A full disk is one. A gateway is there for media,
// and goes on without either.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' && !outlivesReader) process.exit();
  if (!outputLost) process.exitCode = tell(`cannot write to stdout (${error.code}): what does not fit is lost`, 1);
  outputLost = true;
});
// Nobody is left to tell.
process.stderr.on('error', () => {});

await main();
