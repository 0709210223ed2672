/** The system's CSPRNG (Web Crypto): the one place where keys, salts and sessions come from. */

interface Snapshots {
  readonly startupSnapshot?: { isBuildingSnapshot(): boolean };
}

interface Host {
  readonly process?: { getBuiltinModule?(name: string): Snapshots | undefined };
}

/** A process that builds a snapshot does so from its start; one that does not never will. */
let mayBuildSnapshot = true;

/**
 * Fills an array with random bits. Throws while Node builds a start-up snapshot: every process that starts from it would have
 * the same keys and sessions, and so repeat nonces.
 */
export function fillRandom<Numbers extends Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(
  numbers: Numbers,
): Numbers {
  mayBuildSnapshot &&= isBuildingSnapshot();
  if (mayBuildSnapshot) {
    throw new Error(
      'a start-up snapshot is being built: every process that starts from it would repeat these random numbers; make keys, sealers and channels after the start',
    );
  }
  return globalThis.crypto.getRandomValues(numbers);
}

function isBuildingSnapshot(): boolean {
  const snapshots = (globalThis as Host).process?.getBuiltinModule?.('v8')?.startupSnapshot;
  return snapshots?.isBuildingSnapshot() ?? false;
}
