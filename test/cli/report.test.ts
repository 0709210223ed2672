/** Reports of a gateway: events in words and as JSON, the table, and what counts that grow mean. */
import { describe, expect, it } from 'vitest';
import { Rates } from '../../src/cli/gateway/rates.js';
import { Diagnosis } from '../../src/cli/gateway/report/diagnosis.js';
import { LiveTable, tableOf } from '../../src/cli/gateway/report/live.js';
import { protocolOf } from '../../src/cli/gateway/report/mismatch.js';
import { GatewayReporter, JsonLog, lineStyle, TextLog } from '../../src/cli/gateway/report/reporter.js';
import { Words } from '../../src/cli/gateway/report/words.js';
import type { EventBody, GatewayEvent, GatewaySnapshot, SideSnapshot } from '../../src/cli/gateway/snapshot.js';
import { channel, flow, route, side, snapshot } from '../support/snapshot.js';

const at = (body: EventBody): GatewayEvent => ({ timeMs: 1_000_000, ...body }) as GatewayEvent;

describe('events in words', () => {
  const words = new Words();
  const cases: [EventBody, string | RegExp][] = [
    [
      { type: 'started', version: '0.1.0', engine: 'simd', file: 'gateway.yaml', http: '127.0.0.1:9464' },
      'frameseal 0.1.0 started, simd engine, gateway.yaml, http://127.0.0.1:9464/',
    ],
    [
      { type: 'channel', channel: channel({ context: 'room 7', role: 'a' }) },
      'channel studio: seals a1b2-c3d4-e5f6-0718, opens 1111-2222-3333-4444, AES_256_GCM2, key id 3, context "room 7", role a, bindHeader true, rtcp sealed, from studio.json',
    ],
    [
      { type: 'route-opened', route: route() },
      'route camera-1: inside 127.0.0.1:5004 (peer 127.0.0.1:7004; clear) <-> outside 127.0.0.1:6004 (peer 127.0.0.1:6104; channel studio, seals a1b2-c3d4-e5f6-0718, opens 1111-2222-3333-4444, key id 3); simd engine',
    ],
    [
      { type: 'route-changed', route: route({ direction: 'outward', thread: 2 }) },
      /^route changed: camera-1: .* -> outside .*, thread 2$/,
    ],
    [{ type: 'route-closed', route: route() }, 'route camera-1 closed'],
    [
      { type: 'first-packet', route: 'r', side: 'inside', source: '127.0.0.1:9' },
      'r inside: the first packet arrived, from 127.0.0.1:9',
    ],
    [
      { type: 'first-opened', route: 'r', side: 'outside', source: '127.0.0.1:9', sender: '0123456789abcdef' },
      'r outside: the first frame opened, from 127.0.0.1:9, sender 0123456789abcdef',
    ],
    [
      { type: 'peer', route: 'r', side: 'inside', peer: 'B', by: 'learned' },
      'r inside: the peer is B (learned from a packet)',
    ],
    [
      { type: 'peer', route: 'r', side: 'inside', peer: 'B', before: 'A', by: 'lookup' },
      'r inside: the peer changes from A to B (from the name server)',
    ],
    [
      {
        type: 'rotated',
        channel: 'studio',
        mode: 'AES_256_GCM2',
        keyId: 4,
        fingerprint: 'f',
        opens: 'f',
        sealAfterMs: 5000,
        graceMs: 10_000,
      },
      'channel studio: new key, fingerprint f, key id 4: opens now, seals in 5 s; the old key ends in 15 s',
    ],
    [{ type: 'key-seals', channel: 'studio', keyId: 4 }, 'channel studio: key id 4 seals from now on'],
    [{ type: 'route-changed', route: route() }, /channel studio, fingerprint f, key id 4\); simd engine$/],
    [{ type: 'key-ended', channel: 'studio', keyId: 3 }, 'channel studio: key id 3 has ended'],
    [
      { type: 'reloaded', result: 'ok', added: ['a', 'b'], changed: [], removed: ['c'], faults: [] },
      'the configuration is reloaded: added a, b; removed c',
    ],
    [
      { type: 'reloaded', result: 'ok', added: [], changed: [], removed: [], faults: [] },
      'the configuration is reloaded: no route changes',
    ],
    [
      {
        type: 'reloaded',
        result: 'refused',
        added: [],
        changed: [],
        removed: [],
        faults: ['gateway.yaml:3: x', 'gateway.yaml:9: y'],
      },
      'the configuration is not taken, and nothing changes:\n  gateway.yaml:3: x\n  gateway.yaml:9: y',
    ],
    [{ type: 'warning', cause: 'root', count: 1, message: 'runs as root' }, 'runs as root'],
    [
      { type: 'warning', cause: 'bad-tag', route: 'r', side: 'inside', count: 1234, message: 'm' },
      'r inside: m (1,234 times)',
    ],
    [{ type: 'stopping', signal: 'SIGTERM' }, 'SIGTERM: packets that have arrived are sent, then the gateway ends'],
  ];
  it.each(cases)('%j', (body, text) =>
    expect(words.of(at(body))).toEqual(typeof text === 'string' ? text : expect.stringMatching(text)),
  );

  it('have no control characters, which would act on a terminal', () => {
    expect(words.of(at({ type: 'warning', cause: 'other', count: 1, message: 'a\x1b[2J\x9bb\r' }))).toBe('a?[2J?b?');
  });
});

