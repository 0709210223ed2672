/**
 * Sends numbered RTP packets into a gateway, and notes when each comes out.
 *
 * Sender and receiver are one process that never sleeps: each turn of its event loop reads arrivals, so that a packet's
 * time is known to a few microseconds. This costs the same without a gateway, where it is measured alone.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { LOOPBACK } from 'frameseal-cli/gateway/process';
import type { Load } from '../cases.js';

const PATIENCE_MS = 500;
const RECEIVE_BUFFER_BYTES = 4 << 20;

/** Copies of an RTP packet; the timestamp, which stays in the clear, is the packet's number. */
function numbered(packet: Uint8Array, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const copy = Buffer.from(packet);
    copy.writeUInt16BE(i & 0xffff, 2);
    copy.writeUInt32BE(i, 4);
    return copy;
  });
}

export class Traffic {
  readonly #packets: readonly Uint8Array[];
  readonly #sentMs: Float64Array;
  readonly #latenciesUs: Float64Array;
  readonly #out = dgram.createSocket('udp4');
  readonly #in = dgram.createSocket('udp4');
  #next = 0;
  #arrived = 0;

  private constructor(packets: readonly Uint8Array[]) {
    this.#packets = packets;
    this.#sentMs = new Float64Array(packets.length);
    this.#latenciesUs = new Float64Array(packets.length);
  }

  /** `count`: the packets of all runs. */
  static async open(packet: Uint8Array, count: number): Promise<Traffic> {
    const traffic = new Traffic(numbered(packet, count));
    traffic.#in.on('message', (packet) => traffic.#onPacket(packet));
    traffic.#in.bind(0, LOOPBACK);
    await once(traffic.#in, 'listening');
    traffic.#in.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    return traffic;
  }

  /** The port of the receiver. */
  get port(): number {
    return this.#in.address().port;
  }

  async connect(port: number): Promise<void> {
    this.#out.connect(port, LOOPBACK);
    await once(this.#out, 'connect');
  }

  /** Sends the next packets under the load. Returns the time of each, in us. Throws where a packet is lost. */
  async run(packets: number, { burst, everyMs }: Load): Promise<Float64Array> {
    const first = this.#next;
    const end = first + packets;
    const startMs = performance.now();
    let lastMs = startMs;
    for (let seen = this.#arrived; this.#arrived < end; await turn()) {
      const nowMs = performance.now();
      if (this.#arrived > seen || this.#next === seen) {
        seen = this.#arrived;
        lastMs = nowMs;
      }
      if (nowMs - lastMs > PATIENCE_MS) throw new Error(`${this.#next - this.#arrived} packets are lost`);
      if (everyMs > 0) {
        const due = startMs + ((this.#next - first) / burst) * everyMs;
        if (nowMs >= due) for (let i = 0; i < burst && this.#next < end; i++) this.#send();
      } else {
        while (this.#next < end && this.#next - this.#arrived < burst) this.#send();
      }
    }
    return this.#latenciesUs.slice(first, end);
  }

  close(): void {
    this.#out.close();
    this.#in.close();
  }

  #send(): void {
    const i = this.#next++;
    this.#sentMs[i] = performance.now();
    this.#out.send(this.#packets[i]!);
  }

  #onPacket(packet: Buffer): void {
    const i = packet.readUInt32BE(4);
    this.#latenciesUs[i] = (performance.now() - this.#sentMs[i]!) * 1000;
    this.#arrived++;
  }
}
