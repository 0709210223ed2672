/** The reports of a gateway: JSON lines for machines, a status line and a table for people. */
import type { Identity } from '../configfile.js';
import { number, StatusLine, table } from '../terminal.js';
import type { GatewayCounters } from './gateway.js';

/** Addresses, key and settings of a gateway. */
export interface About extends Identity {
  readonly direction: string;
  readonly listen: string;
  readonly forward: string;
  readonly framing: string;
  readonly bindHeader: boolean;
  readonly rtcp: string;
  readonly engine: string;
}

/** A key that was reloaded, and the times of its rotation. */
export interface Rotated extends Identity {
  readonly sealAfterMs: number;
  readonly graceMs: number;
}

export interface Reporter {
  tick(counters: GatewayCounters): void;
  rotated(key: Rotated): void;
  end(counters: GatewayCounters): void;
}

/** Rates of the last interval. */
class Rates {
  #last = { timeMs: performance.now(), packets: 0, bytes: 0 };

  /** Packets and bits a second since the last call. */
  next(counters: GatewayCounters): { packetsPerSecond: number; bitsPerSecond: number } {
    const now = { timeMs: performance.now(), ...counters.forwarded };
    const seconds = Math.max(0.001, (now.timeMs - this.#last.timeMs) / 1000);
    const rates = {
      packetsPerSecond: Math.round((now.packets - this.#last.packets) / seconds),
      bitsPerSecond: Math.round((8 * (now.bytes - this.#last.bytes)) / seconds),
    };
    this.#last = now;
    return rates;
  }
}

/** For machines: a line when the gateway listens, one a second, one at the end. */
export class JsonReporter implements Reporter {
  readonly #rates = new Rates();

  constructor(about: About) {
    this.#print({ event: 'listening', ...about });
  }

  tick(counters: GatewayCounters): void {
    // Lines are dropped while stdout's reader has stopped: a queue of them would grow.
    if (!process.stdout.writableNeedDrain)
      this.#print({ event: 'counters', ...counters, ...this.#rates.next(counters) });
  }

  rotated(key: Rotated): void {
    this.#print({ event: 'rotated', ...key });
  }

  end(counters: GatewayCounters): void {
    this.#print({ event: 'totals', ...counters });
  }

  #print(event: object): void {
    process.stdout.write(`${JSON.stringify({ timeMs: Date.now(), ...event })}\n`);
  }
}

/** For people: a line that is written over while the gateway runs, and a table at the end. */
export class TerminalReporter implements Reporter {
  readonly #rates = new Rates();
  readonly #line = new StatusLine();

  constructor({ direction, listen, forward, mode, fingerprint, keyId, bindHeader, rtcp, engine }: About) {
    if (!process.stderr.isTTY) return;
    process.stderr.write(
      `${direction}: ${listen} -> ${forward}, ${mode}, fingerprint ${fingerprint}, keyId ${keyId ?? 'none'}, ` +
        `bindHeader ${bindHeader}, rtcp ${rtcp}, ${engine} engine; Ctrl-C ends it\n`,
    );
  }

  tick(counters: GatewayCounters): void {
    const { packetsPerSecond, bitsPerSecond } = this.#rates.next(counters);
    this.#line.show(
      `${number(packetsPerSecond)} packets/s  ${number(bitsPerSecond / 1e6, 2)} Mbit/s  ` +
        `${number(counters.forwarded.packets)} forwarded  ${number(sum(counters.refused))} refused  ` +
        `${number(counters.rtcp.forwarded)} RTCP`,
    );
  }

  rotated({ keyId, fingerprint, sealAfterMs, graceMs }: Rotated): void {
    if (!process.stderr.isTTY) return;
    this.#line.clear();
    process.stderr.write(
      `keyId ${keyId}, fingerprint ${fingerprint}: opens now, seals in ${sealAfterMs / 1000} s; ` +
        `the old key ends in ${(sealAfterMs + graceMs) / 1000} s\n`,
    );
  }

  end(counters: GatewayCounters): void {
    this.#line.clear();
    const rows = [
      ['received', `${number(counters.received.packets)} packets`, `${number(counters.received.bytes)} bytes`],
      ['forwarded', `${number(counters.forwarded.packets)} packets`, `${number(counters.forwarded.bytes)} bytes`],
      ['RTCP forwarded', `${number(counters.rtcp.forwarded)} packets`],
      ['RTCP dropped', `${number(counters.rtcp.dropped)} packets`],
      ...Object.entries(counters.refused).map(([status, count]) => [`refused: ${status}`, `${number(count)} packets`]),
      ['over the MTU', `${number(counters.oversize)} packets`],
      ['not sent', `${number(counters.sendErrors + counters.overruns)} packets`],
      ['socket errors', `${number(counters.socketErrors)} times`],
    ];
    process.stdout.write(`totals\n${table(rows)}`);
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
