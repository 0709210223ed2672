/**
 * `frameseal/accelerated`: the fastest form of the SIMD engine, for programs on Node that own their process. Forms that rest on
 * experimental features of V8 are selected only where the program has switched these on itself, by `setFlagsFromString` of
 * node:v8, and where the form passes its self-test and is faster.
 *
 * @module frameseal/accelerated
 */
import { type Engine, EngineError } from './engine/engine.js';
import { makeSimd, pickEngine, useSimdEngine } from './engine/pick.js';
import { plainForm, relaxedForm } from './engine/simd/forms.js';
import { pairsPay, wideForm } from './engine/simd/wide.js';

/** The engine in use: a form of the SIMD engine's module, the fastest first, or the portable engine. */
export type EngineForm = 'wide' | 'relaxed' | 'plain' | 'portable';

/**
 * Selects the fastest form of the SIMD engine for all channels and ciphers that are made from now on, and returns its name;
 * those that exist keep their engine. `wide` needs V8's flag --experimental-wasm-revectorize and a processor with AVX2;
 * measuring whether it pays takes up to 20 ms. `relaxed` needs --experimental-wasm-relaxed-simd on Node 20, and no flag later.
 * Throws EngineError where even the plain form computes wrongly.
 */
export function useAcceleratedEngine(): EngineForm {
  const wide = makeSimd(wideForm);
  if (wide !== null && pairsPay() && select(wide)) return 'wide';
  const relaxed = makeSimd(relaxedForm);
  if (relaxed !== null && select(relaxed)) return 'relaxed';
  const plain = makeSimd(plainForm);
  if (plain !== null) useSimdEngine(plain);
  // Where nothing can be compiled, a module that the program gave (useSimdModule) is the plain one.
  return pickEngine('auto').name === 'simd' ? 'plain' : 'portable';
}

/** False where the engine fails its self-test: experimental code of V8 may compute wrongly. */
function select(engine: Engine): boolean {
  try {
    useSimdEngine(engine);
    return true;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}
