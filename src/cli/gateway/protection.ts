/**
 * What a side does to packets: takes a channel's protection off, and puts it on. A clear side has neither. SRTP has the
 * same two shapes (srtp.ts), so that sealing, opening and bridging are one mechanism.
 *
 * A sealer for each SSRC: the windows of receivers do not depend on what else shares the port. RTCP goes with the sealer
 * of the SSRC that it names as its sender.
 */
import { BUSY, type Channel, EXHAUSTED, FrameError, MALFORMED, NOT_RTP, type Opener, type Sealer } from 'frameseal';
import { MAX_BATCH, NO_PACKET } from './gather.js';

/** Takes protection off packets. */
export interface Unprotector {
  /** How many senders are remembered. */
  readonly senders: number;
  /** The sender of the packet that was opened last, for people. */
  readonly lastSender: string;
  /** Opens packets[0, count) in place. results[i] is the length of packet i then, or its status < 0. */
  unprotect(packets: Uint8Array[], results: Int32Array, count: number): void;
  close(): void;
}

/** Protects packets. */
export interface Protector {
  /** The most bytes that a packet grows by. */
  readonly overhead: number;
  /** Sealers that are open. */
  readonly sealers: number;
  /** Writes inputs[0, count) protected to outs; results[i] is the length of out i, or its status < 0. */
  protect(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number): void;
  close(): void;
}

export class ChannelUnprotector implements Unprotector {
  readonly #opener: Opener;

  constructor(channel: Channel) {
    this.#opener = channel.createOpener();
  }

  get senders(): number {
    return this.#opener.stats.senders;
  }

  get lastSender(): string {
    return this.#opener.lastSenderId;
  }

  unprotect(packets: Uint8Array[], results: Int32Array, count: number): void {
    this.#opener.openBatch(packets, packets, results, count);
  }

  close(): void {
    this.#opener.close();
  }
}

/** Sealers of a route that are open at the same time. */
const MAX_SEALERS = 64;
/** A sealer costs key derivations, and a key has a limited number of sessions: this many at once, and this many a second. */
const NEW_SEALERS = MAX_SEALERS;
const NEW_SEALERS_PER_MS = 16 / 1000;

interface FlowSealer {
  readonly sealer: Sealer;
  /** When it was used last, in batches. */
  used: number;
}

export class ChannelProtector implements Protector {
  readonly overhead: number;
  readonly #channel: Channel;
  readonly #bySsrc = new Map<number, FlowSealer>();
  #batches = 0;
  /** Of the newest SSRC. */
  #lastSsrc = 0;
  #last: FlowSealer | undefined;
  #budget = NEW_SEALERS;
  #budgetMs = 0;
  /** Scratch of a batch with more than one sealer. */
  readonly #chosen: (FlowSealer | undefined)[] = new Array(MAX_BATCH).fill(undefined);
  readonly #places = new Uint8Array(MAX_BATCH);
  readonly #inputs: Uint8Array[] = new Array(MAX_BATCH).fill(NO_PACKET);
  readonly #outs: Uint8Array[] = new Array(MAX_BATCH).fill(NO_PACKET);
  readonly #results = new Int32Array(MAX_BATCH);

  constructor(channel: Channel) {
    this.#channel = channel;
    const sealer = channel.createSealer();
    this.overhead = sealer.overhead;
    sealer.close();
  }

  get sealers(): number {
    return this.#bySsrc.size;
  }

