import { describe } from '../status.js';

/** Thrown by the calls that return a new array, where the others would return a status. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  /** The negative constant. */
  readonly status: number;

  constructor(status: number) {
    super(describe(status));
    this.status = status;
  }
}