describe('lines', () => {
  const warning = at({ type: 'warning', cause: 'root', count: 1, message: 'm' });
  const logged = (style: ReturnType<typeof lineStyle>, events: GatewayEvent[]) => {
    const lines: string[] = [];
    const log = new TextLog((text) => lines.push(text) > 0, style);
    for (const event of events) log.event(event);
    return lines;
  };

  it('have the time, and the journal its priorities', () => {
    expect(logged(lineStyle(false, {}), [warning])).toEqual(['1970-01-01T00:16:40.000Z warning: m']);
    const refused = at({ type: 'reloaded', result: 'refused', added: [], changed: [], removed: [], faults: ['x'] });
    expect(logged(lineStyle(false, { JOURNAL_STREAM: '8:1' }), [warning, refused])).toEqual([
      '<4>m',
      '<4>the configuration is not taken, and nothing changes:\n<4>  x',
    ]);
    expect(logged(lineStyle(true, { NO_COLOR: '' }), [warning])[0]).toMatch(/^\d\d:\d\d:\d\d warning: m$/);
  });

  it('as JSON are an event each, and the totals', () => {
    const lines: string[] = [];
    const log = new JsonLog((text) => lines.push(text) > 0);
    log.event(warning);
    log.text('a library warns');
    log.end(snapshot());
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { time: '1970-01-01T00:16:40.000Z', level: 'warning', type: 'warning', cause: 'root', message: 'm', count: 1 },
      { level: 'warning', type: 'message', message: 'a library warns' },
      { type: 'totals', routes: [{ name: 'camera-1' }] },
    ]);
  });

  it('that were dropped are counted, once there is room', () => {
    const lines: string[] = [];
    let room = false;
    const log = new TextLog(
      (text) => room && lines.push(text) > 0,
      (text) => text,
    );
    for (let i = 0; i < 3; i++) log.event(warning);
    room = true;
    for (let i = 0; i < 2; i++) log.event(warning);
    expect(lines).toEqual(['3 lines were dropped, because nobody read them', 'm', 'm']);
  });
});

/** A gateway over time: each second some of an outside's counters change. */
class Seconds {
  readonly diagnosis = new Diagnosis();
  second = 0;
  now(outside: Partial<SideSnapshot>, changes: Partial<GatewaySnapshot> = {}) {
    const timeMs = 1_000_000 + 1000 * this.second++;
    const busy = { lastArrivalMs: timeMs };
    const both = route({ inside: side({ ...busy }), outside: { ...route().outside, ...busy, ...outside } });
    return this.diagnosis.tick(snapshot({ timeMs, routes: [both], ...changes }));
  }
}

/** The one warning that counters of the outside give. */
function warningOf(outside: Partial<SideSnapshot>, changes: Partial<GatewaySnapshot> = {}) {
  const [warning, ...more] = new Seconds().now(outside, changes);
  expect(more).toEqual([]);
  return warning!;
}

