/** Checks that no printed form of an error shows a secret. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { must } from './invariants.js';

/** Shorter pieces occur at random, such as a length or a word of the message. */
const SLICE = 8;

/** The words that messages are made of: all text in the modules that write them. */
export function vocabulary(folder: string): string {
  const modules = ['bytes.js', 'channel/config.js', 'channel/channel.js', 'channel/keyring.js'];
  return `${modules.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')}\nConfigError RangeError TypeError`;
}

/** Throws where the error's text, its properties or its stack hold SLICE characters in a row of a secret; words apart. */
export function mustNotShow(error: unknown, secrets: readonly string[], words: string, invariant: string): void {
  const { stack = '', message } = error as Error;
  // The stack's frames name files, which may well share letters with a made-up secret.
  const shown =
    [stack, inspect(error)].map((text) => text.replace(/\n\s+at .*/g, '')).join('\n') + JSON.stringify(error);
  for (const secret of secrets) {
    for (let i = 0; i + SLICE <= secret.length; i++) {
      const slice = secret.slice(i, i + SLICE);
      must(!shown.includes(slice) || words.includes(slice), invariant, () => `'${slice}' is in: ${message}`);
    }
  }
}
