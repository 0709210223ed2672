/** Gateways of a gateway.yaml as people run them: two-way routes, bridging, SRTP, reload, workers, signals. */
import { existsSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LOOPBACK } from '../../../src/cli/gateway/process.js';
import { type EncryptionConfig, generateKey, generateSalt } from '../../../src/index.js';
import { SrtpReceiver, SrtpSender } from '../../../src/srtp/index.js';
import { channelOf, frameseal, freePorts, Mailbox, newConfig, pause, RECEIVER_REPORT, rtp } from '../../support/cli.js';
import { type Running, Site } from '../../support/gateway.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const at = (port: number) => `${LOOPBACK}:${port}`;
const PLI = Buffer.from('81ce00021122334455667788', 'hex');

/** A phone on a gateway's inside, with a port for RTCP. */
async function phone() {
  const port = await freePorts();
  return { port, media: await Mailbox.open(port), rtcp: await Mailbox.open(port + 1) };
}

interface Ends {
  readonly config?: EncryptionConfig;
  readonly channel?: object;
}

/** Two gateways of roles a and b, with a phone each. */
async function call({ config = newConfig(), channel = {} }: Ends = {}) {
  const site = new Site();
  site.write('key.json', config);
  const [a, b] = [await phone(), await phone()];
  const [nearIn, nearOut, farIn, farOut] = [await freePorts(), await freePorts(), await freePorts(), await freePorts()];
  const settings = { file: 'key.json', context: 'room 7', ...channel };
  const route = (inside: number, to: number, outside: number, peer: number) => ({
    name: 'call',
    inside: { listen: at(inside), peer: at(to), clear: true },
    outside: { listen: at(outside), peer: at(peer), channel: 'studio' },
  });
  const start = (role: string, ...rest: [number, number, number, number]) =>
    site.start({ channels: { studio: { ...settings, role } }, routes: [route(...rest)] }, '--json');
  const near = await start('a', nearIn, a.port, nearOut, farOut);
  const far = await start('b', farIn, b.port, farOut, nearOut);
  return { config, a, b, near, far, nearIn, nearOut, farIn, farOut };
}

describe('a two-way route', () => {
  it('brings media and RTCP both ways, from the ports that it listens on', async () => {
    const { a, b, near, far, nearIn, farIn } = await call();
    const from: number[] = [];
    b.media.socket.on('message', (_, { port }) => from.push(port));
    await a.media.send(nearIn, [rtp(1), PLI]);
    await a.rtcp.send(nearIn + 1, [RECEIVER_REPORT]);
    await b.media.send(farIn, [rtp(2), rtp(3)]);
    await b.rtcp.send(farIn + 1, [RECEIVER_REPORT, PLI]);
    expect(await b.media.wait(2)).toEqual([rtp(1), PLI]);
    expect(await a.media.wait(2)).toEqual([rtp(2), rtp(3)]);
    expect(await b.rtcp.wait(1)).toEqual([RECEIVER_REPORT]);
    expect(await a.rtcp.wait(2)).toEqual([RECEIVER_REPORT, PLI]);
    expect(from).toEqual([farIn, farIn]);
    const [{ inside, outside }] = (await near.end()).routes as [never];
    expect(inside).toMatchObject({ in: { packets: { ok: 3 }, rtcp: { ok: 2 } }, out: { packets: { ok: 4 } } });
    expect(outside).toMatchObject({ in: { packets: { ok: 4 }, rtcp: { ok: 2 } }, out: { packets: { ok: 3 } } });
    await far.end();
  });

  it("does not open what it sealed itself, nor another room's frames", async () => {
    const { config, a, near, nearIn, nearOut, farOut } = await call();
    const wire = channelOf({ ...config, context: 'room 7/a>b' }).createSealer();
    const other = channelOf({ ...config, context: 'room 8/b>a' }).createSealer();
    const right = channelOf({ ...config, context: 'room 7/b>a' }).createSealer();
    const sender = await Mailbox.open(0);
    await sender.send(nearOut, [wire.sealCopy(rtp(1)), other.sealCopy(rtp(2)), right.sealCopy(rtp(3))]);
    expect(await a.media.wait(1)).toEqual([rtp(3)]);
    expect([nearIn, farOut].length).toBe(2);
    const { routes } = await near.end();
    expect(routes[0]!.outside.in.packets).toEqual({ ok: 1, BAD_TAG: 2 });
  });

  it('seals nothing of a stranger, and counts it', async () => {
    const { a, b, near, nearIn } = await call();
    const stranger = await Mailbox.open(0, '127.0.0.77');
    await stranger.send(nearIn, [rtp(1), rtp(2)]);
    await a.media.send(nearIn, [rtp(3)]);
    expect(await b.media.wait(1)).toEqual([rtp(3)]);
    const { routes } = await near.end();
    expect(routes[0]!.inside).toMatchObject({ sourceRefused: 2, in: { packets: { ok: 1 } } });
    expect(routes[0]!.inside.lastRefused).toContain('127.0.0.77:');
    expect(near.process.stderr).toContain('127.0.0.77');
  });

  it('says both fingerprints where the other end has another key', async () => {
    const { near, nearOut } = await call();
    const sender = await Mailbox.open(0);
    await sender.send(nearOut, [channelOf(newConfig()).createSealer().sealCopy(rtp(1))]);
    const said = await near.says(/all packets fail to authenticate/);
    const [channel] = (await near.end()).channels;
    expect(said).toContain(channel!.opens);
    expect(channel!.opens).not.toBe(channel!.fingerprint);
  });
});

