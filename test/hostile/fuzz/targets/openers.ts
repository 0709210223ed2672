/** Frames delivered to openers: checks the memory around each call, and the accepted frames. */
import { concat, Guarded } from '../../../support/arrays.js';
import type { Code } from '../code.js';
import { hexOf, must, mustEqual, mustKeepAllBut, sameBytes } from '../invariants.js';
import type { Reader } from '../reader.js';
import { boundPart, clearLength, type Genuine, type Setup } from './senders.js';

export type Opener = import('../../../../dist/index.js').Opener;

/** One frame as it arrives, and the memory it is opened in. */
export interface Delivery {
  /** The frame as it arrives. */
  readonly bytes: Uint8Array;
  /** Other bytes behind the frame, in the same array. */
  readonly spare: number;
  /** Bytes of room for the result; -1: in place. */
  readonly room: number;
  /** Where the arrays begin, against words. */
  readonly offset: number;
  /** The sender's frame before the change, if there was one. */
  readonly origin?: Genuine;
}

const IN_PLACE = -1;

export interface Result {
  readonly status: number;
  /** The opened bytes; empty on refusal. */
  readonly opened: Uint8Array;
}

/** How the input wants a frame to be opened. */
export function deliveryOf(bytes: Uint8Array, origin: Genuine | undefined, reader: Reader): Delivery {
  const shape = reader.byte();
  const written = origin?.opened.length ?? Math.max(0, bytes.length - 16);
  const rooms = [
    bytes.length,
    bytes.length,
    bytes.length + 40,
    IN_PLACE,
    IN_PLACE,
    written,
    Math.max(0, written - 1),
    0,
  ];
  const spare = (shape & 0x18) === 0x18 ? 9 : 0;
  return { bytes, spare, room: rooms[shape & 7]!, offset: shape >>> 5, ...(origin && { origin }) };
}

/** The memory of one call. */
class Memory {
  readonly input: Guarded;
  readonly out: Guarded;

  constructor({ bytes, spare, room, offset }: Delivery) {
    this.input = new Guarded(concat(bytes, new Uint8Array(spare).fill(0x5a)), offset);
    this.out = room === IN_PLACE ? this.input : new Guarded(room, offset + 3);
  }

  /** The result of the call, after a check that it wrote no other bytes. */
  result(status: number): Result {
    mustKeepAllBut(this.out, Math.max(status, 0), 'nothing is written outside [0, result), and nothing on refusal');
    if (this.input !== this.out) mustKeepAllBut(this.input, 0, 'an input is not written to');
    return { status, opened: this.out.bytes.slice(0, Math.max(status, 0)) };
  }
}

export function openOne(opener: Opener, delivery: Delivery, clear: number): Result {
  const memory = new Memory(delivery);
  return memory.result(opener.open(memory.input.bytes, memory.out.bytes, delivery.bytes.length, clear));
}

/** As one batch. A batch has no lengths: what lies behind a frame is left out. */
export function openTogether(opener: Opener, deliveries: readonly Delivery[]): Result[] {
  const memories = deliveries.map((delivery) => new Memory({ ...delivery, spare: 0 }));
  const results = new Int32Array(deliveries.length);
  const inputs = memories.map(({ input }) => input.bytes);
  const outs = memories.map(({ out }) => out.bytes);
  const succeeded = opener.openBatch(inputs, outs, results);
  mustEqual(succeeded, results.filter((status) => status >= 0).length, 'openBatch counts what succeeded');
  return memories.map((memory, i) => memory.result(results[i]!));
}

export function mustAgree(a: Result, b: Result, delivery: Delivery, invariant: string): void {
  must(
    a.status === b.status && sameBytes(a.opened, b.opened),
    invariant,
    () =>
      `${a.status} and ${b.status} for ${hexOf(delivery.bytes.subarray(0, 200))}, ${hexOf(a.opened)} and ${hexOf(b.opened)}`,
  );
}

/**
 * What an opener may accept, by FORMAT.md section 6, kept without a window's bits: each counter of a sender once, only
 * frames of senders, and each of them that is new enough.
 */
export class Judge {
  readonly #setup: Setup;
  readonly #status: Code['status'];
  readonly #genuine: ReadonlyMap<string, Genuine>;
  /** By KID, the counters that were accepted and the highest of them. */
  readonly #accepted = new Map<bigint, { ctrs: Set<bigint>; highest: bigint }>();

  /** `genuine`: the frames of senders, by the bound part as hex; the set may grow. */
  constructor(setup: Setup, status: Code['status'], genuine: ReadonlyMap<string, Genuine>) {
    this.#setup = setup;
    this.#status = status;
    this.#genuine = genuine;
  }

