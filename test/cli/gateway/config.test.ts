/** gateway.yaml: what is read, and every fault with file, line and field. */
import { describe, expect, it } from 'vitest';
import type { GatewayModel } from '../../../src/cli/gateway/config/model.js';
import { readGatewayFile } from '../../../src/cli/gateway/config/read.js';

const GOOD = `
http: 127.0.0.1:9464
state: /var/lib/frameseal
channels:
  studio: { file: studio.json, context: room 7, role: a, replayWindow: 64, sealAfter: 2s, grace: 1m, watch: true }
  legacy: { file: /etc/old.json }
srtp:
  camera: { file: camera.json }
  screen: { file: screen.json }
routes:
  - name: camera-1
    inside:  { listen: 127.0.0.1:5004, peer: 127.0.0.1:7004, clear: true }
    outside: { listen: 0.0.0.0:6004, peer: gw.example.net:6004, from: [192.0.2.0/24, "2001:db8::/32"], channel: studio }
  - name: phones
    inside:  { listen: 10.0.0.5:5104, peer: learn, from: 10.0.0.0/24, channel: legacy, clearRtcp: forward }
    outside: { listen: "[::1]:6104", peer: "[fe80::1%eth0]:6104", srtp: { send: camera, receive: screen }, rtcpPort: mux }
`;

function model(text: string): GatewayModel {
  const reading = readGatewayFile(text, '/etc/frameseal/gateway.yaml');
  if (reading.faults.length > 0) throw new Error(reading.faults.join('\n'));
  return reading.model!;
}

function faults(text: string): readonly string[] {
  return readGatewayFile(text, 'g.yaml').faults;
}

describe('a gateway.yaml', () => {
  it('is read to a model, with defaults and paths beside it', () => {
    const { http, state, channels, routes, workers } = model(GOOD);
    expect({ http, state, workers }).toEqual({
      http: { host: '127.0.0.1', port: 9464 },
      state: '/var/lib/frameseal',
      workers: 0,
    });
    expect(channels[0]).toEqual({
      name: 'studio',
      file: '/etc/frameseal/studio.json',
      context: 'room 7',
      role: 'a',
      rtcp: 'sealed',
      bindHeader: true,
      replayWindow: 64,
      maxSenders: 1024,
      sealAfterMs: 2000,
      graceMs: 60_000,
      watch: true,
    });
    expect(channels[1]).toMatchObject({ file: '/etc/old.json', sealAfterMs: 5000, graceMs: 10_000, watch: false });
    expect(routes[0]).toMatchObject({ direction: 'both', isShared: false, inside: { rule: { kind: 'clear' } } });
    expect(routes[0]!.outside).toMatchObject({
      rtcpPort: 'next',
      clearRtcp: 'drop',
      from: ['192.0.2.0/24', '2001:db8::/32'],
    });
    expect(routes[1]!.inside).toMatchObject({ peer: 'learn', from: ['10.0.0.0/24'], clearRtcp: 'forward' });
    expect(routes[1]!.outside).toMatchObject({
      rule: { kind: 'srtp', send: 'camera', receive: 'screen' },
      peer: { host: 'fe80::1%eth0', port: 6104 },
      listen: { host: '::1', port: 6104 },
    });
  });

  it('may be JSON', () => {
    const text = JSON.stringify({
      channels: { c: { file: 'c.json' } },
      routes: [
        {
          name: 'r',
          inside: { listen: '127.0.0.1:1', peer: '127.0.0.1:9', clear: true },
          outside: { listen: '127.0.0.1:11', peer: '127.0.0.1:19', channel: 'c' },
        },
      ],
    });
    expect(model(text).routes[0]!.name).toBe('r');
  });
});

describe('a fault', () => {
  const swap = (from: string, to: string) => GOOD.replace(from, to);
  const cases: [name: string, text: string, at: string, words: RegExp][] = [
    [
      'a setting that does not exist',
      swap('watch: true', 'wach: true'),
      '5:102: channels.studio.wach',
      /no such setting/,
    ],
    ['a wrong type', swap('role: a', 'role: c'), '5:49: channels.studio.role', /a or b/],
    ['a time without a unit', swap('2s', '2'), '5:76: channels.studio.sealAfter', /500ms, 5s/],
    [
      'a window that is no power of two',
      swap('replayWindow: 64', 'replayWindow: 100'),
      '5:58: channels.studio.replayWindow',
      /power of two/,
    ],
    [
      'a channel that does not exist',
      swap('channel: legacy', 'channel: legasy'),
      '15:71: routes[1].inside.channel',
      /studio, legacy/,
    ],
    ['a missing peer', swap('peer: learn, ', ''), '15:5: routes[1].inside', /peer/],
    ['two rules', swap('clear: true', 'clear: true, channel: studio'), '12:5: routes[0].inside', /exactly one/],
    ['no rule', swap(', clear: true', ''), '12:5: routes[0].inside', /exactly one/],
    [
      'a peer that is the listening address',
      swap('peer: 127.0.0.1:7004', 'peer: 127.0.0.1:5004'),
      '12:40: routes[0].inside.peer',
      /round for ever/,
    ],
    [
      'a peer that is the RTCP port',
      swap('peer: 127.0.0.1:7004', 'peer: 127.0.0.1:5005'),
      '12:40: routes[0].inside.peer',
      /round for ever/,
    ],
    [
      'a peer that a wildcard takes',
      swap('peer: 127.0.0.1:7004', 'peer: 127.0.0.1:6004'),
      '12:40: routes[0].inside.peer',
      /camera-1 outside/,
    ],
    [
      'a clear side that all may reach',
      swap('listen: 127.0.0.1:5004', 'listen: 10.0.0.5:5004'),
      '12:5: routes[0].inside',
      /who may send/,
    ],
    [
      'one address for two routes',
      swap('10.0.0.5:5104', '127.0.0.1:5004'),
      '15:16: routes[1].inside.listen',
      /camera-1 inside/,
    ],
    ['two routes of one name', swap('name: phones', 'name: camera-1'), '14:5: routes[1].name', /another route/],
    [
      'SRTP without a state folder',
      swap('state: /var/lib/frameseal', ''),
      '16:75: routes[1].outside.srtp.send',
      /restart/,
    ],
    ['a prefix that is none', swap('192.0.2.0/24', '192.0.2.0/33'), '13:72: routes[0].outside.from', /0 to 32 bits/],
    ['a field twice', swap('watch: true', 'watch: true, watch: true'), '5:115', /unique/],
    ['an address that YAML reads as a list', swap('"[::1]:6104"', '[::1]:6104'), '16:', /in quotes/],
  ];
  it.each(cases)('%s is named with its place', (_, text, at, words) => {
    const found = faults(text);
    expect(found.join('\n')).toMatch(words);
    expect(
      found.some((fault) => fault.startsWith(`g.yaml:${at}`)),
      found.join('\n'),
    ).toBe(true);
  });

  it('does not hide others', () => {
    const text = swap('channel: legacy', 'channel: legasy').replace('peer: 127.0.0.1:7004', 'peer: 127.0.0.1:5004');
    expect(faults(text)).toHaveLength(2);
  });

  it('of a name from the prototype is none of a channel', () => {
    expect(faults(swap('channel: legacy', 'channel: toString')).join()).toContain('no channel');
    expect(faults(swap('  legacy: {', '  __proto__: {')).length).toBeGreaterThan(0);
  });
});