describe('counts that grow', () => {
  it('are reported at once, and again after a minute with the count since then', () => {
    const seconds = new Seconds();
    const told: [number, number][] = [];
    for (let i = 0; i < 130; i++) {
      for (const { count } of seconds.now({ in: flow(0, { BAD_TAG: 50 * (i + 1) }) })) told.push([i, count]);
    }
    expect(told).toEqual([
      [0, 50],
      [60, 3000],
      [120, 3000],
    ]);
  });

  it('are reported again at once after a long pause, and not at all without growth', () => {
    const seconds = new Seconds();
    const told: number[] = [];
    for (let i = 0; i < 200; i++)
      if (seconds.now({ in: flow(0, { BAD_TAG: i < 150 ? 5 : 6 }) }).length > 0) told.push(i);
    expect(told).toEqual([0, 150]);
  });

  it('of another cause, side or route are reported on their own', () => {
    const seconds = new Seconds();
    const first = seconds.now({ in: flow(0, { BAD_TAG: 5 }) });
    const second = seconds.now({ in: flow(0, { BAD_TAG: 9, UNKNOWN_KEY: 1 }), overruns: 2 });
    expect([...first, ...second].map(({ cause }) => cause)).toEqual(['bad-tag', 'unknown-key', 'overrun']);
    expect(first[0]).toMatchObject({ type: 'warning', route: 'camera-1', side: 'outside', count: 5 });
  });

  it('BAD_TAG alone: what may differ, and both fingerprints to compare', () => {
    const { cause, message } = warningOf(
      { in: flow(0, { BAD_TAG: 7 }) },
      { channels: [channel({ context: 'room 7', role: 'a' })] },
    );
    expect(cause).toBe('bad-tag');
    for (const word of [
      'key, salt, mode, context, role, bindHeader or rtcp',
      'opens 1111-2222-3333-4444',
      'seals a1b2-c3d4-e5f6-0718',
      'AES_256_GCM2, key id 3, context "room 7", role a, bindHeader true, rtcp sealed',
    ])
      expect(message).toContain(word);
  });

  it.each<[string, Partial<SideSnapshot>, string, string]>([
    [
      'BAD_TAG among good ones',
      { in: flow(99, { BAD_TAG: 1 }) },
      'bad-tag',
      '1.0 % of the packets fail to authenticate: the path damages',
    ],
    [
      'BAD_TAG of SRTP',
      { rule: { kind: 'srtp', receive: 'camera' }, in: flow(0, { BAD_TAG: 1 }) },
      'bad-tag',
      'another SRTP key, salt or suite than srtp camera',
    ],
    [
      'UNKNOWN_KEY',
      { in: flow(0, { UNKNOWN_KEY: 1 }), lastUnknownKeyId: 5 },
      'unknown-key',
      'seals with key id 5 that is not live here (live: 3)',
    ],
    ['OWN_FRAME', { in: flow(0, { OWN_FRAME: 1 }) }, 'own-frame', 'a loop'],
    ['TOO_OLD', { in: flow(9, { TOO_OLD: 1 }) }, 'too-old', '10.0 % of the packets'],
    ['REPLAYED', { in: flow(9, { REPLAYED: 1 }) }, 'replayed', '10.0 % of the packets'],
    ['NOT_RTP', { in: flow(9, { NOT_RTP: 1 }), lastForeignByte: 22 }, 'not-rtp', 'DTLS (first byte 22)'],
    ['RTCP', { in: flow(9, { RTCP: 1 }) }, 'clear-rtcp', 'clearRtcp: forward'],
    ['BUSY', { in: flow(9, { BUSY: 1 }) }, 'busy', 'flood'],
    ['EXHAUSTED', { out: flow(9, { EXHAUSTED: 1 }) }, 'srtp-key', 'limit of packets'],
    ['NO_PEER', { out: flow(0, { NO_PEER: 1 }) }, 'no-peer', 'learned from the first packet'],
    ['ONE_WAY', { in: flow(0, { ONE_WAY: 1 }) }, 'other', 'direction: both'],
    ['MALFORMED', { in: flow(0, { MALFORMED: 1 }) }, 'other', 'does not seal'],
    ['MALFORMED on the way out', { out: flow(0, { MALFORMED: 1 }) }, 'other', 'no well-formed RTP'],
    ['any other status', { in: flow(0, { NO_ROOM: 1 }) }, 'other', 'NO_ROOM'],
    [
      'sources',
      { sourceRefused: 4, lastRefused: '203.0.113.9:4', from: ['192.0.2.0/24'] },
      'source-refused',
      'packets from 203.0.113.9:4, which from does not allow (192.0.2.0/24)',
    ],
    ['overruns', { overruns: 1 }, 'overrun', 'slower'],
    ['kernel drops', { kernelDrops: 1 }, 'kernel-drops', 'net.core.rmem_max'],
    ['the MTU', { oversize: 1 }, 'oversize', '1,500 bytes'],
    ['no receiver', { socketErrors: { ECONNREFUSED: 1 } }, 'no-receiver', 'no receiver at 127.0.0.1:6104'],
    ['no route', { sendErrors: { ENETUNREACH: 1 } }, 'send-error', 'no route'],
    ['a firewall', { sendErrors: { EPERM: 1 } }, 'send-error', 'firewall'],
  ])('%s', (_, outside, cause, words) => {
    const warning = warningOf(outside);
    expect(warning.cause).toBe(cause);
    expect(
      warning.message.replace('do not seal', 'does not seal').replace('does not seal them', 'does not seal'),
    ).toContain(words);
  });

  it('TOO_OLD and REPLAYED below 1 % are what networks do', () => {
    expect(new Seconds().now({ in: flow(1000, { TOO_OLD: 4, REPLAYED: 5 }) })).toEqual([]);
  });

  it('first bytes have a meaning', () => {
    const names = [0, 3, 4, 16, 20, 63, 64, 71, 80, 127, 192, 255].map((byte) =>
      protocolOf(byte).replace(/[ ,].*/, ''),
    );
    expect(names).toEqual([
      'STUN',
      'STUN',
      'no',
      'ZRTP',
      'DTLS',
      'DTLS',
      'a',
      'MPEG-TS',
      'QUIC',
      'QUIC',
      'QUIC',
      'QUIC',
    ]);
  });
});

