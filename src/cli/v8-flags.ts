/**
 * Experimental flags of V8 that make the SIMD engine faster: the command owns its process and sets them, the library never
 * does. They take effect on WebAssembly modules that are compiled afterwards. V8 reports a flag that it does not know on
 * stderr, so each Node gets only what it is known to have.
 */
import { setFlagsFromString } from 'node:v8';

const FLAGS_BY_MAJOR: Readonly<Record<string, string>> = {
  // i8x16.relaxed_swizzle; later versions have it without a flag.
  20: '--experimental-wasm-relaxed-simd',
};

/** Sets the flags of this Node, if there are any. Call it before the first channel is made. */
export function setSimdFlags(): void {
  const flags = FLAGS_BY_MAJOR[process.versions.node.split('.')[0]!];
  if (flags !== undefined) setFlagsFromString(flags);
}
