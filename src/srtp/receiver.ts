/** Receivers: from SRTP and SRTCP to RTP and RTCP, in one direction (FORMAT.md section 8). */
import { checkWords, Endpoint, type SrtpSeam } from './endpoint.js';
import type { SrtpKeys } from './keys.js';
import type { SrtpOptions } from './options.js';
import type { SrtpStats } from './stats.js';
import { Unprotecting } from './unprotecting.js';

/** Unprotects the packets of one direction under one master key, those of any SSRC. Close it when done: that wipes its keys. */
export class SrtpReceiver {
  readonly #endpoint: Endpoint;

  /** Keys are copied. Throws ConfigError for wrong keys; TypeError, RangeError or EngineError for wrong options. */
  constructor(keys: SrtpKeys, options?: SrtpOptions);
  /** @internal */
  constructor(keys: SrtpKeys, options: SrtpOptions, seam: SrtpSeam);
  constructor(keys: SrtpKeys, options: SrtpOptions = {}, seam: SrtpSeam = {}) {
    this.#endpoint = new Endpoint(keys, options, seam, (direction) => new Unprotecting(direction));
  }

  /** Packets and bytes so far, how often each status came back, and how many SSRCs have state; RTCP apart. */
  get stats(): SrtpStats {
    return this.#endpoint.stats;
  }

  /**
   * Unprotects the SRTP packet srtp[0, length) into out. Returns bytes written, or a status < 0; then out is untouched and no
   * state has moved. `out` may be the input's own memory from the same start. Throws TypeError or RangeError for arguments that
   * can never be right; never for what a packet holds. (FORMAT.md section 8)
   */
  unprotect(srtp: Uint8Array, out: Uint8Array, length?: number): number {
    return this.#endpoint.rtp.run(srtp, out, length);
  }

  /** Unprotects an SRTCP packet likewise. One that is authenticated and not encrypted is taken too. */
  unprotectRtcp(srtcp: Uint8Array, out: Uint8Array, length?: number): number {
    return this.#endpoint.rtcp.run(srtcp, out, length);
  }

  /**
   * Unprotects the SRTP packets inputs[i] into outs[i] for each i below `count`, in order: of two copies the second is REPLAYED.
   * results[i] is what `unprotect` would return. No stream is evicted before the batch ends. An out lies apart from all others, and from
   * other packets' inputs, which are read before earlier packets are written. Returns how many succeeded. Where it throws,
   * results[i] is UNFINISHED for each packet that was not finished.
   */
  unprotectBatch(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count?: number): number {
    return this.#endpoint.rtp.runBatch(inputs, outs, results, count);
  }

  /**
   * Sets the ROC of an SSRC's next packet, as the other side signals it: for a receiver that joins late. It holds until a packet
   * of the SSRC has authenticated; what was accepted before stays REPLAYED or TOO_OLD. Throws RangeError for other than unsigned
   * 32-bit numbers. A new SSRC beyond maxStreams evicts the least recently used.
   */
  setRoc(ssrc: number, roc: number): void {
    checkWords({ ssrc, roc });
    this.#endpoint.streams.admitted(ssrc | 0).roc = roc;
  }

  /** Wipes the keys; idempotent. Every later call returns CLOSED. Where `close` throws, a second call continues. */
  close(): void {
    this.#endpoint.close();
  }
}
