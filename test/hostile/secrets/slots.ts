/** The SIMD engine's data of a key, in the form of its memory: pieces of a slot that this process makes. */

import { hasSimd, plainForm, relaxedForm } from '../../../src/engine/simd/forms.js';
import { SimdGcmKey } from '../../../src/engine/simd/gcm.js';
import { SLOT_BYTES } from '../../../src/engine/simd/layout.js';
import { SimdMemory } from '../../../src/engine/simd/memory.js';
import { compileModule } from '../../../src/engine/simd/simd.js';
import { SimdSm4Key } from '../../../src/engine/simd/sm4.js';
import { Sm4Blocks } from '../../../src/engine/simd/sm4-blocks.js';

const PIECE_BYTES = 64;
/** Pieces with fewer different neighbours are too plain to be this key's alone. */
const LEAST_CHANGES = 8;

/** Round keys in both forms, round 1 of all counters, and the tables of GHASH. */
export function gcmSlot(key: Uint8Array): Map<string, Uint8Array> {
  const memory = newMemory();
  const slot = new SimdGcmKey(memory, key.length as 16 | 32, new FinalizationRegistry(() => {}));
  slot.setKey(key);
  return pieces(memory);
}

/** Round keys for both directions. */
export function sm4Slot(key: Uint8Array): Map<string, Uint8Array> {
  const memory = newMemory();
  const slot = new SimdSm4Key(memory, new Sm4Blocks(memory), new FinalizationRegistry(() => {}));
  slot.setKey(key);
  return pieces(memory);
}

function newMemory(): SimdMemory {
  return new SimdMemory(compileModule(hasSimd(relaxedForm) ? relaxedForm : plainForm));
}

/** Of the slot that was taken last. */
function pieces(memory: SimdMemory): Map<string, Uint8Array> {
  const at = memory.takeSlot() - memory.slotBytes;
  const found = new Map<string, Uint8Array>();
  for (let i = 0; i + PIECE_BYTES <= SLOT_BYTES; i += PIECE_BYTES) {
    const piece = memory.heap.slice(at + i, at + i + PIECE_BYTES);
    const changes = piece.reduce((sum, byte, j) => sum + Number(j > 0 && byte !== piece[j - 1]), 0);
    if (changes >= LEAST_CHANGES) found.set(`slot + ${i}`, piece);
  }
  return found;
}
