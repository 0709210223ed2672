/** What the programs here share in reading their command line. */
import { type Command, CommanderError, InvalidArgumentError } from 'commander';

/** `160,1200` */
export function numbersArgument(list: string): number[] {
  if (!/^\d{1,6}(,\d{1,6})*$/.test(list))
    throw new InvalidArgumentError('Expected whole numbers with commas between them.');
  return list.split(',').map(Number);
}

/** Runs it. Wrong use exits with 2, as everywhere in frameseal: 1 is for what was measured. */
export async function runCommand(command: Command): Promise<void> {
  try {
    await command.showHelpAfterError('(--help shows the options)').exitOverride().parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  }
}
