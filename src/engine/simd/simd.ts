/**
 * The SIMD engine: one memory, its keys (gcm.ts), and frames that go through the kernels together (batch.ts).
 *
 * SM4 is the portable one so far, on tables: it is NOT constant-time.
 */
import type { Engine, FrameBatch } from '../engine.js';
import { portableEngine } from '../portable/portable.js';
import { SimdBatch } from './batch.js';
import { SimdGcmKey } from './gcm.js';
import { type ModuleForm, moduleBytes, SimdMemory } from './memory.js';

/** The engine on one form of the module; tests make both. */
export function createSimdEngine(form: ModuleForm): Engine {
  let shared: SimdMemory | undefined;
  let registry: FinalizationRegistry<number> | undefined;
  let batch: FrameBatch | undefined;
  const memory = () => {
    shared ??= new SimdMemory(form);
    return shared;
  };
  return {
    name: 'simd',
    constantTime: true,
    get batch() {
      batch ??= new SimdBatch(memory());
      return batch;
    },
    createGcmKey(keyBytes) {
      // Slots of keys that nobody wiped come back when their owners are collected.
      registry ??= new FinalizationRegistry((slot) => memory().giveSlot(slot));
      return new SimdGcmKey(memory(), keyBytes, registry);
    },
    createSm4Key: () => portableEngine.createSm4Key(),
  };
}

/** Whether the platform runs a form of the module. */
export function hasSimd(form: ModuleForm): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(moduleBytes(form));
}