  protect(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number): void {
    this.#batches++;
    const last = this.#last;
    if (last !== undefined && this.#isOfLast(inputs, count)) {
      last.used = this.#batches;
      last.sealer.sealBatch(inputs, outs, results, count);
      return;
    }
    for (let i = 0; i < count; i++) this.#chosen[i] = this.#choose(inputs[i]!, results, i);
    for (let i = 0; i < count; i++) {
      if (this.#chosen[i] !== undefined) this.#sealGroup(i, inputs, outs, results, count);
    }
    this.#inputs.fill(NO_PACKET);
    this.#outs.fill(NO_PACKET);
  }

  close(): void {
    this.#last = undefined;
    for (const { sealer } of this.#bySsrc.values()) sealer.close();
    this.#bySsrc.clear();
  }

  /** Seals the packets from the first on that have its sealer. */
  #sealGroup(first: number, inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number): void {
    const chosen = this.#chosen[first]!;
    let size = 0;
    for (let i = first; i < count; i++) {
      if (this.#chosen[i] !== chosen) continue;
      this.#chosen[i] = undefined;
      this.#places[size] = i;
      this.#inputs[size] = inputs[i]!;
      this.#outs[size++] = outs[i]!;
    }
    chosen.sealer.sealBatch(this.#inputs, this.#outs, this.#results, size);
    for (let i = 0; i < size; i++) results[this.#places[i]!] = this.#results[i]!;
  }

  #isOfLast(inputs: Uint8Array[], count: number): boolean {
    for (let i = 0; i < count; i++) {
      if (!hasSender(inputs[i]!) || ssrcOf(inputs[i]!) !== this.#lastSsrc) return false;
    }
    return true;
  }

  /** The sealer of a packet; where there is none, results[i] says why. */
  #choose(packet: Uint8Array, results: Int32Array, i: number): FlowSealer | undefined {
    if (!hasSender(packet)) {
      results[i] = packet.length === 0 || packet[0]! >>> 6 === 2 ? MALFORMED : NOT_RTP;
      return undefined;
    }
    const ssrc = ssrcOf(packet);
    let found = this.#bySsrc.get(ssrc);
    if (found === undefined) {
      const made = this.#make(ssrc);
      if (typeof made === 'number') {
        results[i] = made;
        return undefined;
      }
      found = made;
    }
    found.used = this.#batches;
    this.#lastSsrc = ssrc;
    this.#last = found;
    return found;
  }

  #make(ssrc: number): FlowSealer | number {
    const nowMs = performance.now();
    this.#budget = Math.min(NEW_SEALERS, this.#budget + (nowMs - this.#budgetMs) * NEW_SEALERS_PER_MS);
    this.#budgetMs = nowMs;
    if (this.#budget < 1) return BUSY;
    this.#budget--;
    try {
      if (this.#bySsrc.size === MAX_SEALERS) this.#evict();
      const made = { sealer: this.#channel.createSealer(), used: this.#batches };
      this.#bySsrc.set(ssrc, made);
      return made;
    } catch (error) {
      // The engine has no room for another key, or the key's sessions are spent.
      return error instanceof FrameError ? error.status : EXHAUSTED;
    }
  }

  /** Closes the sealer that was used longest ago; never one of this batch, which has fewer packets. */
  #evict(): void {
    let oldest = Number.POSITIVE_INFINITY;
    let ssrc = 0;
    for (const [each, { used }] of this.#bySsrc) {
      if (used >= oldest) continue;
      oldest = used;
      ssrc = each;
    }
    this.#bySsrc.get(ssrc)?.sealer.close();
    this.#bySsrc.delete(ssrc);
  }
}

/** Whether the packet says that it is RTCP (RFC 5761 section 4). */
export function saysRtcp(packet: Uint8Array): boolean {
  return packet.length >= 2 && packet[0]! >>> 6 === 2 && packet[1]! >>> 5 === 6;
}

/** Whether the packet is of version 2 and long enough to name its sender. */
function hasSender(packet: Uint8Array): boolean {
  return packet.length >= 8 && packet[0]! >>> 6 === 2 && (packet[1]! >>> 5 === 6 || packet.length >= 12);
}

/** The SSRC of RTP, or that of an RTCP packet's sender. */
function ssrcOf(packet: Uint8Array): number {
  const at = packet[1]! >>> 5 === 6 ? 4 : 8;
  return (packet[at]! << 24) | (packet[at + 1]! << 16) | (packet[at + 2]! << 8) | packet[at + 3]!;
}

/** The key id that a sealed packet names, for people; undefined where the packet is too short to name one. (FORMAT.md section 3) */
export function keyIdOf(packet: Uint8Array): number | undefined {
  let at = 8;
  if (!saysRtcp(packet)) {
    at = 12 + 4 * (packet[0]! & 15);
    if ((packet[0]! & 0x10) !== 0) at += 4 + 4 * ((packet[at + 2]! << 8) | packet[at + 3]!);
  }
  const config = packet[at];
  // A KID of 8 bytes begins with the key id; a shorter one leaves it 0.
  if (config === undefined || at + 9 > packet.length) return undefined;
  return config >>> 4 === 0xf ? packet[at + 1]! >>> 4 : 0;
}
