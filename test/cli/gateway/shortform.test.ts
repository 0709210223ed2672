/** The gateway as people run it: two processes, UDP on loopback. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type GatewayProcess, LOOPBACK, onLoopback } from '../../../src/cli/gateway/process.js';
import {
  channelOf,
  configFile,
  frameseal,
  freePorts,
  Mailbox,
  newConfig,
  pause,
  RECEIVER_REPORT,
  rtp,
  startGateway,
} from '../../support/cli.js';

interface Path {
  /** The configuration file of both. */
  readonly config: string;
  readonly entry: number;
  readonly middle: number;
  readonly exit: number;
  readonly sender: Mailbox;
  readonly receiver: Mailbox;
  readonly sealing: GatewayProcess;
  readonly opening: GatewayProcess;
}

/** sender -> sealing gateway -> opening gateway -> receiver. */
async function path(options: { seal?: string[]; open?: string[]; both?: string[] } = {}): Promise<Path> {
  const config = configFile();
  const [entry, middle, exit] = [await freePorts(), await freePorts(), await freePorts()];
  const both = ['--config', config, ...(options.both ?? [])];
  const seal = [...onLoopback('seal', entry, middle), ...both, ...(options.seal ?? [])];
  const open = [...onLoopback('open', middle, exit), ...both, ...(options.open ?? [])];
  const receiver = await Mailbox.open(exit);
  const [sealing, opening] = await Promise.all([startGateway(...seal), startGateway(...open)]);
  return { config, entry, middle, exit, sender: await Mailbox.open(0), receiver, sealing, opening };
}

/** The lines on stderr that warn of something. */
const warningsOf = ({ stderr }: GatewayProcess, of: RegExp) =>
  stderr.split('\n').filter((line) => line.includes('warning: ') && of.test(line));

const totals = (running: GatewayProcess) => running.events.at(-1) as Record<string, never>;

describe('two gateways', () => {
  it('bring packets across unchanged and in order, and end with totals', async () => {
    const { entry, sender, receiver, sealing, opening } = await path();
    const packets = Array.from({ length: 100 }, (_, i) => rtp(i, 20 + 13 * i));
    await sender.send(entry, packets);
    const arrived = await receiver.wait(packets.length);
    expect(arrived.length).toBe(packets.length);
    expect(arrived.every((packet, i) => packet.equals(packets[i]!))).toBe(true);
    expect(await sealing.end('SIGTERM')).toBe(0);
    expect(await opening.end('SIGINT')).toBe(0);
    expect(totals(sealing)).toMatchObject({ event: 'totals', received: { packets: 100 }, forwarded: { packets: 100 } });
    expect(totals(opening)).toMatchObject({ event: 'totals', forwarded: { packets: 100 }, refused: {} });
  });

  it('carry a datagram of 60,000 bytes', async () => {
    const { entry, sender, receiver } = await path();
    const packet = rtp(1, 60_000);
    await sender.send(entry, [packet]);
    expect((await receiver.wait(1))[0]?.equals(packet)).toBe(true);
  });

  it('seal RTCP, beside the media and on the next port, and drop noise', async () => {
    const { entry, exit, sender, receiver, sealing, opening } = await path();
    const rtcp = await Mailbox.open(exit + 1);
    await sender.send(entry, [RECEIVER_REPORT, Buffer.from('not rtp'), Buffer.alloc(0), rtp(1)]);
    await sender.send(entry + 1, [RECEIVER_REPORT]);
    expect((await receiver.wait(2)).map((packet) => packet.length)).toEqual([RECEIVER_REPORT.length, rtp(1).length]);
    expect((await rtcp.wait(1))[0]?.equals(RECEIVER_REPORT)).toBe(true);
    await sealing.end();
    await opening.end();
    expect(totals(sealing)).toMatchObject({
      rtcp: { forwarded: 2, dropped: 0 },
      refused: { NOT_RTP: 1, MALFORMED: 1 },
    });
  });

  it('drop RTCP with --rtcp drop', async () => {
    const { entry, sender, receiver, sealing } = await path({ seal: ['--rtcp', 'drop'] });
    await sender.send(entry, [RECEIVER_REPORT, rtp(1)]);
    expect((await receiver.wait(1)).length).toBe(1);
    await sender.send(entry + 1, [RECEIVER_REPORT]);
    await pause(50);
    await sealing.end();
    expect(totals(sealing)).toMatchObject({ rtcp: { forwarded: 0, dropped: 2 } });
  });

  it('forward all that came before the signal', async () => {
    const { entry, sender, receiver, sealing } = await path();
    // Few and small enough for the system to hold them while the gateway sees to other things.
    const packets = Array.from({ length: 100 }, (_, i) => rtp(i, 100));
    await sender.send(entry, packets);
    expect(await sealing.end()).toBe(0);
    expect((await receiver.wait(100)).length).toBe(100);
    expect(totals(sealing)).toMatchObject({ forwarded: { packets: 100 } });
  });
});

