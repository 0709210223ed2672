/**
 * Sealers: from a frame to what goes on the wire (FORMAT.md sections 3 to 5).
 *
 *     SFrame   clear header || config | KID | CTR || ciphertext || tag(16)
 *     SM4      clear header || ciphertext of the padded payload
 *
 * Nonces are made here and nowhere else: the counter moves with every frame, and a new session with keys of its own
 * begins at 2^32, at every rotation of the channel, and in every new sealer.
 */
import { hex64, load32, store32 } from '../bytes.js';
import { type Engine, type FrameBatch, FrameJob, type GcmKey, TAG_BYTES } from '../engine/engine.js';
import { NO_ROOM } from '../status.js';
import { ctrLength, writeHeader } from '../wire/sframe.js';
import { FrameEndpoint } from './endpoint.js';
import { copyHeader, type FrameStats, type Layout, SFRAME_OVERHEAD } from './frames.js';
import type { KeyHolder, KeyRing, LiveKey } from './keyring.js';

const NONCE_BYTES = 12;
const FIRST_AAD_BYTES = 128;

/** Seals frames; made by `Channel.createSealer`. One for each flow. Close it when done: that wipes its keys. */
export abstract class Sealer extends FrameEndpoint {
  /** The most bytes that sealing adds to a frame. */
  readonly overhead: number;

  constructor(layout: Layout, overhead: number) {
    super(layout, layout.maxBytes, overhead);
    this.overhead = overhead;
  }

  /** 16 hex digits of the KID that the next frame carries, or the last one did; empty in SM4 mode, which has none. */
  abstract get senderId(): string;

  /** Frames and bytes so far, and how often each status came back. */
  get stats(): FrameStats {
    return this.counters.snapshot();
  }

  /**
   * Seals input[0, length) into out. Returns bytes written, or a status < 0; then out is untouched and no counter was
   * used. `out` may be the input's own memory from the same start. Throws TypeError or RangeError for arguments that
   * can never be right. (FORMAT.md section 4)
   */
  seal(input: Uint8Array, out: Uint8Array, length: number = input.length): number {
    return this.run(input, out, length);
  }

  /** Seals a frame into a new array. Throws FrameError with the status where `seal` would return one. */
  sealCopy(input: Uint8Array): Uint8Array {
    return this.runCopy(input);
  }

  /**
   * Seals inputs[i] into outs[i] for each i below `count`, in order; results[i] is what `seal` would return. An out lies
   * apart from all others, and from other frames' inputs, which are read before earlier frames are written. Returns how
   * many succeeded.
   */
  sealBatch(inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count: number = inputs.length): number {
    return this.runBatch(inputs, outs, results, count);
  }
}

/** Seals SFrame ciphertexts (FORMAT.md section 4). */
export class SframeSealer extends Sealer implements KeyHolder {
  readonly #ring: KeyRing;
  readonly #key: GcmKey;
  readonly #batch: FrameBatch | undefined;
  /** What the keys in #key were derived from. */
  #live: LiveKey | undefined;
  readonly #kid = new Int32Array(2);
  /** The last word of the frame salt: the only one that a CTR below 2^32 reaches. */
  #saltWord = 0;
  /** The next frame's CTR as a signed word, because larger numbers would be allocated. */
  #ctr = 0;
  /** Scratch: the order to the engine. */
  readonly #job = new FrameJob();

  constructor(ring: KeyRing, engine: Engine, layout: Layout) {
    super(layout, SFRAME_OVERHEAD);
    this.#ring = ring;
    this.#key = engine.createGcmKey(ring.keyBytes);
    this.#batch = engine.batch;
    this.#job.nonce = new Uint8Array(NONCE_BYTES);
    this.#job.aad = new Uint8Array(FIRST_AAD_BYTES);
    this.#startSession();
    ring.hold(this);
  }

  override get senderId(): string {
    if (!this.closed && this.#needsSession()) this.#startSession();
    return hex64(this.#kid[0]!, this.#kid[1]!);
  }

  forget(live: LiveKey): void {
    if (this.#live !== live) return;
    this.#key.wipe();
    this.#live = undefined;
  }

  protected override runFrame(input: Uint8Array, out: Uint8Array, length: number, headerLength: number): number {
    if (this.#needsSession()) {
      this.flush();
      this.#startSession();
    }
    const ctr = this.#ctr;
    const sframeLength = 9 + ctrLength(ctr);
    const written = sframeLength + length + TAG_BYTES;
    if (out.length < written) return NO_ROOM;

    const job = this.#job;
    job.aadLength = sframeLength + this.layout.metadataLength(headerLength);
    if (job.aad.length < job.aadLength) job.aad = new Uint8Array(job.aadLength);
    writeHeader(job.aad, 0, this.#kid[0]!, this.#kid[1]!, ctr);
    this.layout.writeMetadata(job.aad, sframeLength, input, headerLength);
    store32(job.nonce, 8, this.#saltWord ^ ctr);
    this.#ctr = (ctr + 1) | 0;

    job.length = length - headerLength;
    job.outputAt = headerLength + sframeLength;
    job.output = out;
    job.input = input;
    job.inputAt = headerLength;
    this.#sealNowOrTogether(job);
    // Now that the payload is read, which in place lies here.
    copyHeader(input, out, 0, headerLength);
    writeHeader(out, headerLength, this.#kid[0]!, this.#kid[1]!, ctr);
    job.release();
    // All 2^32 counters are used: the next frame begins a session.
    if (this.#ctr === 0) {
      this.flush();
      this.forget(this.#ring.sealing);
    }
    return written;
  }

  protected override flush(): void {
    if (this.together) this.#batch?.seal();
  }

  protected override wipe(): void {
    this.#ring.letGo(this);
    this.#key.wipe();
    this.#live = undefined;
  }

  #sealNowOrTogether(job: FrameJob): void {
    const batch = this.together ? this.#batch : undefined;
    if (batch === undefined) {
      this.#key.seal(job);
    } else if (!batch.addToSeal(this.#key, job)) {
      batch.seal();
      if (!batch.addToSeal(this.#key, job)) this.#key.seal(job);
    }
  }

  #needsSession(): boolean {
    return this.#live !== this.#ring.sealing;
  }

  /** Draws a session under the sealing key and derives its keys. (FORMAT.md section 3) */
  #startSession(): void {
    const live = this.#ring.sealing;
    const { schedule } = live;
    this.#ctr = this.#ring.drawKid(this.#kid) | 0;
    schedule.derive(this.#kid[0]!, this.#kid[1]!);
    this.#key.setKey(schedule.frameKey);
    this.#job.nonce.set(schedule.frameSalt);
    this.#saltWord = load32(schedule.frameSalt, 8);
    this.#live = live;
  }
}
