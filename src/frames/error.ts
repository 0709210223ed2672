import { describe } from '../status.js';

/** Thrown by `sealCopy` and `openCopy` where `seal` and `open` return a status; and by `createSealer` with EXHAUSTED. */
export class FrameError extends Error {
  /** `'FrameError'`. */
  override readonly name = 'FrameError';
  /** The status, a negative constant such as BAD_TAG; the message is that of `describe`. */
  readonly status: number;

  /** `status`: a negative constant. */
  constructor(status: number) {
    super(describe(status));
    this.status = status;
  }
}
