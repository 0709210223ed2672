/** examples/gateway-pair: both sites as they are written, checked and run; the commands and files of its page exist. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { frameseal, freePorts, Mailbox, newConfig, rtp } from '../support/cli.js';
import { Site } from '../support/gateway.js';

const FOLDER = new URL('../../examples/gateway-pair/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, FOLDER), 'utf8');
const UNIT = read('../../deploy/frameseal-gateway.service');
const CREDENTIAL = '/run/credentials/frameseal-gateway.service/studio.json';

interface Gateway {
  http: string;
  channels: { link: { file: string } };
  routes: { inside: Record<string, unknown>; outside: Record<string, unknown> }[];
}

/** The text of a site with other addresses and another key file, each of which it has. */
function moved(site: 'a' | 'b', changes: Readonly<Record<string, string>>): string {
  let text = read(`site-${site}/gateway.yaml`);
  for (const [before, after] of Object.entries(changes)) {
    expect(text).toContain(before);
    text = text.replaceAll(before, after);
  }
  return text;
}

describe('examples/gateway-pair', () => {
  it.each(['a', 'b'] as const)('site %s passes frameseal check, as the page has it', (name) => {
    const site = new Site();
    site.write('studio.json', newConfig());
    site.write('gateway.yaml', moved(name, { [CREDENTIAL]: site.path('studio.json') }));
    const { status, stderr } = frameseal(['check', site.file]);
    expect([status, stderr]).toEqual([0, '']);
  });

  it('brings RTP from a camera at site a to a player at site b, and back', async () => {
    const [insideA, outsideA, insideB, outsideB] = [
      await freePorts(),
      await freePorts(),
      await freePorts(),
      await freePorts(),
    ];
    const [camera, player] = [await freePorts(), await freePorts()];
    const [atCamera, atPlayer] = [await Mailbox.open(camera), await Mailbox.open(player)];
    const key = newConfig();
    const start = async (name: 'a' | 'b', ports: Readonly<Record<string, string>>) => {
      const site = new Site();
      site.write('studio.json', key);
      const text = moved(name, { ...ports, [CREDENTIAL]: 'studio.json', 'http: 127.0.0.1:9464\n': '' });
      return site.start(text, '--json');
    };
    const a = await start('a', {
      '127.0.0.1:5004': `127.0.0.1:${insideA}`,
      '127.0.0.1:7004': `127.0.0.1:${camera}`,
      '0.0.0.0:6004': `127.0.0.1:${outsideA}`,
      'site-b.example.net:6004': `127.0.0.1:${outsideB}`,
    });
    const b = await start('b', {
      '127.0.0.1:7004': `127.0.0.1:${insideB}`,
      '127.0.0.1:5004': `127.0.0.1:${player}`,
      '0.0.0.0:6004': `127.0.0.1:${outsideB}`,
      'site-a.example.net:6004': `127.0.0.1:${outsideA}`,
    });
    await atCamera.send(insideA, [rtp(1), rtp(2)]);
    expect(await atPlayer.wait(2)).toEqual([rtp(1), rtp(2)]);
    await atPlayer.send(insideB, [rtp(3)]);
    expect(await atCamera.wait(1)).toEqual([rtp(3)]);
    for (const gateway of [a, b]) await gateway.end();
  });

  it('differs between the sites in addresses and role alone, and uses the unit of deploy/', () => {
    const [a, b] = ['a', 'b'].map((site) => parse(read(`site-${site}/gateway.yaml`)) as Gateway) as [Gateway, Gateway];
    expect([a.channels.link, b.channels.link]).toEqual([
      { file: CREDENTIAL, role: 'a' },
      { file: CREDENTIAL, role: 'b' },
    ]);
    expect(a.routes[0]!.inside).toEqual({ ...b.routes[0]!.inside, listen: '127.0.0.1:5004', peer: '127.0.0.1:7004' });
    expect(UNIT).toContain('LoadCredential=studio.json:/etc/frameseal/studio.json');
    expect(UNIT).toContain('gateway /etc/frameseal/gateway.yaml');
    expect(existsSync(new URL('frameseal-gateway.service', FOLDER))).toBe(false);
  });

  it('its page names files and commands that exist', () => {
    const page = read('README.md');
    for (const [, target] of page.matchAll(/\]\(([^)#]+)/g))
      expect(existsSync(new URL(target!, FOLDER)), target).toBe(true);
    for (const [, path] of page.matchAll(/\bcp (\S+)/g))
      expect(existsSync(new URL(`../../${path}`, FOLDER)), path).toBe(true);
    const commands = [...page.matchAll(/frameseal ([a-z]+)(?: --)?/g)].map(([, command]) => command!);
    expect(commands).toEqual(expect.arrayContaining(['keygen', 'check']));
    for (const command of new Set(commands)) expect(frameseal([command, '--help']).status, command).toBe(0);
  });
});
