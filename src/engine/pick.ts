/** Which engine is used: the one place that knows all of them. */
import type { Engine } from './engine.js';
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
