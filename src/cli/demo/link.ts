/**
 * A lossy link between two UDP ports on loopback: relays datagrams, and drops, repeats, reorders, delays, damages or
 * truncates a few; or stalls, and then sends everything at once. At most one fault meets a datagram, drawn by a seeded
 * generator, so that a seed repeats a run.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { Random } from '../random.js';

const LOOPBACK = '127.0.0.1';
const RECEIVE_BUFFER_BYTES = 4 << 20;
const STALL_MS = 60;
const CHANCES_OF = 10_000;

export type Fault = 'dropped' | 'repeated' | 'reordered' | 'delayed' | 'damaged' | 'truncated' | 'stalled';

export interface LinkProfile {
  readonly seed: number;
  /** How many of 10,000 datagrams meet each fault. */
  readonly chances: Readonly<Partial<Record<Fault, number>>>;
  /** Most datagrams that overtake a reordered one. */
  readonly reorderedBy: number;
  /** Datagrams that overtake a delayed one: more than a replay window. */
  readonly delayedBy: number;
  /** Most datagrams between a repeated one and its copy. */
  readonly repeatedAfter: number;
  /** Called for each datagram that arrives, before any fault. */
  arrived?(packet: Buffer): void;
}

export class LossyLink {
  /** How many datagrams met each fault of the profile. */
  readonly faults: Partial<Record<Fault, number>> = {};
  received = 0;
  /** Datagrams that left, copies included. */
  sent = 0;
  /** Datagrams of which an unchanged copy leaves. */
  whole = 0;
  readonly #profile: LinkProfile;
  readonly #random: Random;
  readonly #socket = dgram.createSocket('udp4');
  #targets: readonly number[] = [];
  /** Datagrams that wait until `received` is `due`. */
  #waiting: { readonly packet: Buffer; readonly due: number }[] = [];
  /** Datagrams that wait for the end of a stall. */
  #stalled: Buffer[] | undefined;

  private constructor(profile: LinkProfile) {
    this.#profile = profile;
    this.#random = new Random(profile.seed);
    for (const fault of Object.keys(profile.chances) as Fault[]) this.faults[fault] = 0;
  }

  /** A link that receives on a free port; `connect` says where it leads. */
  static async open(profile: LinkProfile): Promise<LossyLink> {
    const link = new LossyLink(profile);
    link.#socket.bind(0, LOOPBACK);
    await once(link.#socket, 'listening');
    link.#socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    link.#socket.on('message', (packet) => link.#onPacket(packet));
    link.#socket.on('error', () => {});
    return link;
  }

  /** The port that it receives on. */
  get port(): number {
    return this.#socket.address().port;
  }

  /** Sends to these ports from now on: each gets every datagram that leaves. */
  connect(...ports: number[]): void {
    this.#targets = ports;
  }

  /** Sends every datagram that still waits. */
  flush(): void {
    this.#endStall();
    for (const { packet } of this.#waiting.splice(0)) this.#send(packet);
  }

  close(): void {
    this.#socket.close();
  }

  #onPacket(packet: Buffer): void {
    this.received++;
    this.#profile.arrived?.(packet);
    this.#sendDue();
    const fault = this.#draw();
    if (fault !== undefined) this.faults[fault]!++;
    if (fault !== 'dropped' && fault !== 'damaged' && fault !== 'truncated') this.whole++;
    this.#relay(packet, fault);
  }

  #draw(): Fault | undefined {
    let at = this.#random.below(CHANCES_OF);
    for (const [fault, chance] of Object.entries(this.#profile.chances)) {
      at -= chance;
      if (at < 0) return fault as Fault;
    }
    return undefined;
  }

  #relay(packet: Buffer, fault: Fault | undefined): void {
    const { reorderedBy, delayedBy, repeatedAfter } = this.#profile;
    if (fault === 'dropped') return;
    if (fault === 'damaged') this.#send(this.#damaged(packet));
    else if (fault === 'truncated') this.#send(packet.subarray(0, this.#random.below(packet.length)));
    else if (fault === 'reordered') this.#wait(packet, 1 + this.#random.below(reorderedBy));
    else if (fault === 'delayed') this.#wait(packet, delayedBy);
    else {
      if (fault === 'stalled') this.#stall();
      this.#send(packet);
      if (fault === 'repeated') this.#wait(packet, this.#random.below(repeatedAfter));
    }
  }

  /** A copy with one bit flipped. */
  #damaged(packet: Buffer): Buffer {
    const copy = Buffer.from(packet);
    const bit = this.#random.below(8 * copy.length);
    copy[bit >>> 3]! ^= 1 << (bit & 7);
    return copy;
  }

  /** Sends the packet after this many more have arrived. */
  #wait(packet: Buffer, packets: number): void {
    this.#waiting.push({ packet, due: this.received + packets });
  }

  #sendDue(): void {
    const due = this.#waiting.filter((each) => each.due <= this.received);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((each) => each.due > this.received);
    for (const { packet } of due) this.#send(packet);
  }

  #stall(): void {
    if (this.#stalled !== undefined) return;
    this.#stalled = [];
    setTimeout(() => this.#endStall(), STALL_MS);
  }

  #endStall(): void {
    const stalled = this.#stalled ?? [];
    this.#stalled = undefined;
    for (const packet of stalled) this.#send(packet);
  }

  #send(packet: Buffer): void {
    if (this.#stalled !== undefined) {
      this.#stalled.push(packet);
      return;
    }
    this.sent++;
    for (const target of this.#targets) this.#socket.send(packet, target, LOOPBACK);
  }
}
