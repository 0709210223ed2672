/**
 * Files that hold keys: read with a limit of size and of time, refused where other users can reach them, and replaced so
 * that either the old or the new content is there, whole, at every moment.
 *
 *     read     open without waiting -> kind -> owner and readers -> at most 1 MiB, or what the caller says, within 5 s
 *     replace  temporary file beside it -> sync -> rename -> sync of the folder
 *
 * Nothing here blocks the main thread. Owner and mode are those of the open file, so that a file that is exchanged
 * between the check and the read is not read.
 */
import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, realpath, rename, unlink } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, note, warn } from './terminal.js';

const MAX_BYTES = 1 << 20;
const READ_LIMIT_MS = 5000;
/** How often a pipe is asked whether its writer has come. */
const PIPE_POLL_MS = 20;
const OWN_MODE = 0o600;
const GROUP_MODE = 0o640;

/**
 * `checked` refuses a file that other users can reach; `private` too, and no option lifts that; `insecure` warns and goes on;
 * `keyless`: no key is in it, and all may read it.
 */
export type FileTrust = 'checked' | 'private' | 'insecure' | 'keyless';

/** The system's codes in words. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'this user has no permission',
  EPERM: 'the system does not permit it',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a directory',
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is not a directory',
  ENXIO: 'it is neither a regular file nor a pipe',
  ELOOP: 'its symbolic links form a loop',
  EEXIST: 'it exists',
  ENOSPC: 'the disk is full',
  EDQUOT: "this user's quota is spent",
  EFBIG: 'the limit for the size of a file is reached',
  EMFILE: 'too many files are open',
  EIO: 'the disk reports an error',
};

/** An error in words: the message of a CliError, or the system's code explained. */
export function reason(error: unknown): string {
  if (error instanceof CliError) return error.message;
  const code = codeOf(error) ?? 'it failed';
  return Object.hasOwn(WORDS, code) ? `${WORDS[code]} (${code})` : code;
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/**
 * The text of a regular file or a pipe: UTF-8, less a byte order mark. Rejects with the system's error, or with a CliError
 * that says what is wrong with the file.
 */
export function readSecretFile(path: string, trust: FileTrust, maxBytes = MAX_BYTES): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
      reject(new CliError(`nothing was read within ${READ_LIMIT_MS / 1000} s`));
    }, READ_LIMIT_MS);
    readWhole(path, { trust, maxBytes, late: late.signal })
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

/** Creates a file that its owner alone can read. Rejects with the system's error, EEXIST for one; no part of a file stays. */
export async function createSecretFile(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', OWN_MODE);
  await writeWhole(file, path, text);
  await syncFolder(path);
}

/**
 * Puts a file in the place of another, or creates it. A symbolic link stays, and its target is replaced. A group that was
 * given to the old file can read the new one; other users cannot. Rejects with the system's error or a CliError; the old file is
 * unchanged then.
 */
export async function replaceSecretFile(path: string, text: string): Promise<void> {
  const target = await targetOf(path);
  if (target === undefined) return createSecretFile(path, text);
  const old = await lstat(target);
  if (old.isDirectory()) throw new CliError(`${WORDS['EISDIR']} (EISDIR)`);
  if (!old.isFile()) throw new CliError('it is not a regular file');
  // In a container a process has the number of the one before, which may have left its file.
  const temporary = `${target}.${randomUUID()}.tmp`;
  const file = await open(temporary, 'wx', OWN_MODE);
  await writeWhole(file, temporary, text, old);
  try {
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary);
    throw error;
  }
  await syncFolder(target);
}

interface Reading {
  readonly trust: FileTrust;
  readonly maxBytes: number;
  readonly late: AbortSignal;
}

async function readWhole(path: string, { trust, maxBytes, late }: Reading): Promise<string> {
  // Without O_NONBLOCK a pipe that has no writer would keep a thread of the pool.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const status = await file.stat();
    if (status.isDirectory()) throw new CliError(`${WORDS['EISDIR']} (EISDIR)`);
    if (!status.isFile() && !status.isFIFO()) throw new CliError('it is neither a regular file nor a pipe');
    checkReach(path, status, trust);
    return decode(await readBytes(file, status.isFIFO(), { maxBytes, late }));
  } finally {
    await file.close();
  }
}

