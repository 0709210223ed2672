/**
 * Frames as a channel sees them: where the clear header ends and what of it is authenticated, the checks of a call's
 * arrays, counters, and the error of the copying calls. The order in which these are used is in endpoint.ts.
 */
import { checkBytes, checkLength, checkOverlap } from '../arrays.js';
import { kindOf } from '../bytes.js';
import { type Sm4Key, TAG_BYTES } from '../engine/engine.js';
import { describe, STATUS_COUNT, statusName } from '../status.js';
import { MAX_RTP_BYTES, paddingBit, rtpHeaderLength } from '../wire/rtp.js';
import { MAX_SEALED_HEADER_BYTES } from '../wire/sframe.js';

/** Whole RTP packets, or whole media frames and messages (FORMAT.md section 4). */
export type Framing = 'rtp' | 'frame';

const MAX_FRAME_BYTES = 16_777_215;

/** The most bytes that sealing adds in the GCM2 modes, and in SM4 mode. */
export const SFRAME_OVERHEAD: number = MAX_SEALED_HEADER_BYTES + TAG_BYTES;
export const SM4_OVERHEAD = 16;

/** Thrown by `sealCopy` and `openCopy` where `seal` and `open` would return a status. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  /** The negative constant. */
  readonly status: number;

  constructor(status: number) {
    super(describe(status));
    this.status = status;
  }
}

/** How a channel's frames are laid out: where the clear header ends, and what of it is authenticated. */
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

  /** Bytes of clear header at the start of input[0, length), or a status. */
  headerLength(input: Uint8Array, length: number): number {
    return this.framing === 'rtp' ? rtpHeaderLength(input, length) : 0;
  }

  /** Bytes of metadata that go with a clear header of this length. */
  metadataLength(headerLength: number): number {
    return this.bindHeader || headerLength === 0 ? headerLength : 1;
  }

  /** Writes the metadata of a packet (FORMAT.md section 4). */
  writeMetadata(aad: Uint8Array, at: number, input: Uint8Array, headerLength: number): void {
    if (this.bindHeader) copyHeader(input, aad, at, headerLength);
    else if (headerLength > 0) aad[at] = paddingBit(input);
  }
}

/**
 * Copies a clear header, source[0, length), to target[at, ...): four bytes a turn, because RTP headers are whole words and
 * a turn costs more than a byte; `set` would need a view.
 */
export function copyHeader(source: Uint8Array, target: Uint8Array, at: number, length: number): void {
  for (let i = 0; i < length; i += 4) {
    target[at + i] = source[i]!;
    target[at + i + 1] = source[i + 1]!;
    target[at + i + 2] = source[i + 2]!;
    target[at + i + 3] = source[i + 3]!;
  }
}

/** The checks of `seal` and `open`; `longest` is what may be written at most. */
export function checkCall(input: Uint8Array, out: Uint8Array, length: number, longest: number): void {
  checkBytes('input', input);
  checkBytes('out', out);
  checkLength(length, input);
  checkOverlap(input, length, out, longest);
}

/** Throws unless `count` frames have an input, an out and a result each. */
export function checkBatch(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number): void {
  if (!(results instanceof Int32Array)) throw new TypeError(`results must be an Int32Array, got ${kindOf(results)}`);
  const most = Math.min(inputs.length, outs.length, results.length);
  if (count >>> 0 !== count || count > most) {
    throw new RangeError(`count must be an integer from 0 to ${most}, the shortest of inputs, outs and results`);
  }
}

/** Counters since a sealer or opener was made. */
export interface FrameStats {
  /** Frames that succeeded. */
  readonly frames: number;
  /** Bytes of the inputs of these frames. */
  readonly bytesIn: number;
  /** Bytes of their results. */
  readonly bytesOut: number;
  /** How often each status came back, by its name. */
  readonly refused: Readonly<Record<string, number>>;
}

export class FrameCounters {
  /** By -status; [0] counts successes. Float64Array: it counts past 2^32 without allocating. */
  readonly #byStatus = new Float64Array(STATUS_COUNT);
  readonly #bytes = new Float64Array(2);

  /** Counts one result and returns it. */
  count(result: number, inputBytes: number): number {
    if (result < 0) {
      this.#byStatus[-result]!++;
    } else {
      this.#byStatus[0]!++;
      this.#bytes[0]! += inputBytes;
      this.#bytes[1]! += result;
    }
    return result;
  }

  snapshot(): FrameStats {
    const refused: Record<string, number> = {};
    for (let i = 1; i < STATUS_COUNT; i++) if (this.#byStatus[i]! > 0) refused[statusName(-i)] = this.#byStatus[i]!;
    return { frames: this.#byStatus[0]!, bytesIn: this.#bytes[0]!, bytesOut: this.#bytes[1]!, refused };
  }
}

/** Frames of a batch that wait to be done together by SM4. */
export const MOST_WAITING = 16;

/** The one key of an SM4 channel, and the sealers and openers that use it. */
export interface Sm4Keys {
  readonly key: Sm4Key;
  readonly users: Set<{ close(): void }>;
}
