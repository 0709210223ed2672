/**
 * Reports of dropped frames to the program: each cause at once, and again once a second while the cause lasts, with its
 * count; and, where a sender's frames never open, that the two sides do not have the same configuration.
 */
import { BAD_TAG, describe, OWN_FRAME, REPLAYED, UNKNOWN_KEY } from '../status.js';

/** A report to `onStatus`: why frames were dropped, or that frames pass again. */
export interface FrameStatus {
  /** A status of FORMAT.md section 7; 0 after frames were dropped: they are sealed or opened again. */
  readonly status: number;
  /** The status in words, and what to look at. */
  readonly text: string;
  /** Frames with this status since its last report. */
  readonly frames: number;
  /** No frame has opened so far, and several did not authenticate: another mode, key, salt or context. */
  readonly mismatch: boolean;
}

const REPORT_EVERY_MS = 1000;
const LEAST_FOR_MISMATCH = 5;
/** What a frame of another configuration gives. */
const MISMATCHES: readonly number[] = [BAD_TAG, UNKNOWN_KEY];

export class Reports {
  readonly #onStatus: ((status: FrameStatus) => void) | undefined;
  /** By status: frames since it was told, and when that was. */
  readonly #causes = new Map<number, { frames: number; toldMs: number }>();
  #succeeded = false;
  #failing = false;
  #mismatches = 0;

  constructor(onStatus: ((status: FrameStatus) => void) | undefined) {
    this.#onStatus = onStatus;
  }

  /** Whether frames were dropped since the last that was not. */
  get failing(): boolean {
    return this.#failing;
  }

  succeeded(): void {
    this.#succeeded = true;
    if (!this.#failing) return;
    this.#failing = false;
    this.#causes.clear();
    this.#tell(0, 1, describe(0));
  }

  /** Chromium hands frames to a receiver's transform more than once: REPLAYED is no cause of anything. */
  dropped(status: number, text: string = describe(status)): void {
    if (status === REPLAYED) return;
    this.#failing = true;
    if (MISMATCHES.includes(status)) this.#mismatches++;
    const nowMs = performance.now();
    const cause = this.#causes.get(status) ?? { frames: 0, toldMs: Number.NEGATIVE_INFINITY };
    this.#causes.set(status, cause);
    cause.frames++;
    const isNews = this.#mismatches === LEAST_FOR_MISMATCH && !this.#succeeded;
    if (!isNews && nowMs - cause.toldMs < REPORT_EVERY_MS) return;
    this.#tell(status, cause.frames, text);
    cause.frames = 0;
    cause.toldMs = nowMs;
  }

  #tell(status: number, frames: number, text: string): void {
    const mismatch = !this.#succeeded && this.#mismatches >= LEAST_FOR_MISMATCH;
    const advice = status === OWN_FRAME ? '; a page that calls itself needs two channels' : '';
    this.#onStatus?.({ status, text: `${text}${advice}`, frames, mismatch });
  }
}
