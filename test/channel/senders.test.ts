/** An opener's senders: eviction, the derivation budget, and floods (FORMAT.md section 6). */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { enableEncryptionWith } from '../../src/channel/channel.js';
import type { LiveKey } from '../../src/channel/keyring.js';
import type { Opener } from '../../src/channel/opener.js';
import { SenderTable } from '../../src/channel/senders.js';
import type { Engine } from '../../src/engine/engine.js';
import type { EngineChoice } from '../../src/engine/pick.js';
import { BAD_TAG, BUSY, REPLAYED, TOO_OLD } from '../../src/status.js';
import { concat } from '../support/arrays.js';
import { bytes, config, countedSessions, KID, kidText } from '../support/channel.js';
import { ENGINES, mistyped } from '../support/engines.js';
import { writeSframeHeader } from '../support/sframe.js';

const WINDOW = 64;
const SENDERS = 12;
const FRAMES = 200;
/** Milliseconds in which one token comes back; exact in binary, as is any count of them. */
const TOKEN_MS = 1000 / 2048;
const SETTINGS = config('AES_128_GCM2');
const PAYLOAD = bytes(8);
const OPENED = PAYLOAD.length;

const out = new Uint8Array(100);

/** frames[s][n]: the frame of sender s with CTR n. */
function sealFrames(senders: number, count: number): Uint8Array[][] {
  const channel = enableEncryptionWith(SETTINGS, { framing: 'frame' }, countedSessions());
  return Array.from({ length: senders }, () => {
    const sealer = channel.createSealer();
    const frames = Array.from({ length: count }, () => sealer.sealCopy(PAYLOAD));
    sealer.close();
    return frames;
  });
}

const frames = sealFrames(SENDERS, FRAMES);

const forged = (sender: number, ctr: number): Uint8Array => {
  const frame = frames[sender]![ctr]!.slice();
  frame[frame.length - 1]! ^= 1;
  return frame;
};

const MADE_UP = 0x0777_0000_0000_0000n;

/** A frame of a KID that nobody has: a header and noise. */
function madeUp(index: number, ctr = 0): Uint8Array {
  return concat(writeSframeHeader(MADE_UP + BigInt(index), BigInt(ctr)), bytes(20, index));
}

function openerOf(maxSenders: number, engine: EngineChoice = 'auto'): Opener {
  const options = { framing: 'frame', maxSenders, replayWindow: WINDOW, engine } as const;
  return enableEncryptionWith(SETTINGS, options, countedSessions(1n << 59n)).createOpener();
}

