/**
 * The demo's path, all of it on loopback UDP:
 *
 *     recording -> gateway --seal -> lossy link -> gateway --open -> receiver
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from 'frameseal';
import { Gateway, type GatewayCounters } from '../gateway/gateway.js';
import { type LinkProfile, LossyLink } from './link.js';
import type { UdpPacket } from './pcap.js';

const LOOPBACK = '127.0.0.1';
const PATIENCE_MS = 3000;
/** `delayedBy` is past a replay window of 64. */
const PROFILE: Omit<LinkProfile, 'seed'> = {
  chances: { dropped: 200, repeated: 250, reordered: 300, delayed: 100, damaged: 150 },
  reorderedBy: 5,
  delayedBy: 80,
  repeatedAfter: 5,
};

export interface PathReport {
  readonly sent: { readonly packets: number; readonly bytes: number };
  readonly sealing: GatewayCounters;
  /** Datagrams that the link relayed, and how many met each fault. */
  readonly wire: Readonly<Record<string, number>>;
  readonly opening: GatewayCounters;
  /** Whether the machine itself lost nothing: each stage received every packet of the stage before it. */
  readonly complete: boolean;
  /** Packets that came out, RTCP included; each is compared with the packet that went in. */
  readonly arrived: { readonly packets: number; readonly bytes: number };
  readonly identical: number;
  readonly sealNs: RecordableHistogram;
  readonly openNs: RecordableHistogram;
}

export interface PathOptions {
  readonly seed: number;
  /** How much faster than recorded. */
  readonly speed: number;
  onProgress(share: number): void;
}

/** Sends packets along the path at their recorded times. Returns what became of them. */
export async function runPath(
  packets: readonly UdpPacket[],
  sender: Channel,
  receiver: Channel,
  options: PathOptions,
): Promise<PathReport> {
  const sealNs = createHistogram();
  const openNs = createHistogram();
  const target = await Receiver.start(packets);
  const opening = await Gateway.start(settings('open', target.port), receiver, { timing: openNs });
  const link = await LossyLink.open({ ...PROFILE, seed: options.seed });
  link.connect(opening.port);
  const sealing = await Gateway.start(settings('seal', link.port), sender, { timing: sealNs });

  const bytes = await play(packets, sealing.port, options);
  // Once each stage has handled the packets of the stage before it, the link sends the packets that it still holds.
  await until(() => sealing.counters.received.packets === packets.length);
  await until(() => link.received === sealing.counters.forwarded.packets);
  link.flush();
  await until(() => opening.counters.received.packets === link.sent);
  await until(() => target.received === opening.counters.forwarded.packets);
  await sealing.stop();
  await opening.stop();
  link.close();
  target.stop();
  return {
    sent: { packets: packets.length, bytes },
    sealing: sealing.counters,
    wire: { relayed: link.received, ...link.faults },
    opening: opening.counters,
    complete:
      sealing.counters.received.packets === packets.length &&
      link.received === sealing.counters.forwarded.packets &&
      opening.counters.received.packets === link.sent &&
      target.received === opening.counters.forwarded.packets,
    arrived: { packets: target.packets, bytes: target.bytes },
    identical: target.identical,
    sealNs,
    openNs,
  };
}

function settings(direction: 'seal' | 'open', forwardPort: number) {
  return {
    direction,
    listen: { host: LOOPBACK, port: 0 },
    forward: { host: LOOPBACK, port: forwardPort },
    rtcp: 'sealed',
    rtcpPort: 'same',
  } as const;
}

async function play(packets: readonly UdpPacket[], port: number, options: PathOptions): Promise<number> {
  const socket = dgram.createSocket('udp4');
  const startMs = performance.now();
  let bytes = 0;
  let sent = Promise.resolve();
  for (const [i, { timeUs, payload }] of packets.entries()) {
    const waitMs = startMs + timeUs / 1000 / options.speed - performance.now();
    if (waitMs > 1) await sleep(waitMs);
    sent = new Promise((resolve) => {
      socket.send(payload, port, LOOPBACK, () => resolve());
    });
    bytes += payload.length;
    options.onProgress((i + 1) / packets.length);
  }
  await sent;
  socket.close();
  return bytes;
}

/** Waits until the condition holds, at most PATIENCE_MS: where the machine has lost a packet it never does. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition() && performance.now() < deadline) await sleep(5);
}

/** Receives packets, and compares each with the sent packet of its name. */
class Receiver {
  received = 0;
  packets = 0;
  bytes = 0;
  identical = 0;
  readonly #socket = dgram.createSocket('udp4');
  readonly #expected = new Map<string, Uint8Array>();

  static async start(packets: readonly UdpPacket[]): Promise<Receiver> {
    const receiver = new Receiver();
    for (const { payload } of packets) receiver.#expected.set(packetName(payload), payload);
    receiver.#socket.on('message', (packet) => receiver.#onPacket(packet));
    receiver.#socket.bind(0, LOOPBACK);
    await once(receiver.#socket, 'listening');
    return receiver;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  stop(): void {
    this.#socket.close();
  }

  #onPacket(packet: Buffer): void {
    this.received++;
    this.packets++;
    this.bytes += packet.length;
    const expected = this.#expected.get(packetName(packet));
    if (expected && packet.equals(expected)) this.identical++;
  }
}

/** What tells packets of a recording apart: RTP's sequence number, timestamp and SSRC; RTCP's SSRC and time. */
function packetName(packet: Uint8Array): string {
  return Buffer.from(packet.subarray(0, 16)).toString('latin1');
}
