/**
 * The SIMD engine: one memory, its keys (gcm.ts, sm4.ts), and frames that go through the kernels together (batch.ts). It
 * takes the same time whatever the key and the data are.
 */
import type { Engine, FrameBatch } from '../engine.js';
import { SimdBatch } from './batch.js';
import { SimdGcmKey } from './gcm.js';
import { type ModuleForm, moduleBytes, SimdMemory } from './memory.js';
import { SimdSm4Key } from './sm4.js';
import { Sm4Blocks } from './sm4-blocks.js';

/** What all keys of an engine share; made for the first one. */
interface Shared {
  readonly memory: SimdMemory;
  readonly batch: FrameBatch;
  readonly sm4Blocks: Sm4Blocks;
  /** Slots of keys that nobody wiped come back when their owners are collected. */
  readonly registry: FinalizationRegistry<number>;
}

function createShared(form: ModuleForm): Shared {
  const memory = new SimdMemory(form);
  const registry = new FinalizationRegistry<number>((slot) => memory.giveSlot(slot));
  return { memory, batch: new SimdBatch(memory), sm4Blocks: new Sm4Blocks(memory), registry };
}

/** The engine on one form of the module; tests make both. */
export function createSimdEngine(form: ModuleForm): Engine {
  let made: Shared | undefined;
  const shared = () => {
    made ??= createShared(form);
    return made;
  };
  return {
    name: 'simd',
    constantTime: true,
    get batch() {
      return shared().batch;
    },
    createGcmKey: (keyBytes) => new SimdGcmKey(shared().memory, keyBytes, shared().registry),
    createSm4Key: () => new SimdSm4Key(shared().memory, shared().sm4Blocks, shared().registry),
  };
}

/** Whether the platform runs a form of the module. */
export function hasSimd(form: ModuleForm): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(moduleBytes(form));
}
