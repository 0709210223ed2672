/**
 * How long a new sender waits while made-up KIDs flood the opener (FORMAT.md section 6, "Derivation budget").
 *
 * Tokens come back at 2,048 a second, and a flood of R new KIDs a second takes each as soon as it is there. A frame
 * that comes when it likes finds one with probability p = 2048 / R, and a genuine frame gives it back. So a sender of a
 * frame every T ms sends 1 / p frames until one opens, and waits (R / 2048 - 1) * T on average; below R = 2,048 it does
 * not wait at all.
 */
import { BAD_TAG, enableEncryption, generateKey, generateSalt, type Opener, type Sealer } from 'frameseal';
import { Random } from '../../../src/cli/random.js';

const TOKENS_PER_SECOND = 2048;
const MAX_SENDERS = 1024;
/** Audio: a frame every 20 ms. */
const FRAME_MS = 20;
/** Jitter of the network. Without jitter 20 ms would be 40.96 tokens, and a sender would keep out of step with them. */
const JITTER_MS = 1;
/** New senders that wait at the same time. */
const WAITING = 20;
const PAYLOAD = new Uint8Array(40);

export interface WaitOptions {
  /** Frames a second of made-up KIDs. */
  readonly floodPerSecond: number;
  /** New senders in all. */
  readonly senders: number;
  /** Waits until then; tests move the clock instead. */
  advanceTo(timeMs: number): void;
}

export interface WaitReport {
  /** The flood's actual rate. */
  readonly floodPerSecond: number;
  /** Times from a sender's first frame to its first frame that opened, in milliseconds, ascending. */
  readonly waitsMs: readonly number[];
}

/** The expected waits at the flood's actual rate. */
export function expectedWaitMs(floodPerSecond: number): { readonly mean: number; readonly p99: number } {
  const chance = Math.min(1, TOKENS_PER_SECOND / floodPerSecond);
  if (chance === 1) return { mean: 0, p99: 0 };
  return { mean: (1 / chance - 1) * FRAME_MS, p99: (Math.log(0.01) / Math.log(1 - chance)) * FRAME_MS };
}

class NewSender {
  readonly sealer: Sealer;
  readonly firstMs: number;
  dueMs: number;
  /** Sealed before its time: a token that returns meanwhile would be its own. */
  frame: Uint8Array;

  constructor(sealer: Sealer, dueMs: number) {
    this.sealer = sealer;
    this.firstMs = dueMs;
    this.dueMs = dueMs;
    this.frame = sealer.sealCopy(PAYLOAD);
  }

  tryAgain(jitterMs: number): void {
    this.dueMs += FRAME_MS + jitterMs;
    this.frame = this.sealer.sealCopy(PAYLOAD);
  }
}

export function measureWaits({ floodPerSecond, senders, advanceTo }: WaitOptions): WaitReport {
  const config = {
    encryptionMode: 'AES_128_GCM2',
    encryptionKey: generateKey(),
    encryptionKdfSalt: generateSalt(),
  };
  const members = enableEncryption(config, { framing: 'frame' });
  const opener = enableEncryption(config, { framing: 'frame', maxSenders: MAX_SENDERS }).createOpener();
  const flood = new MadeUp(opener);
  const random = new Random(0x7a17);
  const out = new Uint8Array(PAYLOAD.length);
  // A flood of more than 2,048 a second soon empties the bucket.
  if (floodPerSecond > TOKENS_PER_SECOND) for (let i = 0; i < 2 * MAX_SENDERS && flood.spend(); i++);
  const startMs = performance.now();
  const arrive = (nowMs: number) =>
    new NewSender(members.createSealer(), nowMs + random.below(1000) / (1000 / FRAME_MS));
  const waiting = Array.from({ length: WAITING }, () => arrive(startMs));
  const waitsMs: number[] = [];
  let floodFrames = 0;
  let floodMs = startMs;
  while (waitsMs.length < senders) {
    const i = earliest(waiting);
    const sender = waiting[i]!;
    if (floodMs <= sender.dueMs) {
      advanceTo(floodMs);
      flood.spend();
      floodFrames++;
      floodMs += gapMs(random, floodPerSecond);
      continue;
    }
    advanceTo(sender.dueMs);
    const result = opener.open(sender.frame, out);
    if (result === PAYLOAD.length) {
      waitsMs.push(sender.dueMs - sender.firstMs);
      sender.sealer.close();
      waiting[i] = arrive(sender.dueMs);
    } else {
      sender.tryAgain(JITTER_MS * (random.below(2001) / 1000 - 1));
    }
  }
  const elapsedMs = performance.now() - startMs;
  members.close();
  return { floodPerSecond: (1000 * floodFrames) / elapsedMs, waitsMs: waitsMs.sort((a, b) => a - b) };
}

/** A random gap between independent events, of which `perSecond` come on average: in milliseconds. */
function gapMs(random: Random, perSecond: number): number {
  return (-Math.log1p(-random.share()) * 1000) / perSecond;
}

function earliest(waiting: readonly NewSender[]): number {
  let found = 0;
  for (let i = 1; i < waiting.length; i++) if (waiting[i]!.dueMs < waiting[found]!.dueMs) found = i;
  return found;
}

/** Frames of made-up KIDs, each with a new one. */
class MadeUp {
  readonly #opener: Opener;
  readonly #frame = new Uint8Array(40).fill(0xf0, 0, 1);
  readonly #view = new DataView(this.#frame.buffer);
  readonly #out = new Uint8Array(40);
  #kid = 0x0100_0000;

  constructor(opener: Opener) {
    this.#opener = opener;
  }

  /** Sends one frame. Returns whether the opener derived keys for it. */
  spend(): boolean {
    this.#view.setUint32(1, 0x0777_7777);
    this.#view.setUint32(5, this.#kid++);
    return this.#opener.open(this.#frame, this.#out) === BAD_TAG;
  }
}