  /** `lastSenderId` as it must be. */
  lastSenderId = '';

  /** Senders that were accepted; past maxSenders some have been evicted. */
  get senders(): number {
    return this.#accepted.size;
  }

  judge(delivery: Delivery, { status, opened }: Result): void {
    if (this.#setup.mode === 'SM4_128_ECB') this.#judgeSm4(delivery, status, opened);
    else this.#judgeGcm(delivery, status, opened);
  }

  #judgeGcm(delivery: Delivery, status: number, opened: Uint8Array): void {
    const made = this.#genuine.get(hexOf(boundPart(this.#setup, delivery.bytes)));
    if (status < 0) {
      if (made !== undefined) this.#judgeRefusal(made, delivery, status);
      return;
    }
    must(made !== undefined, 'nothing is opened that no sender sealed', () => `${status} for ${hexOf(delivery.bytes)}`);
    const clear = this.#clearBytes(delivery.bytes);
    const expected = concat(delivery.bytes.subarray(0, clear), made.opened.subarray(this.#clearBytes(made.opened)));
    must(sameBytes(opened, expected), 'what is opened is what was sealed', () => hexOf(opened));
    const sender = this.#accepted.get(made.kid) ?? { ctrs: new Set(), highest: -1n };
    this.#accepted.set(made.kid, sender);
    must(!sender.ctrs.has(made.ctr), 'no counter is opened twice', () => `KID ${made.kid}, CTR ${made.ctr}`);
    sender.ctrs.add(made.ctr);
    this.lastSenderId = made.kid.toString(16).padStart(16, '0');
    if (made.ctr > sender.highest) sender.highest = made.ctr;
  }

  #clearBytes(bytes: Uint8Array): number {
    return clearLength(this.#setup, bytes)!;
  }

  /** A frame that a sender made is refused for the reason that FORMAT.md has, and for no other. */
  #judgeRefusal(made: Genuine, delivery: Delivery, status: number): void {
    const reasons = this.#reasons(made, delivery);
    const details = () =>
      `${this.#status.describe(status)} (KID ${made.kid}, CTR ${made.ctr}, ${delivery.bytes.length} bytes)`;
    must(reasons.includes(status), 'a frame that a sender made is refused for a reason', details);
  }

  #reasons(made: Genuine, { bytes, room }: Delivery): number[] {
    const { TOO_LARGE, NO_ROOM, UNKNOWN_KEY, TOO_OLD, REPLAYED, BUSY } = this.#status;
    const { framing, keyId, replayWindow, maxSenders } = this.#setup;
    // Headers that are not bound may have changed their length.
    const written = this.#clearBytes(bytes) + made.opened.length - this.#clearBytes(made.opened);
    if (framing === 'rtp' && bytes.length > 65_535 + 30) return [TOO_LARGE];
    if (room !== IN_PLACE && room < written) return [NO_ROOM];
    if (made.kid >> 60n !== BigInt(keyId)) return [UNKNOWN_KEY];
    const sender = this.#accepted.get(made.kid);
    if (sender === undefined) return [BUSY];
    const isOld = sender.highest - made.ctr >= BigInt(replayWindow);
    if (this.senders > maxSenders)
      return [BUSY, ...(made.ctr <= sender.highest ? [TOO_OLD] : []), ...(sender.ctrs.has(made.ctr) ? [REPLAYED] : [])];
    if (isOld) return [TOO_OLD];
    return sender.ctrs.has(made.ctr) ? [REPLAYED] : [];
  }

  /** Without integrity the promises are two: headers stay, and an unchanged frame opens. */
  #judgeSm4({ bytes, room, origin }: Delivery, status: number, opened: Uint8Array): void {
    const { NO_ROOM, TOO_LARGE } = this.#status;
    if (status >= 0) {
      const clear = this.#clearBytes(bytes);
      must(sameBytes(opened.subarray(0, clear), bytes.subarray(0, clear)), 'the clear header stays', () =>
        hexOf(opened),
      );
    }
    if (origin === undefined || !sameBytes(origin.bytes, bytes)) return;
    if (this.#setup.framing === 'rtp' && bytes.length > 65_535 + 16)
      mustEqual(status, TOO_LARGE, 'a packet may be too large');
    else if (room !== IN_PLACE && room < bytes.length)
      mustEqual(status, NO_ROOM, 'SM4 needs room for the padded length');
    else
      must(
        sameBytes(opened, origin.opened),
        'what is opened is what was sealed',
        () => `${status} for ${hexOf(bytes)}`,
      );
  }
}
