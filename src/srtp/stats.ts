import type { FrameStats } from '../frames/counters.js';

/** Counters of RTP, with the SSRCs that have state now; and those of RTCP. */
export interface SrtpStats extends FrameStats {
  readonly streams: number;
  readonly rtcp: FrameStats & { readonly streams: number };
}
