/**
 * A faulty path between two gateways: relays datagrams on loopback, and does to each what chance says. Of all that passes
 * it reads KID and CTR first, on the sealing gateway's side.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { Ledger, readRtpName } from '../ledger.js';
import { Random } from '../random.js';
import { LOOPBACK } from './child.js';

const FAULTS = ['lost', 'repeated', 'reordered', 'late', 'corrupted', 'cut', 'held'] as const;
type Fault = (typeof FAULTS)[number];
/** Parts of 10,000. `held`: with all that follow it for a while, and then they come at once. */
const CHANCES: Readonly<Record<Fault, number>> = {
  lost: 200,
  repeated: 200,
  reordered: 300,
  late: 20,
  corrupted: 150,
  cut: 30,
  held: 2,
};
const REORDERED_BY = 30;
const REPEATED_AFTER = 200;
/** More than a replay window. */
const LATE_BY = 2000;
const HELD_MS = 60;
const RECEIVE_BUFFER_BYTES = 4 << 20;

export class FaultyPath {
  readonly ledger: Ledger = new Ledger();
  readonly faults: Record<Fault, number> = {
    lost: 0,
    repeated: 0,
    reordered: 0,
    late: 0,
    corrupted: 0,
    cut: 0,
    held: 0,
  };
  received = 0;
  /** Datagrams that left; and packets of which a whole copy did. */
  sent = 0;
  whole = 0;
  #target = 0;
  /** What waits until so many have passed. */
  #waiting: { readonly packet: Buffer; readonly after: number }[] = [];
  #held: Buffer[] | undefined;
  readonly #socket = dgram.createSocket('udp4');
  readonly #random = new Random(0xbadca);

  static async open(): Promise<FaultyPath> {
    const path = new FaultyPath();
    path.#socket.bind(0, LOOPBACK);
    await once(path.#socket, 'listening');
    path.#socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    path.#socket.on('message', (packet) => path.#onPacket(packet));
    return path;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Where datagrams go. */
  connect(port: number): void {
    this.#target = port;
  }

  /** Sends whatever waits. */
  flush(): void {
    this.#release();
    for (const { packet } of this.#waiting.splice(0)) this.#send(packet);
  }

  close(): void {
    this.#socket.close();
  }

  #onPacket(packet: Buffer): void {
    this.received++;
    this.ledger.note(readRtpName(packet));
    this.#letGo();
    const fault = this.#draw();
    if (fault !== undefined) this.faults[fault]++;
    if (fault !== 'lost' && fault !== 'corrupted' && fault !== 'cut') this.whole++;
    if (fault === 'lost') return;
    if (fault === 'corrupted') this.#send(this.#corrupted(packet));
    else if (fault === 'cut') this.#send(packet.subarray(0, this.#random.below(packet.length)));
    else if (fault === 'reordered') this.#wait(packet, 1 + this.#random.below(REORDERED_BY));
    else if (fault === 'late') this.#wait(packet, LATE_BY);
    else {
      if (fault === 'held') this.#hold();
      this.#send(packet);
      if (fault === 'repeated') this.#wait(packet, this.#random.below(REPEATED_AFTER));
    }
  }

  #draw(): Fault | undefined {
    let at = this.#random.below(10_000);
    for (const fault of FAULTS) {
      at -= CHANCES[fault];
      if (at < 0) return fault;
    }
    return undefined;
  }

  #corrupted(packet: Buffer): Buffer {
    const copy = Buffer.from(packet);
    const bit = this.#random.below(8 * copy.length);
    copy[bit >>> 3]! ^= 1 << (bit & 7);
    return copy;
  }

  #wait(packet: Buffer, packets: number): void {
    this.#waiting.push({ packet, after: this.received + packets });
  }

  /** Sends those for which enough have passed. */
  #letGo(): void {
    const due = this.#waiting.filter(({ after }) => after <= this.received);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter(({ after }) => after > this.received);
    for (const { packet } of due) this.#send(packet);
  }

  #hold(): void {
    if (this.#held !== undefined) return;
    this.#held = [];
    setTimeout(() => this.#release(), HELD_MS);
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const packet of held) this.#send(packet);
  }

  #send(packet: Buffer): void {
    if (this.#held !== undefined) {
      this.#held.push(packet);
      return;
    }
    this.sent++;
    this.#socket.send(packet, this.#target, LOOPBACK);
  }
}