let clockMs = 0;
beforeEach(() => {
  clockMs = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => clockMs);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Opens a frame of a known sender; fails unless it opens. */
function take(opener: Opener, sender: number, ctr: number): void {
  expect(opener.open(frames[sender]![ctr]!, out), `sender ${sender}, CTR ${ctr}`).toBe(OPENED);
  expect(opener.lastSenderId).toBe(kidText(KID + BigInt(sender)));
}

/** The senders that are known: to these, a frame they have sent is REPLAYED; all others here were evicted. */
function known(opener: Opener, newest: Readonly<Record<number, number>>): number[] {
  return Object.entries(newest).flatMap(([sender, ctr]) => {
    const status = opener.open(frames[Number(sender)]![ctr]!, out);
    expect([REPLAYED, TOO_OLD]).toContain(status);
    return status === REPLAYED ? [Number(sender)] : [];
  });
}

describe('section 6: at most maxSenders are kept, the least recently used goes first', () => {
  test('their number is bounded', () => {
    for (const maxSenders of [1, 2, 3, 8]) {
      const opener = openerOf(maxSenders);
      for (let round = 0; round < 3; round++) {
        for (let sender = 0; sender < SENDERS; sender++) {
          take(opener, sender, round);
          expect(opener.stats.senders).toBe(round > 0 ? maxSenders : Math.min(maxSenders, sender + 1));
        }
      }
    }
  });

  test('an authenticated frame makes its sender the newest', () => {
    const opener = openerOf(3);
    for (const sender of [0, 1, 2]) take(opener, sender, 5);
    take(opener, 0, 6);
    take(opener, 3, 5);
    expect(known(opener, { 0: 6, 1: 5, 2: 5, 3: 5 })).toEqual([0, 2, 3]);
    take(opener, 2, 4);
    take(opener, 4, 5);
    expect(known(opener, { 0: 6, 1: 5, 2: 5, 3: 5, 4: 5 })).toEqual([2, 3, 4]);
  });

  test('a refused frame does not', () => {
    const opener = openerOf(3);
    for (const sender of [0, 1, 2]) take(opener, sender, 100);
    expect(opener.open(frames[0]![100]!, out)).toBe(REPLAYED);
    expect(opener.open(frames[0]![1]!, out)).toBe(TOO_OLD);
    expect(opener.open(forged(0, 101), out)).toBe(BAD_TAG);
    expect(opener.open(frames[0]![101]!, new Uint8Array(OPENED - 1))).toBeLessThan(0);
    take(opener, 3, 0);
    expect(known(opener, { 0: 100, 1: 100, 2: 100, 3: 0 })).toEqual([1, 2, 3]);
  });

  test('forged frames of new and of evicted senders put nobody out', () => {
    const opener = openerOf(2);
    for (const sender of [0, 1, 2]) take(opener, sender, 10);
    for (let i = 0; i < 20; i++) {
      expect(opener.open(forged(3, i), out)).toBe(BAD_TAG);
      expect(opener.open(forged(0, 11 + i), out)).toBe(BAD_TAG);
      clockMs += TOKEN_MS;
      expect(opener.open(madeUp(i), out)).toBe(BAD_TAG);
    }
    expect(known(opener, { 1: 10, 2: 10 })).toEqual([1, 2]);
    expect(opener.stats.senders).toBe(2);
  });
});

describe('section 6: batches', () => {
  test('a batch of many senders equals the calls one by one', () => {
    const [batching, single] = [openerOf(3), openerOf(3)];
    const batch = [0, 1, 2, 3, 4, 0, 1, 4, 4, 2, 5].map((sender, i) => frames[sender]![i]!);
    const outs = batch.map(() => new Uint8Array(OPENED));
    const results = new Int32Array(batch.length);
    batching.openBatch(batch, outs, results);
    expect([...results]).toEqual(batch.map((frame) => single.open(frame, out)));
    expect(batching.stats).toEqual(single.stats);
    expect(batching.lastSenderId).toBe(single.lastSenderId);
  });

  test('a sender in use by a batch is not evicted during it', () => {
    const opener = openerOf(1);
    const batch = [frames[0]![5]!, frames[1]![0]!, frames[0]![4]!];
    const results = new Int32Array(3);
    opener.openBatch(batch, [out, out, out], results);
    expect(results[2]).toBe(OPENED);
  });

  test('after a batch the least recently used are put out, also where it threw; and calls put out as before', () => {
    const batch = [0, 1, 2, 3, 0].map((sender, i) => frames[sender]![i]!);
    for (const broken of [false, true]) {
      const opener = openerOf(2);
      const run = () =>
        opener.openBatch(broken ? [...batch, mistyped('text')] : batch, Array(6).fill(out), new Int32Array(6));
      if (broken) expect(run).toThrow(TypeError);
      else expect(run()).toBe(5);
      expect(opener.stats.senders).toBe(2);
      expect(known(opener, { 0: 4, 1: 1, 2: 2, 3: 3 })).toEqual([0, 3]);
      take(opener, 1, 5);
      expect(opener.stats.senders).toBe(2);
      expect(known(opener, { 0: 4, 1: 5, 2: 2, 3: 3 })).toEqual([0, 1]);
    }
  });
});

describe('section 6: an evicted sender that comes back', () => {
  test('everything up to its highest CTR is TOO_OLD, seen or not; later frames open', () => {
    const opener = openerOf(1);
    take(opener, 0, 3);
    take(opener, 0, 20);
    take(opener, 1, 0);
    for (let ctr = 0; ctr <= 20; ctr++) {
      expect(opener.open(frames[0]![ctr]!, out)).toBe(TOO_OLD);
      expect(opener.open(forged(0, ctr), out)).toBe(TOO_OLD);
    }
    take(opener, 0, 23);
    take(opener, 0, 21);
    for (let ctr = 0; ctr <= 20; ctr++) expect(opener.open(frames[0]![ctr]!, out)).toBe(TOO_OLD);
    expect(opener.open(frames[0]![21]!, out)).toBe(REPLAYED);
    take(opener, 0, 22);
  });

  test('again and again; the highest CTR never goes back', () => {
    const opener = openerOf(1);
    for (let round = 0; round < 20; round++) {
      const ctr = 5 * round + 4;
      for (let older = 0; older < ctr - 4; older++) expect(opener.open(frames[0]![older]!, out)).toBe(TOO_OLD);
      take(opener, 0, ctr);
      take(opener, 0, ctr - 1);
      take(opener, 1, round);
    }
  });

  test('TOO_OLD costs no token and comes before BUSY', () => {
    const opener = openerOf(1);
    take(opener, 0, 7);
    take(opener, 1, 0);
    for (let i = 0; i < 9; i++) expect(opener.open(frames[0]![7]!, out)).toBe(TOO_OLD);
    expect(opener.open(madeUp(0), out)).toBe(BAD_TAG);
    expect(opener.open(madeUp(1), out)).toBe(BUSY);
    expect(opener.open(frames[0]![7]!, out)).toBe(TOO_OLD);
    expect(opener.open(frames[0]![8]!, out)).toBe(BUSY);
    clockMs += TOKEN_MS;
    take(opener, 0, 8);
  });

  test('a forged frame before its return does not lower the bar', () => {
    const opener = openerOf(1);
    take(opener, 0, 7);
    take(opener, 1, 0);
    expect(opener.open(forged(0, 9), out)).toBe(BAD_TAG);
    expect(opener.open(frames[0]![6]!, out)).toBe(TOO_OLD);
    take(opener, 0, 9);
    expect(opener.open(frames[0]![7]!, out)).toBe(TOO_OLD);
    take(opener, 0, 8);
  });

  test('65,536 are remembered, then the one put out longest ago is forgotten', () => {
    // The table alone, with keys that cost nothing: 65,537 real senders would take ten seconds.
    const key = { setKey() {}, wipe() {} };
    const engine = mistyped<Engine>({ createGcmKey: () => key });
    const schedule = { deriveInto() {} };
    const live = mistyped<LiveKey>({ keyId: 0, epoch: 0, schedule });
    const table = new SenderTable(engine, 16, WINDOW, 2);
    const admit = (kid: number) => {
      table.candidate(live, 7, kid)!.window.accept(1000 + kid);
      table.authenticated(7, kid);
      table.trim();
    };
    for (let kid = 0; kid < 65_538; kid++) admit(kid);
    expect(table.size).toBe(2);
    for (let kid = 0; kid < 65_536; kid++) if (table.floor(7, kid) !== 1001 + kid) expect(kid).toBe('remembered');
    expect([table.floor(7, 65_536), table.floor(7, 65_537), table.floor(8, 3)]).toEqual([0, 0, 0]);
    admit(65_538);
    expect([table.floor(7, 0), table.floor(7, 1), table.floor(7, 65_536)]).toEqual([0, 1002, 66_537]);
    admit(5);
    expect([table.floor(7, 1), table.floor(7, 5), table.floor(7, 65_537)]).toEqual([1002, 0, 66_538]);
  });
});

describe('section 6: the derivation budget', () => {
  /** How many KIDs from `first` up, one after the other, are derived before one is BUSY. */
  function derivable(opener: Opener, first: number): number {
    let count = 0;
    while (count < 9999 && opener.open(madeUp(first + count), out) === BAD_TAG) count++;
    expect(opener.open(madeUp(first + count), out)).toBe(BUSY);
    return count;
  }

  test('in one instant it is maxSenders derivations', () => {
    for (const maxSenders of [1, 2, 7, 64, 100, 1024]) expect(derivable(openerOf(maxSenders), 0)).toBe(maxSenders);
  });

  test('it is refilled at 2,048 a second, continuously, and no deeper than maxSenders', () => {
    const opener = openerOf(100);
    expect(derivable(opener, 0)).toBe(100);
    const refills: [tokens: number, expected: number][] = [
      [0.5, 0],
      [0.5, 1],
      [0.25, 0],
      [1.25, 1],
      [0.5, 1],
      [40, 40],
      [99.5, 99],
      [0.5, 1],
      [101, 100],
      [1e9, 100],
    ];
    let first = 1000;
    for (const [tokens, expected] of refills) {
      clockMs += tokens * TOKEN_MS;
      expect(derivable(opener, first), `${tokens} tokens`).toBe(expected);
      first += 1000;
    }
  });

  test('a frame that authenticates gives its token back', () => {
    const opener = openerOf(2);
    for (let sender = 0; sender < SENDERS; sender++) take(opener, sender, 0);
    for (let sender = 0; sender < SENDERS; sender++) take(opener, sender, 1);
    expect(derivable(opener, 0)).toBe(2);
    expect(opener.open(frames[0]![2]!, out)).toBe(BUSY);
  });

  test('one token more would be one too many: it is not given back twice', () => {
    const opener = openerOf(3);
    expect(opener.open(madeUp(500), out)).toBe(BAD_TAG);
    for (let ctr = 0; ctr < 9; ctr++) take(opener, 0, ctr);
    expect(derivable(opener, 0)).toBe(2);
  });

  test('the last 64 KIDs that failed cost nothing again', () => {
    const opener = openerOf(64);
    const all = [...Array(64).keys()];
    expect(derivable(opener, 0)).toBe(64);
    for (let round = 0; round < 3; round++) {
      for (const i of all) expect(opener.open(madeUp(i, 8 + round), out)).toBe(BAD_TAG);
    }
    expect(opener.open(madeUp(64), out)).toBe(BUSY);
    // The 65th takes the place of the one that failed longest ago: that is 1, since 0 has failed again.
    expect(opener.open(madeUp(0), out)).toBe(BAD_TAG);
    clockMs += TOKEN_MS;
    expect(opener.open(madeUp(64), out)).toBe(BAD_TAG);
    for (const i of [...all.slice(2), 64, 0]) expect(opener.open(madeUp(i), out)).toBe(BAD_TAG);
    expect(opener.open(madeUp(1), out)).toBe(BUSY);
  });

  test('a genuine frame of a KID that failed before opens, though the budget is spent', () => {
    const opener = openerOf(4);
    expect(opener.open(forged(0, 5), out)).toBe(BAD_TAG);
    expect(derivable(opener, 0)).toBe(3);
    take(opener, 0, 5);
    take(opener, 0, 4);
    expect(opener.open(frames[0]![5]!, out)).toBe(REPLAYED);
    expect(opener.stats.senders).toBe(1);
    expect(derivable(opener, 100)).toBe(1);
  });

  test('each opener has its own', () => {
    const channel = enableEncryptionWith(SETTINGS, { framing: 'frame', maxSenders: 2 }, countedSessions(1n << 59n));
    const [one, other] = [channel.createOpener(), channel.createOpener()];
    expect(derivable(one, 0)).toBe(2);
    expect(derivable(other, 0)).toBe(2);
  });
});

describe('section 6: a flood of made-up KIDs', () => {
  test('never touches known senders: neither their frames, nor their windows, nor their order', () => {
    const opener = openerOf(8);
    for (let sender = 0; sender < 8; sender++) take(opener, sender, 0);
    const statuses = new Set<number>();
    for (let i = 0; i < 10_000; i++) {
      statuses.add(opener.open(madeUp(i), out));
      if (i % 3 === 0) clockMs += TOKEN_MS;
      // Every sender's next frame opens at once, and its last one stays REPLAYED.
      if (i % 100 === 0) {
        const ctr = 1 + i / 100;
        for (let sender = 7; sender >= 0; sender--) {
          take(opener, sender, ctr);
          expect(opener.open(frames[sender]![ctr]!, out)).toBe(REPLAYED);
        }
        expect(opener.stats.senders).toBe(8);
      }
    }
    expect([...statuses].sort()).toEqual([BUSY, BAD_TAG].sort());
    clockMs += 1000;
    take(opener, 8, 0);
    expect(known(opener, Object.fromEntries([...Array(8).keys()].map((sender) => [sender, 100])))).toEqual([
      0, 1, 2, 3, 4, 5, 6,
    ]);
  });

  test('can delay a new sender, not keep it out', () => {
    const opener = openerOf(4);
    for (let i = 0; i < 50; i++) opener.open(madeUp(i), out);
    expect(opener.open(frames[0]![0]!, out)).toBe(BUSY);
    expect(opener.stats.senders).toBe(0);
    clockMs += TOKEN_MS;
    take(opener, 0, 0);
  });

  test.each(ENGINES)('leaves no memory behind, engine %s', (engine) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = () => {
      collect();
      collect();
      return process.memoryUsage().arrayBuffers;
    };
    // A budget as deep as it can be, so that every one of them is derived.
    const opener = openerOf(65_536, engine);
    take(opener, 0, 0);
    const packets = Array.from({ length: 100 }, (_, i) => madeUp(i));
    const before = used();
    for (let i = 0; i < 20_000; i++) {
      const packet = packets[i % 100]!;
      packet[7] = i >>> 8;
      packet[8] = i;
      if (opener.open(packet, out) !== BAD_TAG) expect(i).toBe('refused as BAD_TAG');
    }
    const grown = used() - before;
    // 64 candidates, each with tables of 16 KiB.
    expect(grown).toBeLessThan(64 * 20 * 1024);
    expect(opener.stats).toMatchObject({ senders: 1, refused: { BAD_TAG: 20_000 } });
    take(opener, 0, 1);
  });
});

