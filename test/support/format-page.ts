/** FORMAT.md, and the examples of its appendix A. */
import { readFileSync } from 'node:fs';

export type Values = Record<string, string>;

export const page = readFileSync(new URL('../../FORMAT.md', import.meta.url), 'utf8');

/** The `name = value` lines of every fenced block of a kind; an indented line continues the value before it. */
export function blocks(kind: 'example' | 'headers' | 'datagrams'): Values[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\`$`, 'gms'))].map((match) => {
    const lines = match[1]!.replace(/\n +/g, '').trim().split('\n');
    return Object.fromEntries(lines.map((line) => line.split(/ += /) as [string, string]));
  });
}

/** The lines of the blocks of headers or datagrams. */
export function lines(kind: 'headers' | 'datagrams'): [hex: string, printed: string][] {
  return blocks(kind).flatMap(Object.entries<string>);
}
