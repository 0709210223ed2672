/**
 * `frameseal/webrtc`: a channel for WebRTC encoded transforms (W3C "WebRTC Encoded Transform"), in a worker's
 * `onrtctransform` or with `createEncodedStreams`:
 *
 *     onrtctransform = ({ transformer }) => seal(transformer);     // seal = sealFrames(channel), or open = openFrames(channel)
 *
 * A frame that cannot be sealed or opened is dropped, never passed on: sealed audio played as audio is noise. Some bytes stay
 * in the clear, and are authenticated, by codec (Codec).
 *
 * @module frameseal/webrtc
 */
import type { Channel } from '../channel/channel.js';
import { MALFORMED } from '../status.js';
import { CODECS, type Codec, type CodecRule, codecOf } from './codecs.js';
import { type FrameStatus, Reports } from './reports.js';

export type { Codec } from './codecs.js';
export type { FrameStatus } from './reports.js';

/** Options of `sealFrames` and `openFrames`. */
export interface TransformOptions {
  /** The codec, for browsers whose frames have no media type; default: the media type of each frame. */
  codec?: Codec | undefined;
  /** Called when frames are dropped, and when they no longer are. It runs in the worker. */
  onStatus?: ((status: FrameStatus) => void) | undefined;
}

/** The members of RTCEncodedAudioFrame and RTCEncodedVideoFrame that are used. */
export interface EncodedFrame {
  /** The encoded frame; replaced by its sealed or opened form, in a buffer of exactly its size. */
  data: ArrayBuffer;
  /** Of video: `'key'` or `'delta'`. */
  readonly type?: string;
  /** The media type, such as `video/VP8`, where the browser has it. */
  getMetadata?(): {
    /** Such as `video/VP8`. */
    readonly mimeType?: string;
  };
}

/** An RTCRtpScriptTransformer, or what `createEncodedStreams` returns. */
export interface Transformer {
  /** Frames of the encoder (sender) or the depacketizer (receiver). */
  readonly readable: ReadableStream;
  /** Takes frames for the packetizer (sender) or the decoder (receiver). */
  readonly writable: WritableStream;
  /** Requests a key frame of the encoder: of a sender's transformer, where the browser has it. */
  generateKeyFrame?(): Promise<unknown>;
  /** Requests a key frame of the remote sender: of a receiver's transformer, where the browser has it. */
  sendKeyFrameRequest?(): Promise<unknown>;
}

/** Frames of one direction: seals or opens `bytes` into `out`, with `clear` bytes in the clear. */
type Crypt = (bytes: Uint8Array, out: Uint8Array, clear: number) => number;

const NO_FRAME = 0;

/**
 * Seals the frames of senders: returns a function that runs one sender's transformer until its stream ends, with a sealer of
 * its own. Throws TypeError unless the channel was made with `framing: 'frame'`, and for wrong options. After a rotation the
 * function requests a key frame, where the transformer can: Chromium's cannot, and its page requests one with
 * `sender.setParameters(parameters, { encodingOptions: [{ keyFrame: true }] })`.
 */
export function sealFrames(
  channel: Channel,
  options: TransformOptions = {},
): (transformer: Transformer) => Promise<void> {
  check(channel, options);
  return async (transformer) => {
    const sealer = channel.createSealer();
    const frames = new Frames(options, (bytes, out, clear) => sealer.seal(bytes, out, bytes.length, clear));
    let { keyId } = channel;
    try {
      await run(transformer, (frame) => {
        const made = frames.sealed(frame, sealer.overhead);
        if (channel.keyId !== keyId && isVideo(frame)) {
          keyId = channel.keyId;
          ask(() => transformer.generateKeyFrame?.());
        }
        return made;
      });
    } finally {
      sealer.close();
    }
  };
}

/**
 * Opens the frames of receivers: returns a function that runs one receiver's transformer until its stream ends, with an opener
 * of its own. Throws TypeError unless the channel was made with `framing: 'frame'`, and for wrong options. When frames open again
 * after others were dropped, the function requests a key frame.
 */
