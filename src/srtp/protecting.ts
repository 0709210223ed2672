/**
 * Protecting (FORMAT.md section 8):
 *
 *     closed? -> length -> RTP or RTCP -> room -> limit of the key -> stream of the SSRC -> index -> window: check, accept -> encrypt
 *
 * The nonce of a packet is its SSRC and index. An index counts as used before anything of its packet is encrypted, and is
 * never given back: what throws afterwards costs an index, and repeats none.
 */
import { load32 } from '../bytes.js';
import type { Engine, FrameJob } from '../engine/engine.js';
import type { Frame, FrameProtocol } from '../frames/pipeline.js';
import { BUSY, EXHAUSTED } from '../status.js';
import type { Direction } from './endpoint.js';
import { MAX_PACKET_BYTES, type PacketKind } from './packets.js';
import type { Session } from './session.js';
import type { Stream, Streams } from './streams.js';

export class Protecting implements FrameProtocol<Stream> {
  readonly maxBytes: number = MAX_PACKET_BYTES;
  readonly growth: number;
  readonly #streams: Streams;
  readonly #kind: PacketKind;
  readonly #session: Session;
  readonly #engine: Engine;
  /** Packets under this key: one number, in an array because larger ones would be allocated. */
  readonly #packets: Float64Array;

  constructor({ kind, session, engine, streams, packets }: Direction) {
    this.growth = kind.overhead;
    this.#streams = streams;
    this.#kind = kind;
    this.#session = session;
    this.#engine = engine;
    this.#packets = Float64Array.of(packets);
  }

  prepare(frame: Frame<Stream>): number {
    const kind = this.#kind;
    const { job } = frame;
    const taken = kind.takePlain(frame);
    if (taken < 0) return taken;
    if (this.#packets[0]! >= kind.limit) return EXHAUSTED;
    const ssrc = load32(job.aad, kind.ssrcAt);
    const stream = this.#streams.find(ssrc) ?? this.#streams.made(ssrc);
    if (stream === undefined) return BUSY;
    const index = kind.indexToProtect(frame, stream);
    const replay = stream.window.check(index);
    if (replay < 0) return replay;
    if (index >= kind.limit) return EXHAUSTED;
    kind.showIndex(frame, index);
    this.#session.take(job, ssrc, index);
    // Used from here on, whatever throws.
    stream.accept(index);
    this.#packets[0]!++;
    return 0;
  }

  crypt(jobs: readonly FrameJob[], count: number): void {
    if (count === 1) this.#session.key.seal(jobs[0]!);
    else this.#engine.sealAll(jobs, count);
  }

  finish({ job }: Frame<Stream>): number {
    return job.headLength + job.written + job.tailLength;
  }

  settle(): void {}

  wipe(): void {
    this.#session.wipe();
  }
}
