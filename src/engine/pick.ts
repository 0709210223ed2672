/** Which engine is used: the one place that knows all of them. */
import { type Engine, EngineError } from './engine.js';
import { portableEngine } from './portable/portable.js';
import type { ModuleForm } from './simd/memory.js';
import { createSimdEngine, hasSimd } from './simd/simd.js';

export { EngineError };

/** Which engine to use; `'auto'` takes the best that the platform has. */
export type EngineChoice = 'auto' | 'simd' | 'portable';

/** The SIMD engine in the best form that the platform has; made when it is first asked for. */
let simdEngine: Engine | undefined;

function findSimd(): Engine | undefined {
  if (simdEngine === undefined) {
    const form = (['relaxed', 'plain'] as const).find(hasSimd);
    if (form !== undefined) simdEngine = createSimdEngine(form);
  }
  return simdEngine;
}

/** Makes 'simd' and 'auto' use one form of the module from now on: for tests of the other form. */
export function useSimdForm(form: ModuleForm): void {
  simdEngine = createSimdEngine(form);
}

/** The engine for a choice. Throws TypeError for an unknown one, EngineError where there is none. */
export function pickEngine(choice: EngineChoice = 'auto'): Engine {
  switch (choice) {
    case 'portable':
      return portableEngine;
    case 'auto':
      return findSimd() ?? portableEngine;
    case 'simd': {
      const engine = findSimd();
      if (engine) return engine;
      throw new EngineError("this platform has no WebAssembly SIMD: leave engine out, or set it to 'portable'");
    }
    default:
      throw new TypeError("engine must be 'auto', 'simd' or 'portable'");
  }
}
