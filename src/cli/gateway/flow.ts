/**
 * One direction of a route: packets arrive on one side, lose its protection, get the other's, and leave there.
 *
 *     media port ---> gather ---> unprotect ---> protect ---> media port
 *     RTCP port ---------------> unprotect ---> protect ---> RTCP port, or the media port of a side with rtcpPort: mux
 *
 * A packet that a side refuses is dropped and counted there. A datagram that the system does not take is counted and
 * dropped: media does not wait.
 */
import { RTCP } from 'frameseal';
import { NO_PEER } from './counters.js';
import type { CryptClock } from './cryptclock.js';
import { BufferPool, Gatherer, MAX_BATCH, NO_PACKET } from './gather.js';
import { Outbox, type Target } from './outbox.js';
import { type Protector, saysRtcp, type Unprotector } from './protection.js';
import type { Side } from './side.js';

const MTU_BYTES = 1500;

export interface FlowOptions {
  readonly from: Side;
  readonly to: Side;
  /** Undefined: what arrives is clear. */
  readonly unprotector: Unprotector | undefined;
  /** Undefined: what leaves is clear. */
  readonly protector: Protector | undefined;
  readonly clock: CryptClock;
}

export class Flow {
  readonly #from: Side;
  readonly #to: Side;
  readonly #unprotector: Unprotector | undefined;
  readonly #protector: Protector | undefined;
  readonly #clock: CryptClock;
  readonly #pool = new BufferPool();
  readonly #outbox: Outbox;
  readonly #gatherer = new Gatherer((packets, count) => this.#handle(packets, count, 'media'));
  /** Scratch of a batch. */
  readonly #single: Buffer[] = [NO_PACKET];
  readonly #inputs: Uint8Array[] = new Array(MAX_BATCH).fill(NO_PACKET);
  readonly #outs: Uint8Array[] = new Array(MAX_BATCH).fill(NO_PACKET);
  readonly #results = new Int32Array(MAX_BATCH);

  constructor({ from, to, unprotector, protector, clock }: FlowOptions) {
    this.#from = from;
    this.#to = to;
    this.#unprotector = unprotector;
    this.#protector = protector;
    this.#clock = clock;
    this.#outbox = new Outbox(this.#pool, {
      sent: (bytes, isRtcp) => {
        to.out.count(bytes, isRtcp);
        to.out.bytes += bytes;
      },
      overrun: () => to.countOverrun(),
      failed: (error) => to.countSendError(error),
    });
  }

  /** Datagrams that the system has not taken yet. */
  get pending(): number {
    return this.#outbox.pending;
  }

  get senders(): number {
    return this.#unprotector?.senders ?? 0;
  }

  get lastSender(): string {
    return this.#unprotector?.lastSender ?? '';
  }

  get sealers(): number {
    return this.#protector?.sealers ?? 0;
  }

  /** Takes a datagram of the media port. The flow may write to it from now on. */
  add(packet: Buffer): void {
    this.#gatherer.add(packet);
  }

  /** Handles a datagram by itself, after all that came before it. Returns whether the side took its protection off. */
  takeAlone(packet: Buffer, port: 'media' | 'rtcp'): boolean {
    this.#gatherer.flush();
    this.#single[0] = packet;
    const taken = this.#handle(this.#single, 1, port);
    this.#single[0] = NO_PACKET;
    return taken > 0;
  }

  flush(): void {
    this.#gatherer.flush();
  }

  /** Wipes the keys of this direction; packets that still come are CLOSED. */
  close(): void {
    this.#gatherer.flush();
    this.#unprotector?.close();
    this.#protector?.close();
  }

  /** Brings a batch across, in the order of arrival. Returns how many the first side took. */
  #handle(packets: Buffer[], count: number, port: 'media' | 'rtcp'): number {
    const results = this.#results;
    const startMs = this.#clock.start();
    if (this.#unprotector !== undefined) this.#unprotector.unprotect(packets, results, count);
    else for (let i = 0; i < count; i++) results[i] = packets[i]!.length;
    let taken = 0;
    let ready = 0;
    for (let i = 0; i < count; i++) {
      const packet = packets[i]!;
      const length = this.#countArrival(packet, results[i]!);
      if (length < 0) continue;
      taken++;
      if (this.#protector === undefined) this.#sendClear(packet, length, port);
      else this.#inputs[ready++] = length === packet.length ? packet : packet.subarray(0, length);
    }
    if (ready > 0) this.#protectAndSend(this.#protector!, ready, port);
    this.#clock.end(startMs, count);
    return taken;
  }

  /** Counts a packet with its result, and returns its length or its status. */
  #countArrival(packet: Uint8Array, result: number): number {
    // RTCP that nothing protects passes where the side says so.
    const length = result === RTCP && this.#from.forwardsClearRtcp ? packet.length : result;
    this.#from.in.count(length, saysRtcp(packet));
    if (length < 0) this.#from.noteRefused(packet, length);
    return length;
  }

  #sendClear(packet: Uint8Array, length: number, port: 'media' | 'rtcp'): void {
    const isRtcp = saysRtcp(packet);
    const target = this.#targetOf(isRtcp, port);
    if (target === undefined) this.#to.out.count(NO_PEER, isRtcp);
    else this.#outbox.send(target, packet, length, isRtcp);
  }

  /** Protects the first `count` inputs, and sends them. */
  #protectAndSend(protector: Protector, count: number, port: 'media' | 'rtcp'): void {
    const inputs = this.#inputs;
    if (this.#to.media === undefined) {
      // A packet that goes nowhere is not sealed.
      for (let i = 0; i < count; i++) this.#to.out.count(NO_PEER, saysRtcp(inputs[i]!));
    } else {
      for (let i = 0; i < count; i++) this.#outs[i] = this.#pool.take(inputs[i]!.length + protector.overhead);
      protector.protect(inputs, this.#outs, this.#results, count);
      for (let i = 0; i < count; i++) {
        this.#sendProtected(inputs[i]!, this.#outs[i]!, this.#results[i]!, port);
        this.#outs[i] = NO_PACKET;
      }
    }
    for (let i = 0; i < count; i++) inputs[i] = NO_PACKET;
  }

  #sendProtected(input: Uint8Array, out: Uint8Array, result: number, port: 'media' | 'rtcp'): void {
    const isRtcp = saysRtcp(input);
    const target = this.#targetOf(isRtcp, port);
    if (result >= 0 && target !== undefined) {
      if (result + this.#to.headerBytes > MTU_BYTES) this.#to.countOversize();
      this.#outbox.sendPooled(target, out, result, isRtcp);
      return;
    }
    this.#pool.give(out);
    if (result === RTCP && target !== undefined && this.#to.forwardsClearRtcp) {
      this.#outbox.send(target, input, input.length, isRtcp);
      return;
    }
    this.#to.out.count(result < 0 ? result : NO_PEER, isRtcp);
  }

  #targetOf(isRtcp: boolean, port: 'media' | 'rtcp'): Target | undefined {
    const to = this.#to;
    if (to.rtcp === undefined) return to.media;
    // A side with one port for both is read by type; otherwise the port that a packet came to decides.
    const isForRtcp = this.#from.hasRtcpPort ? port === 'rtcp' : isRtcp;
    return isForRtcp ? to.rtcp : to.media;
  }
}