export function openFrames(
  channel: Channel,
  options: TransformOptions = {},
): (transformer: Transformer) => Promise<void> {
  check(channel, options);
  return async (transformer) => {
    const opener = channel.createOpener();
    const frames = new Frames(options, (bytes, out, clear) => opener.open(bytes, out, bytes.length, clear));
    try {
      await run(transformer, (frame) => {
        const wasFailing = frames.reports.failing;
        const made = frames.opened(frame);
        const opensAgain = made && wasFailing && isVideo(frame) && frame.type !== 'key';
        if (opensAgain) ask(() => transformer.sendKeyFrameRequest?.());
        return made;
      });
    } finally {
      opener.close();
    }
  };
}

/** The frames of one sender or receiver. */
class Frames {
  readonly reports: Reports;
  readonly #crypt: Crypt;
  readonly #codec: Codec | undefined;
  #scratch = new Uint8Array(0);

  constructor({ codec, onStatus }: TransformOptions, crypt: Crypt) {
    this.#codec = codec;
    this.#crypt = crypt;
    this.reports = new Reports(onStatus);
  }

  /** Replaces the frame's data by its sealed form; false where that failed. */
  sealed(frame: EncodedFrame, overhead: number): boolean {
    const rule = this.#ruleOf(frame);
    if (rule === undefined) return false;
    const part = rule.toSeal(new Uint8Array(frame.data));
    if (part === undefined) return this.#end(MALFORMED);
    const out = this.#room(part.bytes.length + overhead);
    const written = this.#crypt(part.bytes, out, part.clear);
    if (written >= 0) frame.data = exact(rule.pack(out.subarray(0, written), part.clear));
    return this.#end(written);
  }

  /** Replaces the frame's data by what it was before; false where that failed. */
  opened(frame: EncodedFrame): boolean {
    // Browsers hand over empty frames at the start of a stream and in its gaps.
    if (frame.data.byteLength === 0) return false;
    const rule = this.#ruleOf(frame);
    if (rule === undefined) return false;
    const part = rule.unpack(new Uint8Array(frame.data));
    if (part === undefined) return this.#end(MALFORMED);
    const out = this.#room(part.bytes.length);
    const written = this.#crypt(part.bytes, out, part.clear);
    if (written >= 0) frame.data = exact(out.subarray(0, written));
    return this.#end(written);
  }

  #end(result: number): boolean {
    if (result >= NO_FRAME) this.reports.succeeded();
    else this.reports.dropped(result);
    return result >= NO_FRAME;
  }

  /** Undefined where the codec has none: the frame is dropped. */
  #ruleOf(frame: EncodedFrame): CodecRule | undefined {
    const mimeType = frame.getMetadata?.().mimeType;
    const codec = this.#codec ?? codecOf(mimeType ?? '');
    if (codec !== undefined) return CODECS[codec];
    const known = Object.keys(CODECS).join(', ');
    this.reports.dropped(
      MALFORMED,
      mimeType === undefined
        ? `this browser's frames do not tell their codec: set the option codec to one of ${known}`
        : `${mimeType} has no rule: negotiate one of ${known}`,
    );
    return undefined;
  }

  #room(bytes: number): Uint8Array {
    if (this.#scratch.length < bytes) this.#scratch = new Uint8Array(2 * bytes);
    return this.#scratch;
  }
}

/** A buffer of its own: the browser takes it away. */
function exact(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer;
}

/** Frames for which `change` returns true go on; the others end here. */
function run({ readable, writable }: Transformer, change: (frame: EncodedFrame) => boolean): Promise<void> {
  const transform = new TransformStream({
    transform(frame: EncodedFrame, controller) {
      if (change(frame)) controller.enqueue(frame);
    },
  });
  return readable.pipeThrough(transform).pipeTo(writable);
}

function isVideo(frame: EncodedFrame): boolean {
  return frame.type !== undefined;
}

/** A key frame that a browser cannot make now is no reason to stop: its next one comes by itself. */
function ask(request: () => Promise<unknown> | undefined): void {
  try {
    request()?.catch(() => {});
  } catch {
    // No more transformers of this kind: the stream is about to end.
  }
}

function check({ framing }: Channel, { codec, onStatus }: TransformOptions): void {
  if (framing !== 'frame') {
    throw new TypeError("encoded transforms have whole frames: make the channel with framing: 'frame'");
  }
  if (codec !== undefined && !Object.hasOwn(CODECS, codec)) {
    throw new TypeError(`codec must be one of ${Object.keys(CODECS).join(', ')}`);
  }
  if (onStatus !== undefined && typeof onStatus !== 'function') throw new TypeError('onStatus must be a function');
}
