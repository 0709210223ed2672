/** Which engine is used: the one place that knows all of them. An engine passes its self-test before anybody gets it. */
import { kindOf } from '../bytes.js';
import { type Engine, EngineError } from './engine.js';
import { portableEngine } from './portable/portable.js';
import { selfTest } from './self-test.js';
import { hasSimd, type ModuleForm, plainForm, relaxedForm } from './simd/forms.js';
import { compileModule, createSimdEngine } from './simd/simd.js';

export { EngineError };

/** Which engine to use; `'auto'` takes the best that the platform has. */
export type EngineChoice = 'auto' | 'simd' | 'portable';

/** The engines in use, made and tested when they are first asked for; `null`: the platform does not let it run. */
let simd: Engine | null | undefined;
let portable: Engine | undefined;

/** The SIMD engine in the best form that the platform has without flags. */
function findSimd(): Engine | null {
  if (simd !== undefined) return simd;
  const made = makeSimd(relaxedForm) ?? makeSimd(plainForm);
  if (made === null) simd = null;
  else useSimdEngine(made);
  return simd as Engine | null;
}

/**
 * @internal The engine on a form of the module; null where the platform does not run it. A platform may say yes to `validate`
 * and forbid compiling all the same: a page whose policy has no 'wasm-unsafe-eval', a server that takes ready modules only.
 */
export function makeSimd(form: ModuleForm): Engine | null {
  try {
    return hasSimd(form) ? createSimdEngine(compileModule(form)) : null;
  } catch (error) {
    // The end of the stack or of memory, which may be better the next time, is not the platform's answer.
    if (error instanceof RangeError) throw error;
    return null;
  }
}

/** @internal Makes 'simd' and 'auto' this engine from now on. Throws EngineError where it fails its self-test. */
export function useSimdEngine(engine: Engine): void {
  selfTest(engine);
  simd = engine;
}

function findPortable(): Engine {
  if (portable === undefined) {
    selfTest(portableEngine);
    portable = portableEngine;
  }
  return portable;
}

/**
 * Gives the SIMD engine its module, compiled: for platforms that compile none while a program runs. `module`: the
 * WebAssembly.Module of `frameseal/simd.wasm`. Call it before
 * channels are made; those that exist keep their engine. Throws TypeError for anything else, EngineError for another module.
 */
export function useSimdModule(module: object): void {
  if (Object.prototype.toString.call(module) !== '[object WebAssembly.Module]') {
    throw new TypeError(`module must be a WebAssembly.Module, got ${kindOf(module)}`);
  }
  let engine: Engine;
  try {
    engine = createSimdEngine(module as WebAssembly.Module);
  } catch {
    throw new EngineError("this module is not frameseal's, or the platform does not run it: give frameseal/simd.wasm");
  }
  useSimdEngine(engine);
}

/** @internal The engine for a choice. Throws TypeError for an unknown one, EngineError where there is none or it computes wrongly. */
export function pickEngine(choice: EngineChoice = 'auto'): Engine {
  switch (choice) {
    case 'portable':
      return findPortable();
    case 'auto':
      return findSimd() ?? findPortable();
    case 'simd': {
      const engine = findSimd();
      if (engine) return engine;
      throw new EngineError(
        "this platform has no WebAssembly SIMD, or forbids compiling it (a page needs 'wasm-unsafe-eval' in script-src; elsewhere useSimdModule may help): leave engine out, or set it to 'portable'",
      );
    }
    default:
      throw new TypeError("engine must be 'auto', 'simd' or 'portable'");
  }
}
