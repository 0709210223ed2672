/**
 * Floods against one opener: the frames that a sender without a key can send, at full speed. Between the hostile
 * frames good senders go on. Each of their frames must open, and memory must not have grown at the end.
 *
 *     made-up KIDs      a new KID in each: costs a derivation, or BUSY
 *     replays           everything that the good senders have sent
 *     forgeries         frames of the good senders with counters to come, near and far
 *     recordings        of more senders than it keeps, played twice: genuine, and new to this opener
 *     all of these      in turns, against one opener
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import {
  type Channel,
  describe,
  enableEncryption,
  generateKey,
  generateSalt,
  type Opener,
  type Sealer,
} from 'frameseal';
import { Random } from '../../../src/cli/random.js';
import { readName } from '../ledger.js';
import { MemoryWatch } from './memory.js';

export const FLOODS = ['made-up KIDs', 'replays', 'forgeries', 'recordings', 'all of these'] as const;
export type FloodName = (typeof FLOODS)[number];

export interface FloodOptions {
  readonly frames: number;
  /** Senders that the opener keeps; recordings have eight times as many. */
  readonly maxSenders: number;
  readonly engine?: 'simd' | 'portable';
  /** Called before each hostile frame: tests move the clock there. */
  tick?(): void;
  onProgress?(frames: number): void;
}

export interface FloodReport {
  /** Hostile frames by result. */
  readonly hostile: ReadonlyMap<string, number>;
  /** Genuine frames of recordings, each of which may open once. */
  readonly recorded: number;
  readonly good: { readonly sent: number; readonly opened: number; readonly timesNs: RecordableHistogram };
  /** Times of good frames without a flood. */
  readonly calmNs: RecordableHistogram;
  readonly senders: number;
  readonly memory: MemoryWatch;
  readonly elapsedMs: number;
}

const GOOD_SENDERS = 16;
/** Hostile frames between two good ones. */
const GOOD_EVERY = 50;
const PAYLOAD = new Uint8Array(160);
const STRIDE = 192;
const RECORDED_PAYLOAD = new Uint8Array(8);
const RECORDED_STRIDE = 40;
const MEMORY_SAMPLES = 6;
const MOST_STATUSES = 32;
/** After the config byte and a KID of 8 bytes. */
const KID_END = 9;
const FRAME = { framing: 'frame' } as const;

/** Frames one after the other in one array. */
class Recording {
  count = 0;
  readonly #bytes: Uint8Array;
  readonly #stride: number;
  readonly #lengths: Uint8Array;

  constructor(capacity: number, stride: number) {
    this.#bytes = new Uint8Array(capacity * stride);
    this.#lengths = new Uint8Array(capacity);
    this.#stride = stride;
  }

  /** Where the frame of this number begins, with room for any. */
  room(index: number): Uint8Array {
    return this.#bytes.subarray(index * this.#stride, (index + 1) * this.#stride);
  }

  set(index: number, length: number): void {
    this.#lengths[index] = length;
    this.count = Math.max(this.count, index + 1);
  }

  frame(index: number): Uint8Array {
    return this.room(index).subarray(0, this.#lengths[index]);
  }
}

class Flood {
  readonly #options: FloodOptions;
  readonly #random = new Random(0x5eed);
  readonly #members: Channel;
  readonly #sealers: Sealer[];
  readonly #channel: Channel;
  readonly #opener: Opener;
  /** The frames of the good senders. */
  readonly #sent: Recording;
  readonly #recorded: Recording;
  readonly #noise = new Uint8Array(60).fill(0xa5);
  readonly #forged = new Uint8Array(STRIDE);
  readonly #out = new Uint8Array(STRIDE);
  #good = newGood();
  #played = 0;

  constructor(name: FloodName, options: FloodOptions) {
    this.#options = options;
    const { frames, maxSenders, engine = 'simd' } = options;
    const config = {
      encryptionMode: 'AES_128_GCM2',
      encryptionKey: generateKey(),
      encryptionKdfSalt: generateSalt(),
    };
    this.#members = enableEncryption(config, { ...FRAME, engine });
    this.#sealers = Array.from({ length: GOOD_SENDERS }, () => this.#members.createSealer());
    this.#channel = enableEncryption(config, { ...FRAME, maxSenders, engine });
    this.#opener = this.#channel.createOpener();
    this.#sent = new Recording(2 * GOOD_SENDERS + Math.ceil((frames * 1.5) / GOOD_EVERY), STRIDE);
    const isPlayed = name === 'recordings' || name === 'all of these';
    this.#recorded = this.#record(isPlayed ? Math.floor(frames / 2) : 0, 8 * maxSenders);
  }

