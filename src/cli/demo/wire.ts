/**
 * A bad network for the demo: relays datagrams on loopback, and drops, repeats, reorders, delays and damages a few.
 *
 * One thing at most happens to a packet, chosen by a seeded generator, so that a run can be told again. RTCP passes:
 * it is in the clear, and nobody would notice.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { isRtcp } from '../rtcp.js';

/** How many packets it happened to. */
export interface WireCounts {
  relayed: number;
  dropped: number;
  repeated: number;
  reordered: number;
  delayed: number;
  damaged: number;
}

type Mishap = Exclude<keyof WireCounts, 'relayed'>;

/** Parts of 1,000. */
const CHANCES: readonly (readonly [Mishap, number])[] = [
  ['dropped', 20],
  ['repeated', 25],
  ['reordered', 30],
  ['delayed', 10],
  ['damaged', 15],
];
/** How many packets overtake one that is reordered, at most; and one that is delayed past a window of 64. */
const REORDERED_BY = 5;
const DELAYED_BY = 80;

export class Wire {
  readonly counts: WireCounts = { relayed: 0, dropped: 0, repeated: 0, reordered: 0, delayed: 0, damaged: 0 };
  /** Packets that have left it. */
  sent = 0;
  readonly #socket = dgram.createSocket('udp4');
  readonly #random: () => number;
  readonly #target: number;
  /** Packets that wait, with how many others they still let pass. */
  readonly #waiting: { packet: Buffer; packetsToGo: number }[] = [];

  private constructor(target: number, seed: number) {
    this.#target = target;
    this.#random = generator(seed);
  }

  /** A wire to a port on loopback. */
  static async start(target: number, seed: number): Promise<Wire> {
    const wire = new Wire(target, seed);
    wire.#socket.bind(0, '127.0.0.1');
    await once(wire.#socket, 'listening');
    wire.#socket.on('message', (packet) => wire.#onPacket(packet));
    wire.#socket.on('error', () => {});
    return wire;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Sends what still waits. */
  flush(): void {
    for (const { packet } of this.#waiting.splice(0)) this.#send(packet);
  }

  stop(): void {
    this.#socket.close();
  }

  #onPacket(packet: Buffer): void {
    this.counts.relayed++;
    if (isRtcp(packet)) {
      this.#send(packet);
      return;
    }
    this.#letGo();
    const mishap = this.#draw();
    if (mishap === undefined) {
      this.#send(packet);
      return;
    }
    this.counts[mishap]++;
    if (mishap === 'reordered') this.#hold(packet, 1 + this.#below(REORDERED_BY));
    else if (mishap === 'delayed') this.#hold(packet, DELAYED_BY);
    else if (mishap === 'damaged') this.#send(this.#damage(packet));
    else if (mishap === 'repeated') {
      this.#send(packet);
      this.#hold(packet, this.#below(REORDERED_BY));
    }
  }

  #draw(): Mishap | undefined {
    let at = this.#below(1000);
    for (const [mishap, chance] of CHANCES) {
      if (at < chance) return mishap;
      at -= chance;
    }
    return undefined;
  }

  #damage(packet: Buffer): Buffer {
    const damaged = Buffer.from(packet);
    const bit = this.#below(8 * packet.length);
    damaged[bit >>> 3]! ^= 1 << (bit & 7);
    return damaged;
  }

  #hold(packet: Buffer, packetsToGo: number): void {
    this.#waiting.push({ packet, packetsToGo });
  }

  /** One more packet has passed those that wait: sends the ones that are due. */
  #letGo(): void {
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      const held = this.#waiting[i]!;
      if (held.packetsToGo-- > 0) continue;
      this.#waiting.splice(i, 1);
      this.#send(held.packet);
    }
  }

  #send(packet: Buffer): void {
    this.sent++;
    this.#socket.send(packet, this.#target, '127.0.0.1');
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

/** Numbers from 0 to 1 that look random: a Weyl sequence through an integer hash. Not for cryptography. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let hash = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
    return ((hash ^ (hash >>> 15)) >>> 0) / 0x100000000;
  };
}
