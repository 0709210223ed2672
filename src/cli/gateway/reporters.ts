/**
 * The lines of `--json` on stdout, for machines: one when the gateway listens, one a second, one for each new key, and the
 * totals. A gateway of one route in options has flat counters; one of a gateway.yaml its whole snapshot.
 */
import { type Endpoint, endpointText } from '../arguments.js';
import { drained, type Outlet, openOutlet } from './report/outlet.js';
import { type ShortCounters, shortCounters } from './shortform.js';
import type { GatewayEvent, GatewaySnapshot, Reporter, SideName } from './snapshot.js';

/** The options of the short form, as far as lines show them. */
export interface Shown {
  readonly seal?: boolean;
  readonly forward?: Endpoint;
}

export class JsonReporter implements Reporter {
  readonly #shown: Shown;
  readonly #from: SideName;
  readonly #outlet: Outlet;
  #last = { timeMs: performance.now(), packets: 0, bytes: 0 };

  /** `outlet`: stdout if left out. */
  constructor(shown: Shown, outlet?: Outlet) {
    this.#shown = shown;
    this.#from = shown.seal ? 'inside' : 'outside';
    this.#outlet = outlet ?? openOutlet(1, (error) => void process.stdout.emit('error', error));
  }

  /** The first line: addresses, key and settings. */
  listening(snapshot: GatewaySnapshot): void {
    const { forward, seal } = this.#shown;
    if (forward === undefined) {
      this.#print({ event: 'listening', ...snapshot });
      return;
    }
    const [route] = snapshot.routes;
    const [channel] = snapshot.channels;
    const { fingerprint, mode, keyId, bindHeader, rtcp } = channel!;
    this.#print({
      event: 'listening',
      direction: seal ? 'seal' : 'open',
      listen: route![this.#from].listen,
      forward: endpointText(forward),
      fingerprint,
      mode,
      ...(keyId !== undefined && { keyId }),
      framing: 'rtp',
      bindHeader,
      rtcp,
      engine: snapshot.engine,
    });
  }

  event(event: GatewayEvent): void {
    if (event.type !== 'rotated') return;
    const { type: _type, timeMs: _timeMs, ...key } = event;
    this.#print({ event: 'rotated', ...key });
  }

  tick(snapshot: GatewaySnapshot): void {
    if (this.#shown.forward === undefined) this.#print({ event: 'counters', ...snapshot });
    else {
      const counters = shortCounters(snapshot, this.#from);
      this.#print({ event: 'counters', ...counters, ...this.#rates(counters) });
    }
  }

  end(snapshot: GatewaySnapshot): void {
    const counters = this.#shown.forward === undefined ? snapshot : shortCounters(snapshot, this.#from);
    this.#print({ event: 'totals', ...counters });
  }

  flush(): Promise<void> {
    return drained(this.#outlet);
  }

  /** Packets and bits a second since the last call. */
  #rates({ forwarded }: ShortCounters): { packetsPerSecond: number; bitsPerSecond: number } {
    const now = { timeMs: performance.now(), ...forwarded };
    const seconds = Math.max(0.001, (now.timeMs - this.#last.timeMs) / 1000);
    const rates = {
      packetsPerSecond: Math.round((now.packets - this.#last.packets) / seconds),
      bitsPerSecond: Math.round((8 * (now.bytes - this.#last.bytes)) / seconds),
    };
    this.#last = now;
    return rates;
  }

  /** Lines are dropped while the reader stalls: a queue would grow. */
  #print(event: object): void {
    this.#outlet.write(`${JSON.stringify({ timeMs: Date.now(), ...event })}\n`);
  }
}
