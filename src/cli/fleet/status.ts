/** What a gateway reports to the store as `status.NAME`: JSON without secrets, read by operators. */
import { isGeneration, MAX_KEYS } from './document.js';

/** The trouble of a gateway that has ended on purpose. */
export const STOPPED = 'stopped';

export interface GatewayStatus {
  /** The keyset's key in the bucket. */
  readonly key: string;
  /** Of the keyset in use. */
  readonly revision: number;
  readonly generation: number;
  /** Of the keys that are listed there, and open at the gateway. */
  readonly keyIds: readonly number[];
  /** The key id that seals. */
  readonly sealing: number;
  /** By the gateway's clock. */
  readonly time: string;
  /** Why the gateway does not take what the store has. */
  readonly trouble?: string;
}

const MAX_TROUBLE = 40;

export function statusText(status: GatewayStatus): string {
  return JSON.stringify(status);
}

/** The status in a value; undefined where it is none. Every gateway can write its own, so nothing in it is trusted. */
export function readStatus(value: Uint8Array): GatewayStatus | undefined {
  let read: unknown;
  try {
    read = JSON.parse(new TextDecoder().decode(value));
  } catch {
    return undefined;
  }
  if (typeof read !== 'object' || read === null) return undefined;
  const { key, revision, generation, keyIds, sealing, time, trouble } = read as Readonly<Record<string, unknown>>;
  const isKeyId = (id: unknown) => Number.isInteger(id) && Number(id) >= 0 && Number(id) <= 15;
  const isRevision = (number: unknown) => Number.isSafeInteger(number) && Number(number) >= 0;
  if (typeof key !== 'string' || !isRevision(revision) || !isGeneration(generation) || !Array.isArray(keyIds))
    return undefined;
  if (
    keyIds.length > MAX_KEYS ||
    !keyIds.every(isKeyId) ||
    !isKeyId(sealing) ||
    typeof time !== 'string' ||
    Number.isNaN(Date.parse(time))
  )
    return undefined;
  return {
    key,
    revision: revision as number,
    generation: generation as number,
    keyIds,
    sealing: sealing as number,
    time,
    ...(typeof trouble === 'string' && { trouble: trouble.replace(/[^a-z-]/g, '?').slice(0, MAX_TROUBLE) }),
  };
}