describe('silence', () => {
  const run = (
    lastArrivalMs: (second: number) => number | undefined,
    direction: 'both' | 'inward' = 'both',
    sourceRefused = 0,
  ) => {
    const diagnosis = new Diagnosis();
    const told: string[] = [];
    for (let second = 0; second < 200; second++) {
      const timeMs = 1_000_000 + 1000 * second;
      const last = lastArrivalMs(second);
      const inside = side({ sourceRefused, ...(last !== undefined && { lastArrivalMs: 1_000_000 + 1000 * last }) });
      const outside = side({ lastArrivalMs: timeMs });
      for (const { cause, side: name, message } of diagnosis.tick(
        snapshot({ timeMs, routes: [route({ direction, inside, outside })] }),
      ))
        if (cause === 'silence')
          told.push(
            `${second} ${name} ${/for (\d+ s)/.exec(message)![1]}${message.includes('packets before') ? ' after packets' : ''}`,
          );
    }
    return told;
  };

  it('from the start is reported after 10 s, and once more', () => {
    expect(run(() => undefined)).toEqual(['10 inside 10 s', '70 inside 70 s']);
  });

  it('after packets is reported, and so is the next one', () => {
    expect(run((second) => (second < 20 ? second : second < 50 ? 20 : Math.min(second, 60)))).toEqual([
      '30 inside 10 s after packets',
      '70 inside 10 s after packets',
      '130 inside 70 s after packets',
    ]);
  });

  it('is none where nothing is to arrive, or where what arrives is refused', () => {
    expect(run(() => undefined, 'inward')).toEqual([]);
    expect(run(() => undefined, 'both', 1)).toEqual([]);
  });
});

