/**
 * Output for people: colours and progress on a terminal, plain text in a pipe. Results go to stdout; progress, warnings
 * and errors go to stderr.
 */
import { styleText } from 'node:util';
import { ConfigError, EngineError } from 'frameseal';

const CLEAR_LINE = '\r\x1b[K';

type Style = Parameters<typeof styleText>[0];

/** An error for people: its message says what to do next; the process ends with `exitCode`. */
export class CliError extends Error {
  override readonly name = 'CliError';
  /** 1: the work failed; 2: usage error or bad configuration. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Whether the message is written for people and says what to do. Any other error is a bug, and keeps its stack trace. */
export function isExplained(error: unknown): error is Error {
  return (
    error instanceof CliError ||
    error instanceof ConfigError ||
    error instanceof EngineError ||
    error instanceof RangeError
  );
}

/** Text in a style where the stream is a terminal that wants colours. */
export function styled(stream: NodeJS.WriteStream, style: Style, text: string): string {
  const wanted = stream.isTTY && process.env['NO_COLOR'] === undefined;
  return wanted ? styleText(style, text, { stream }) : text;
}

export function warn(message: string): void {
  tell(styled(process.stderr, 'yellow', 'warning:'), message);
}

/** Tells people what they may want to know, and need not change. */
export function note(message: string): void {
  tell(styled(process.stderr, 'cyan', 'note:'), message);
}

function tell(label: string, message: string): void {
  process.stderr.write(`${process.stderr.isTTY ? CLEAR_LINE : ''}${label} ${message}\n`);
}

/** A line on stderr that is written over; nothing at all where stderr is no terminal. */
export class StatusLine {
  readonly #shown = process.stderr.isTTY === true;

  show(text: string): void {
    if (!this.#shown) return;
    // A terminal that does not know its width says 0.
    const columns = process.stderr.columns || 80;
    process.stderr.write(`${CLEAR_LINE}${text.slice(0, columns - 1)}`);
  }

  clear(): void {
    if (this.#shown) process.stderr.write(CLEAR_LINE);
  }
}

/** A bar of `width` characters for a share from 0 to 1. */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '#'.repeat(full) + '-'.repeat(width - full);
}

/** 12345.6 as `12,346`; with decimals where asked. */
export function number(value: number, decimals = 0): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Rows of cells as aligned lines: numbers to the right, words to the left. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const align = (cell: string, i: number) => (/^\d/.test(cell) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!));
  return rows.map((row) => `  ${row.map(align).join('  ').trimEnd()}\n`).join('');
}