describe('a two-way call in options', () => {
  it('brings media and RTCP back from where they were sent to, and serves its state', async () => {
    const more = ['--two-way', '--http', `${LOOPBACK}:0`];
    const { entry, middle, exit, sender, receiver, sealing, opening } = await path({ seal: more, open: ['--two-way'] });
    const rtcp = await Mailbox.open(exit + 1);
    const from: number[] = [];
    receiver.socket.on('message', (_, { port }) => from.push(port));
    await sender.send(entry, [rtp(1)]);
    await receiver.wait(1);
    // The other end answers where media came from.
    await receiver.send(from[0]!, [rtp(2), RECEIVER_REPORT]);
    expect(await sender.wait(2)).toEqual([rtp(2), RECEIVER_REPORT]);
    await sender.send(entry + 1, [RECEIVER_REPORT]);
    expect(await rtcp.wait(1)).toEqual([RECEIVER_REPORT]);
    expect(from).toEqual([middle]);
    const [, address] = /http:\/\/([\d.:]+)\//.exec(sealing.stderr)!;
    expect(await (await fetch(`http://${address}/readyz`)).text()).toBe('ready\n');
    const { routes } = (await (await fetch(`http://${address}/status`)).json()) as { routes: { direction: string }[] };
    expect(routes).toMatchObject([{ direction: 'both', inside: { out: { packets: { ok: 2 } } } }]);
    expect([await sealing.end(), await opening.end()]).toEqual([0, 0]);
  });

  it('takes packets only of the sources that --from names', async () => {
    const { entry, sender, receiver, sealing } = await path({ seal: ['--from', '127.0.0.8/29'] });
    const allowed = await Mailbox.open(0, '127.0.0.9');
    await sender.send(entry, [rtp(1)]);
    await allowed.send(entry, [rtp(2)]);
    expect(await receiver.wait(1)).toEqual([rtp(2)]);
    await sealing.end();
    expect(totals(sealing)).toMatchObject({ sourceRefused: 1, forwarded: { packets: 1 } });
  });
});

describe('an opening gateway', () => {
  async function alone(...more: string[]) {
    const config = newConfig();
    const [middle, exit] = [await freePorts(), await freePorts()];
    const opening = await startGateway(...onLoopback('open', middle, exit), '--config', configFile(config), ...more);
    return { config, middle, opening, sender: await Mailbox.open(0), receiver: await Mailbox.open(exit) };
  }

  it('lets a packet through once, and refuses strangers', async () => {
    const { config, middle, opening, sender, receiver } = await alone();
    const member = channelOf(config).createSealer();
    const stranger = channelOf(newConfig()).createSealer();
    const packet = member.sealCopy(rtp(1));
    await sender.send(middle, [packet, packet, stranger.sealCopy(rtp(2)), member.sealCopy(rtp(3))]);
    const arrived = await receiver.wait(2);
    expect(arrived.map((each) => each.readUInt16BE(2))).toEqual([1, 3]);
    await opening.end();
    expect(totals(opening)).toMatchObject({ refused: { REPLAYED: 1, BAD_TAG: 1 } });
  });

  it('takes its replay window from --replay-window', async () => {
    const { config, middle, opening, sender, receiver } = await alone('--replay-window', '64');
    const member = channelOf(config).createSealer();
    const packets = Array.from({ length: 66 }, (_, i) => member.sealCopy(rtp(i)));
    await sender.send(middle, [...packets.slice(2), packets[1]!, packets[0]!]);
    await receiver.wait(64);
    await pause(50);
    await opening.end();
    expect(totals(opening)).toMatchObject({ refused: { TOO_OLD: 2 } });
  });

  it('opens what a relay has renumbered, with --no-bind-header', async () => {
    const { config, middle, sender, receiver } = await alone('--no-bind-header');
    const member = channelOf(config, { bindHeader: false }).createSealer();
    const packet = member.sealCopy(rtp(7));
    packet[3] = 99;
    await sender.send(middle, [packet]);
    expect((await receiver.wait(1))[0]?.readUInt16BE(2)).toBe(99);
  });
});

