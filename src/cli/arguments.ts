/** Readers for command-line arguments, in commander's form: from text to a value, or InvalidArgumentError. */
import { InvalidArgumentError } from 'commander';

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

/** `127.0.0.1:5004`, `gateway.example:5004`, `[::1]:5004`. */
export function endpointArgument(text: string): Endpoint {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw new InvalidArgumentError('Expected HOST:PORT, or [IPV6]:PORT.');
  return { host: match[1] ?? match[2]!, port };
}

/** For messages: the text that endpointArgument reads. */
export function endpointText({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