async function readBytes(
  file: FileHandle,
  isPipe: boolean,
  { maxBytes, late }: Pick<Reading, 'maxBytes' | 'late'>,
): Promise<Buffer> {
  const bytes = Buffer.alloc(maxBytes + 1);
  let length = 0;
  for (;;) {
    const count = await readSome(file, bytes, length);
    // A pipe: no writer has opened it yet, or the writer has written nothing yet.
    if (count < 0 || (count === 0 && isPipe && length === 0)) {
      await sleep(PIPE_POLL_MS, undefined, { signal: late });
      continue;
    }
    if (count === 0) return bytes.subarray(0, length);
    length += count;
    if (length > maxBytes) throw new CliError(`it is larger than ${maxBytes >> 20} MiB`);
    if (late.aborted) throw new CliError('it came too late');
  }
}

/** Bytes read; 0 at the end, and -1 where there is nothing yet. */
async function readSome(file: FileHandle, bytes: Buffer, from: number): Promise<number> {
  try {
    return (await file.read(bytes, from, bytes.length - from)).bytesRead;
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return -1;
    throw error;
  }
}

function decode(bytes: Buffer): string {
  const [first, second] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isUtf16) throw new CliError('it is UTF-16: save it as UTF-8');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CliError('it is not UTF-8');
  }
}

/** Who can reach a file: its owner alone; a group on purpose; or more users than anybody meant. */
function reachOf({ uid, gid, mode }: Stats): 'owner' | 'group' | 'others' {
  if ((mode & 0o077) === 0) return 'owner';
  if ((mode & 0o037) !== 0) return 'others';
  // By default files have the user's own group, which is no deliberate choice.
  return uid === process.getuid?.() && gid === process.getgid?.() ? 'others' : 'group';
}

const noted = new Set<string>();

/** Throws a CliError for a file that more users can reach than anybody meant, or that another user but root owns. */
function checkReach(path: string, status: Stats, trust: FileTrust): void {
  const user = process.getuid?.();
  if (user === undefined || trust === 'keyless') return;
  const reach = reachOf(status);
  const isForeign = status.isFile() && status.uid !== user && status.uid !== 0;
  if (isForeign)
    distrust(`it belongs to another user (uid ${status.uid}; this is uid ${user})`, `chown ${user} ${path}`);
  if (reach === 'others') {
    const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
    distrust(`other users can reach the key in it (mode ${mode})`, `chmod 600 ${path}`);
  }
  if (reach === 'group' && !isCredential(path) && !noted.has(path))
    note(`the group ${status.gid} can read the key in ${path} as well`);
  noted.add(path);

  function distrust(what: string, remedy: string): void {
    if (trust === 'private') throw new CliError(`${what}: ${remedy}`);
    if (trust === 'checked') throw new CliError(`${what}: ${remedy}, or go on with --insecure-config`);
    if (!noted.has(path)) warn(`${path}: ${what}; --insecure-config goes on`);
  }
}

/** systemd shows the access of a unit's user to a credential as access of a group. */
function isCredential(path: string): boolean {
  const folder = process.env['CREDENTIALS_DIRECTORY'];
  return folder !== undefined && resolve(path).startsWith(folder + sep);
}

/** The file that a path leads to; undefined where there is none yet. Throws where a link leads nowhere. */
async function targetOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const link = await lstat(path).catch(() => undefined);
  if (link !== undefined) throw new CliError('it is a symbolic link to a file that does not exist (ENOENT)');
  return undefined;
}

/** Writes, syncs and closes a new file, with owner and group of `old`; removes it where that fails. */
async function writeWhole(file: FileHandle, path: string, text: string, old?: Stats): Promise<void> {
  try {
    await file.writeFile(text);
    if (old !== undefined && (await takesOwner(file, old)) && reachOf(old) === 'group') await file.chmod(GROUP_MODE);
    await file.sync();
  } catch (error) {
    await unlink(path);
    throw error;
  } finally {
    await file.close();
  }
}

/** Gives a file the owner and group of another. Users but root may give away a group at most. */
async function takesOwner(file: FileHandle, { uid, gid }: Stats): Promise<boolean> {
  try {
    await file.chown(uid, gid);
    return true;
  } catch {
    return false;
  }
}

/** Makes a new name last. Not every file system can. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
  } catch {
    // The content is synced; the name comes with the next write of the folder.
  }
}
