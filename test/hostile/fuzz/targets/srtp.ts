/**
 * `unprotect` and `unprotectRtcp` with packets of a genuine sender, changed on the way, on receivers of both engines and in
 * batches; and a twin that sees only what was accepted, because a refusal changes no state. The sender's packets are judged by
 * their bytes: what opens is one of them, once.
 */
import { concat, Guarded } from '../../../support/arrays.js';
import type { Code } from '../code.js';
import { hexOf, must, mustEqual } from '../invariants.js';
import { Reader } from '../reader.js';
import { changesOf } from './changes.js';
import type { Target } from './target.js';

type Srtp = Code['srtp'];
type Receiver = InstanceType<Srtp['SrtpReceiver']>;
type Sender = InstanceType<Srtp['SrtpSender']>;

const MOST_GROUPS = 10;
const OVERHEAD = 20;
const SSRCS = [1, 2, 0xffffffff, 4];
const PAYLOADS = [0, 1, 20, 100];
const STEPS = [1, 1, 1, 2, 0, -1, 70, -70, 0x7fff, 0x8000, 0x10000];
const KEYS = {
  suite: 'AEAD_AES_128_GCM',
  masterKey: Uint8Array.from({ length: 16 }, (_, i) => 7 * i + 1),
  masterSalt: Uint8Array.from({ length: 12 }, (_, i) => 9 * i + 2),
} as const;

interface Packet {
  readonly isRtcp: boolean;
  readonly bytes: Uint8Array;
}

/** Nothing, and what is too short for anything. */
const STUBS: readonly Packet[] = ['', '80', '80c80001000000'].flatMap((hex) =>
  [true, false].map((isRtcp) => ({ isRtcp, bytes: new Uint8Array(Buffer.from(hex, 'hex')) })),
);

export function srtpTarget({ srtp, status }: Code): Target {
  function run(input: Uint8Array): string {
    const reader = new Reader(input);
    const options = { replayWindow: 64, maxStreams: reader.pick([2, 1024]) };
    const sender = new srtp.SrtpSender(KEYS, { engine: 'portable', replayWindow: 65_536 });
    const receivers = (['simd', 'portable', 'portable'] as const).map(
      (engine) => new srtp.SrtpReceiver(KEYS, { ...options, engine }),
    ) as [Receiver, Receiver, Receiver];
    try {
      return new Conversation(status, options.maxStreams, sender, receivers, reader).run();
    } finally {
      for (const side of [sender, ...receivers]) side.close();
    }
  }

  const quiet = new Array(40).fill(0);
  const seeds = [quiet, [1, ...quiet], [1, 3, 1, 1, 1, 1, ...quiet], [0, 9, 8, 7, 6, 5, 4, 3, 2, 1, ...quiet]];
  return { name: 'srtp', maxBytes: 400, seeds: seeds.map((bytes) => Uint8Array.from(bytes)), run };
}

class Conversation {
  readonly #status: Code['status'];
  readonly #maxStreams: number;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #other: Receiver;
  readonly #twin: Receiver;
  readonly #reader: Reader;
  /** What the sender has protected, by its bytes: the packet; and what has opened. */
  readonly #genuine = new Map<string, Uint8Array>();
  readonly #opened = new Set<string>();
  readonly #delivered: Packet[] = [];
  readonly #next = new Map<number, number>();
  readonly #outcomes = new Set<number>();

