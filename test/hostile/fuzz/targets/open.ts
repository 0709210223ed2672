/**
 * `open` and `openBatch` with frames of genuine senders, changed in structure, in bytes and in bits, on four openers:
 *
 *     simd, portable    one by one; they must agree in every byte and every status
 *     batch             the same frames by openBatch, of one engine or the other
 *     twin              sees only what the first has accepted; in the end both must answer everything alike, because a
 *                       refusal changes no state
 */
import { Clock, underClock } from '../clock.js';
import type { Code } from '../code.js';
import { hexOf, mustEqual } from '../invariants.js';
import { Reader } from '../reader.js';
import { changesOf, sweepOf } from './changes.js';
import {
  type Delivery,
  deliveryOf,
  Judge,
  mustAgree,
  type Opener,
  openOne,
  openTogether,
  type Result,
} from './openers.js';
import { anyHeaderOf, boundPart, configOf, type Genuine, payloadOf, Senders, type Setup, setupOf } from './senders.js';
import type { Target } from './target.js';

const MOST_GROUPS = 12;
const MOST_PROBES = 40;
/** Frames of a sweep at a time. */
const SWEEP_GROUP = 16;
/** Long enough to fill the budget. */
const REST_MS = 10_000;
const MAX_CTR = 2n ** 53n - 1n;
const CTRS = [0n, 6n, 254n, 65_534n, 2n ** 24n - 2n, 2n ** 32n - 2n, 2n ** 40n, 2n ** 53n - 66n];

/** The lower 60 bits of KIDs, short and long ones. */
const SESSIONS = [0x0123_4567_89ab_cdefn, 0x0fff_ffff_ffff_ffffn, 0n, 5n, 9n, 0xffffn, 0x8000_0000n];
/** The first session of many. */
const CROWD = 0x0077_0000_0000_0000n;

type Channel = import('../../../../dist/index.js').Channel;

export function openTarget(code: Code): Target {
  const channels = new Map<string, Channel>();
  const senders = new Senders(code);

  function channel(setup: Setup, engine: 'simd' | 'portable'): Channel {
    const name = JSON.stringify([setup, engine]);
    const { framing, bindHeader, rtcp, replayWindow, maxSenders } = setup;
    const options = { framing, bindHeader, rtcp, replayWindow, maxSenders, engine };
    const found = channels.get(name) ?? code.channel.enableEncryption(configOf(setup), options);
    channels.set(name, found);
    return found;
  }

  function run(input: Uint8Array): string {
    const reader = new Reader(input);
    const setup = setupOf(reader);
    const [batchEngine, twinEngine] = [reader.pick(ENGINES), reader.pick(ENGINES)];
    const clock = new Clock();
    return underClock(clock, () => {
      const openers = (['simd', 'portable', batchEngine, twinEngine] as const).map((engine) =>
        channel(setup, engine).createOpener(),
      );
      try {
        return new Scenario(code, setup, senders, openers, reader, clock).run();
      } finally {
        for (const opener of openers) opener.close();
      }
    });
  }

  return { name: 'open', maxBytes: 600, seeds: seeds(), run };
}

const ENGINES = ['simd', 'portable'] as const;

/** In each mode and framing: a short stream, a volley with forged frames in it and a crowd; and a sweep of every bit. */
function seeds(): Uint8Array[] {
  const quiet = new Array(60).fill(0);
  const fates = Array.from({ length: 80 }, (_, i) => (i % 5 === 3 ? 200 : i % 7 === 5 ? 240 : 0));
  const scripts = [quiet, [24, 0, 1, 0, 0, 0, 20, ...fates], [24, 1, 1, 0, 0, 20, ...fates], [0, 0, 0, 31, ...quiet]];
  return [0, 1, 4].flatMap((mode) =>
    [0, 1].flatMap((framing) =>
      [0, 3].flatMap((clear) =>
        scripts.map((script) => Uint8Array.of(mode, framing, 0, 0, 0, 0, 0, clear, 0, 0, 0, ...script)),
      ),
    ),
  );
}

