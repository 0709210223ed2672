/**
 * How a channel's frames are laid out (FORMAT.md section 4): how much at the start stays in the clear, what of that is
 * authenticated, and what follows the tag.
 *
 *     RTP      RTP header | clear bytes || SFrame ciphertext || 0x01 where P is set
 *     RTCP     first 8 bytes || SFrame ciphertext
 *     frame    clear bytes || SFrame ciphertext
 */
import { TAG_BYTES } from '../engine/engine.js';
import type { Frame } from '../frames/pipeline.js';
import { MALFORMED } from '../status.js';
import { compoundStatus, isRtcp, MAX_RTP_BYTES, paddingBit, RTCP_HEADER_BYTES, rtpHeaderLength } from '../wire/rtp.js';
import { MAX_HEADER_BYTES, MAX_SEALED_HEADER_BYTES } from '../wire/sframe.js';

/** What is sealed: RTP and RTCP packets, or whole media frames and messages. (FORMAT.md section 4) */
export type Framing = 'rtp' | 'frame';

/** How RTCP packets among RTP packets are handled: sealed, or left in the clear with the status RTCP. */
export type RtcpHandling = 'sealed' | 'clear';

const MAX_FRAME_BYTES = 16_777_215;
/** What RTCP has for metadata where headers are unbound: nothing that an RTP packet has. */
const RTCP_MARK = 0x01;

/** @internal A padding count that is true: it counts itself. It follows the tag where P is set. */
export const PADDING_COUNT: Uint8Array = Uint8Array.of(1);
/** @internal The most bytes that sealing adds in SM4 mode. */
export const SM4_OVERHEAD = 16;

/** @internal */
export interface LayoutOptions {
  readonly framing: Framing;
  readonly bindHeader: boolean;
  readonly rtcp: RtcpHandling;
}

/** @internal */
export class Layout {
  readonly framing: Framing;
  readonly bindHeader: boolean;
  readonly rtcp: RtcpHandling;
  /** The longest input to seal, in bytes. */
  readonly maxBytes: number;
  /** The most bytes that sealing adds in the GCM2 modes. */
  readonly sframeOverhead: number;
  readonly #isRtp: boolean;
  /** Whether all that stays in the clear is authenticated. */
  readonly #bindsAll: boolean;

  constructor({ framing, bindHeader, rtcp }: LayoutOptions) {
    this.framing = framing;
    this.bindHeader = bindHeader;
    this.rtcp = rtcp;
    this.#isRtp = framing === 'rtp';
    this.#bindsAll = bindHeader || !this.#isRtp;
    this.maxBytes = this.#isRtp ? MAX_RTP_BYTES : MAX_FRAME_BYTES;
    this.sframeOverhead = MAX_SEALED_HEADER_BYTES + TAG_BYTES + (this.#isRtp ? PADDING_COUNT.length : 0);
  }

  /** Measures a frame: how much of it stays in the clear, and what follows its tag. Returns 0, or a status. */
  measure(frame: Frame<unknown>): number {
    const { input } = frame.job;
    const clearLength = this.#clearLength(frame, input, 0);
    if (clearLength < 0) return clearLength;
    frame.clearLength = clearLength;
    frame.tailLength = this.#tailLength(frame, input, 0);
    return 0;
  }

  /**
   * Completes the AAD, whose first `sframeLength` bytes are there, and copies what stays in the clear to where the job's head
   * begins: both lie in one array.
   *
   *     bound      SFrame header | all that stays in the clear                     the AAD is all of it
   *     unbound    SFrame header | mark | clear bytes | header | clear bytes       the AAD ends before the header
   *
   * Returns where that ends, with room for another SFrame header; or MALFORMED. The copy alone counts from then on, and is
   * measured again: another thread may write to the input.
   */
  takeHeader(frame: Frame<unknown>, sframeLength: number): number {
    const { clear, clearLength, tailLength, job } = frame;
    job.head = job.aad;
    job.headAt = job.aadLength = sframeLength;
    if (clearLength === 0) return sframeLength;
    // RTCP has no clear bytes but its first ones.
    const clearBytes = this.#bindsAll || clearLength === RTCP_HEADER_BYTES ? 0 : clear;
    const at = this.#bindsAll ? sframeLength : sframeLength + 1 + clearBytes;
    const end = at + clearLength;
    if (job.aad.length < end + MAX_HEADER_BYTES) job.aad = job.head = enlarged(job.aad, end + MAX_HEADER_BYTES);
    const { aad } = job;
    copyBytes(job.input, 0, aad, at, clearLength);
    if (this.#clearLength(frame, aad, at) !== clearLength) return MALFORMED;
    if (this.#tailLength(frame, aad, at) !== tailLength) return MALFORMED;
    if (!this.#bindsAll) {
      aad[sframeLength] = isRtcp(aad, clearLength, at) ? RTCP_MARK : paddingBit(aad, at);
      copyBytes(aad, end - clearBytes, aad, sframeLength + 1, clearBytes);
    }
    job.headAt = at;
    job.aadLength = this.#bindsAll ? end : at;
    return end;
  }

  /** How many bytes stay in the clear of a frame whose start is at bytes[at, ...); or a status. */
  #clearLength({ length, clear }: Frame<unknown>, bytes: Uint8Array, at: number): number {
    let headerLength = 0;
    if (this.#isRtp) {
      headerLength = rtpHeaderLength(bytes, length, at);
      if (headerLength < 0) return isRtcp(bytes, length, at) ? this.#rtcpLength(bytes, length) : headerLength;
    }
    return length - headerLength < clear ? MALFORMED : headerLength + clear;
  }

  /** The same of RTCP. */
  #rtcpLength(bytes: Uint8Array, length: number): number {
    if (length < RTCP_HEADER_BYTES) return MALFORMED;
    return this.rtcp === 'sealed' ? RTCP_HEADER_BYTES : compoundStatus(bytes, length);
  }

  /** How many bytes follow its tag. */
  #tailLength({ length }: Frame<unknown>, bytes: Uint8Array, at: number): number {
    if (!this.#isRtp || paddingBit(bytes, at) === 0 || isRtcp(bytes, length, at)) return 0;
    return PADDING_COUNT.length;
  }
}

/**
 * target[at, at + length) = source[from, from + length): four bytes a turn, because a turn costs more than a byte; `set` would
 * need a view.
 */
function copyBytes(source: Uint8Array, from: number, target: Uint8Array, at: number, length: number): void {
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    target[at + i] = source[from + i]!;
    target[at + i + 1] = source[from + i + 1]!;
    target[at + i + 2] = source[from + i + 2]!;
    target[at + i + 3] = source[from + i + 3]!;
  }
  for (; i < length; i++) target[at + i] = source[from + i]!;
}

/** A longer copy: twice as long, so that lengths that grow by a byte do not cost an array each. */
function enlarged(array: Uint8Array, length: number): Uint8Array {
  const larger = new Uint8Array(Math.max(length, 2 * array.length));
  larger.set(array);
  return larger;
}
