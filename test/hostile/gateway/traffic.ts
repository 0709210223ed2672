/** Numbered RTP packets: their source, and the sink that checks each. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { LOOPBACK } from '../../../src/cli/gateway/process.js';
import { Ledger } from '../ledger.js';
import { kernelDrops } from './drops.js';

const TICK_MS = 2;
/** One packet in NOISE_EVERY is not RTP. */
const NOISE_EVERY = 500;
const RECEIVE_BUFFER_BYTES = 4 << 20;

/** The packet of a number, of 32 to 1,200 bytes; its timestamp, which stays in the clear, is the number. */
function packetOf(number: number): Buffer {
  const packet = Buffer.alloc(32 + ((number * 7919) % 1169), number);
  packet.writeUInt32BE((0x8060_0000 | (number & 0xffff)) >>> 0, 0);
  packet.writeUInt32BE(number, 4);
  packet.writeUInt32BE(0x11223344, 8);
  return packet;
}

/** Sends at an even rate. */
export class Source {
  /** Datagrams that the system took; also the number of the next packet. */
  sent = 0;
  noise = 0;
  readonly #socket = dgram.createSocket('udp4');
  readonly #timer: NodeJS.Timeout;

  constructor(port: number, perSecond: number) {
    const startMs = performance.now();
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) * perSecond) / 1000);
      while (this.sent < due) this.#send(port);
    }, TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  close(): void {
    this.#socket.close();
  }

  #send(port: number): void {
    const packet = packetOf(this.sent++);
    if (this.sent % NOISE_EVERY === 0) {
      packet[0] = 0;
      this.noise++;
    }
    this.#socket.send(packet, port, LOOPBACK, (error) => {
      if (error) throw error;
    });
  }
}

/** The receiver at the end, which can close and open again on its port. */
export class Sink {
  received = 0;
  /** Packets that differ from the sent packet of their number. */
  altered = 0;
  drops = 0;
  /** The highest number that has come out. */
  highest = -1;
  readonly #numbers = new Ledger();
  #socket!: dgram.Socket;
  #port = 0;

  static async open(): Promise<Sink> {
    const sink = new Sink();
    await sink.return();
    return sink;
  }

  get port(): number {
    return this.#port;
  }

  /** Packets that came out twice. */
  get repeats(): number {
    return this.#numbers.repeats;
  }

  leave(): void {
    this.drops += kernelDrops(this.#port);
    this.#socket.close();
  }

  async return(): Promise<void> {
    this.#socket = dgram.createSocket('udp4').bind(this.#port, LOOPBACK);
    await once(this.#socket, 'listening');
    this.#port = this.#socket.address().port;
    this.#socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    this.#socket.on('message', (packet) => this.#onPacket(packet));
  }

  #onPacket(packet: Buffer): void {
    this.received++;
    const number = packet.length < 8 ? -1 : packet.readUInt32BE(4);
    if (number < 0 || !packet.equals(packetOf(number))) {
      this.altered++;
      return;
    }
    this.#numbers.note({ kid: 0n, ctr: number, end: 0 });
    this.highest = Math.max(this.highest, number);
  }
}
