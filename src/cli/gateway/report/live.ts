/**
 * The live table of a terminal: lines scroll above it, and it is drawn again every second, as long as the terminal takes
 * what was written before.
 */
import { number } from '../../terminal.js';
import { packetsOf, type Rates, SIDES } from '../rates.js';
import type { GatewaySnapshot, SideSnapshot } from '../snapshot.js';
import type { Outlet } from './outlet.js';

const CLEAR_BELOW = '\x1b[J';
/** No wrapping: a line that is too long would take two rows, and the table would not be found again. */
const WRAP_OFF = '\x1b[?7l';
const WRAP_ON = '\x1b[?7h';
const BOLD = '\x1b[1m';
const YELLOW = '\x1b[33m';
const PLAIN = '\x1b[m';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A row of the table; `loses`: packets were lost in the last second. */
interface Row {
  readonly text: string;
  readonly style: string;
}

export class LiveTable {
  readonly #outlet: Outlet;
  readonly #size: () => TerminalSize;
  #rows: readonly Row[] = [];
  /** Rows that are on the terminal, below the cursor's line of before. */
  #drawn = 0;

  constructor(outlet: Outlet, size: () => TerminalSize) {
    this.#outlet = outlet;
    this.#size = size;
  }

  /** Writes lines above the table. False where they were dropped. */
  lines(text: string): boolean {
    return this.#write(`${text}\n`);
  }

  /** Draws the table again, unless the terminal still has to take what was written before. */
  draw(rows: readonly Row[]): void {
    if (this.#outlet.pending > 0) return;
    this.#rows = rows;
    this.#write('');
  }

  /** Takes the table away. */
  clear(): void {
    this.#rows = [];
    this.#write('');
  }

  #write(above: string): boolean {
    const { columns, rows } = this.#size();
    const shown = this.#rows.slice(0, Math.max(0, rows - 2));
    const table = shown.map(({ text, style }) => `${style}${text.slice(0, columns - 1)}${style && PLAIN}\n`).join('');
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
    const taken = this.#outlet.write(`${up}\r${CLEAR_BELOW}${above}${table && WRAP_OFF + table + WRAP_ON}`);
    if (taken) this.#drawn = shown.length;
    return taken;
  }
}

const MOST_NAME = 24;
const HEADINGS = ['route', 'side', 'in/s', 'out/s', 'Mbit/s out', 'in', 'lost', 'peer'];

/** The table of a snapshot. */
export function tableOf(snapshot: GatewaySnapshot, rates: Rates, lostBefore: Map<string, number>): Row[] {
  const cells: string[][] = [HEADINGS];
  const styles: string[] = [BOLD];
  for (const route of snapshot.routes) {
    for (const name of SIDES) {
      const side = route[name];
      const [arriving, leaving] = [rates.of(route.name, name, 'in')['1s'], rates.of(route.name, name, 'out')['1s']];
      const lost = lostOf(side);
      const key = `${name}/${route.name}`;
      styles.push(lost > (lostBefore.get(key) ?? 0) ? YELLOW : '');
      lostBefore.set(key, lost);
      cells.push([
        name === 'inside' ? shortened(route.name) : '',
        name,
        number(arriving.packetsPerSecond),
        number(leaving.packetsPerSecond),
        number(leaving.bitsPerSecond / 1e6, 2),
        number(packetsOf(side.in)),
        number(lost),
        side.peer ?? side.peerSetting,
      ]);
    }
  }
  const texts = aligned(cells);
  return texts.map((text, i) => ({ text, style: styles[i]! }));
}

/** Packets that arrived at a side, or were to leave from it, and did not go on. */
function lostOf(side: SideSnapshot): number {
  const refused =
    packetsOf(side.in) - (side.in.packets['ok'] ?? 0) + packetsOf(side.out) - (side.out.packets['ok'] ?? 0);
  const unsent = Object.values(side.sendErrors).reduce((sum, count) => sum + count, 0);
  return refused + side.sourceRefused + unsent + side.overruns + side.kernelDrops;
}

/** A long name would push the other columns off the terminal. */
function shortened(name: string): string {
  return name.length <= MOST_NAME ? name : `${name.slice(0, MOST_NAME - 3)}...`;
}

/** Numbers, and their headings, to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const isNumber = (column: number) => column >= 2 && column <= 6;
  return rows.map((row) =>
    row
      .map((cell, column) => (isNumber(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}
