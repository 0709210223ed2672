/** The report of a command: a line of progress on a terminal, a table at the end, and the exit code. */
import { number, StatusLine } from '../../src/cli/terminal.js';

export class Report {
  readonly #title: string;
  readonly #rows: [name: string, figure: string][] = [];
  readonly #violations: string[] = [];
  readonly #line = new StatusLine();
  #shownMs = 0;

  constructor(title: string) {
    this.#title = title;
  }

  row(name: string, figure: string | number): void {
    this.#rows.push([name, typeof figure === 'number' ? number(figure) : figure]);
  }

  /** Notes a violation unless `holds`. */
  check(promise: string, holds: boolean): void {
    if (!holds) this.#violations.push(promise);
  }

  /** Shows a line a few times a second. Called for each frame; `text` is called only when a line is shown. */
  progress(text: () => string): void {
    const nowMs = performance.now();
    if (nowMs - this.#shownMs < 200) return;
    this.#shownMs = nowMs;
    this.#line.show(text());
  }

  /** Prints the table; a violation makes the exit code 1. */
  end(): void {
    this.#line.clear();
    const width = Math.max(...this.#rows.map(([name]) => name.length));
    const lines = this.#rows.map(([name, figure]) => `  ${name.padEnd(width)}  ${figure}\n`);
    process.stdout.write(`${this.#title}, Node ${process.versions.node}\n${lines.join('')}`);
    for (const violation of this.#violations) process.stdout.write(`VIOLATED: ${violation}\n`);
    if (this.#violations.length > 0) process.exitCode = 1;
  }
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(2)} MiB`;
}

/** `part` of `whole`, in percent: 100% only where they are equal. */
export function percent(part: number, whole: number): string {
  return part === whole ? '100%' : `${(Math.floor((1e5 * part) / whole) / 1e3).toFixed(3)}%`;
}
