/** `npm run hostile -- COMMAND`: see --help. README.md has the latest findings of the commands. */
import { Command } from 'commander';
import { integerArgument, runCommand } from '../../src/cli/arguments.js';
import { commandFloods } from './floods/command.js';
import { commandGateway } from './gateway/command.js';
import { commandNonces } from './nonces/command.js';

const MILLION = 1_000_000;
const count = integerArgument(1, 1_000_000_000);

const program = new Command('hostile').description(
  'Each command prints a table, and exits with 1 where a promise was broken.',
);
program
  .command('nonces')
  .description('real processes seal on one channel and are killed; no nonce is used twice')
  .option('--processes <number>', 'at once', count, 100)
  .option('--frames <number>', 'in all', count, MILLION)
  .action(({ processes, frames }) => commandNonces(processes, frames));
program
  .command('floods')
  .description('made-up KIDs, replays, forgeries and recordings against an opener')
  .option('--frames <number>', 'of each flood', count, MILLION)
  .addOption(program.createOption('--engine <engine>', 'the engine').choices(['simd', 'portable']).default('simd'))
  .action(({ frames, engine }) => commandFloods(frames, engine));
program
  .command('gateway')
  .description('two gateways and a lossy link between them, a receiver that closes and returns, and a kill -9')
  .option('--seconds <number>', 'how long', count, 20)
  .option('--minutes <number>', 'how long, instead of --seconds', count)
  .option('--rate <number>', 'packets a second', count, 5000)
  .action(({ seconds, minutes, rate }) => commandGateway(minutes === undefined ? seconds : 60 * minutes, rate));

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await runCommand(program);