class Scenario {
  readonly #setup: Setup;
  readonly #status: Code['status'];
  readonly #senders: Senders;
  readonly #simd: Opener;
  readonly #portable: Opener;
  readonly #batch: Opener;
  readonly #twin: Opener;
  readonly #reader: Reader;
  readonly #clock: Clock;
  /** The frames of senders by their bound part, and the next counter of each sender. */
  readonly #genuine = new Map<string, Genuine>();
  readonly #next = new Map<bigint, bigint>();
  readonly #judges: { readonly single: Judge; readonly batch: Judge };
  readonly #delivered: Delivery[] = [];
  readonly #outcomes = new Set<number>();
  readonly #tickMs: number;
  #accepted = 0;
  #seen = 0;

  constructor(code: Code, setup: Setup, senders: Senders, openers: Opener[], reader: Reader, clock: Clock) {
    this.#setup = setup;
    this.#status = code.status;
    this.#senders = senders;
    [this.#simd, this.#portable, this.#batch, this.#twin] = openers as [Opener, Opener, Opener, Opener];
    this.#reader = reader;
    this.#clock = clock;
    const judge = () => new Judge(setup, code.status, this.#genuine);
    this.#judges = { single: judge(), batch: judge() };
    this.#tickMs = reader.pick([40, 0, 0.3]);
  }

  run(): string {
    let sweeps = 0;
    for (let groups = 0; groups < MOST_GROUPS && !this.#reader.done; groups++) {
      const kind = this.#reader.below(32);
      if (kind === 31 && sweeps++ === 0) this.#sweep();
      else this.#deliver(kind < 24 ? this.#group() : this.#volley());
    }
    this.#mustBeAsTheTwin();
    return [...this.#outcomes].sort().join();
  }

  #group(): Delivery[] {
    const count = this.#reader.pick([1, 1, 2, 5, 9, 18]);
    return Array.from({ length: count }, () => {
      const origin = this.#frame();
      const bytes = changesOf(origin.bytes, this.#delivered, this.#reader);
      return deliveryOf(bytes, origin, this.#reader);
    });
  }

  /** Every bit, byte or length of one frame changed, one at a time. */
  #sweep(): void {
    const origin = this.#frame();
    const frames = sweepOf(origin.bytes, this.#reader);
    const deliveries = frames.map((bytes) => ({ bytes, spare: 0, room: bytes.length, offset: 0, origin }));
    for (let i = 0; i < deliveries.length; i += SWEEP_GROUP) this.#deliver(deliveries.slice(i, i + SWEEP_GROUP));
  }

  /** A new frame of a sender. */
  #frame(): Genuine {
    const reader = this.#reader;
    const session = reader.pick(SESSIONS);
    const keyId = BigInt(this.#setup.keyId) ^ (reader.below(16) === 15 ? 1n : 0n);
    const kid = (keyId << 60n) | session;
    const next = this.#next.get(kid) ?? 0n;
    const ctr = this.#counter(next);
    if (ctr >= next) this.#next.set(kid, ctr + 1n);
    return this.#seal(kid, ctr, anyHeaderOf(this.#setup, reader), payloadOf(reader));
  }

  #seal(kid: bigint, ctr: bigint, clear: Uint8Array, payload: Uint8Array): Genuine {
    const made = this.#senders.seal(this.#setup, kid, ctr, clear, payload);
    this.#genuine.set(hexOf(boundPart(this.#setup, made.bytes)), made);
    return made;
  }

  /** Many frames at once, of one sender or of as many senders: most as they were, some forged, some twice. */
  #volley(): Delivery[] {
    const reader = this.#reader;
    const crowd = reader.flag();
    const count = reader.pick(crowd ? [20, 70] : [9, 18]);
    const first = (BigInt(this.#setup.keyId) << 60n) | (crowd ? CROWD : reader.pick(SESSIONS));
    const [clear, payload] = [anyHeaderOf(this.#setup, reader), payloadOf(reader)];
    const deliveries: Delivery[] = [];
    for (let i = 0; i < count; i++) {
      const kid = crowd ? first + BigInt(i) : first;
      const ctr = this.#next.get(kid) ?? 0n;
      if (ctr > MAX_CTR) break;
      this.#next.set(kid, ctr + 1n);
      const origin = this.#seal(kid, ctr, clear, payload);
      const fate = reader.byte();
      const bytes = origin.bytes.slice();
      if (fate >= 160) bytes[bytes.length - 1]! ^= 1;
      if (fate >= 224 && i > 0) deliveries.push(deliveries[i - 1]!);
      else deliveries.push({ bytes, origin, spare: 0, room: bytes.length, offset: 0 });
    }
    return deliveries;
  }

  /** The counter of a sender's next frame: in order, late, far ahead, or at one of the edges. */
  #counter(next: bigint): bigint {
    const reader = this.#reader;
    const kind = reader.below(8);
    const far = BigInt(this.#setup.replayWindow);
    let ctr = next;
    if (kind === 4) ctr = next - 1n - BigInt(reader.below(70));
    else if (kind === 5) ctr = next - far + BigInt(reader.below(5)) - 2n;
    else if (kind === 6) ctr = reader.pick(CTRS) + BigInt(reader.below(70));
    else if (kind === 7) ctr = next + BigInt(reader.below(2 * this.#setup.replayWindow));
    if (ctr < 0n) return 0n;
    return ctr > MAX_CTR ? MAX_CTR : ctr;
  }

  #deliver(deliveries: readonly Delivery[]): void {
    const singles = deliveries.map((delivery) => this.#openSingly(delivery));
    // A batch has no clear bytes.
    const { clear } = this.#setup;
    const together =
      clear === 0 ? openTogether(this.#batch, deliveries) : deliveries.map((each) => openOne(this.#batch, each, clear));
    deliveries.forEach((delivery, i) => {
      this.#judges.batch.judge(delivery, together[i]!);
      // In a batch no sender is evicted before its end (FORMAT.md section 6): past maxSenders results may differ.
      if (this.#judges.single.senders > this.#setup.maxSenders) return;
      mustAgree(singles[i]!, together[i]!, delivery, 'openBatch does what open does');
    });
    this.#clock.advance(this.#tickMs);
  }

  #openSingly(delivery: Delivery): Result {
    const result = openOne(this.#simd, delivery, this.#setup.clear);
    mustAgree(result, openOne(this.#portable, delivery, this.#setup.clear), delivery, 'the engines agree on a frame');
    this.#judges.single.judge(delivery, result);
    this.#outcomes.add(Math.min(0, result.status));
    this.#delivered.push(delivery);
    this.#seen++;
    if (result.status < 0) return result;
    this.#accepted++;
    // The twin opens the frames that the first opener opened, apart from the budget, which refusals spend.
    const twin = openOne(this.#twin, delivery, this.#setup.clear);
    mustAgree(result, twin, delivery, 'a refusal changes no state');
    return result;
  }

  /** Delivers all frames again, and a new frame of each sender, to both. */
  #mustBeAsTheTwin(): void {
    const { refused, ...counted } = this.#simd.stats;
    const { refused: _, ...twinCounted } = this.#twin.stats;
    mustEqual(JSON.stringify(counted), JSON.stringify(twinCounted), 'refused frames count as refused alone');
    const refusals = Object.values(refused).reduce((sum, count) => sum + count, 0);
    mustEqual(counted.frames, this.#accepted, 'stats count what was opened');
    mustEqual(refusals, this.#seen - this.#accepted, 'stats count what was refused');
    mustEqual(this.#simd.lastSenderId, this.#twin.lastSenderId, 'a refused frame has no sender');
    mustEqual(
      this.#simd.lastSenderId,
      this.#judges.single.lastSenderId,
      'lastSenderId is that of the last frame opened',
    );
    const probes = [...this.#delivered.slice(-MOST_PROBES), ...this.#freshFrames()];
    for (const probe of probes) {
      this.#clock.advance(REST_MS);
      const result = openOne(this.#simd, probe, this.#setup.clear);
      mustAgree(result, openOne(this.#twin, probe, this.#setup.clear), probe, 'a refusal changes no state');
      if (result.status !== this.#status.BUSY) this.#judges.single.judge(probe, result);
    }
  }

  #freshFrames(): Delivery[] {
    const reader = new Reader(new Uint8Array(0));
    const left = [...this.#next].filter(([, ctr]) => ctr <= MAX_CTR);
    return left.map(([kid, ctr]) => {
      const made = this.#seal(kid, ctr, anyHeaderOf(this.#setup, reader), payloadOf(reader));
      return deliveryOf(made.bytes, made, reader);
    });
  }
}
