/**
 * The reports of a gateway on stderr: lines for people, with a live table below them on a terminal, or JSON lines for
 * machines. No report waits: lines without a reader are dropped, and their count is reported.
 */

import { Rates } from '../rates.js';
import type { GatewayEvent, GatewaySnapshot, Reporter } from '../snapshot.js';
import { Diagnosis } from './diagnosis.js';
import { LiveTable, type TerminalSize, tableOf } from './live.js';
import { drained, type Outlet, openOutlet } from './outlet.js';
import { isWarning, totals, Words } from './words.js';

/** Priorities of syslog, which systemd takes off the start of a line. */
const JOURNAL_WARNING = '<4>';
const JOURNAL_INFO = '<6>';
const [YELLOW, DIM, PLAIN] = ['\x1b[33m', '\x1b[2m', '\x1b[m'];

export type LogFormat = 'text' | 'json';

/** Where lines go. False where a line was dropped. */
type Line = (text: string) => boolean;

/**
 * The reporter of a process. Everything else that writes to stderr from now on goes through it as well, so that nothing
 * waits for a terminal.
 */
export function openReporter(format: LogFormat): GatewayReporter {
  const outlet = openOutlet(2);
  const stream = process.stderr;
  const isLive = stream.isTTY === true && format === 'text';
  const size = (): TerminalSize => ({ columns: stream.columns || 80, rows: stream.rows || 24 });
  const table = isLive ? new LiveTable(outlet, size) : undefined;
  const line: Line = (text) => (table === undefined ? outlet.write(`${text}\n`) : table.lines(text));
  const log = format === 'json' ? new JsonLog(line) : new TextLog(line, lineStyle(isLive));
  const reporter = new GatewayReporter(log, table, outlet);
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    log.text(text.replace(/\n$/, ''));
    const done = rest.at(-1);
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
  return reporter;
}

export class GatewayReporter implements Reporter {
  readonly #log: Log;
  readonly #table: LiveTable | undefined;
  readonly #diagnosis = new Diagnosis();
  readonly #rates = new Rates();
  readonly #lost = new Map<string, number>();
  readonly #outlet: Outlet | undefined;

  constructor(log: Log, table?: LiveTable, outlet?: Outlet) {
    this.#log = log;
    this.#table = table;
    this.#outlet = outlet;
  }

  event(event: GatewayEvent): void {
    this.#log.event(event);
  }

  /** Also tells what the counts since the last call mean. */
  tick(snapshot: GatewaySnapshot): void {
    for (const warning of this.#diagnosis.tick(snapshot)) this.event({ timeMs: snapshot.timeMs, ...warning });
    if (this.#table === undefined) return;
    this.#rates.sample(snapshot);
    this.#table.draw(tableOf(snapshot, this.#rates, this.#lost));
  }

  end(snapshot: GatewaySnapshot): void {
    this.#table?.clear();
    this.#log.end(snapshot);
  }

  async flush(): Promise<void> {
    if (this.#outlet !== undefined) await drained(this.#outlet);
  }
}

interface Log {
  event(event: GatewayEvent): void;
  /** Text that the gateway did not write. */
  text(text: string): void;
  end(snapshot: GatewaySnapshot): void;
}

/** Sends lines, and tells how many were dropped before. */
class Lines {
  readonly #line: Line;
  readonly #tellDropped: (count: number) => string;
  #dropped = 0;

  constructor(line: Line, tellDropped: (count: number) => string) {
    this.#line = line;
    this.#tellDropped = tellDropped;
  }

  send(text: string): void {
    if (this.#dropped > 0 && this.#line(this.#tellDropped(this.#dropped))) this.#dropped = 0;
    if (!this.#line(text)) this.#dropped++;
  }
}

/** For machines: an event a line, and the totals at the end. */
export class JsonLog implements Log {
  readonly #lines: Lines;

  constructor(line: Line) {
    this.#lines = new Lines(line, (count) => this.#json({ type: 'dropped', count }));
  }

  event({ timeMs, ...event }: GatewayEvent): void {
    this.#lines.send(
      this.#json({ level: isWarning({ timeMs, ...event } as GatewayEvent) ? 'warning' : 'info', ...event }, timeMs),
    );
  }

  text(text: string): void {
    this.#lines.send(this.#json({ level: 'warning', type: 'message', message: text }));
  }

  end(snapshot: GatewaySnapshot): void {
    this.#lines.send(this.#json({ level: 'info', type: 'totals', ...snapshot }, snapshot.timeMs));
  }

  #json(event: object, timeMs: number = Date.now()): string {
    return JSON.stringify({ time: new Date(timeMs).toISOString(), ...event });
  }
}

/** What stands in front of a line. */
type LineStyle = (text: string, isWarning: boolean, timeMs: number) => string;

/** For people. */
export class TextLog implements Log {
  readonly #words = new Words();
  readonly #style: LineStyle;
  readonly #lines: Lines;

  constructor(line: Line, style: LineStyle) {
    this.#style = style;
    this.#lines = new Lines(line, (count) =>
      style(`${count} lines were dropped, because nobody read them`, true, Date.now()),
    );
  }

  event(event: GatewayEvent): void {
    this.#lines.send(this.#style(this.#words.of(event), isWarning(event), event.timeMs));
  }

  text(text: string): void {
    this.#lines.send(text);
  }

  end(snapshot: GatewaySnapshot): void {
    this.#lines.send(totals(snapshot).trimEnd());
  }
}

/** The journal has times and priorities of its own; a terminal gets the time of day; anything else the whole time. */
export function lineStyle(isTerminal: boolean, env: NodeJS.ProcessEnv = process.env): LineStyle {
  if (isTerminal) {
    const [warning, dim, plain] = env['NO_COLOR'] === undefined ? [YELLOW, DIM, PLAIN] : ['', '', ''];
    return (text, isWarning, timeMs) => {
      const label = isWarning ? `${warning}warning:${plain} ` : '';
      return `${dim}${new Date(timeMs).toTimeString().slice(0, 8)}${plain} ${label}${text}`;
    };
  }
  if (env['JOURNAL_STREAM'] !== undefined)
    return (text, isWarning) => text.replace(/^/gm, isWarning ? JOURNAL_WARNING : JOURNAL_INFO);
  return (text, isWarning, timeMs) => `${new Date(timeMs).toISOString()} ${isWarning ? 'warning: ' : ''}${text}`;
}