describe('a side that learns its peer', () => {
  it('takes the newest that authenticated, and none that did not', async () => {
    const site = new Site();
    const config = newConfig();
    site.write('key.json', config);
    const [inside, outside, app] = [await freePorts(), await freePorts(), await phone()];
    const gateway = await site.start(
      {
        channels: { c: { file: 'key.json' } },
        routes: [
          {
            name: 'r',
            inside: { listen: at(inside), peer: at(app.port), clear: true, rtcpPort: 'mux' },
            outside: { listen: at(outside), peer: 'learn', channel: 'c', rtcpPort: 'mux' },
          },
        ],
      },
      '--json',
    );
    const [one, two] = [await Mailbox.open(0), await Mailbox.open(0)];
    const member = channelOf(config);
    await app.media.send(inside, [rtp(1)]);
    await two.send(outside, [channelOf(newConfig()).createSealer().sealCopy(rtp(9))]);
    await one.send(outside, [member.createSealer().sealCopy(rtp(2))]);
    expect(await app.media.wait(1)).toEqual([rtp(2)]);
    await app.media.send(inside, [rtp(3)]);
    expect((await one.wait(1)).length).toBe(1);
    await two.send(outside, [member.createSealer().sealCopy(rtp(4))]);
    await app.media.wait(2);
    await app.media.send(inside, [rtp(5)]);
    expect((await two.wait(1)).length).toBe(1);
    expect(one.received.length).toBe(1);
    const { routes } = await gateway.end();
    expect(routes[0]!.outside.out.packets).toEqual({ NO_PEER: 1, ok: 2 });
    expect(gateway.process.stderr.match(/the peer (is|changes)/g)).toHaveLength(2);
  });
});

