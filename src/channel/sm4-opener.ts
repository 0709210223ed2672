/** Openers of the legacy mode: SM4-ECB frames (FORMAT.md section 5). */
import { FrameJob } from '../engine/engine.js';
import { BAD_TAG, MALFORMED, NO_ROOM } from '../status.js';
import { PENDING } from './endpoint.js';
import { copyHeader, type Layout, MOST_WAITING, SM4_OVERHEAD, type Sm4Keys } from './frames.js';
import { Opener } from './opener.js';

/** Opens SM4-ECB frames (FORMAT.md section 5); the key belongs to the channel. */
export class Sm4Opener extends Opener {
  readonly #keys: Sm4Keys;
  /** Of frames one by one, the first; of a batch, those that wait, and which frames of the batch they are. */
  readonly #jobs: readonly FrameJob[] = Array.from({ length: MOST_WAITING }, () => new FrameJob());
  readonly #indices = new Int32Array(MOST_WAITING);
  readonly #lengths = new Int32Array(MOST_WAITING);
  #waiting = 0;

  constructor(keys: Sm4Keys, layout: Layout) {
    super(layout, SM4_OVERHEAD);
    this.#keys = keys;
    keys.users.add(this);
  }

  override get lastSenderId(): string {
    return '';
  }

  protected override get senders(): number {
    return 0;
  }

  protected override runFrame(input: Uint8Array, out: Uint8Array, length: number, headerLength: number): number {
    if (length === 0) return MALFORMED;
    if (out.length < length) return NO_ROOM;
    if (this.#waiting === MOST_WAITING) this.flush();
    const job = this.#jobs[this.#waiting]!;
    job.input = input;
    job.output = out;
    job.inputAt = job.outputAt = headerLength;
    job.length = length - headerLength;
    if (this.together) {
      this.#indices[this.#waiting++] = this.index;
      return PENDING;
    }
    return this.#finish(job, this.#keys.key.decrypt(job));
  }

  protected override flush(): void {
    const count = this.#waiting;
    if (count === 0) return;
    this.#waiting = 0;
    this.#keys.key.decryptBatch(this.#jobs, count, this.#lengths);
    for (let i = 0; i < count; i++) {
      const job = this.#jobs[i]!;
      const inputLength = job.inputAt + job.length;
      const result = this.#finish(job, this.#lengths[i]!);
      this.results[this.#indices[i]!] = this.counters.count(result, inputLength);
    }
  }

  #finish(job: FrameJob, textLength: number): number {
    const headerLength = job.outputAt;
    if (textLength >= 0) copyHeader(job.input, job.output, 0, headerLength);
    job.release();
    return textLength < 0 ? BAD_TAG : headerLength + textLength;
  }

  protected override wipe(): void {
    this.#keys.users.delete(this);
  }
}
