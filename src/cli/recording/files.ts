/**
 * A recording from one file to another: read ahead, written as it comes, with constant memory. OUT appears whole or not at all: a
 * temporary file beside it is renamed at the end, and removed where the work fails or is interrupted.
 */
import { constants, rmSync } from 'node:fs';
import { type FileHandle, open, realpath, rename, stat } from 'node:fs/promises';
import { RecordingError, type RecordingRewriter } from 'frameseal/recording';
import { bar, CliError, number, StatusLine } from '../terminal.js';

const CHUNK_BYTES = 262_144;
const STANDARD = '-';
const PROGRESS_AFTER_MS = 1000;
const PROGRESS_EVERY_MS = 100;
const BAR_COLUMNS = 32;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Paths {
  readonly from: string;
  readonly to: string;
  /** Whether a file `to` is overwritten. */
  readonly force: boolean;
}

/** Sends a recording through the rewriter. Returns the bytes of a last record that was cut short. Throws CliError. */
export async function rewriteFile(rewriter: RecordingRewriter, { from, to, force }: Paths): Promise<number> {
  const source = await openSource(from);
  try {
    const sink = to === STANDARD ? standardSink() : await openSink(to, force);
    try {
      await copy(rewriter, source, sink);
      const left = rewriter.end();
      await sink.finish();
      return left;
    } catch (error) {
      await sink.abandon();
      if (error instanceof RecordingError) throw new CliError(`${nameOf(from)}: ${error.message}`, 1);
      throw error;
    }
  } finally {
    await source.close();
  }
}

async function copy(rewriter: RecordingRewriter, source: Source, sink: Sink): Promise<void> {
  const progress = new Progress(source.bytes);
  let writing = Promise.resolve();
  try {
    for await (const chunk of source.chunks) {
      for (const part of rewriter.push(chunk)) {
        await writing;
        writing = sink.write(part);
        // A failure shows where it is awaited: before the next part.
        writing.catch(() => {});
      }
      progress.add(chunk.length);
    }
    await writing;
  } finally {
    progress.clear();
  }
}

interface Source {
  /** Of a file whose length is known. */
  readonly bytes: number | undefined;
  /** A chunk is valid until the next is asked for. */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

async function openSource(path: string): Promise<Source> {
  if (path === STANDARD) {
    return { bytes: undefined, chunks: process.stdin, close: async () => void process.stdin.destroy() };
  }
  try {
    const handle = await open(path, 'r');
    const status = await handle.stat();
    if (status.isDirectory()) throw Object.assign(new Error('a directory'), { code: 'EISDIR' });
    const bytes = status.isFile() ? status.size : undefined;
    return { bytes, chunks: chunksOf(handle, path), close: () => handle.close() };
  } catch (error) {
    throw new CliError(`cannot read ${path}: ${codeOf(error)}`);
  }
}

/** Reads one chunk ahead. */
async function* chunksOf(handle: FileHandle, path: string): AsyncGenerator<Uint8Array> {
  let [current, next] = [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)];
  const read = (buffer: Buffer) =>
    handle.read(buffer, 0, CHUNK_BYTES).then(
      ({ bytesRead }) => bytesRead,
      (error) => new CliError(`cannot read ${path}: ${codeOf(error)}`, 1),
    );
  for (let reading = read(current); ; ) {
    const bytes = await reading;
    if (bytes instanceof CliError) throw bytes;
    if (bytes === 0) return;
    reading = read(next);
    yield current.subarray(0, bytes);
    [current, next] = [next, current];
  }
}

interface Sink {
  write(part: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  abandon(): Promise<void>;
}

function standardSink(): Sink {
  if (process.stdout.isTTY) throw new CliError('a recording is not for a terminal: redirect stdout, or name a file');
  const write = (part: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      process.stdout.write(part, (error) => (error ? reject(new CliError('cannot write to stdout', 1)) : resolve()));
    });
  return { write, finish: async () => {}, abandon: async () => {} };
}

async function openSink(path: string, force: boolean): Promise<Sink> {
  const existing = await stat(path).catch(() => undefined);
  const isSpecial = existing !== undefined && !existing.isFile();
  if (existing?.isFile() && !force) throw new CliError(`${path} exists: choose another name, or give --force`);
  // A device or a pipe is written to, and never replaced. The pipes behind /dev/fd have no other path.
  const target = existing?.isFile() ? await realpath(path) : path;
  const temporary = isSpecial ? target : `${target}.${process.pid}.tmp`;
  let handle: FileHandle;
  // Before the file is there: a signal may come at once.
  const keeper = isSpecial ? undefined : new TemporaryFile(temporary);
  try {
    // What was opened is for its owner alone. Of a pipe only the writing end is held: it waits for a reader, and fails where
    // the reader ends.
    handle = isSpecial ? await open(target, constants.O_WRONLY) : await open(temporary, 'wx', 0o600);
  } catch (error) {
    keeper?.release();
    throw new CliError(`cannot write ${path}: ${codeOf(error)}`);
  }
  const failed = (error: unknown): never => {
    throw new CliError(`cannot write ${path}: ${codeOf(error)}`, 1);
  };
  return {
    async write(part) {
      for (let at = 0; at < part.length; ) at += (await handle.write(part, at).catch(failed)).bytesWritten;
    },
    async finish() {
      await handle.close().catch(failed);
      if (!isSpecial) await rename(temporary, target).catch(failed);
      keeper?.release();
    },
    async abandon() {
      await handle.close().catch(() => {});
      keeper?.remove();
    },
  };
}

/** A file that is removed when the process ends or is interrupted, unless it was released before. */
class TemporaryFile {
  readonly #path: string;
  readonly #onExit = () => rmSync(this.#path, { force: true });
  readonly #onSignal = (signal: (typeof SIGNALS)[number]) => {
    this.remove();
    // process.exit would wait for a read of a pipe that has no data.
    process.kill(process.pid, signal);
  };

  constructor(path: string) {
    this.#path = path;
    process.on('exit', this.#onExit);
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  release(): void {
    process.off('exit', this.#onExit);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  remove(): void {
    this.#onExit();
    this.release();
  }
}

/** A bar for work that takes longer than a second. */
class Progress {
  readonly #line = new StatusLine();
  readonly #total: number | undefined;
  readonly #startMs = performance.now();
  #nextMs = this.#startMs + PROGRESS_AFTER_MS;
  #done = 0;

  constructor(total: number | undefined) {
    this.#total = total;
  }

  add(bytes: number): void {
    this.#done += bytes;
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + PROGRESS_EVERY_MS;
    const megabytes = `${number(this.#done / 1e6)} MB, ${number(this.#done / 1000 / (nowMs - this.#startMs))} MB/s`;
    const share = this.#total === undefined ? '' : `[${bar(this.#done / this.#total, BAR_COLUMNS)}] `;
    this.#line.show(`${share}${megabytes}`);
  }

  clear(): void {
    this.#line.clear();
  }
}

function nameOf(path: string): string {
  return path === STANDARD ? 'stdin' : path;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
