/**
 * Writing without waiting. Node writes to terminals and files synchronously: Ctrl-S, a stalled ssh session or a slow disk
 * would stop media. An outlet takes text at once or drops it, whole, and tells later how much was dropped.
 *
 *     terminal       opened anew with O_NONBLOCK, for this process alone; the system says when it takes no more
 *     pipe, socket   asynchronous in Node already
 *     file           written by the pool's threads
 */
import { constants, createWriteStream, fstatSync, openSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const MAX_PENDING = 256 << 10;
const RETRY_MS = 50;
const END_LIMIT_MS = 1000;
const END_POLL_MS = 10;

export interface Outlet {
  /** False where the text was dropped, because too much of what came before waits. */
  write(text: string): boolean;
  /** About how much waits; 0: all is written. */
  readonly pending: number;
}

/** An outlet over stdout or stderr. `lost`: called where the system takes no more, unless the stream itself reports that. */
export function openOutlet(descriptor: 1 | 2, lost?: (error: Error) => void): Outlet {
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  const terminal = stream.isTTY ? reopen(descriptor) : undefined;
  if (terminal !== undefined) return new TerminalOutlet(terminal);
  return isAsynchronous(descriptor) ? new StreamOutlet(stream) : new StreamOutlet(poolWriter(descriptor), lost);
}

/** Waits until an outlet has written everything, one second at most. */
export async function drained(outlet: Outlet): Promise<void> {
  const deadline = performance.now() + END_LIMIT_MS;
  while (outlet.pending > 0 && performance.now() < deadline) await sleep(END_POLL_MS);
}

/** A terminal: descriptor of a file description of its own, with O_NONBLOCK. */
export class TerminalOutlet implements Outlet {
  readonly #descriptor: number;
  #waiting: Buffer = Buffer.alloc(0);
  #isLost = false;
  #isRetrying = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  get pending(): number {
    return this.#waiting.length;
  }

  write(text: string): boolean {
    if (this.#isLost || this.#waiting.length + text.length > MAX_PENDING) return false;
    this.#waiting = Buffer.concat([this.#waiting, Buffer.from(text)]);
    if (!this.#isRetrying) this.#flush();
    return true;
  }

  /** Writes what the terminal takes. The rest waits, since half an escape sequence would spoil the screen. */
  #flush(): void {
    try {
      while (this.#waiting.length > 0)
        this.#waiting = this.#waiting.subarray(writeSync(this.#descriptor, this.#waiting));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        // The terminal is gone; media goes on.
        this.#isLost = true;
        this.#waiting = Buffer.alloc(0);
      }
    }
    this.#isRetrying = this.#waiting.length > 0;
    if (this.#isRetrying) setTimeout(() => this.#flush(), RETRY_MS).unref();
  }
}

class StreamOutlet implements Outlet {
  readonly #stream: Writable;
  /** The stream's own, also where another one replaces it later. */
  readonly #write: Writable['write'];
  #isLost = false;

  constructor(stream: Writable, lost?: (error: Error) => void) {
    this.#stream = stream;
    this.#write = stream.write.bind(stream);
    stream.on('error', (error) => {
      this.#isLost = true;
      lost?.(error);
    });
  }

  get pending(): number {
    return this.#isLost ? 0 : this.#stream.writableLength;
  }

  write(text: string): boolean {
    if (this.#isLost || this.#stream.writableLength + text.length > MAX_PENDING) return false;
    this.#write(text);
    return true;
  }
}

/** The same terminal under a descriptor of its own; undefined where the system does not permit that. */
function reopen(descriptor: number): number | undefined {
  for (const path of [`/proc/self/fd/${descriptor}`, '/dev/tty']) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      // Another user's terminal, after su; or a system without /proc.
    }
  }
  return undefined;
}

function isAsynchronous(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor);
    return status.isFIFO() || status.isSocket();
  } catch {
    return false;
  }
}

function poolWriter(descriptor: number): Writable {
  return createWriteStream('', { fd: descriptor, autoClose: false });
}
