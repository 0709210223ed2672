/**
 * The demo's path, all of it on loopback UDP:
 *
 *     recording -> gateway --seal -> wire -> gateway --open -> receiver
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from 'frameseal';
import { Gateway, type GatewayCounters } from '../gateway/gateway.js';
import { isRtcp } from '../rtcp.js';
import type { UdpPacket } from './pcap.js';
import { Wire, type WireCounts } from './wire.js';

const LOOPBACK = '127.0.0.1';
const PATIENCE_MS = 3000;

export interface PathReport {
  readonly sent: { readonly packets: number; readonly bytes: number };
  readonly sealing: GatewayCounters;
  readonly wire: Readonly<WireCounts>;
  readonly opening: GatewayCounters;
  /** Whether the machine itself lost nothing: each stage received what the one before it sent. */
  readonly complete: boolean;
  /** Media packets that came out; each is compared with the one that went in. */
  readonly arrived: { readonly packets: number; readonly bytes: number };
  readonly identical: number;
  readonly sealNs: RecordableHistogram;
  readonly openNs: RecordableHistogram;
}

export interface PathOptions {
  readonly seed: number;
  /** How much faster than it was recorded. */
  readonly speed: number;
  onProgress(share: number): void;
}

/** Sends packets along the path at their times, and reports what became of them. */
export async function runPath(
  packets: readonly UdpPacket[],
  sender: Channel,
  receiver: Channel,
  options: PathOptions,
): Promise<PathReport> {
  const sealNs = createHistogram();
  const openNs = createHistogram();
  const target = await Receiver.start(packets);
  const opening = await Gateway.start(route('open', target.port), receiver, { timing: openNs });
  const wire = await Wire.start(opening.port, options.seed);
  const sealing = await Gateway.start(route('seal', wire.port), sender, { timing: sealNs });

  const bytes = await play(packets, sealing.port, options);
  // Each stage has handled what the one before it sent: then what the wire still holds goes on its way.
  await until(() => sealing.counters.received.packets === packets.length);
  await until(() => wire.counts.relayed === sealing.counters.forwarded.packets);
  wire.flush();
  await until(() => opening.counters.received.packets === wire.sent);
  await until(() => target.received === opening.counters.forwarded.packets);
  await sealing.stop();
  await opening.stop();
  wire.stop();
  target.stop();
  return {
    sent: { packets: packets.length, bytes },
    sealing: sealing.counters,
    wire: wire.counts,
    opening: opening.counters,
    complete:
      sealing.counters.received.packets === packets.length &&
      wire.counts.relayed === sealing.counters.forwarded.packets &&
      opening.counters.received.packets === wire.sent &&
      target.received === opening.counters.forwarded.packets,
    arrived: { packets: target.packets, bytes: target.bytes },
    identical: target.identical,
    sealNs,
    openNs,
  };
}

function route(direction: 'seal' | 'open', forwardPort: number) {
  return {
    direction,
    listen: { host: LOOPBACK, port: 0 },
    forward: { host: LOOPBACK, port: forwardPort },
    rtcp: 'forward',
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

/** Waits for what comes soon, or never where the machine has lost a packet. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition() && performance.now() < deadline) await sleep(5);
}

/** Takes what comes out, and compares each packet with the one of its SSRC and sequence number that went in. */
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
    if (isRtcp(packet)) return;
    this.packets++;
    this.bytes += packet.length;
    const expected = this.#expected.get(packetName(packet));
    if (expected && packet.equals(expected)) this.identical++;
  }
}

function packetName(packet: Uint8Array): string {
  if (packet.length < 12) return 'short';
  const view = new DataView(packet.buffer, packet.byteOffset);
  return `${view.getUint32(8)}:${view.getUint16(2)}`;
}
