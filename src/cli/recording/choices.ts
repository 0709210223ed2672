/** Who seals and who opens: a sealer for each stream, an opener for each configuration. */
import {
  BAD_TAG,
  BUSY,
  type Channel,
  MALFORMED,
  NOT_RTP,
  type Opener,
  OWN_FRAME,
  RTCP,
  type Sealer,
  UNKNOWN_KEY,
} from 'frameseal';
import { Lane, type LaneChoice } from './lanes.js';
import type { Stream } from './streams.js';

/** Sealers that are kept: a recording may have any number of streams. */
const MOST_SEALERS = 1024;
/** What is no RTP or RTCP packet, or is left in the clear: it passes. */
const PASSED: ReadonlySet<number> = new Set([NOT_RTP, MALFORMED, RTCP]);

/** Whether a packet that could not be sealed is left out: it would be in the clear among sealed ones. */
export function isLeftOutSealing(status: number): boolean {
  return !PASSED.has(status);
}

export class Sealing implements LaneChoice {
  readonly growth: number;
  readonly retried: ReadonlySet<number> = new Set();
  readonly #channel: Channel;
  readonly #sealers = new Map<Lane, { sealer: Sealer; stream: Stream<Lane> }>();

  constructor(channel: Channel) {
    this.#channel = channel;
    const sealer = channel.createSealer();
    this.growth = sealer.overhead;
    sealer.close();
  }

  laneOf(stream: Stream<Lane>): Lane {
    stream.lane ??= this.#newLane(stream);
    return stream.lane;
  }

  lanesFor(): readonly Lane[] {
    return [];
  }

  isLeftOut(status: number): boolean {
    return isLeftOutSealing(status);
  }

  #newLane(stream: Stream<Lane>): Lane {
    if (this.#sealers.size === MOST_SEALERS) this.#closeOldest();
    const sealer = this.#channel.createSealer();
    const lane = new Lane((inputs, outs, results, count) => sealer.sealBatch(inputs, outs, results, count));
    this.#sealers.set(lane, { sealer, stream });
    return lane;
  }

  /** Closes the oldest sealer that has no packets waiting; its stream gets another, with a session of its own. */
  #closeOldest(): void {
    for (const [lane, { sealer, stream }] of this.#sealers) {
      if (!lane.isEmpty) continue;
      sealer.close();
      stream.lane = undefined;
      this.#sealers.delete(lane);
      return;
    }
  }
}

export class Opening implements LaneChoice {
  readonly growth = 0;
  readonly retried: ReadonlySet<number> = new Set([UNKNOWN_KEY, BAD_TAG, BUSY, OWN_FRAME, MALFORMED]);
  readonly #lanes: readonly Lane[];

  constructor(openers: readonly Opener[]) {
    this.#lanes = openers.map(
      (opener) => new Lane((inputs, outs, results, count) => opener.openBatch(inputs, outs, results, count)),
    );
  }

  laneOf(stream: Stream<Lane>): Lane {
    stream.lane ??= this.#lanes[0]!;
    return stream.lane;
  }

  lanesFor(): readonly Lane[] {
    return this.#lanes;
  }

  /** A packet that does not open stays sealed. */
  isLeftOut(): boolean {
    return false;
  }
}
