/**
 * One direction of a gateway: packets arrive on one socket, a protection changes them in batches, and they leave on
 * another. The route knows the protection as a function alone: sealing, opening, or anything with the same shape.
 *
 *     media ---> gather ---> protection ---> media out      RTP, and RTCP on the same port
 *     rtcp ----> gather ---> protection ---> rtcp out       RTCP on a port of its own
 *
 * A packet that the protection refuses is dropped. Only RTCP leaves in the clear, and only where `rtcp` is 'clear'. A
 * datagram that the system does not take is counted and dropped: media does not wait.
 */
import type dgram from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { RTCP } from 'frameseal';
import { isRtcp } from '../rtcp.js';
import { BufferPool, Gatherer, MAX_BATCH, NO_PACKET } from './gather.js';
import { Outbox } from './outbox.js';
import type { Warnings } from './warnings.js';

const TURN_MS = 10;
const QUIET_TURNS = 3;
const DRAIN_LIMIT_MS = 1000;
const MTU_BYTES = 1500;

/**
 * Writes inputs[0, count) to outs, and to results the bytes of each or its status < 0. Returns how many succeeded. The
 * status RTCP says that the input is RTCP, which the protection leaves in the clear.
 */
export type BatchFunction = (inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number) => number;

/** What a route does to its packets. */
export interface Protection {
  readonly batch: BatchFunction;
  /** Bytes that a packet grows by at most. 0: no packet grows, and `batch` works in place. */
  readonly overhead: number;
}

export interface RouteOptions {
  readonly protection: Protection;
  /** Where media leaves. */
  readonly out: dgram.Socket;
  /** Bytes of IP and UDP headers on the way out. */
  readonly headerBytes: number;
  /** `clear`: RTCP that the protection leaves in the clear is forwarded as it is, otherwise dropped. */
  readonly rtcp: 'sealed' | 'clear' | 'drop';
  readonly warnings: Warnings;
  /** Called for each datagram that the system does not take. */
  failed(error: NodeJS.ErrnoException): void;
}

export interface RouteCounters {
  /** Datagrams, RTCP included. */
  readonly received: { readonly packets: number; readonly bytes: number };
  readonly forwarded: { readonly packets: number; readonly bytes: number };
  /** RTCP that was forwarded, sealed, opened or in the clear; and that which is dropped for want of `rtcp` 'clear'. */
  readonly rtcp: { readonly forwarded: number; readonly dropped: number };
  /** Packets that the protection made longer than 1,500 bytes of IP. */
  readonly oversize: number;
  /** Datagrams that the system did not take. */
  readonly sendErrors: number;
  /** Datagrams that were dropped because the queue to the system was full. */
  readonly overruns: number;
}

export class Route {
  readonly #options: RouteOptions;
  readonly #pool = new BufferPool();
  readonly #outbox: Outbox;
  readonly #media: Gatherer;
  /** By where RTCP of its own port leaves. */
  readonly #rtcp = new Map<dgram.Socket, Gatherer>();
  /** Scratch of a batch: pooled buffers, and results. */
  readonly #outs: Uint8Array[] = Array.from({ length: MAX_BATCH }, () => NO_PACKET);
  readonly #results = new Int32Array(MAX_BATCH);
  #receivedPackets = 0;
  #receivedBytes = 0;
  #rtcpForwarded = 0;
  #rtcpDropped = 0;
  #oversize = 0;