  run(name: FloodName): FloodReport {
    const { frames, tick, onProgress } = this.#options;
    const statuses = new Float64Array(MOST_STATUSES);
    // All senders are known, and code is compiled, before frames are counted.
    const calm = Math.max(2 * GOOD_SENDERS, Math.floor(frames / GOOD_EVERY / 2));
    for (let i = 0; i < calm; i++) this.#sendGood();
    const calmNs = this.#good.timesNs;
    this.#good = newGood();
    const memory = new MemoryWatch();
    const startMs = performance.now();
    for (let i = 0; i < frames; i++) {
      tick?.();
      const result = this.#opener.open(this.#next(name, i), this.#out);
      statuses[Math.max(0, -result)]!++;
      if (i % GOOD_EVERY === 0) this.#sendGood();
      if (i % Math.ceil(frames / MEMORY_SAMPLES) === 0) memory.sample();
      onProgress?.(i);
    }
    const elapsedMs = performance.now() - startMs;
    memory.sample();
    const { senders } = this.#opener.stats;
    this.#members.close();
    this.#channel.close();
    const hostile = byName(statuses);
    return { hostile, recorded: this.#recorded.count, good: this.#good, calmNs, senders, memory, elapsedMs };
  }

  #sendGood(): void {
    const index = this.#sent.count;
    const sealed = this.#sent.room(index);
    const length = this.#sealers[index % GOOD_SENDERS]!.seal(PAYLOAD, sealed);
    this.#sent.set(index, length);
    this.#good.sent++;
    const startNs = process.hrtime.bigint();
    const result = this.#opener.open(sealed, this.#out, length);
    this.#good.timesNs.record(process.hrtime.bigint() - startNs);
    if (result === PAYLOAD.length) this.#good.opened++;
  }

  #next(name: FloodName, index: number): Uint8Array {
    if (name === 'made-up KIDs') return this.#madeUp();
    if (name === 'replays') return this.#sent.frame(this.#random.below(this.#sent.count));
    if (name === 'forgeries') return this.#forgery();
    if (name === 'recordings') return this.#recorded.frame(this.#played++ % this.#recorded.count);
    return this.#next(FLOODS[index % 4]!, index);
  }

  /** A KID of 8 bytes under the live keyId, of no sender. */
  #madeUp(): Uint8Array {
    const noise = this.#noise;
    noise[0] = 0xf0 | this.#random.below(8);
    noise[1] = 1 + this.#random.below(15);
    for (let i = 2; i < 9; i++) noise[i] = this.#random.below(256);
    return noise;
  }

  /** The newest frame of a good sender, under a counter that it has not reached. */
  #forgery(): Uint8Array {
    const newest = this.#sent.frame(this.#sent.count - 1 - this.#random.below(GOOD_SENDERS));
    const { ctr, end } = readName(newest);
    const forged = this.#forged;
    forged.set(newest.subarray(0, KID_END));
    const to = writeCtr(forged, ctr + 1 + this.#random.below(2 ** this.#random.below(31)));
    forged.set(newest.subarray(end), to);
    return forged.subarray(0, to + newest.length - end);
  }

  /** Frames of `senders` senders, in turns: when a sender's next frame is played, the sender has been evicted. */
  #record(frames: number, senders: number): Recording {
    const recording = new Recording(frames, RECORDED_STRIDE);
    for (let sender = 0; sender < senders; sender++) {
      const sealer = this.#members.createSealer();
      for (let i = sender; i < frames; i += senders) {
        recording.set(i, sealer.seal(RECORDED_PAYLOAD, recording.room(i)));
      }
      sealer.close();
    }
    return recording;
  }
}

function newGood() {
  return { sent: 0, opened: 0, timesNs: createHistogram() };
}

function byName(statuses: Float64Array): Map<string, number> {
  const names = new Map<string, number>();
  for (const [i, count] of statuses.entries()) {
    if (count > 0) names.set(i === 0 ? 'opened' : describe(-i).split(':')[0]!, count);
  }
  return names;
}

/** Writes a CTR below 2^32 after a KID of 8 bytes; returns where it ends. (FORMAT.md section 4) */
function writeCtr(frame: Uint8Array, ctr: number): number {
  const digits = ctr.toString(16);
  const hex = ctr < 8 ? '' : digits.padStart(digits.length + (digits.length % 2), '0');
  const bytes = Buffer.from(hex, 'hex');
  frame[0] = 0xf0 | (bytes.length === 0 ? ctr : 7 + bytes.length);
  frame.set(bytes, KID_END);
  return KID_END + bytes.length;
}

export function runFlood(name: FloodName, options: FloodOptions): FloodReport {
  return new Flood(name, options).run(name);
}
