/**
 * Watches key files: a write, an editor's rename, and a swap of a symbolic link in the path (a Kubernetes secret) all end
 * in a changed file behind the name. Folders are watched, since a file that is replaced is another file.
 */
import { type FSWatcher, watch } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writers write in pieces. */
const SETTLE_MS = 200;
/** Where the system tells nothing (network file systems), files are looked at. */
const POLL_MS = 10_000;

export class FileWatch {
  readonly #changed: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #files: readonly string[] = [];
  #seen = new Map<string, string>();
  #settle: NodeJS.Timeout | undefined;
  readonly #poll: NodeJS.Timeout;

  /** `changed`: called after a change, once for several that come together. */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.#poll = setInterval(() => void this.#look(), POLL_MS);
    this.#poll.unref();
  }

  /** Watches these files from now on. */
  async set(files: readonly string[]): Promise<void> {
    this.#files = files;
    const folders = new Set(files.map(dirname));
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#watch(folder);
    this.#seen = await this.#marks();
  }

  close(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    for (const watcher of this.#watchers.values()) watcher.close();
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#soon());
      watcher.on('error', () => watcher.close());
      this.#watchers.set(folder, watcher);
    } catch {
      // The folder is gone, or the system's watches are spent: the poll is left.
    }
  }

  #soon(): void {
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => void this.#look(), SETTLE_MS);
    this.#settle.unref();
  }

  async #look(): Promise<void> {
    if (this.#files.length === 0) return;
    const marks = await this.#marks();
    const hasChanged = this.#files.some((file) => marks.get(file) !== this.#seen.get(file));
    this.#seen = marks;
    if (hasChanged) this.#changed();
  }

  /** What tells one content of each file from another; empty where there is no file now. */
  async #marks(): Promise<Map<string, string>> {
    const marks = this.#files.map(async (file): Promise<[string, string]> => {
      try {
        const { ino, size, mtimeMs, ctimeMs } = await stat(file);
        return [file, [await realpath(file), ino, size, mtimeMs, ctimeMs].join(' ')];
      } catch {
        return [file, ''];
      }
    });
    return new Map(await Promise.all(marks));
  }
}
