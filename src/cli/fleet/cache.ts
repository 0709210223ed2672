/**
 * The last keyset that a gateway took, in a file of its state folder, for a start while the store is away. The value is
 * encrypted as it was in the store; beside it stand hashes that say which keys have ended and which one sealed.
 *
 *     STATE/keyset-BUCKET.KEY.json
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseJson } from '../json.js';
import { codeOf, readSecretFile, reason, replaceSecretFile } from '../secretfile.js';
import { CliError } from '../terminal.js';
import type { Memory } from './rotation.js';
import type { StoreSettings } from './settings.js';

/** Values are as large as servers take, in base64. */
const MAX_BYTES = 16 << 20;

export interface Cached {
  readonly revision: number;
  /** Encrypted. */
  readonly value: Uint8Array;
  readonly memory: Memory;
}

export class KeysetCache {
  readonly path: string;
  /** The newest content waits where another is being written. */
  #next: string | undefined;
  #writing: Promise<void> | undefined;
  readonly #failed: (message: string) => void;

  /** `failed`: called with the reason of a write that failed. */
  constructor(folder: string, { bucket, key }: StoreSettings, failed: (message: string) => void) {
    this.path = join(folder, `keyset-${bucket}.${key}.json`);
    this.#failed = failed;
  }

  /** Undefined where there is none. Rejects with an Error that says why it cannot be used. */
  async read(): Promise<Cached | undefined> {
    try {
      const { version, revision, value, memory } = parseJson(
        await readSecretFile(this.path, 'private', MAX_BYTES),
      ) as Stored;
      const ids = [memory.sealing, ...memory.live, ...memory.ended];
      if (version !== 1 || !Number.isSafeInteger(revision) || !ids.every((id) => typeof id === 'string'))
        throw new TypeError('it is damaged');
      return { revision, value: Buffer.from(value, 'base64'), memory };
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      const isOfFile = error instanceof CliError || codeOf(error) !== undefined;
      const why = isOfFile ? reason(error) : 'it is damaged: remove it';
      throw new Error(`${this.path} cannot be used: ${why}`);
    }
  }

  /** Writes in the background, whole files only; of several at once, the last one. */
  write({ revision, value, memory }: Cached): void {
    const stored: Stored = { version: 1, revision, value: Buffer.from(value).toString('base64'), memory };
    this.#next = `${JSON.stringify(stored)}\n`;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when everything is written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#next !== undefined) {
      const text = this.#next;
      this.#next = undefined;
      try {
        await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
        await replaceSecretFile(this.path, text);
      } catch (error) {
        this.#failed(
          `${this.path} cannot be written: ${reason(error)}; a start while the store is away would have no keys`,
        );
      }
    }
  }
}

interface Stored {
  readonly version: number;
  readonly revision: number;
  readonly value: string;
  readonly memory: Memory;
}
