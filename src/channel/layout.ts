/** How a channel's frames are laid out (FORMAT.md section 4): where the clear header ends, and what of it is authenticated. */
import { TAG_BYTES } from '../engine/engine.js';
import type { Frame } from '../frames/pipeline.js';
import { MALFORMED } from '../status.js';
import { MAX_RTP_BYTES, paddingBit, rtpHeaderLength } from '../wire/rtp.js';
import { MAX_HEADER_BYTES, MAX_SEALED_HEADER_BYTES } from '../wire/sframe.js';

/** Whole RTP packets, or whole media frames and messages. */
export type Framing = 'rtp' | 'frame';

const MAX_FRAME_BYTES = 16_777_215;

/** The most bytes that sealing adds in the GCM2 modes, and in SM4 mode. */
export const SFRAME_OVERHEAD: number = MAX_SEALED_HEADER_BYTES + TAG_BYTES;
export const SM4_OVERHEAD = 16;

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

  /**
   * Copies the frame's clear header to the start of its job's head, and returns its length, or a status. From then on the copy
   * alone is looked at: another thread may write to the input.
   */
  takeHeader({ input, length, job }: Frame<unknown>): number {
    if (this.framing === 'frame') return 0;
    const bytes = rtpHeaderLength(input, length);
    if (bytes < 0) return bytes;
    if (job.head.length < bytes + MAX_HEADER_BYTES) job.head = new Uint8Array(bytes + MAX_HEADER_BYTES);
    copyHeader(input, job.head, 0, bytes);
    return rtpHeaderLength(job.head, length) === bytes ? bytes : MALFORMED;
  }

  /** Puts the AAD together: the first bytes are there, then comes the metadata of a header of `headerLength` bytes. */
  addMetadata({ job }: Frame<unknown>, headerLength: number): void {
    const at = job.aadLength;
    if (this.bindHeader) {
      if (job.aad.length < at + headerLength) job.aad = enlarged(job.aad, at + headerLength);
      copyHeader(job.head, job.aad, at, headerLength);
      job.aadLength = at + headerLength;
    } else if (headerLength > 0) {
      job.aad[at] = paddingBit(job.head);
      job.aadLength = at + 1;
    }
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
