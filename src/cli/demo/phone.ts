/** A phone of the demo: plays a recording to a gateway, and compares what comes back with what the other phone played. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sealer } from 'frameseal';
import type { RecordedPacket } from 'frameseal/recording';
import { isRtcp } from '../rtcp.js';

const LOOPBACK = '127.0.0.1';

/** Milliseconds of a recording before one of its packets. */
export function elapsedMs([first]: readonly RecordedPacket[], { timeNs }: RecordedPacket): number {
  return Number(timeNs - first!.timeNs) / 1e6;
}

export class Phone {
  /** Datagrams that were played. */
  sent = 0;
  /** Datagrams that came back, and those of them that are RTP and RTCP. */
  received = 0;
  packets = 0;
  rtcp = 0;
  /** Those of them that are one of the recording's, byte for byte, and none more often than it was played. */
  identical = 0;
  readonly #socket = dgram.createSocket('udp4');
  readonly #sealer: Sealer | undefined;
  /** How often each packet may still come. */
  readonly #expected = new Map<string, number>();

  private constructor(sealer: Sealer | undefined) {
    this.#sealer = sealer;
  }

  /** `sealer`: of an old phone, which seals by itself. */
  static async open(sealer?: Sealer): Promise<Phone> {
    const phone = new Phone(sealer);
    phone.#socket.on('message', (packet) => phone.#onPacket(packet));
    phone.#socket.bind(0, LOOPBACK);
    await once(phone.#socket, 'listening');
    return phone;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Says what may come back. */
  expect(packets: readonly RecordedPacket[]): void {
    for (const { payload } of packets) {
      const name = nameOf(payload);
      this.#expected.set(name, (this.#expected.get(name) ?? 0) + 1);
    }
  }

  /** Sends packets at their recorded times. */
  async play(
    packets: readonly RecordedPacket[],
    port: number,
    speed: number,
    onProgress?: (share: number) => void,
  ): Promise<void> {
    const startMs = performance.now();
    for (const [i, packet] of packets.entries()) {
      const waitMs = startMs + elapsedMs(packets, packet) / speed - performance.now();
      if (waitMs > 1) await sleep(waitMs);
      this.#socket.send(this.#sealed(packet.payload), port, LOOPBACK);
      this.sent++;
      onProgress?.((i + 1) / packets.length);
    }
  }

  close(): void {
    this.#socket.close();
  }

  /** RTCP of an old phone is in the clear. */
  #sealed(payload: Uint8Array): Uint8Array {
    return this.#sealer === undefined || isRtcp(payload) ? payload : this.#sealer.sealCopy(payload);
  }

  #onPacket(packet: Buffer): void {
    this.received++;
    if (isRtcp(packet)) this.rtcp++;
    else this.packets++;
    const name = nameOf(packet);
    const left = this.#expected.get(name) ?? 0;
    if (left === 0) return;
    this.#expected.set(name, left - 1);
    this.identical++;
  }
}

/** The packet as text: names it by all its bytes. */
function nameOf(packet: Uint8Array): string {
  return Buffer.from(packet.buffer, packet.byteOffset, packet.length).toString('latin1');
}
