import type { FrameStats } from '../frames/counters.js';

/** Counters of one kind of packets, and the number of SSRCs that have state now. */
export interface SrtpStreamStats extends FrameStats {
  /** SSRCs that have a replay window now, at most `maxStreams`. */
  readonly streams: number;
}

/** Counters of RTP, and beside them those of RTCP. */
export interface SrtpStats extends SrtpStreamStats {
  /** Counters of RTCP. */
  readonly rtcp: SrtpStreamStats;
}
