/** Sealers of the legacy mode: SM4-ECB frames (FORMAT.md section 5). */
import { FrameJob } from '../engine/engine.js';
import { NO_ROOM } from '../status.js';
import { copyHeader, type Layout, MOST_WAITING, SM4_OVERHEAD, type Sm4Keys } from './frames.js';
import { Sealer } from './sealer.js';

/** Seals SM4-ECB frames (FORMAT.md section 5); the key belongs to the channel. */
export class Sm4Sealer extends Sealer {
  readonly #keys: Sm4Keys;
  /** Of frames one by one, the first; of a batch, those that wait. */
  readonly #jobs: readonly FrameJob[] = Array.from({ length: MOST_WAITING }, () => new FrameJob());
  #waiting = 0;

  constructor(keys: Sm4Keys, layout: Layout) {
    super(layout, SM4_OVERHEAD);
    this.#keys = keys;
    keys.users.add(this);
  }

  override get senderId(): string {
    return '';
  }

  protected override runFrame(input: Uint8Array, out: Uint8Array, length: number, headerLength: number): number {
    const padded = ((length - headerLength) & ~15) + 16;
    if (out.length < headerLength + padded) return NO_ROOM;
    if (this.#waiting === MOST_WAITING) this.flush();
    const job = this.#jobs[this.#waiting]!;
    job.length = length - headerLength;
    copyHeader(input, out, 0, headerLength);
    job.input = input;
    job.output = out;
    job.inputAt = job.outputAt = headerLength;
    if (this.together) {
      this.#waiting++;
    } else {
      this.#keys.key.encrypt(job);
      job.release();
    }
    return headerLength + padded;
  }

  protected override flush(): void {
    const count = this.#waiting;
    if (count === 0) return;
    this.#waiting = 0;
    this.#keys.key.encryptBatch(this.#jobs, count);
    for (let i = 0; i < count; i++) this.#jobs[i]!.release();
  }

  protected override wipe(): void {
    this.#keys.users.delete(this);
  }
}
