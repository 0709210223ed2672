/** Which engine is used: the one place that knows all of them. An engine passes its self-test before anybody gets it. */
import { kindOf } from '../bytes.js';
import { type Engine, EngineError } from './engine.js';
import { portableEngine } from './portable/portable.js';
import { selfTest } from './self-test.js';
import type { ModuleForm } from './simd/memory.js';
import { pairsPay } from './simd/pairs-pay.js';
import { compileModule, createSimdEngine, hasSimd } from './simd/simd.js';

export { EngineError };

/** Which engine to use; `'auto'` takes the best that the platform has. */
export type EngineChoice = 'auto' | 'simd' | 'portable';

/** The engines in use, made and tested when they are first asked for; `null`: the platform does not let it run. */
let simd: Engine | null | undefined;
let portable: Engine | undefined;

function tested(engine: Engine): Engine {
  selfTest(engine);
  return engine;
}

/**
 * The SIMD engine in the best form that the platform has. A platform may say yes to `validate` and forbid compiling all the
 * same: a page whose policy has no 'wasm-unsafe-eval', a server that takes ready modules only.
 */
function findSimd(): Engine | null {
  if (simd !== undefined) return simd;
  const form = (['relaxed', 'plain'] as const).find(hasSimd);
  const made = form === undefined ? null : makeSimd(form);
  simd = made === null ? null : tested(made);
  return simd;
}

function makeSimd(form: ModuleForm): Engine | null {
  try {
    return createSimdEngine(compileModule(form));
  } catch (error) {
    // The end of the stack or of memory, which may be better the next time, is not the platform's answer.
    if (error instanceof RangeError) throw error;
    return null;
  }
}

function findPortable(): Engine {
  portable ??= tested(portableEngine);
  return portable;
}

/** What an engine is: a form of the SIMD engine's module, from the fastest on, or the portable engine. */
export type EngineForm = 'wide' | 'relaxed' | 'plain' | 'portable';

/**
 * Takes the fastest form of the SIMD engine for all channels that are made from now on, and returns which one. A form that
 * rests on experimental features is taken only where the program has switched these on itself, and where the form passes its
 * self-test and is faster; measuring that takes up to 20 ms. `wide` needs V8's flag --experimental-wasm-revectorize and a
 * processor with AVX2, `relaxed` needs --experimental-wasm-relaxed-simd on Node 20: set flags by
 * `setFlagsFromString` of node:v8 before this call. Throws EngineError where even the plain form computes wrongly.
 */
export function useAcceleratedEngine(): EngineForm {
  for (const form of ['wide', 'relaxed', 'plain'] as const) {
    const engine = hasSimd(form) ? makeSimd(form) : null;
    if (engine === null || (form === 'wide' && !pairsPay())) continue;
    if (form !== 'plain' && !passes(engine)) continue;
    simd = form === 'plain' ? tested(engine) : engine;
    return form;
  }
  // A module that the program gave (useSimdModule) is the plain one.
  return findSimd() === null ? 'portable' : 'plain';
}

function passes(engine: Engine): boolean {
  try {
    selfTest(engine);
    return true;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

/** @internal Makes 'simd' and 'auto' use one form of the module from now on: for tests of the other form. */
export function useSimdForm(form: 'wide' | 'relaxed' | 'plain'): void {
  simd = tested(createSimdEngine(compileModule(form)));
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
  simd = tested(engine);
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
