/**
 * The queue of datagrams to the system. `send` is asynchronous: a buffer is busy until the callback runs, so each
 * datagram has a record until then. Records and buffers are used again.
 */
import type dgram from 'node:dgram';
import type { BufferPool } from './gather.js';

/** Most datagrams in the queue: a slow path costs packets, not memory. */
const MAX_PENDING = 1024;

export interface OutboxHooks {
  /** Called for each datagram that is dropped because the queue is full. */
  overrun(): void;
  /** Called for each datagram that the system does not take. */
  failed(error: NodeJS.ErrnoException): void;
}

export class Outbox {
  readonly #pool: BufferPool;
  readonly #hooks: OutboxHooks;
  readonly #records: Departure[] = [];
  #pending = 0;
  #packets = 0;
  #bytes = 0;
  #errors = 0;
  #overruns = 0;

  constructor(pool: BufferPool, hooks: OutboxHooks) {
    this.#pool = pool;
    this.#hooks = hooks;
  }

  /** Datagrams that the system has not taken yet. */
  get pending(): number {
    return this.#pending;
  }

  get sent(): { readonly packets: number; readonly bytes: number } {
    return { packets: this.#packets, bytes: this.#bytes };
  }

  get errors(): number {
    return this.#errors;
  }

  get overruns(): number {
    return this.#overruns;
  }

  /** Sends buffer[0, length). The caller must not write to `buffer` after that. */
  send(socket: dgram.Socket, buffer: Uint8Array, length: number): void {
    if (this.#hasRoom()) this.#enqueue(socket, buffer, length, undefined);
  }

  /** Sends buffer[0, length), and gives `buffer` back to the pool when the system has taken it. */
  sendPooled(socket: dgram.Socket, buffer: Uint8Array, length: number): void {
    if (this.#hasRoom()) this.#enqueue(socket, buffer, length, buffer);
    else this.#pool.give(buffer);
  }

  #hasRoom(): boolean {
    if (this.#pending < MAX_PENDING) return true;
    this.#overruns++;
    this.#hooks.overrun();
    return false;
  }

  #enqueue(socket: dgram.Socket, buffer: Uint8Array, length: number, pooled: Uint8Array | undefined): void {
    this.#pending++;
    const record = this.#records.pop() ?? new Departure(this.#done);
    record.length = length;
    record.pooled = pooled;
    socket.send(buffer, 0, length, record.taken);
  }

  readonly #done = (record: Departure, error: Error | null): void => {
    this.#pending--;
    if (record.pooled !== undefined) this.#pool.give(record.pooled);
    record.pooled = undefined;
    if (error) {
      this.#errors++;
      this.#hooks.failed(error);
    } else {
      this.#packets++;
      this.#bytes += record.length;
    }
    this.#records.push(record);
  };
}

/** The record of a datagram until the system has taken it. */
class Departure {
  length = 0;
  /** The pool's buffer under the datagram, if there is one. */
  pooled: Uint8Array | undefined;
  /** The callback of `send`, made once. */
  readonly taken: (error: Error | null) => void;

  constructor(done: (record: Departure, error: Error | null) => void) {
    this.taken = (error) => done(this, error);
  }
}
