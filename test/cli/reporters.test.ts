/** What a gateway's reporters write, and when they do not. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { GatewayCounters } from '../../src/cli/gateway/gateway.js';
import { type About, JsonReporter } from '../../src/cli/gateway/reporters.js';

const ABOUT: About = {
  direction: 'seal',
  listen: '127.0.0.1:5004',
  forward: '127.0.0.1:6004',
  mode: 'AES_128_GCM2',
  fingerprint: '0123-4567-89ab-cdef',
  keyId: 0,
  framing: 'rtp',
  bindHeader: true,
  rtcp: 'sealed',
  engine: 'simd',
};

const COUNTERS: GatewayCounters = {
  received: { packets: 3, bytes: 300 },
  forwarded: { packets: 2, bytes: 250 },
  rtcp: { forwarded: 0, dropped: 0 },
  refused: { NOT_RTP: 1 },
  oversize: 0,
  sendErrors: 0,
  overruns: 0,
  socketErrors: 0,
};

afterEach(() => {
  vi.restoreAllMocks();
});

/** What is written while stdout's reader keeps up, or has stopped reading. */
function stdout() {
  const lines: Record<string, unknown>[] = [];
  const reader = { stopped: false };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(JSON.parse(String(text))) > 0);
  vi.spyOn(process.stdout, 'writableNeedDrain', 'get').mockImplementation(() => reader.stopped);
  return { lines, reader, events: () => lines.map(({ event }) => event) };
}

describe('lines for machines', () => {
  it('are one for each interval, with what happened', () => {
    const { lines, events } = stdout();
    const reporter = new JsonReporter(ABOUT);
    reporter.tick(COUNTERS);
    reporter.end(COUNTERS);
    expect(events()).toEqual(['listening', 'counters', 'totals']);
    expect(lines[0]).toMatchObject(ABOUT);
    expect(lines[1]).toMatchObject({ ...COUNTERS, packetsPerSecond: expect.any(Number) });
    expect(lines[2]).toMatchObject(COUNTERS);
  });

  it('are dropped while stdout has no reader, so that no queue grows; totals are not', () => {
    const { events, reader } = stdout();
    const reporter = new JsonReporter(ABOUT);
    reader.stopped = true;
    for (let i = 0; i < 5; i++) reporter.tick(COUNTERS);
    reader.stopped = false;
    reporter.tick(COUNTERS);
    reader.stopped = true;
    reporter.end(COUNTERS);
    expect(events()).toEqual(['listening', 'counters', 'totals']);
  });
});