it('silence has no count of its own', () => {
  const diagnosis = new Diagnosis();
  const silent = (second: number) =>
    snapshot({ timeMs: 1000 * second, routes: [route({ outside: side({ lastArrivalMs: 1000 * second }) })] });
  for (let second = 0; second < 10; second++) diagnosis.tick(silent(second));
  expect(diagnosis.tick(silent(10))).toMatchObject([{ cause: 'silence', count: 1 }]);
});

describe('the live table', () => {
  const screen = () => {
    const state = { text: '', pending: 0 };
    const outlet = {
      get pending() {
        return state.pending;
      },
      write: (text: string) => {
        if (state.pending > 0) return false;
        state.text += text;
        return true;
      },
    };
    return { state, table: new LiveTable(outlet, () => ({ columns: 40, rows: 6 })) };
  };
  const row = (text: string) => ({ text, style: '' });

  it('stays below the lines, and is cut to the terminal', () => {
    const { state, table } = screen();
    table.draw([row('a'), row('b'.repeat(100))]);
    expect(state.text).toBe(`\r\x1b[J\x1b[?7la\n${'b'.repeat(39)}\n\x1b[?7h`);
    state.text = '';
    table.lines('line');
    expect(state.text).toBe(`\x1b[2A\r\x1b[Jline\n\x1b[?7la\n${'b'.repeat(39)}\n\x1b[?7h`);
    state.text = '';
    table.draw(Array.from({ length: 20 }, (_, i) => row(String(i))));
    expect(state.text).toBe('\x1b[2A\r\x1b[J\x1b[?7l0\n1\n2\n3\n\x1b[?7h');
    state.text = '';
    table.clear();
    expect(state.text).toBe('\x1b[4A\r\x1b[J');
  });

  it('is left out while the terminal takes nothing, and found again after that', () => {
    const { state, table } = screen();
    table.draw([row('a')]);
    state.pending = 1;
    table.draw([row('b'), row('c')]);
    expect(table.lines('lost')).toBe(false);
    state.pending = 0;
    state.text = '';
    table.lines('line');
    expect(state.text).toBe('\x1b[1A\r\x1b[Jline\n\x1b[?7la\n\x1b[?7h');
    state.pending = 1;
    table.clear();
    state.pending = 0;
    state.text = '';
    table.lines('line');
    expect(state.text).toBe('\x1b[1A\r\x1b[Jline\n');
  });

  it('has a row a side, and shows the sides that lose', () => {
    const rates = new Rates();
    const lost = new Map<string, number>();
    const seconds = [0, 1].map((second) =>
      snapshot({
        routes: [
          route({
            inside: side({ in: flow(500 * second) }),
            outside: side({ in: flow(9, { BAD_TAG: second }), peerSetting: 'learn' }),
          }),
        ],
      }),
    );
    const [before, now] = seconds.map((each, second) => {
      rates.sample(each, 1000 * second);
      return tableOf(each, rates, lost);
    });
    expect(before!.map(({ style }) => style)).toEqual(['\x1b[1m', '', '']);
    expect(now!.map(({ style }) => style)).toEqual(['\x1b[1m', '', '\x1b[33m']);
    expect(now![1]!.text).toMatch(/^camera-1 {2}inside +500 +0 +0\.00 +500 +0 {2}127\.0\.0\.1:7004$/);
    expect(now![2]!.text).toMatch(/^ +outside +1 +0 +0\.00 +10 +1 /);
  });
});

describe('the reporter', () => {
  it('reports what a tick found, and the totals at the end', () => {
    const lines: string[] = [];
    const reporter = new GatewayReporter(
      new TextLog(
        (text) => lines.push(text) > 0,
        (text) => text,
      ),
    );
    const lossy = snapshot({
      routes: [
        route({ outside: side({ in: flow(9, { BAD_TAG: 2 }), out: flow(4), sourceRefused: 3, lastRefused: 'S' }) }),
      ],
    });
    reporter.tick(lossy);
    reporter.end(lossy);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^camera-1 outside: 18\.2 % of the packets fail to authenticate.*\(2 times\)$/);
    expect(lines[2]).toMatch(
      /^totals\n {2}camera-1 {2}inside .*\n {2}camera-1 {2}outside +9 in +4 out +BAD_TAG 2, source refused 3$/,
    );
  });
});
