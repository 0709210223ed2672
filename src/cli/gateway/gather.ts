/**
 * Batches from packets, and the buffers that batches are written to.
 *
 * A turn of the event loop reads the datagrams that are there, up to 32 of a socket, and then runs the callbacks of
 * `setImmediate`. Under load the packets of one turn are gathered into batches, in order. Packets that arrive one at a
 * time are flushed at once, because the end of a turn is later than the packet's own flush.
 */

/** Most packets of a batch: larger batches gain little, and the first packet waits for the last. */
export const MAX_BATCH = 8;
/** A turn with this many packets switches gathering on for the next turn, a turn with fewer switches it off. */
const GATHER_FROM = 4;
/** While packets are not gathered, one turn is counted in every COUNT_EVERY packets. */
const COUNT_EVERY = 16;
/** Fills the places of a batch that hold no packet. */
export const NO_PACKET: Buffer = Buffer.alloc(0);

/** Gathers packets, and flushes them as batches. */
export class Gatherer {
  readonly #handle: (packets: Buffer[], count: number) => void;
  readonly #packets: Buffer[] = Array.from({ length: MAX_BATCH }, () => NO_PACKET);
  #count = 0;
  #gathers = false;
  #awaitsEndOfTurn = false;
  /** Packets of the turn whose end is awaited. */
  #inTurn = 0;
  #untilCount = COUNT_EVERY;

  /** `handle`: takes packets[0, count), in the order of their arrival; the array is used again after the call. */
  constructor(handle: (packets: Buffer[], count: number) => void) {
    this.#handle = handle;
  }

  /** Adds a packet; flushes at once, or when the batch is full or the turn ends. */
  add(packet: Buffer): void {
    this.#packets[this.#count++] = packet;
    if (!this.#gathers || this.#count === MAX_BATCH) this.flush();
    if (this.#awaitsEndOfTurn) {
      this.#inTurn++;
    } else if (this.#gathers || --this.#untilCount === 0) {
      this.#awaitsEndOfTurn = true;
      this.#inTurn = 1;
      setImmediate(this.#endTurn);
    }
  }

  /** Hands over the packets that were gathered so far. */
  flush(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    this.#handle(this.#packets, count);
    this.#packets.fill(NO_PACKET, 0, count);
  }

  readonly #endTurn = (): void => {
    this.#awaitsEndOfTurn = false;
    this.flush();
    this.#gathers = this.#inTurn >= GATHER_FROM;
    this.#untilCount = COUNT_EVERY;
  };
}

/** Room for a packet of the usual MTU with the overhead of sealing. */
const USUAL_BYTES = 2048;

/** Buffers for datagrams that are sent: a buffer is busy until the system has taken the datagram, then it is used again. */
export class BufferPool {
  readonly #free: Uint8Array[] = [];

  /** A buffer of at least `bytes` bytes. */
  take(bytes: number): Uint8Array {
    if (bytes > USUAL_BYTES) return new Uint8Array(bytes);
    return this.#free.pop() ?? new Uint8Array(USUAL_BYTES);
  }

  /** Gives back a buffer of `take`. */
  give(buffer: Uint8Array): void {
    if (buffer.length === USUAL_BYTES) this.#free.push(buffer);
  }
}