describe('bridging', () => {
  it('takes SM4 to GCM2 and back; RTCP in the clear passes only where the side says so', async () => {
    const site = new Site();
    const [old, fresh] = [{ encryptionMode: 'SM4_128_ECB', encryptionKey: generateKey() }, newConfig()];
    site.write('old.json', old);
    site.write('new.json', fresh);
    const [inside, outside] = [await freePorts(), await freePorts()];
    const far = await Mailbox.open(await freePorts());
    const start = (clearRtcp: string) =>
      site.start(
        {
          channels: { old: { file: 'old.json' }, fresh: { file: 'new.json' } },
          routes: [
            {
              name: 'phones',
              inside: { listen: at(inside), peer: 'learn', from: LOOPBACK, channel: 'old', rtcpPort: 'mux', clearRtcp },
              outside: { listen: at(outside), peer: at(far.socket.address().port), channel: 'fresh', rtcpPort: 'mux' },
            },
          ],
        },
        '--json',
      );
    const phones = channelOf(old);
    const [sealer, opener] = [phones.createSealer(), phones.createOpener()];
    const [there, back] = [channelOf(fresh).createOpener(), channelOf(fresh).createSealer()];
    const near = await Mailbox.open(0);
    const dropping = await start('drop');
    await near.send(inside, [sealer.sealCopy(rtp(1)), RECEIVER_REPORT]);
    expect((await far.wait(1)).map((packet) => Buffer.from(there.openCopy(packet)))).toEqual([rtp(1)]);
    expect((await dropping.end()).routes[0]!.inside.in.packets).toEqual({ ok: 1, RTCP: 1 });
    const forwarding = await start('forward');
    await near.send(inside, [sealer.sealCopy(rtp(2)), RECEIVER_REPORT]);
    expect((await far.wait(3)).slice(1).map((packet) => Buffer.from(there.openCopy(packet)))).toEqual([
      rtp(2),
      RECEIVER_REPORT,
    ]);
    await far.send(outside, [back.sealCopy(rtp(3)), back.sealCopy(RECEIVER_REPORT)]);
    const [media, rtcp] = await near.wait(2);
    expect(Buffer.from(opener.openCopy(media!))).toEqual(rtp(3));
    expect(rtcp).toEqual(RECEIVER_REPORT);
    await forwarding.end();
  });

  it('takes SRTP in and frameseal out, both ways; a key that has sealed is refused at the next start', async () => {
    const site = new Site();
    const config = newConfig();
    site.write('key.json', config);
    const keys = () => ({
      suite: 'AEAD_AES_128_GCM' as const,
      masterKey: Buffer.from(generateKey().slice(0, 32), 'hex'),
      masterSalt: Buffer.from(generateSalt(), 'base64').subarray(0, 12),
    });
    const [send, receive] = [keys(), keys()];
    const text = ({ suite, masterKey, masterSalt }: typeof send) => ({
      suite,
      masterKey: masterKey.toString('hex'),
      masterSalt: masterSalt.toString('base64'),
    });
    site.write('send.json', text(send));
    site.write('receive.json', {
      sdes: `1 AEAD_AES_128_GCM inline:${Buffer.concat([receive.masterKey, receive.masterSalt]).toString('base64')}`,
    });
    const [inside, outside] = [await freePorts(), await freePorts()];
    const [near, far] = [await Mailbox.open(0), await Mailbox.open(await freePorts())];
    const yaml = {
      state: site.path('state'),
      channels: { c: { file: 'key.json' } },
      srtp: { out: { file: 'send.json' }, in: { file: 'receive.json' } },
      routes: [
        {
          name: 'camera',
          inside: {
            listen: at(inside),
            peer: 'learn',
            from: LOOPBACK,
            srtp: { send: 'out', receive: 'in' },
            rtcpPort: 'mux',
          },
          outside: { listen: at(outside), peer: at(far.socket.address().port), channel: 'c', rtcpPort: 'mux' },
        },
      ],
    };
    const gateway = await site.start(yaml, '--json');
    const [camera, speaker] = [new SrtpSender(receive), new SrtpReceiver(send)];
    const [opener, sealer] = [channelOf(config).createOpener(), channelOf(config).createSealer()];
    const out = Buffer.alloc(300);
    const protectedBy = (packet: Buffer, length: number) => {
      expect(length, packet.toString('hex')).toBeGreaterThan(0);
      return Buffer.from(out.subarray(0, length));
    };
    await near.send(inside, [
      protectedBy(rtp(1), camera.protect(rtp(1), out)),
      protectedBy(PLI, camera.protectRtcp(PLI, out)),
    ]);
    expect((await far.wait(2)).map((packet) => Buffer.from(opener.openCopy(packet)))).toEqual([rtp(1), PLI]);
    await far.send(outside, [sealer.sealCopy(rtp(2)), sealer.sealCopy(RECEIVER_REPORT)]);
    const [media, rtcp] = await near.wait(2);
    expect(out.subarray(0, speaker.unprotect(media!, out))).toEqual(rtp(2));
    expect(out.subarray(0, speaker.unprotectRtcp(rtcp!, out))).toEqual(RECEIVER_REPORT);
    // A reload does not make a second sender of the key.
    expect(await gateway.reload()).toContain('reloaded');
    await far.send(outside, [sealer.sealCopy(rtp(2))]);
    await pause(50);
    expect((await gateway.end()).routes[0]!.inside.out.packets).toMatchObject({ ok: 2, REPLAYED: 1 });
    const again = frameseal(['gateway', site.file]);
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(/srtp\.out: this key has sealed since .*nonces would repeat/);
    expect(readFileSync(site.path('state/srtp-keys'), 'utf8')).not.toContain(send.masterKey.toString('hex'));
  });
});