describe('section 7: an engine without room for another key', () => {
  test('open does not throw, nothing opens without a key, and the sender opens when there is room', () => {
    const options = { framing: 'frame', engine: 'simd' } as const;
    const channel = enableEncryptionWith(SETTINGS, options, countedSessions(1n << 58n));
    const opener = openerOf(8, 'simd');
    const { Memory } = mistyped<{ Memory: { prototype: { grow(): number } } }>(Reflect.get(globalThis, 'WebAssembly'));
    vi.spyOn(Memory.prototype, 'grow').mockImplementation(() => {
      throw new RangeError('no memory');
    });
    const createAll = () => {
      while (true) channel.createSealer();
    };
    expect(createAll).toThrow('no memory for another key');
    // More often than there are tokens: what was not derived has cost none.
    for (let i = 0; i < 20; i++) {
      expect(opener.open(madeUp(i), out)).toBe(BUSY);
      expect(opener.open(frames[0]![0]!, out)).toBe(BUSY);
    }
    channel.close();
    take(opener, 0, 0);
  });
});

describe('section 6: the table against a plain model', () => {
  type Step =
    | { readonly do: 'frame'; readonly sender: number; readonly ctr: number; readonly forge: boolean }
    | { readonly do: 'stray'; readonly kid: number; readonly count: number }
    | { readonly do: 'wait'; readonly halfTokens: number };

  /** What FORMAT.md says of an opener's senders, in lists that are searched from end to end. */
  class Model {
    readonly known: { sender: number; highest: number; seen: Set<number>; floor: number }[] = [];
    readonly evicted = new Map<number, number>();
    readonly failed: string[] = [];
    #tokens: number;
    #refilledMs = clockMs;
    readonly #maxSenders: number;

    constructor(maxSenders: number) {
      this.#maxSenders = maxSenders;
      this.#tokens = maxSenders;
    }

    frame(sender: number, ctr: number, genuine: boolean): number {
      let entry = this.known.find((one) => one.sender === sender);
      const isNew = entry === undefined;
      if (entry === undefined) {
        const floor = (this.evicted.get(sender) ?? -1) + 1;
        if (ctr < floor) return TOO_OLD;
        if (!this.#derive(`sender ${sender}`)) return BUSY;
        entry = { sender, highest: -1, seen: new Set(), floor };
      }
      if (entry.highest - ctr >= WINDOW || ctr < entry.floor) return TOO_OLD;
      if (entry.seen.has(ctr)) return REPLAYED;
      if (!genuine) return BAD_TAG;
      entry.seen.add(ctr);
      entry.highest = Math.max(entry.highest, ctr);
      if (isNew) this.#admit(sender);
      else this.known.splice(this.known.indexOf(entry), 1);
      this.known.push(entry);
      return OPENED;
    }

    stray(kid: number): number {
      return this.#derive(`stray ${kid}`) ? BAD_TAG : BUSY;
    }

    #derive(kid: string): boolean {
      const at = this.failed.indexOf(kid);
      if (at >= 0) {
        this.failed.splice(at, 1);
      } else {
        const refill = (clockMs - this.#refilledMs) / TOKEN_MS;
        this.#refilledMs = clockMs;
        this.#tokens = Math.min(this.#maxSenders, this.#tokens + refill);
        if (this.#tokens < 1) return false;
        this.#tokens--;
        if (this.failed.length === 64) this.failed.shift();
      }
      this.failed.push(kid);
      return true;
    }

    #admit(sender: number): void {
      this.failed.splice(this.failed.indexOf(`sender ${sender}`), 1);
      this.#tokens = Math.min(this.#maxSenders, this.#tokens + 1);
      this.evicted.delete(sender);
      if (this.known.length < this.#maxSenders) return;
      const out = this.known.shift()!;
      this.evicted.set(out.sender, out.highest);
    }
  }

  const steps = fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          do: fc.constant('frame' as const),
          sender: fc.nat(SENDERS - 1),
          // Near each other, so that windows, replays and returns meet; sometimes far ahead.
          ctr: fc.oneof({ weight: 5, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.nat(FRAMES - 1) }),
          forge: fc.nat(3).map((one) => one === 0),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('stray' as const),
          kid: fc.nat(90),
          count: fc.integer({ min: 1, max: 9 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('wait' as const), halfTokens: fc.integer({ min: 1, max: 30 }) }),
      },
    ),
    { minLength: 1, maxLength: 150, size: 'max' },
  );

  test('random frames, replays, forgeries and floods', () => {
    const reached = new Set<number>();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), steps, (maxSenders, list: readonly Step[]) => {
        const opener = openerOf(maxSenders);
        const model = new Model(maxSenders);
        for (const step of list) {
          if (step.do === 'wait') {
            clockMs += (step.halfTokens * TOKEN_MS) / 2;
          } else if (step.do === 'stray') {
            for (let i = 0; i < step.count; i++)
              expect(opener.open(madeUp(step.kid + i), out)).toBe(model.stray(step.kid + i));
          } else {
            const { sender, ctr, forge } = step;
            const status = opener.open(forge ? forged(sender, ctr) : frames[sender]![ctr]!, out);
            expect(status).toBe(model.frame(sender, ctr, !forge));
            if (status > 0) expect(opener.lastSenderId).toBe(kidText(KID + BigInt(sender)));
            reached.add(status);
          }
          expect(opener.stats.senders).toBe(model.known.length);
        }
      }),
      { numRuns: 250 },
    );
    expect([...reached].sort()).toEqual([OPENED, BAD_TAG, BUSY, REPLAYED, TOO_OLD].sort());
  });
});
