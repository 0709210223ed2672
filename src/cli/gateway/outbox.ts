/**
 * The queue of datagrams to the system. `send` is asynchronous: a buffer is busy until the callback runs, so each
 * datagram has a record until then. Records and buffers are used again.
 */
import type dgram from 'node:dgram';
import type { BufferPool } from './gather.js';

/** Most datagrams in the queue: a slow path costs packets, not memory. */
const MAX_PENDING = 1024;

/** Where datagrams go. Both fields of the address may change between datagrams. */
export interface Target {
  readonly socket: dgram.Socket;
  /** Undefined: the socket is connected. */
  address: string | undefined;
  port: number;
}

export interface OutboxHooks {
  /** Called for each datagram that the system has taken. */
  sent(bytes: number, isRtcp: boolean): void;
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

  constructor(pool: BufferPool, hooks: OutboxHooks) {
    this.#pool = pool;
    this.#hooks = hooks;
  }

  /** Datagrams that the system has not taken yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Sends buffer[0, length). The caller must not write to `buffer` after that. */
  send(target: Target, buffer: Uint8Array, length: number, isRtcp: boolean): void {
    if (this.#hasRoom()) this.#enqueue(target, buffer, length, isRtcp, undefined);
  }

  /** Sends buffer[0, length), and gives `buffer` back to the pool when the system has taken it. */
  sendPooled(target: Target, buffer: Uint8Array, length: number, isRtcp: boolean): void {
    if (this.#hasRoom()) this.#enqueue(target, buffer, length, isRtcp, buffer);
    else this.#pool.give(buffer);
  }

  #hasRoom(): boolean {
    if (this.#pending < MAX_PENDING) return true;
    this.#hooks.overrun();
    return false;
  }

  #enqueue(target: Target, buffer: Uint8Array, length: number, isRtcp: boolean, pooled: Uint8Array | undefined): void {
    this.#pending++;
    const record = this.#records.pop() ?? new Departure(this.#done);
    record.length = length;
    record.isRtcp = isRtcp;
    record.pooled = pooled;
    try {
      if (target.address === undefined) target.socket.send(buffer, 0, length, record.taken);
      else target.socket.send(buffer, 0, length, target.port, target.address, record.taken);
    } catch (error) {
      // A socket that is closed while a packet is on its way to it.
      this.#done(record, error as Error);
    }
  }

  readonly #done = (record: Departure, error: Error | null): void => {
    this.#pending--;
    if (record.pooled !== undefined) this.#pool.give(record.pooled);
    record.pooled = undefined;
    if (error) this.#hooks.failed(error);
    else this.#hooks.sent(record.length, record.isRtcp);
    this.#records.push(record);
  };
}

/** The record of a datagram until the system has taken it. */
class Departure {
  length = 0;
  isRtcp = false;
  /** The pool's buffer under the datagram, if there is one. */
  pooled: Uint8Array | undefined;
  /** The callback of `send`, made once. */
  readonly taken: (error: Error | null) => void;

  constructor(done: (record: Departure, error: Error | null) => void) {
    this.taken = (error) => done(this, error);
  }
}