describe('a sealing gateway', () => {
  it('warns once of packets that pass 1,500 bytes, and counts them', async () => {
    const { entry, sender, receiver, sealing } = await path();
    await sender.send(entry, [rtp(1, 1300), rtp(2, 1460), rtp(3, 1480)]);
    await receiver.wait(3);
    await sealing.end();
    expect(warningsOf(sealing, /1,?500/)).toHaveLength(1);
    expect(totals(sealing)).toMatchObject({ oversize: 2 });
  });

  it('continues without a receiver', async () => {
    const [entry, unused] = [await freePorts(), await freePorts()];
    const sealing = await startGateway(...onLoopback('seal', entry, unused), '--config', configFile());
    const sender = await Mailbox.open(0);
    for (let i = 0; i < 5; i++) {
      await sender.send(entry, [rtp(i)]);
      await pause(20);
    }
    expect(await sealing.end()).toBe(0);
    expect(totals(sealing)).toMatchObject({ received: { packets: 5 } });
  });

  it('prints a line a second, with its addresses and its channel', async () => {
    const { sealing } = await path();
    await pause(2200);
    const [first, ...rest] = sealing.events;
    expect(first).toMatchObject({
      event: 'listening',
      direction: 'seal',
      mode: 'AES_128_GCM2',
      keyId: 0,
      bindHeader: true,
    });
    expect(first!['fingerprint']).toMatch(/^([0-9a-f]{4}-?){4}$/);
    expect(rest.length).toBe(2);
    expect(rest.every(({ event }) => event === 'counters')).toBe(true);
  });
});

describe('a new key in the configuration', () => {
  async function rotated(running: GatewayProcess): Promise<Readonly<Record<string, unknown>> | undefined> {
    const event = () => running.events.find((each) => each['event'] === 'rotated');
    for (const end = performance.now() + 2000; !event() && performance.now() < end; ) await pause(5);
    return event();
  }

  it('is taken on SIGHUP: it opens at once, seals later, and the old one ends; no packet is lost', async () => {
    const { config, entry, middle, sender, receiver, sealing, opening } = await path({
      seal: ['--seal-after', '1'],
      open: ['--seal-after', '0', '--grace', '3'],
    });
    const old = channelOf(JSON.parse(readFileSync(config, 'utf8'))).createSealer();
    const next = { ...newConfig(), keyId: 1 };
    let sent = 0;
    const stream = async (ms: number) => {
      for (const end = performance.now() + ms; performance.now() < end; await pause(10))
        await sender.send(entry, [rtp(sent++)]);
    };
    await stream(100);
    writeFileSync(config, JSON.stringify(next));
    opening.child.kill('SIGHUP');
    expect(await rotated(opening)).toMatchObject({ keyId: 1, sealAfterMs: 0, graceMs: 3000 });
    await sender.send(middle, [channelOf(next).createSealer().sealCopy(rtp(50_000))]);
    sealing.child.kill('SIGHUP');
    await stream(3200);
    const arrived = await receiver.wait(sent + 1);
    expect(arrived.map((packet) => packet.readUInt16BE(2)).filter((sequence) => sequence !== 50_000)).toEqual([
      ...Array(sent).keys(),
    ]);
    expect(arrived.length).toBe(sent + 1);
    await sender.send(middle, [old.sealCopy(rtp(60_000))]);
    await pause(50);
    const { fingerprint } = channelOf(next);
    expect(await rotated(sealing)).toMatchObject({ keyId: 1, fingerprint, sealAfterMs: 1000 });
    expect(await opening.end()).toBe(0);
    expect(totals(opening)).toMatchObject({ refused: { UNKNOWN_KEY: 1 }, forwarded: { packets: sent + 1 } });
  });
});

describe('a usage error', () => {
  const config = configFile();
  const both = ['--listen', `${LOOPBACK}:5004`, '--forward', `${LOOPBACK}:6004`, '--config', config];
  it.each([
    ['neither --seal nor --open', both],
    ['both of them', ['--seal', '--open', ...both]],
    ['no --listen', ['--seal', '--forward', `${LOOPBACK}:6004`, '--config', config]],
    ['an address without a port', ['--seal', ...both, '--listen', LOOPBACK]],
    ['no port to forward to', ['--seal', ...both, '--forward', `${LOOPBACK}:0`]],
    ['a port that is none', ['--seal', ...both, '--forward', `${LOOPBACK}:70000`]],
    ['a replay window that is no power of two', ['--seal', ...both, '--replay-window', '100']],
    ['a configuration that is not there', ['--seal', ...both, '--config', '/nonexistent.json']],
  ])('%s ends with exit code 2', (_, args) => {
    const { status, stderr } = frameseal(['gateway', ...args]);
    expect(stderr).not.toBe('');
    expect(status).toBe(2);
  });

  it('a port that is taken ends with exit code 1 and says so', async () => {
    const port = await freePorts();
    await Mailbox.open(port);
    const { status, stderr } = frameseal(['gateway', ...onLoopback('seal', port, 6004), '--config', config]);
    expect(status).toBe(1);
    expect(stderr).toContain('another process has this port');
  });
});
