/**
 * Unprotecting, in the fixed order of FORMAT.md section 8:
 *
 *     closed? -> length -> RTP or RTCP -> room -> index -> window: check -> verify the tag -> decrypt -> window: accept, ROC moves
 *
 * A refusal changes nothing but counters: no window, no ROC, no stream, no order of eviction, and not a byte of `out`.
 */
import { load32 } from '../bytes.js';
import { type Engine, type FrameJob, NO_MEMORY } from '../engine/engine.js';
import { AFTER_OTHERS, type Frame, type FrameProtocol } from '../frames/pipeline.js';
import { BAD_TAG, BUSY, EXHAUSTED } from '../status.js';
import type { Direction } from './endpoint.js';
import { MAX_PACKET_BYTES, type PacketKind } from './packets.js';
import type { Session } from './session.js';
import type { Stream, Streams } from './streams.js';

/** From a highest index less than this far below, an index is estimated alike. */
const SAME_ESTIMATE = 0x8000;

export class Unprotecting implements FrameProtocol<Stream> {
  readonly maxBytes: number;
  readonly growth: number = 0;
  readonly #streams: Streams;
  readonly #kind: PacketKind;
  readonly #session: Session;
  readonly #engine: Engine;
  /** Packets that authenticated under this key. */
  readonly #packets: Float64Array;
  /** The group whose packets wait now: what a stream notes of one that is over counts no more. */
  #group = 0;

  constructor({ kind, session, engine, streams, packets }: Direction) {
    this.maxBytes = MAX_PACKET_BYTES + kind.overhead;
    this.#streams = streams;
    this.#kind = kind;
    this.#session = session;
    this.#engine = engine;
    this.#packets = Float64Array.of(packets);
  }

  prepare(frame: Frame<Stream>, waiting: number): number {
    if (waiting === 0) this.#group = (this.#group + 1) | 0;
    const kind = this.#kind;
    const { job } = frame;
    const taken = kind.takeProtected(frame);
    if (taken < 0) return taken;
    const ssrc = load32(job.aad, kind.ssrcAt);
    let stream = this.#streams.find(ssrc);
    if (stream === undefined) {
      // The packets that wait may make its stream known.
      if (waiting > 0) return AFTER_OTHERS;
      stream = this.#streams.spare(ssrc);
    }
    const index = kind.indexOf(frame, stream);
    if (waiting > 0 && this.#dependsOnOthers(stream, index)) return AFTER_OTHERS;
    const replay = stream.window.check(index);
    if (replay < 0) return replay;
    if (this.#packets[0]! + waiting >= kind.limit) return waiting > 0 ? AFTER_OTHERS : EXHAUSTED;
    if (index >= kind.limit) return EXHAUSTED;
    this.#session.take(job, ssrc, index);
    frame.source = stream;
    frame.idLow = ssrc;
    frame.counter = index;
    stream.group = this.#group;
    stream.newest = index;
    return 0;
  }

  crypt(jobs: readonly FrameJob[], count: number): void {
    if (count === 1) this.#session.key.open(jobs[0]!);
    else this.#engine.openAll(jobs, count);
  }

  finish({ job, source, idLow, counter }: Frame<Stream>): number {
    if (job.written < 0) return job.written === NO_MEMORY ? BUSY : BAD_TAG;
    this.#packets[0]!++;
    source!.accept(counter);
    this.#streams.authenticated(idLow);
    return job.headLength + job.written;
  }

  settle(): void {
    this.#streams.trim();
  }

  wipe(): void {
    this.#session.wipe();
  }

  /**
   * Whether the packets of the stream that wait have a say in this one: if they are genuine, the window moves up to the newest of
   * them. An index above all of them is not touched by that, and not far above it is estimated alike.
   */
  #dependsOnOthers(stream: Stream, index: number): boolean {
    if (stream.group !== this.#group) return false;
    return stream.isTold || index <= stream.newest || index - stream.window.highest >= SAME_ESTIMATE;
  }
}
