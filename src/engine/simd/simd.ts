/**
 * The SIMD engine: one memory, its keys (gcm.ts, sm4.ts), and frames that go through the kernels together (together.ts). It
 * takes the same time whatever the key and the data are.
 */
import type { Engine } from '../engine.js';
import type { ModuleForm } from './forms.js';
import { SimdGcmKey } from './gcm.js';
import { SimdMemory, type SlotRegistry } from './memory.js';
import { SimdSm4Key } from './sm4.js';
import { Sm4Blocks } from './sm4-blocks.js';
import { FramesTogether } from './together.js';

/** The engine on a module. Throws what the platform throws where it does not let the module run. */
export function createSimdEngine(module: WebAssembly.Module): Engine {
  const memory = new SimdMemory(module);
  const together = new FramesTogether(memory);
  const sm4Blocks = new Sm4Blocks(memory);
  const registry = slotRegistry(memory);
  return {
    name: 'simd',
    constantTime: true,
    createGcmKey: (keyBytes) => new SimdGcmKey(memory, keyBytes, registry),
    createSm4Key: () => new SimdSm4Key(memory, sm4Blocks, registry),
    sealAll: (jobs, count) => together.seal(jobs, count),
    openAll: (jobs, count) => together.open(jobs, count),
  };
}

/** Reclaims the slots of keys that were collected without a wipe. Some platforms do not report that (workerd before 2025). */
function slotRegistry(memory: SimdMemory): SlotRegistry {
  if (typeof FinalizationRegistry === 'undefined') return { register() {}, unregister() {} };
  return new FinalizationRegistry<number>((slot) => {
    memory.eraseSlot(slot);
    memory.giveSlot(slot);
  });
}

/** A form of the module, compiled. Throws what the platform throws where it does not compile. */
export function compileModule(form: ModuleForm): WebAssembly.Module {
  return new WebAssembly.Module(form());
}