describe('a reload', () => {
  async function two() {
    const site = new Site();
    site.write('key.json', newConfig());
    const far = await Mailbox.open(await freePorts());
    const ports = [await freePorts(), await freePorts(), await freePorts()];
    const route = (i: number, to = far.socket.address().port) => ({
      name: `r${i}`,
      direction: 'outward',
      inside: { listen: at(ports[i]!), clear: true, rtcpPort: 'mux' },
      outside: { peer: at(to), channel: 'c', rtcpPort: 'mux' },
    });
    const config = (...routes: object[]) => ({
      channels: { c: { file: 'key.json', sealAfter: '0s', grace: '1s' } },
      routes,
    });
    return { site, far, ports, route, config };
  }

  it('adds, changes and removes routes, and leaves the others untouched', async () => {
    const { site, far, ports, route, config } = await two();
    const gateway = await site.start(config(route(0), route(1)), '--json');
    const sender = await Mailbox.open(0);
    await sender.send(ports[0]!, [rtp(0)]);
    await sender.send(ports[1]!, [rtp(1)]);
    await far.wait(2);
    const other = await Mailbox.open(await freePorts());
    site.write('gateway.yaml', config(route(0), route(1, other.socket.address().port), route(2)));
    expect(await gateway.reload()).toMatch(/added r2; changed r1/);
    await sender.send(ports[1]!, [rtp(2)]);
    await sender.send(ports[2]!, [rtp(3)]);
    await sender.send(ports[0]!, [rtp(4)]);
    expect((await other.wait(1)).length).toBe(1);
    expect((await far.wait(4)).length).toBe(4);
    site.write('gateway.yaml', config(route(0), route(1)));
    expect(await gateway.reload()).toMatch(/changed r1; removed r2/);
    await Mailbox.open(ports[2]!);
    const { routes, reloads } = await gateway.end();
    expect(routes.map(({ name }) => name)).toEqual(['r0', 'r1']);
    // The counters of a route that changes go on.
    expect(routes.map(({ inside }) => inside.in.packets)).toEqual([{ ok: 2 }, { ok: 2 }]);
    expect(routes.map(({ outside }) => outside.out.packets)).toEqual([{ ok: 2 }, { ok: 2 }]);
    expect(reloads).toEqual({ ok: 2 });
  });

  it('with a fault changes nothing, and says where the fault is', async () => {
    const { site, far, ports, route, config } = await two();
    const gateway = await site.start(config(route(0)), '--json');
    const sender = await Mailbox.open(0);
    const taken = await Mailbox.open(ports[2]!);
    const bad: [config: unknown, words: RegExp][] = [
      [{ ...config(route(0)), routes: [{ ...route(0), name: 'a b' }] }, /gateway\.yaml:1:\d+: routes\[0\]\.name/],
      ['routes: [', /gateway\.yaml:1:/],
      [config(route(1), route(2)), /r2 inside: cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/],
      [{ ...config(route(0)), workers: 2 }, /gateway\.yaml:1:\d+: workers: a reload cannot change/],
      [
        { ...config(route(0), route(1)), channels: { c: { file: 'none.json' } } },
        /gateway\.yaml:1:\d+: channels\.c\.file: .*none\.json/,
      ],
      // Faults of the text, of what stays fixed and of key files come together.
      [
        { workers: 1, channels: { c: { file: 'none.json' } }, routes: [{ ...route(0), inside: { clear: true } }] },
        /inside\.listen: .*\n.*workers: .*\n.*none\.json/,
      ],
    ];
    for (const [i, [text, words]] of bad.entries()) {
      site.write('gateway.yaml', text);
      const said = await gateway.reload();
      expect(said).toContain('nothing changes');
      expect(said).toMatch(words);
      await sender.send(ports[0]!, [rtp(i)]);
      expect((await far.wait(i + 1)).length).toBe(i + 1);
    }
    expect(taken.received).toEqual([]);
    // What was opened for a reload that failed is free again.
    await Mailbox.open(ports[1]!);
    expect((await gateway.end()).reloads).toEqual({ refused: bad.length });
  });

  it('comes by itself where a watched key file is exchanged through a symbolic link', async () => {
    const { site, far, ports, route, config } = await two();
    const [old, next] = [newConfig(), { ...newConfig(), keyId: 1 }];
    site.write('v1.json', old);
    site.write('v2.json', next);
    symlinkSync('v1.json', site.path('live.json'));
    const channels = { c: { file: 'live.json', watch: true, sealAfter: '0s' } };
    const gateway = await site.start({ ...config(route(0)), channels }, '--json');
    symlinkSync('v2.json', site.path('swap.json'));
    renameSync(site.path('swap.json'), site.path('live.json'));
    expect(await gateway.says(/key id 1 seals from now on/)).toContain('key id 1');
    const sender = await Mailbox.open(0);
    await sender.send(ports[0]!, [rtp(1)]);
    const [sealed] = await far.wait(1);
    expect(Buffer.from(channelOf(next).createOpener().openCopy(sealed!))).toEqual(rtp(1));
    expect((await gateway.end()).channels[0]).toMatchObject({ keyId: 1, liveKeyIds: [0, 1], rotations: { ok: 1 } });
  });

  it('comes by itself where gateway.yaml is written, or renamed over, beside a channel that is watched', async () => {
    const { site, far, ports, route, config } = await two();
    const watched = (...routes: object[]) => ({
      ...config(...routes),
      channels: { c: { file: 'key.json', watch: true } },
    });
    const gateway = await site.start(watched(route(0)), '--json');
    site.write('gateway.yaml', watched(route(0), route(1)));
    expect(await gateway.says(/added r1/)).toContain('added r1');
    site.write('next.yaml', watched(route(0), route(1), route(2)));
    renameSync(site.path('next.yaml'), site.file);
    expect(await gateway.says(/added r2/)).toContain('added r2');
    const sender = await Mailbox.open(0);
    for (const port of ports) await sender.send(port, [rtp(1)]);
    expect((await far.wait(3)).length).toBe(3);
    expect((await gateway.end()).reloads).toEqual({ ok: 2 });
  });
});