  constructor(
    status: Code['status'],
    maxStreams: number,
    sender: Sender,
    [receiver, other, twin]: [Receiver, Receiver, Receiver],
    reader: Reader,
  ) {
    this.#status = status;
    this.#maxStreams = maxStreams;
    this.#sender = sender;
    [this.#receiver, this.#other, this.#twin] = [receiver, other, twin];
    this.#reader = reader;
  }

  run(): string {
    this.#deliver(STUBS);
    for (let groups = 0; groups < MOST_GROUPS && !this.#reader.done; groups++) {
      const count = this.#reader.pick([1, 2, 9, 17]);
      const packets = Array.from({ length: count }, () => this.#packet());
      this.#deliver(packets);
    }
    this.#mustBeAsTheTwin();
    return [...this.#outcomes].sort().join();
  }

  /** A genuine packet, quite often changed; at times an earlier one. */
  #packet(): Packet {
    const reader = this.#reader;
    const isRtcp = reader.below(4) === 3;
    const ssrc = reader.pick(SSRCS);
    const payload = new Uint8Array(reader.pick(PAYLOADS)).fill(ssrc);
    const plain = isRtcp ? rtcpPacket(ssrc, payload) : rtpPacket(ssrc, this.#sequence(ssrc), payload);
    const out = new Uint8Array(plain.length + OVERHEAD);
    const written = isRtcp ? this.#sender.protectRtcp(plain, out) : this.#sender.protect(plain, out);
    if (written >= 0) this.#genuine.set(hexOf(out.subarray(0, written)), plain);
    const made = { isRtcp, bytes: written < 0 ? plain : out.slice(0, written) };
    return { isRtcp, bytes: changesOf(made.bytes, this.#delivered, reader) };
  }

  #sequence(ssrc: number): number {
    const next = Math.max(0, (this.#next.get(ssrc) ?? this.#reader.pick([0, 65_530])) + this.#reader.pick(STEPS));
    this.#next.set(ssrc, next);
    return next & 0xffff;
  }

  #deliver(packets: readonly Packet[]): void {
    const rtp = packets.filter(({ isRtcp }) => !isRtcp);
    const results = new Map<Packet, string>();
    for (const packet of packets) results.set(packet, this.#open(packet));
    const outs = rtp.map(({ bytes }) => new Guarded(bytes.length));
    const statuses = new Int32Array(rtp.length);
    this.#other.unprotectBatch(
      rtp.map(({ bytes }) => bytes),
      outs.map((out) => out.bytes),
      statuses,
    );
    for (const [i, packet] of rtp.entries()) {
      // In a batch no stream is evicted before its end.
      if (this.#maxStreams < SSRCS.length) break;
      mustEqual(shown(statuses[i]!, outs[i]!), results.get(packet), 'unprotectBatch does what unprotect does');
    }
    for (const packet of packets.filter(({ isRtcp }) => isRtcp)) {
      mustEqual(shown(...open(this.#other, packet)), results.get(packet), 'the engines agree on a packet');
    }
  }

  /** Opens a packet, and judges the result. */
  #open(packet: Packet): string {
    const [result, out] = open(this.#receiver, packet);
    this.#outcomes.add(Math.min(0, result));
    this.#delivered.push(packet);
    const name = hexOf(packet.bytes);
    if (result < 0) {
      must(out.untouched, 'nothing is written on a refusal', () => `${result} for ${name}`);
      must(this.#status.describe(result).includes(':'), 'a refusal is a status', () => `${result}`);
      return shown(result, out);
    }
    const plain = this.#genuine.get(name);
    must(plain !== undefined, 'only what was protected opens', () => name);
    must(out.holds(plain), 'what opens is what was protected', () => name);
    must(!this.#opened.has(name), 'nothing opens twice', () => name);
    this.#opened.add(name);
    mustEqual(shown(...open(this.#twin, packet)), shown(result, out), 'a refusal changes no state');
    return shown(result, out);
  }

  #mustBeAsTheTwin(): void {
    const { refused, rtcp, ...counted } = this.#receiver.stats;
    const { refused: _, rtcp: twinRtcp, ...twinCounted } = this.#twin.stats;
    mustEqual(JSON.stringify(counted), JSON.stringify(twinCounted), 'refused packets count as refused alone');
    mustEqual(rtcp.frames, twinRtcp.frames, 'refused packets count as refused alone');
    for (const packet of this.#delivered) {
      mustEqual(
        shown(...open(this.#receiver, packet)),
        shown(...open(this.#twin, packet)),
        'a refusal changes no state',
      );
    }
  }
}

function open(receiver: Receiver, { isRtcp, bytes }: Packet): [result: number, out: Guarded] {
  const out = new Guarded(bytes.length);
  return [isRtcp ? receiver.unprotectRtcp(bytes, out.bytes) : receiver.unprotect(bytes, out.bytes), out];
}

function shown(result: number, out: Guarded): string {
  return result < 0 ? `${result}${out.untouched}` : hexOf(out.bytes.subarray(0, result));
}

function rtpPacket(ssrc: number, sequence: number, payload: Uint8Array): Uint8Array {
  const header = Buffer.from([0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt16BE(sequence, 2);
  header.writeUInt32BE(ssrc, 8);
  return concat(header, payload);
}

function rtcpPacket(ssrc: number, payload: Uint8Array): Uint8Array {
  const header = Buffer.from([0x80, 200, 0, 1, 0, 0, 0, 0]);
  header.writeUInt32BE(ssrc, 4);
  return concat(header, payload);
}
