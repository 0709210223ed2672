/**
 * Sealing in the GCM2 modes: SFrame ciphertexts (FORMAT.md sections 3 and 4).
 *
 * Nonces are made here and nowhere else. A counter is taken before its frame is encrypted, and never given back: what throws
 * afterwards costs a counter. A session, with keys of its own, begins in every new sealer, at every rotation of the channel,
 * after 2^32 frames, after 2^36 blocks, and after an exception while one was made.
 */
import { hex64 } from '../bytes.js';
import { type Engine, type FrameJob, type GcmKey, TAG_BYTES } from '../engine/engine.js';
import { FrameError } from '../frames/error.js';
import { AFTER_OTHERS, type Frame } from '../frames/pipeline.js';
import { EXHAUSTED, NO_ROOM } from '../status.js';
import { ctrLength, writeHeader } from '../wire/sframe.js';
import type { KeyRing, LiveKey } from './keyring.js';
import { DerivedKeys } from './keys.js';
import { type Layout, PADDING_COUNT } from './layout.js';
import type { SealProtocol } from './sealer.js';

/** Blocks of 16 bytes that a session may seal. */
const MAX_BLOCKS = 2 ** 36;

export class SframeSealing implements SealProtocol {
  readonly maxBytes: number;
  readonly growth: number;
  readonly #ring: KeyRing;
  readonly #engine: Engine;
  readonly #layout: Layout;
  readonly #key: GcmKey;
  /** What the keys in use were derived from; undefined where there is no session. */
  #live: LiveKey | undefined;
  /** The session has used up its counters or its blocks. */
  #spent = false;
  readonly #kid = new Int32Array(2);
  /** The next frame's CTR as a signed word, because larger numbers would be allocated. */
  #ctr = 0;
  /** Blocks sealed in this session: one number, in an array because larger ones would be allocated. */
  readonly #blocks = new Float64Array(1);
  readonly #derived: DerivedKeys;

  constructor(ring: KeyRing, engine: Engine, layout: Layout) {
    this.maxBytes = layout.maxBytes;
    this.growth = layout.sframeOverhead;
    this.#ring = ring;
    this.#engine = engine;
    this.#layout = layout;
    this.#derived = new DerivedKeys(ring.keyBytes);
    this.#key = engine.createGcmKey(ring.keyBytes);
  }

  /** Begins the first session, so that senderId exists before the first frame. */
  begin(): void {
    this.#startSession();
  }

  get senderId(): string {
    return hex64(this.#kid[0]!, this.#kid[1]!);
  }

  prepare(frame: Frame<undefined>, waiting: number): number {
    const measured = this.#layout.measure(frame);
    if (measured < 0) return measured;
    if (this.#spent || this.#live !== this.#ring.sealing) {
      // The frames that wait need the current keys.
      if (waiting > 0) return AFTER_OTHERS;
      if (!this.#ring.hasSessions) return EXHAUSTED;
      this.#startSession();
    }
    const ctr = this.#ctr;
    const sframeLength = 9 + ctrLength(ctr);
    const { job, length, clearLength, tailLength } = frame;
    if (frame.room < sframeLength + length + TAG_BYTES + tailLength) return NO_ROOM;

    writeHeader(job.aad, 0, this.#kid[0]!, this.#kid[1]!, ctr);
    const end = this.#layout.takeHeader(frame, sframeLength);
    if (end < 0) return end;
    for (let i = 0; i < sframeLength; i++) job.head[end + i] = job.head[i]!;
    job.headLength = clearLength + sframeLength;
    job.tail = PADDING_COUNT;
    job.tailLength = tailLength;
    this.#derived.setNonce(job, 0, ctr);
    job.key = this.#key;
    job.inputAt = clearLength;
    job.length = length - clearLength;
    job.outputAt = job.headLength;
    // Taken: nothing below is called, and nothing above has moved.
    this.#ctr = (ctr + 1) | 0;
    this.#blocks[0]! += 1 + ((job.length + 15) >>> 4);
    if (this.#ctr === 0 || this.#blocks[0]! >= MAX_BLOCKS) this.#spent = true;
    return 0;
  }

  crypt(jobs: readonly FrameJob[], count: number): void {
    if (count === 1) this.#key.seal(jobs[0]!);
    else this.#engine.sealAll(jobs, count);
  }

  finish({ job }: Frame<undefined>): number {
    return job.headLength + job.written + job.tailLength;
  }

  settle(): void {}

  /** The live key is at its end: wipes what was derived from it. */
  forget(live: LiveKey): void {
    // Without a session an exception may have left a key, of this live key or another.
    if (this.#live === undefined || this.#live === live) this.wipe();
  }

  wipe(): void {
    this.#live = undefined;
    this.#derived.wipe();
    this.#key.wipe();
  }

  /** Draws a session under the sealing key and derives its keys: all of it, or there is no session. (FORMAT.md section 3) */
  #startSession(): void {
    this.#live = undefined;
    if (!this.#ring.hasSessions) throw new FrameError(EXHAUSTED);
    const live = this.#ring.sealing;
    const derived = this.#derived;
    this.#blocks[0] = 0;
    const firstCtr = this.#ring.drawKid(live, this.#kid, this.#blocks) | 0;
    live.schedule.deriveInto(derived, this.#kid[0]!, this.#kid[1]!);
    this.#key.setKey(derived.key);
    derived.key.fill(0);
    this.#ctr = firstCtr;
    this.#spent = false;
    this.#live = live;
  }
}
