/** Senders: from RTP and RTCP to SRTP and SRTCP, in one direction (FORMAT.md section 8). */
import { TAG_BYTES } from '../engine/engine.js';
import { checkWords, Endpoint, type SrtpSeam } from './endpoint.js';
import type { SrtpKeys } from './keys.js';
import type { SrtpOptions } from './options.js';
import { RTCP } from './packets.js';
import { Protecting } from './protecting.js';
import type { SrtpStats } from './stats.js';

/**
 * Protects the packets of one direction under one master key. Close it when done: that wipes its keys.
 *
 * Nonces come from the packets: an SSRC and its index, ROC and sequence number. So the same index is never protected twice, and a
 * master key must never be given to a second sender, in this process or a later one: ROCs and windows would begin again, and
 * nonces would repeat. After a restart agree on a new key. (SECURITY.md)
 */
export class SrtpSender {
  /** The bytes that `protect` adds to an RTP packet: 16. */
  readonly overhead: number = TAG_BYTES;
  /** The bytes that `protectRtcp` adds to an RTCP packet: 20. */
  readonly rtcpOverhead: number = RTCP.overhead;
  readonly #endpoint: Endpoint;

  /** Keys are copied. Throws ConfigError for wrong keys; TypeError, RangeError or EngineError for wrong options. */
  constructor(keys: SrtpKeys, options?: SrtpOptions);
  /** @internal */
  constructor(keys: SrtpKeys, options: SrtpOptions, seam: SrtpSeam);
  constructor(keys: SrtpKeys, options: SrtpOptions = {}, seam: SrtpSeam = {}) {
    this.#endpoint = new Endpoint(keys, options, seam, (direction) => new Protecting(direction));
  }

  /** Packets and bytes so far, how often each status came back, and how many SSRCs have state; RTCP apart. */
  get stats(): SrtpStats {
    return this.#endpoint.stats;
  }

  /**
   * Protects the RTP packet rtp[0, length) into out. Returns bytes written, or a status < 0; then out is untouched. An index that
   * was protected before is REPLAYED, one behind the window TOO_OLD, a new SSRC beyond maxStreams BUSY. `out` may be the
   * input's own memory from the same start. Throws TypeError or RangeError for arguments that can never be right.
   * (FORMAT.md section 8)
   */
  protect(rtp: Uint8Array, out: Uint8Array, length?: number): number {
    return this.#endpoint.rtp.run(rtp, out, length);
  }

  /** Protects an RTCP packet, compound or not, likewise. Its SRTCP index counts per SSRC. */
  protectRtcp(rtcp: Uint8Array, out: Uint8Array, length?: number): number {
    return this.#endpoint.rtcp.run(rtcp, out, length);
  }

  /**
   * Protects the RTP packets inputs[i] into outs[i] for each i below `count`, in order; results[i] is what `protect` would return.
   * An out lies apart from all others, and from other packets' inputs, which are read before earlier packets are written. Returns
   * how many succeeded. Where it throws, results[i] is UNFINISHED for each packet that was not finished.
   */
  protectBatch(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count?: number): number {
    return this.#endpoint.rtp.runBatch(inputs, outs, results, count);
  }

  /**
   * Sets the ROC of an SSRC's next packet: for streams whose packets were protected under another key before. What was protected
   * stays REPLAYED or TOO_OLD. Throws RangeError for other than unsigned 32-bit numbers, and where there are maxStreams SSRCs.
   */
  setRoc(ssrc: number, roc: number): void {
    checkWords({ ssrc, roc });
    const { streams } = this.#endpoint;
    const stream = streams.find(ssrc | 0) ?? streams.made(ssrc | 0);
    if (stream === undefined) throw new RangeError('ssrc is one more than maxStreams: a sender forgets none of them');
    stream.roc = roc;
  }

  /** Wipes the keys; idempotent. Every later call returns CLOSED. Where `close` throws, a second call continues. */
  close(): void {
    this.#endpoint.close();
  }
}