  constructor(options: RouteOptions) {
    this.#options = options;
    this.#media = this.#gatherer(options.out);
    this.#outbox = new Outbox(this.#pool, {
      overrun: () => options.warnings.once('overrun', 'the path out is slower than the path in: packets are dropped'),
      failed: (error) => options.failed(error),
    });
  }

  get counters(): RouteCounters {
    return {
      received: { packets: this.#receivedPackets, bytes: this.#receivedBytes },
      forwarded: this.#outbox.sent,
      rtcp: { forwarded: this.#rtcpForwarded, dropped: this.#rtcpDropped },
      oversize: this.#oversize,
      sendErrors: this.#outbox.errors,
      overruns: this.#outbox.overruns,
    };
  }

  /** Takes a datagram of the media port. The route may write to it from now on. */
  takeMedia(packet: Buffer): void {
    this.#arrived(packet);
    this.#media.add(packet);
  }

  /** Takes a datagram of the RTCP port; `out` is where RTCP of that port leaves. The route may write to it from now on. */
  takeRtcp(packet: Buffer, out: dgram.Socket): void {
    // Media that arrived first leaves first.
    this.#media.flush();
    this.#arrived(packet);
    let gatherer = this.#rtcp.get(out);
    if (gatherer === undefined) {
      gatherer = this.#gatherer(out);
      this.#rtcp.set(out, gatherer);
    }
    gatherer.add(packet);
  }

  /** Waits until everything that has arrived is sent, at most DRAIN_LIMIT_MS. */
  async drain(): Promise<void> {
    const deadline = performance.now() + DRAIN_LIMIT_MS;
    // Turns of the event loop without an arrival, not time: while a machine stalls, nothing is read.
    let seen = -1;
    for (let quiet = 0; quiet < QUIET_TURNS && performance.now() < deadline; ) {
      quiet = this.#receivedPackets === seen && this.#outbox.pending === 0 ? quiet + 1 : 0;
      seen = this.#receivedPackets;
      await sleep(TURN_MS);
    }
    for (const gatherer of [this.#media, ...this.#rtcp.values()]) gatherer.flush();
  }

  #gatherer(out: dgram.Socket): Gatherer {
    return new Gatherer((packets, count) => this.#handle(packets, count, out));
  }

  #arrived(packet: Buffer): void {
    this.#receivedPackets++;
    this.#receivedBytes += packet.length;
  }

  /** Protects a batch, and sends it in the order of arrival. */
  #handle(packets: Buffer[], count: number, out: dgram.Socket): void {
    const { protection } = this.#options;
    const inPlace = protection.overhead === 0;
    if (!inPlace) {
      for (let i = 0; i < count; i++) this.#outs[i] = this.#pool.take(packets[i]!.length + protection.overhead);
    }
    protection.batch(packets, inPlace ? packets : this.#outs, this.#results, count);
    for (let i = 0; i < count; i++) {
      const packet = packets[i]!;
      const result = this.#results[i]!;
      if (result === RTCP) this.#forwardInClear(packet, out);
      else if (result >= 0 && isRtcp(packet)) this.#rtcpForwarded++;
      if (!inPlace) this.#sendPooled(out, this.#outs[i]!, result);
      else if (result >= 0) this.#outbox.send(out, packet, result);
      this.#outs[i] = NO_PACKET;
    }
  }

  #sendPooled(out: dgram.Socket, buffer: Uint8Array, result: number): void {
    if (result < 0) {
      this.#pool.give(buffer);
      return;
    }
    if (result + this.#options.headerBytes > MTU_BYTES) this.#countOversize(result);
    this.#outbox.sendPooled(out, buffer, result);
  }

  #forwardInClear(packet: Buffer, socket: dgram.Socket): void {
    if (this.#options.rtcp !== 'clear') {
      this.#rtcpDropped++;
      return;
    }
    this.#rtcpForwarded++;
    this.#outbox.send(socket, packet, packet.length);
  }

  #countOversize(bytes: number): void {
    this.#oversize++;
    const { headerBytes, protection, warnings } = this.#options;
    warnings.once(
      'oversize',
      `a sealed packet of ${bytes} bytes needs ${bytes + headerBytes} bytes of IP, over ${MTU_BYTES}: the network may ` +
        `fragment or drop it; send RTP packets of at most ${MTU_BYTES - headerBytes - protection.overhead} bytes`,
    );
  }
}
