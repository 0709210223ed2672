/** Packets of one turn in a gateway: one batch, with the same results as packets one by one. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { LocalHost } from '../../../src/cli/gateway/host.js';
import { LOOPBACK } from '../../../src/cli/gateway/process.js';
import { modelOfShortForm, type ShortCounters, shortCounters } from '../../../src/cli/gateway/shortform.js';
import type { GatewaySnapshot } from '../../../src/cli/gateway/snapshot.js';
import type { EncryptionConfig } from '../../../src/index.js';
import { channelOf, freePorts, Mailbox, newConfig, pause, RECEIVER_REPORT, rtp } from '../../support/cli.js';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Site {
  readonly host: LocalHost;
  readonly port: number;
  readonly sender: Mailbox;
  readonly receiver: Mailbox;
  readonly rtcpReceiver: Mailbox;
  counters(): Promise<ShortCounters>;
  /** Sends a burst and waits until the gateway has it. */
  burst(packets: readonly Uint8Array[]): Promise<void>;
}

/** A gateway in this process, with a socket before it and one behind it. */
async function site(
  direction: 'seal' | 'open',
  config: EncryptionConfig,
  rtcp: 'sealed' | 'forward' = 'forward',
): Promise<Site> {
  const [entry, exit] = [await freePorts(), await freePorts()];
  const receiver = await Mailbox.open(exit);
  const rtcpReceiver = await Mailbox.open(exit + 1);
  const sender = await Mailbox.open(0);
  const reading = modelOfShortForm({
    seal: direction === 'seal',
    listen: { host: LOOPBACK, port: entry },
    forward: { host: LOOPBACK, port: exit },
    config: 'unused.json',
    bindHeader: true,
    rtcp,
    rtcpPort: 'next',
    sealAfter: 0,
    grace: 10,
  });
  if (reading.faults.length > 0) throw new Error(reading.faults.join());
  const [model] = reading.model.channels;
  const host = new LocalHost(0, () => {});
  expect(await host.prepare({ channels: [{ model: model!, config }], srtp: [], routes: reading.model.routes })).toEqual(
    [],
  );
  await host.commit();
  onTestFinished(async () => void (await host.drain()));
  const counters = async () =>
    shortCounters((await host.snapshot()) as unknown as GatewaySnapshot, direction === 'seal' ? 'inside' : 'outside');
  const burst = async (packets: readonly Uint8Array[]) => {
    const before = (await counters()).received.bytes;
    // Not one by one: all of them leave before the gateway's next turn.
    const sent = packets.map(
      (packet) => new Promise((resolve) => sender.socket.send(packet, entry, LOOPBACK, resolve)),
    );
    await Promise.all(sent);
    const bytes = packets.reduce((sum, packet) => sum + packet.length, 0);
    await until(async () => (await counters()).received.bytes === before + bytes);
  };
  return { host, port: entry, sender, receiver, rtcpReceiver, counters, burst };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 2000;
  while (!(await condition()) && performance.now() < deadline) await pause(1);
}

/** From here on a turn of the event loop ends only when the test says so. */
function holdTurns(): { end(): void } {
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  return { end: () => void vi.runAllTimers() };
}

/** Enough at once, and dropped, to make a gateway gather: what arrives from here to the end of the turn is one batch. */
const NOISE = Array.from({ length: 20 }, () => Buffer.from('not rtp'));
async function gathering({ burst }: Site): Promise<{ end(): void }> {
  const turn = holdTurns();
  await burst(NOISE);
  turn.end();
  return turn;
}

/** From here on the system takes what gateways send only when the test says so. */
function holdSends(): { release(): void } {
  const { send } = dgram.Socket.prototype;
  const held: (() => void)[] = [];
  vi.spyOn(dgram.Socket.prototype, 'send').mockImplementation(function (this: dgram.Socket, ...args: unknown[]) {
    // A gateway's sockets are connected; the test's are not, and name the host.
    if (args.includes(LOOPBACK)) Reflect.apply(send, this, args);
    else held.push(() => Reflect.apply(send, this, args));
  });
  return { release: () => held.splice(0).forEach((each) => void each()) };
}

