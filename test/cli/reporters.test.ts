/** The lines of `--json`, and when they are dropped. */
import { describe, expect, it } from 'vitest';
import { JsonReporter } from '../../src/cli/gateway/reporters.js';
import { channel, flow, route, side, snapshot } from '../support/snapshot.js';

const FORWARD = { host: '127.0.0.1', port: 6004 };

/** What is written, while the reader keeps up or has stopped. */
function stdout() {
  const lines: Record<string, unknown>[] = [];
  const reader = { stopped: false };
  const write = (text: string) => {
    if (!reader.stopped) lines.push(JSON.parse(text));
    return !reader.stopped;
  };
  return { lines, reader, outlet: { write, pending: 0 }, events: () => lines.map(({ event }) => event) };
}

const STATE = snapshot({
  routes: [route({ inside: side({ in: flow(2, { NOT_RTP: 1 }) }), outside: side({ out: flow(2) }) })],
  channels: [channel()],
});

describe('lines for machines', () => {
  it('are one for each interval, with what happened', () => {
    const { lines, events, outlet } = stdout();
    const reporter = new JsonReporter({ seal: true, forward: FORWARD }, outlet);
    reporter.listening(STATE);
    reporter.tick(STATE);
    reporter.end(STATE);
    expect(events()).toEqual(['listening', 'counters', 'totals']);
    expect(lines[0]).toMatchObject({ direction: 'seal', forward: '127.0.0.1:6004', framing: 'rtp' });
    const counters = { received: { packets: 3 }, forwarded: { packets: 2, bytes: 200 }, refused: { NOT_RTP: 1 } };
    expect(lines[1]).toMatchObject({ ...counters, packetsPerSecond: expect.any(Number) });
    expect(lines[2]).toMatchObject(counters);
  });

  it('are whole snapshots for a gateway.yaml', () => {
    const { lines, outlet } = stdout();
    new JsonReporter({}, outlet).tick(STATE);
    expect(lines[0]).toMatchObject({ event: 'counters', routes: [{ name: STATE.routes[0]!.name }] });
  });

  it('are dropped while stdout has no reader, so that no queue grows', () => {
    const { events, reader, outlet } = stdout();
    const reporter = new JsonReporter({ seal: true, forward: FORWARD }, outlet);
    reader.stopped = true;
    for (let i = 0; i < 5; i++) reporter.tick(STATE);
    reader.stopped = false;
    reporter.tick(STATE);
    expect(events()).toEqual(['counters']);
  });
});