describe('workers', () => {
  it('have a route each, are reloaded, rotate, and give totals', async () => {
    const site = new Site();
    const config = newConfig();
    site.write('key.json', config);
    const far = await Mailbox.open(await freePorts());
    const ports = [await freePorts(), await freePorts(), await freePorts()];
    const routes = ports.map((port, i) => ({
      name: `r${i}`,
      direction: 'outward',
      inside: { listen: at(port), clear: true, rtcpPort: 'mux' },
      outside: { peer: at(far.socket.address().port), channel: 'c', rtcpPort: 'mux' },
    }));
    const yaml = (count: number) => ({
      workers: 2,
      channels: { c: { file: 'key.json', sealAfter: '0s' } },
      routes: routes.slice(0, count),
    });
    const gateway: Running = await site.start(yaml(2), '--json');
    // Each thread knows what it sealed itself; a role makes that needless.
    expect(gateway.process.stderr).toMatch(/channel c has no role, and several threads have it/);
    const sender = await Mailbox.open(0);
    await sender.send(ports[0]!, [rtp(0)]);
    await sender.send(ports[1]!, [rtp(1)]);
    const opener = channelOf(config);
    const next = { ...newConfig(), keyId: 1 };
    const opened = opener.createOpener();
    expect((await far.wait(2)).map((packet) => opened.openCopy(packet).length)).toEqual([172, 172]);
    site.write('gateway.yaml', yaml(3));
    site.write('key.json', next);
    expect(await gateway.reload()).toMatch(/added r2/);
    opener.rotate(next);
    for (const port of ports) await sender.send(port, [rtp(9)]);
    expect((await far.wait(5)).slice(2).map((packet) => opened.openCopy(packet).length)).toEqual([172, 172, 172]);
    const { routes: last } = await gateway.end();
    expect(last.map(({ thread }) => thread).sort()).toEqual([1, 1, 2]);
    expect(last.map(({ inside }) => inside.in.packets['ok'])).toEqual([2, 2, 1]);
  });
});

