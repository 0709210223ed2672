/** Which engine is used: the one place that knows all of them. */
import { type Engine, FrameJob, TAG_BYTES } from './engine.js';
import { portableEngine } from './portable/portable.js';

/** Which engine to use; `'auto'` takes the best that the platform has. */
export type EngineChoice = 'auto' | 'simd' | 'portable';

/** Thrown where the engine that was asked for does not exist on this platform. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}

/** The engine for a choice. Throws TypeError for an unknown one, EngineError where there is none. */
export function pickEngine(choice: EngineChoice = 'auto'): Engine {
  switch (choice) {
    case 'auto':
    case 'portable':
      return portableEngine;
    case 'simd':
      throw new EngineError("this version has no SIMD engine: leave engine out, or set it to 'portable'");
    default:
      throw new TypeError("engine must be 'auto', 'simd' or 'portable'");
  }
}

/** Calls of each kind that bring the portable engine's code to full speed. */
const WARM_UP_CALLS = 3000;
const WARM_UP_BYTES = 256;

/** Brings the engine to full speed before traffic: seals and opens for some milliseconds. */
export function warmUp(): void {
  const engine = pickEngine();
  const key = engine.createGcmKey(16);
  const job = new FrameJob();
  key.setKey(new Uint8Array(16));
  job.input = job.output = new Uint8Array(WARM_UP_BYTES + TAG_BYTES);
  job.length = WARM_UP_BYTES;
  for (let i = 0; i < WARM_UP_CALLS; i++) {
    key.seal(job);
    key.open(job);
  }
  key.wipe();
}
