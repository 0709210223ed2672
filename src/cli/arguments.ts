/**
 * Command-line arguments: readers in commander's form, from text to a value or InvalidArgumentError; and running a
 * command, with 2 as the exit code of a usage error.
 */
import { type Command, CommanderError, InvalidArgumentError } from 'commander';
import { parseEndpoint } from './gateway/config/addresses.js';

/** A host and a UDP port. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export function integerArgument(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** `127.0.0.1:5004`, `gateway.example:5004`, `[::1]:5004`, `[fe80::1%eth0]:5004`. */
export function endpointArgument(text: string): Endpoint {
  const read = parseEndpoint(text);
  if (typeof read === 'string') throw new InvalidArgumentError(read);
  return read;
}

/** For messages: the text that endpointArgument reads. */
export function endpointText({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Parses the process's arguments and runs the command. A usage error sets exit code 2; other errors are thrown. */
export async function runCommand(command: Command): Promise<void> {
  // Sub-commands do not inherit these settings.
  for (const each of [command, ...command.commands])
    each.showHelpAfterError('(--help shows the options)').exitOverride();
  const name = command.name();
  if (command.commands.length > 0)
    command.showHelpAfterError(`(${name} --help, or ${name} COMMAND --help, shows the options)`);
  try {
    await command.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  }
}