describe('the process', () => {
  it('checks a file without opening a socket', async () => {
    const site = new Site();
    site.write('key.json', newConfig());
    const route = {
      name: 'r',
      direction: 'outward',
      inside: { listen: at(5004), clear: true },
      outside: { peer: at(6004), channel: 'c' },
    };
    site.write('gateway.yaml', { channels: { c: { file: 'key.json' } }, routes: [route] });
    const good = frameseal(['check', site.file]);
    expect(good).toMatchObject({ status: 0 });
    expect(good.stdout).toMatch(/r +127\.0\.0\.1:5004 \(clear\) +-> +any port \(channel c, peer 127\.0\.0\.1:6004\)/);
    site.write('gateway.yaml', { channels: { c: { file: 'none.json' }, d: { file: 'no.json' } }, routes: [route] });
    const bad = frameseal(['check', site.file]);
    expect(bad.status).toBe(2);
    expect(bad.stderr).toMatch(/none\.json[\s\S]*no\.json/);
    site.write('gateway.yaml', { channels: { c: { file: 'none.json' } }, routes: [{ ...route, outside: {} }] });
    const both = frameseal(['check', site.file]);
    expect(both.stderr).toMatch(/4 faults:\n.*yaml:1:\d+: routes\[0\]\.outside: (.*\n){3}.*c\.file: .*none\.json/);
    expect(frameseal(['fleet', 'keygen', '--out', site.path('gateway.age')]).status).toBe(0);
    const nats = {
      servers: ['tls://127.0.0.1:1'],
      bucket: 'b',
      key: 'k',
      identity: 'gateway.age',
      credentials: 'no.login',
    };
    site.write('gateway.yaml', { channels: { c: { nats } }, routes: [route] });
    expect(frameseal(['check', site.file]).stderr).toMatch(
      /cannot read credentials \S*no\.login: there is no such file/,
    );
  });

  it('takes the second SIGTERM as the last, and opens no inspector on SIGUSR1', async () => {
    const site = new Site();
    site.write('key.json', newConfig());
    const listen = await freePorts();
    const route = {
      name: 'r',
      direction: 'outward',
      inside: { listen: at(listen), clear: true },
      outside: { peer: at(6004), channel: 'c' },
    };
    const gateway = await site.start({ channels: { c: { file: 'key.json' } }, routes: [route] }, '--json');
    gateway.process.child.kill('SIGUSR1');
    await pause(200);
    expect(gateway.process.stderr).not.toContain('Debugger');
    gateway.process.child.kill('SIGTERM');
    gateway.process.child.kill('SIGTERM');
    expect(existsSync(site.file)).toBe(true);
    expect([0, 143]).toContain(await gateway.process.end('SIGTERM'));
  });
});
