/** What a channel of a gateway is to hold, of all that is known of its keyset. */
import { type KeysetKey, sealFromMs } from './document.js';
import { type Known, sealingKey } from './rotation.js';

/** The keys that a channel is to hold. */
export interface HeldKeys {
  readonly keys: readonly KeysetKey[];
  /** The keyId of the one that seals. */
  readonly sealing: number;
  /** The one that seals next, where that is known. */
  readonly next?: { readonly keyId: number; readonly sealsAtMs: number };
}

export function heldBy(known: Known, wallMs: number): HeldKeys {
  const [next] = known.live
    .filter(({ id, key, endsAtMs }) => id !== known.sealing && endsAtMs === undefined && sealFromMs(key) > wallMs)
    .map(({ key }) => ({ keyId: key.keyId, sealsAtMs: sealFromMs(key) }))
    .sort((a, b) => a.sealsAtMs - b.sealsAtMs);
  return { keys: known.live.map(({ key }) => key), sealing: sealingKey(known).keyId, ...(next && { next }) };
}
