/** The store's files, searched for every key and salt that there was: as text, and as bytes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './world.mjs';

const PIECE_BYTES = 16;

/** Searches all files of the folders. */
export function searchForKeys(folders, secrets, what) {
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name)),
  );
  const contents = files.map((file) => readFileSync(file));
  const has = (bytes) => contents.some((content) => content.includes(bytes));
  const found = [...secrets].filter((secret) => {
    const raw = /^[0-9a-f]{64}$/.test(secret) ? Buffer.from(secret, 'hex') : Buffer.from(secret, 'base64');
    const base64 = raw.toString('base64').slice(0, 2 * PIECE_BYTES);
    return [
      secret.slice(0, PIECE_BYTES),
      raw.subarray(0, PIECE_BYTES),
      base64,
      raw.toString('hex').slice(0, PIECE_BYTES),
    ].some(has);
  });
  const bytes = contents.reduce((sum, content) => sum + content.length, 0);
  must(
    has('-> X25519') || has(Buffer.from('-> X25519').toString('base64').slice(0, 10)),
    `${what}: the search finds the encrypted keysets`,
  );
  must(found.length === 0, `${what}: ${files.length} files, ${bytes} bytes: none of ${secrets.size} keys and salts`);
}