const sequences = (packets: readonly Buffer[]) => packets.map((packet) => packet.readUInt16BE(2));
const numbered = (count: number) => Array.from({ length: count }, (_, i) => rtp(i, 20 + 7 * i));

describe('a burst', () => {
  it('arrives complete, in order and unchanged, through both directions', async () => {
    const config = newConfig();
    const sealing = await site('seal', config);
    const opening = await site('open', config);
    const packets = numbered(200);
    for (let i = 0; i < packets.length; i += 50) await sealing.burst(packets.slice(i, i + 50));
    const sealed = await sealing.receiver.wait(200);
    expect(sequences(sealed)).toEqual(sequences(packets));
    for (let i = 0; i < sealed.length; i += 50) await opening.burst(sealed.slice(i, i + 50));
    const opened = await opening.receiver.wait(200);
    expect(opened.length).toBe(200);
    expect(opened.every((packet, i) => packet.equals(packets[i]!))).toBe(true);
    expect(await opening.counters()).toMatchObject({ forwarded: { packets: 200 }, refused: {}, overruns: 0 });
  });

  it('keeps its order around RTCP, noise, and packets of every length', async () => {
    const config = newConfig();
    const place = await site('seal', config);
    const { counters, receiver, burst } = place;
    const opener = channelOf(config).createOpener();
    const sent = [rtp(0), RECEIVER_REPORT, rtp(1, 9000), Buffer.from('not rtp'), rtp(2), RECEIVER_REPORT, rtp(3, 0)];
    const turn = await gathering(place);
    await burst(sent);
    expect((await counters()).forwarded.packets).toBe(0);
    turn.end();
    const arrived = await receiver.wait(6);
    const clear = arrived.map((packet) => (packet.equals(RECEIVER_REPORT) ? packet : opener.openCopy(packet)));
    expect(clear.map((packet) => Buffer.from(packet))).toEqual(sent.filter((packet) => packet.length !== 7));
    expect(await counters()).toMatchObject({
      received: { packets: 27, bytes: [...NOISE, ...sent].reduce((sum, packet) => sum + packet.length, 0) },
      forwarded: { packets: 6 },
      rtcp: { forwarded: 2, dropped: 0 },
      refused: { NOT_RTP: 21 },
      oversize: 1,
    });
  });

  it('is refused by status as one by one', async () => {
    const config = newConfig();
    const member = channelOf(config).createSealer();
    const stranger = channelOf(newConfig()).createSealer();
    const good = Array.from({ length: 6 }, (_, i) => member.sealCopy(rtp(i)));
    const forged = Buffer.from(good[5]!);
    forged[40]! ^= 1;
    const mixed = [
      good[0]!,
      forged,
      good[1]!,
      good[1]!,
      stranger.sealCopy(rtp(9)),
      Buffer.alloc(0),
      RECEIVER_REPORT,
      good[3]!,
      good[2]!,
      good[0]!,
      rtp(4),
      good[5]!,
      Buffer.from('not rtp at all'),
      good[4]!,
    ];
    // A side is quick from the first frame on that opens.
    const first = member.sealCopy(rtp(100));
    const oneByOne = channelOf(config, { rtcp: 'clear' }).createOpener();
    const opened = [first, ...NOISE, ...mixed].flatMap((packet) => {
      const out = Buffer.alloc(packet.length);
      const length = oneByOne.open(packet, out);
      return length < 0 ? [] : [out.subarray(0, length)];
    });
    const { RTCP, ...refused } = oneByOne.stats.refused;
    expect(Object.keys(refused).length).toBeGreaterThan(3);

    const place = await site('open', config);
    const { counters, receiver, burst } = place;
    await burst([first]);
    const turn = await gathering(place);
    await burst(mixed);
    // A batch of eight has gone; the rest waits for the end of the turn.
    expect((await counters()).forwarded.packets).toBeLessThan(opened.length);
    turn.end();
    const arrived = await receiver.wait(opened.length + 1);
    expect(arrived.filter((packet) => !packet.equals(RECEIVER_REPORT))).toEqual(opened);
    expect(arrived.findIndex((packet) => packet.equals(RECEIVER_REPORT))).toBe(3);
    expect(await counters()).toMatchObject({ rtcp: { forwarded: RTCP } });
    expect((await counters()).refused).toEqual(refused);
  });

  it('is in the hands of the system before RTCP that comes after it on the next port', async () => {
    const place = await site('seal', newConfig());
    const { port, counters, sender, receiver, rtcpReceiver, burst } = place;
    await gathering(place);
    await burst(numbered(3));
    expect((await counters()).forwarded.packets).toBe(0);
    await sender.send(port + 1, [RECEIVER_REPORT]);
    expect((await rtcpReceiver.wait(1)).length).toBe(1);
    expect(sequences(await receiver.wait(3))).toEqual([0, 1, 2]);
    expect(await counters()).toMatchObject({ forwarded: { packets: 4 }, rtcp: { forwarded: 1 } });
  });

  it('that fills a batch does not wait for the end of the turn', async () => {
    const place = await site('seal', newConfig());
    const { receiver, burst } = place;
    await gathering(place);
    await burst(numbered(70));
    await pause(20);
    expect(sequences(receiver.received)).toEqual(sequences(numbered(64)));
  });

  it('keeps its order when the key changes in the middle', async () => {
    const [oldConfig, newKey] = [newConfig(), { ...newConfig(), keyId: 1 }];
    const place = await site('seal', oldConfig);
    const { receiver, burst, host } = place;
    const turn = await gathering(place);
    await burst(numbered(10));
    await host.rotate('config', { config: newKey } as never, { sealAfterMs: 0, graceMs: 10_000 });
    await burst(numbered(20).slice(10));
    turn.end();
    const other = channelOf(oldConfig);
    other.rotate(newKey);
    const opener = other.createOpener();
    const opened = (await receiver.wait(20)).map((packet) => Buffer.from(opener.openCopy(packet)));
    expect(opened).toEqual(numbered(20));
  });
});

