/**
 * SRTP keys that have sealed: their fingerprints, in a file of the state folder. Nonces of SRTP come from SSRC, rollover
 * counter and sequence number, which a restart forgets: a key that seals again would repeat them (FORMAT.md section 8).
 *
 *     srtp-keys     a line for each key: 64 hex digits, the time it was taken
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SrtpKeys } from 'frameseal/srtp';
import { codeOf, reason } from '../secretfile.js';
import type { SrtpPlan } from './host.js';

const FILE = 'srtp-keys';

export class UsedKeys {
  readonly #folder: string;
  /** Taken by this process: they may stay. */
  readonly #own = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Notes that these keys seal from now on, on the disk before it returns. Returns what stands against it, a line each; then none is noted. */
  async take(plans: readonly SrtpPlan[]): Promise<string[]> {
    const fresh = plans
      .map(({ name, keys }) => ({ name, id: fingerprintOf(keys) }))
      .filter(({ id }) => !this.#own.has(id));
    if (fresh.length === 0) return [];
    const file = join(this.#folder, FILE);
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const used = await usedIn(file);
      const faults = fresh.flatMap(({ name, id }) => {
        const since = used.get(id);
        return since === undefined
          ? []
          : [
              `srtp.${name}: this key has sealed since ${since}, and what was sent is forgotten: nonces would repeat; agree on a new key in the signalling, and write it to the file`,
            ];
      });
      if (new Set(fresh.map(({ id }) => id)).size < fresh.length)
        faults.push('srtp: two names have the same key, and both send: nonces would repeat');
      if (faults.length > 0) return faults;
      await append(file, fresh.map(({ id }) => `${id} ${new Date().toISOString()}\n`).join(''));
      for (const { id } of fresh) this.#own.add(id);
      return [];
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      return [`state: ${file} cannot be used: ${reason(error)}; SRTP keys must not seal without it`];
    }
  }
}

/** The fingerprint reveals nothing of the key. */
function fingerprintOf({ suite, masterKey, masterSalt }: SrtpKeys): string {
  return createHash('sha256').update(`frameseal srtp key ${suite} `).update(masterKey).update(masterSalt).digest('hex');
}

async function usedIn(file: string): Promise<Map<string, string>> {
  let text = '';
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  return new Map(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(0, 64), line.slice(65)]),
  );
}

async function append(file: string, text: string): Promise<void> {
  const handle = await open(file, 'a', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
