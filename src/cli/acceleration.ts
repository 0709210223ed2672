/**
 * Experimental flags of V8 that make the SIMD engine faster: the command owns its process and sets them, the library never
 * does. They take effect on WebAssembly modules that are compiled afterwards. V8 reports a flag that it does not know on
 * stderr, so each Node gets only what it is known to have.
 */
import { setFlagsFromString } from 'node:v8';
import { type EngineForm, useAcceleratedEngine } from 'frameseal/accelerated';

const FLAGS_BY_MAJOR: Readonly<Record<string, string>> = {
  // i8x16.relaxed_swizzle; later versions have it without a flag.
  20: '--experimental-wasm-relaxed-simd',
  // AVX2 for the wide form. Node 22 has the flag too, and frames are slower with it as often as not.
  24: '--experimental-wasm-revectorize',
  26: '--experimental-wasm-revectorize',
};

/** Sets the flags of this Node. False where there are none. */
export function setAccelerationFlags(): boolean {
  const flags = FLAGS_BY_MAJOR[process.versions.node.split('.')[0]!];
  if (flags !== undefined) setFlagsFromString(flags);
  return flags !== undefined;
}

/** Sets the flags of this Node, if there are any, and takes the fastest engine. Call it before the first channel is made. */
export function accelerate(): EngineForm {
  setAccelerationFlags();
  return useAcceleratedEngine();
}
