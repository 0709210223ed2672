/** How a channel's frames are laid out (FORMAT.md section 4): where the clear header ends, and what of it is authenticated. */
import { TAG_BYTES } from '../engine/engine.js';
import type { Frame } from '../frames/pipeline.js';
import { MALFORMED } from '../status.js';
import { MAX_RTP_BYTES, paddingBit, rtpHeaderLength } from '../wire/rtp.js';
import { MAX_HEADER_BYTES, MAX_SEALED_HEADER_BYTES } from '../wire/sframe.js';

/** Whole RTP packets, or whole media frames and messages. */
export type Framing = 'rtp' | 'frame';

const MAX_FRAME_BYTES = 16_777_215;

/** @internal The most bytes that sealing adds in the GCM2 modes, and in SM4 mode. */
export const SFRAME_OVERHEAD: number = MAX_SEALED_HEADER_BYTES + TAG_BYTES;
/** @internal */
export const SM4_OVERHEAD = 16;

/** @internal */
export class Layout {
  readonly framing: Framing;
  readonly bindHeader: boolean;
  /** The longest input to seal, in bytes. */
  readonly maxBytes: number;

  constructor(framing: Framing, bindHeader: boolean) {
    this.framing = framing;
    this.bindHeader = bindHeader;
    this.maxBytes = framing === 'rtp' ? MAX_RTP_BYTES : MAX_FRAME_BYTES;
  }

  /** Bytes of clear header at the start of a frame, or a status. */
  headerLength({ length, job }: Frame<unknown>): number {
    return this.framing === 'frame' ? 0 : rtpHeaderLength(job.input, length);
  }

  /**
   * Completes the AAD, whose first `sframeLength` bytes are there, and copies the clear header of `headerLength` bytes to where
   * the job's head begins: both lie in one array.
   *
   *     bound      SFrame header | clear header                the AAD is all of it, the head the clear header
   *     unbound    SFrame header | P bit | clear header        the AAD ends before the clear header
   *
   * Returns where the clear header ends, with room for another SFrame header; or MALFORMED. The copy alone counts from then
   * on, and is looked at again: another thread may write to the input.
   */
  takeHeader({ length, job }: Frame<unknown>, headerLength: number, sframeLength: number): number {
    job.head = job.aad;
    job.headAt = job.aadLength = sframeLength;
    if (headerLength === 0) return sframeLength;
    const at = this.bindHeader ? sframeLength : sframeLength + 1;
    const end = at + headerLength;
    if (job.aad.length < end + MAX_HEADER_BYTES) job.aad = job.head = enlarged(job.aad, end + MAX_HEADER_BYTES);
    copyHeader(job.input, job.aad, at, headerLength);
    if (rtpHeaderLength(job.aad, length, at) !== headerLength) return MALFORMED;
    if (!this.bindHeader) job.aad[sframeLength] = paddingBit(job.aad, at);
    job.headAt = at;
    job.aadLength = this.bindHeader ? end : sframeLength + 1;
    return end;
  }
}

/**
 * Copies an RTP header, source[0, length), to target[at, ...): four bytes a turn, because these headers are whole words and
 * a turn costs more than a byte; `set` would need a view.
 */
function copyHeader(source: Uint8Array, target: Uint8Array, at: number, length: number): void {
  for (let i = 0; i < length; i += 4) {
    target[at + i] = source[i]!;
    target[at + i + 1] = source[i + 1]!;
    target[at + i + 2] = source[i + 2]!;
    target[at + i + 3] = source[i + 3]!;
  }
}

function enlarged(array: Uint8Array, length: number): Uint8Array {
  const larger = new Uint8Array(length);
  larger.set(array);
  return larger;
}