describe('a system that is slow to take datagrams', () => {
  it('finds in each buffer what it was given', async () => {
    const config = newConfig();
    const { receiver, burst } = await site('seal', config);
    const opener = channelOf(config).createOpener();
    const packets = numbered(60);
    const system = holdSends();
    for (let i = 0; i < packets.length; i += 20) await burst(packets.slice(i, i + 20));
    await pause(20);
    expect(receiver.received.length).toBe(0);
    system.release();
    const opened = (await receiver.wait(60)).map((packet) => Buffer.from(opener.openCopy(packet)));
    expect(opened).toEqual(packets);
  });

  it('costs packets, and they are counted', async () => {
    const { counters, burst } = await site('open', newConfig());
    const system = holdSends();
    for (let i = 0; i < 21; i++) await burst(Array.from({ length: 50 }, () => RECEIVER_REPORT));
    system.release();
    // The receiver may lose some: the burst does not fit into its buffer.
    await until(async () => (await counters()).forwarded.packets === 1024);
    expect(await counters()).toMatchObject({ received: { packets: 1050 }, forwarded: { packets: 1024 }, overruns: 26 });
  });
});

describe('a lone packet', () => {
  it('is forwarded without waiting for a second one', async () => {
    const { receiver, sender, port, counters, burst } = await site('seal', newConfig());
    await burst(NOISE);
    for (let i = 0; i < 50; i++) {
      const arrival = once(receiver.socket, 'message');
      await sender.send(port, [rtp(i)]);
      await arrival;
      expect((await counters()).forwarded.packets).toBe(i + 1);
    }
  });

  it('does not even wait for the end of its turn', async () => {
    const place = await site('seal', newConfig());
    const turn = await gathering(place);
    await place.burst(numbered(2));
    expect((await place.counters()).forwarded.packets).toBe(0);
    // A turn of few: no more waiting.
    turn.end();
    for (let i = 0; i < 20; i++) await place.burst([rtp(i)]);
    expect((await place.receiver.wait(22)).length).toBe(22);
  });
});

describe('the end', () => {
  it('flushes what was gathered', async () => {
    const place = await site('seal', newConfig());
    const { receiver, burst, counters, host } = place;
    await gathering(place);
    await burst(numbered(5));
    expect((await counters()).forwarded.packets).toBe(0);
    await host.drain();
    expect(sequences(await receiver.wait(5))).toEqual([0, 1, 2, 3, 4]);
    expect(await counters()).toMatchObject({ received: { packets: 25 }, forwarded: { packets: 5 } });
  });
});
