/**
 * No (key, nonce) ever repeats (FORMAT.md section 3): thousands of sealers, and everything that happens to them.
 *
 * The nonces are read from the frames, not from the sealer, in two ways: from the header, as (key, KID, CTR), and from the
 * ciphertext, since all payloads here are equal: then equal keys and nonces, and nothing else, make equal ciphertexts.
 */
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../src/channel/channel.js';
import type { SessionSource } from '../../src/channel/keyring.js';
import type { GcmMode } from '../../src/channel/keys.js';
import type { Sealer } from '../../src/channel/sealer.js';
import { ConfigError } from '../../src/config-error.js';
import { CLOSED, MALFORMED, NO_ROOM, NOT_RTP, RTCP, UNFINISHED } from '../../src/status.js';
import { bytes, config, countedSessions, expectBytes, GCM_MODES, KID, referenceSeal, rtp } from '../support/channel.js';
import { ENGINES, type EngineName, mistyped } from '../support/engines.js';
import { Ledger, readName, readRtpName } from './ledger.js';
import { runProcesses } from './nonces/processes.js';

const LIMIT = 2 ** 32;
/** The result of a frame of a batch that an earlier one has ended. */
const HEADER_BYTES = 12;
const PACKET = rtp(bytes(20));
const ROOM = PACKET.length + 29;
/** Kinds of packets, and a sealer's result for each; `undefined`: the sealer throws. */
const PACKETS = {
  good: { input: PACKET, room: ROOM },
  cramped: { input: PACKET, room: PACKET.length + 20, refusal: NO_ROOM },
  noise: { input: bytes(40).fill(3), room: ROOM, refusal: NOT_RTP },
  empty: { input: new Uint8Array(0), room: ROOM, refusal: MALFORMED },
  report: { input: Uint8Array.of(0x80, 201, 0, 1, 1, 2, 3, 4), room: ROOM, refusal: RTCP },
  text: { input: mistyped<Uint8Array>('text'), room: ROOM, refusal: undefined },
} as const;
type Kind = keyof typeof PACKETS;

type Step =
  | { readonly do: 'restart' | 'sealer' | 'closeSealer' | 'closeChannel' | 'wait'; readonly who: number }
  | { readonly do: 'rotate'; readonly who: number; readonly key: number; readonly sealAfterMs: number }
  | { readonly do: 'seal'; readonly who: number; readonly kinds: readonly Kind[] }
  | { readonly do: 'batch'; readonly who: number; readonly kinds: readonly Kind[] };

/** Few keys, so that processes share keys and return to earlier ones. */
const KEYS = 6;
const seen = { ledger: new Ledger(), ciphertexts: new Set<string>(), sealers: 0, throws: 0, rotations: 0 };

/** One process: a channel of a key, its sealers, and the key of each keyId. */
class Member {
  readonly sealers: Sealer[] = [];
  readonly #keys = new Map<number, number>();
  readonly #channel: Channel;
  readonly #mode: GcmMode;
  #key: number;
  #closed = false;

  constructor(mode: GcmMode, key: number, engine: EngineName, source: SessionSource) {
    this.#mode = mode;
    this.#key = key;
    this.#keys.set(key % 4, key);
    this.#channel = enableEncryptionWith(this.#settings(key), { engine }, source);
    this.addSealer();
  }

  /** The key that a process with this one's configuration begins with. */
  get key(): number {
    return this.#key;
  }

  addSealer(): void {
    if (this.#closed) return;
    this.sealers.push(this.#channel.createSealer());
    seen.sealers++;
  }

  rotate(key: number, sealAfterMs: number): void {
    if (this.#closed) return;
    try {
      this.#channel.rotate(this.#settings(key), { sealAfterMs, graceMs: 20 });
    } catch (error) {
      // The keyId is live, or the key was used before, or the key limit is reached: nothing has changed.
      expect(error).toBeInstanceOf(ConfigError);
      return;
    }
    seen.rotations++;
    this.#keys.set(key % 4, key);
    this.#key = key;
  }

  close(): void {
    this.#closed = true;
    this.#channel.close();
  }

  seal(sealer: Sealer, kinds: readonly Kind[]): void {
    for (const kind of kinds) {
      const { input, room } = PACKETS[kind];
      const out = new Uint8Array(room);
      try {
        this.#note(kind, sealer.seal(input, out), out);
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        seen.throws++;
      }
    }
  }

  batch(sealer: Sealer, kinds: readonly Kind[]): void {
    const outs = kinds.map((kind) => new Uint8Array(PACKETS[kind].room));
    const results = new Int32Array(kinds.length);
    try {
      sealer.sealBatch(
        kinds.map((kind) => PACKETS[kind].input),
        outs,
        results,
      );
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      seen.throws++;
    }
    // After a packet that threw, no packet was sealed.
    for (const [i, kind] of kinds.entries()) if (results[i] !== UNFINISHED) this.#note(kind, results[i]!, outs[i]!);
  }

  #note(kind: Kind, result: number, out: Uint8Array): void {
    if (result === CLOSED) return;
    if (kind !== 'good') {
      expect(result, kind).toBe(PACKETS[kind].refusal);
      return;
    }
    const frame = out.subarray(0, result);
    const name = readRtpName(frame);
    const key = this.#keys.get(Number(name.kid >> 60n))!;
    expect(seen.ledger.note(name, `${this.#mode} ${key}`), `${name.kid} ${name.ctr} twice`).toBe(true);
    const ciphertext = Buffer.from(frame.subarray(name.end, name.end + 16)).toString('latin1');
    expect(seen.ciphertexts.has(ciphertext), `${name.kid} ${name.ctr}: the keystream of another frame`).toBe(false);
    seen.ciphertexts.add(ciphertext);
    // Now and then, that the page's arithmetic with this key, KID and CTR makes this very frame.
    if (seen.ledger.frames % 50 === 0) {
      const clear = PACKET.subarray(0, HEADER_BYTES);
      const { kid } = name;
      const expected = referenceSeal(this.#settings(key), kid, BigInt(name.ctr), PACKET.subarray(HEADER_BYTES), clear);
      expectBytes(frame, new Uint8Array([...clear, ...expected]));
    }
  }

  #settings(key: number) {
    return config(this.#mode, key % 4, key);
  }
}

const who = fc.nat(40);
const kinds = (maxLength: number) =>
  fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.constant<Kind>('good') },
      { weight: 3, arbitrary: fc.constant<Kind>('cramped') },
      { weight: 2, arbitrary: fc.constantFrom<Kind>('noise', 'empty', 'report') },
      { weight: 1, arbitrary: fc.constant<Kind>('text') },
    ),
    { minLength: 1, maxLength, size: 'max' },
  );
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('restart' as const), who }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('sealer' as const), who }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('closeSealer' as const), who }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('closeChannel' as const), who }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), who }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('rotate' as const),
        who,
        key: fc.nat(KEYS - 1),
        sealAfterMs: fc.constantFrom(0, 0, 10),
      }),
    },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('seal' as const), who, kinds: kinds(6) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('batch' as const), who, kinds: kinds(20) }) },
  ),
  { minLength: 10, maxLength: 80, size: 'max' },
);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The system's sessions, with counters that begin `beforeLimit` below their limit; 0: at 0. */
function randomSessions(beforeLimit: number): SessionSource {
  return (words) => {
    crypto.getRandomValues(words);
    return beforeLimit === 0 ? 0 : LIMIT - beforeLimit;
  };
}

function run(mode: GcmMode, engine: EngineName, beforeLimit: number, list: readonly Step[]): void {
  const start = (key: number) => new Member(mode, key, engine, randomSessions(beforeLimit));
  const all = [start(0)];
  const running = [...all];
  try {
    for (const step of list) {
      const at = step.who % running.length;
      const member = running[at]!;
      const sealer = member.sealers[step.who % member.sealers.length]!;
      if (step.do === 'seal') member.seal(sealer, step.kinds);
      else if (step.do === 'batch') member.batch(sealer, step.kinds);
      else if (step.do === 'sealer') member.addSealer();
      else if (step.do === 'closeSealer') sealer.close();
      else if (step.do === 'closeChannel') member.close();
      else if (step.do === 'rotate') member.rotate(step.key, step.sealAfterMs);
      else if (step.do === 'wait') vi.advanceTimersByTime(10);
      else {
        // A new process with the same configuration: in the place of this one, or beside it.
        all.push(start(member.key));
        if (step.who % 2 === 0) running.push(all.at(-1)!);
        else running[at] = all.at(-1)!;
      }
    }
  } finally {
    for (const member of all) member.close();
  }
}

describe('section 3: no (key, nonce) twice, in one world of all these sealers', () => {
  test('over restarts, rotations, closing, refusals, errors, batches, and counters at their limit', () => {
    const mode = fc.constantFrom(...GCM_MODES);
    const beforeLimit = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 25 }));
    fc.assert(fc.property(mode, fc.constantFrom(...ENGINES), beforeLimit, steps, run), {
      numRuns: 300,
    });
  });

  afterAll(() => {
    const { ledger, ciphertexts, sealers, throws, rotations } = seen;
    // The world was as large, and as eventful, as the test promises.
    expect(sealers).toBeGreaterThan(2000);
    expect(ledger.frames).toBeGreaterThan(15_000);
    expect(ledger.sessions).toBeGreaterThan(2000);
    expect([throws, rotations].every((count) => count > 300)).toBe(true);
    expect([ledger.repeats, ciphertexts.size]).toEqual([0, ledger.frames]);
  });
});

describe.each(ENGINES)('section 3: the edge at 2^32, engine %s', (engine) => {
  const FRAME = { framing: 'frame', engine } as const;
  const PAYLOAD = bytes(40);
  const OTHER = KID + 1n;

  /** The frames that a sealer of these sessions makes, each as the page says with the KID and CTR that are due. */
  function expectFrames(mode: GcmMode, before: number, frames: readonly Uint8Array[]): void {
    for (const [i, frame] of frames.entries()) {
      const [kid, ctr] = i < before ? [KID, LIMIT - before + i] : [OTHER, i - before];
      expect(readName(frame)).toMatchObject({ kid, ctr });
      expectBytes(frame, referenceSeal(config(mode), kid, BigInt(ctr), PAYLOAD));
    }
  }

  function sealerBefore(mode: GcmMode, before: number): Sealer {
    const counted = countedSessions();
    let first = LIMIT - before;
    const source: SessionSource = (words) => {
      counted(words);
      const ctr = first;
      first = 0;
      return ctr;
    };
    return enableEncryptionWith(config(mode), FRAME, source).createSealer();
  }

  test.each(GCM_MODES)('%s: frame by frame', (mode) => {
    const sealer = sealerBefore(mode, 5);
    expectFrames(
      mode,
      5,
      Array.from({ length: 12 }, () => sealer.sealCopy(PAYLOAD)),
    );
  });

  test.each(GCM_MODES)('%s: at every place of a batch', (mode) => {
    for (let before = 1; before <= 20; before++) {
      const outs = Array.from({ length: 20 }, () => new Uint8Array(PAYLOAD.length + 29));
      const results = new Int32Array(20);
      const sealer = sealerBefore(mode, before);
      expect(sealer.sealBatch(Array(20).fill(PAYLOAD), outs, results)).toBe(20);
      const frames = outs.map((out, i) => out.subarray(0, results[i]));
      expectFrames(mode, before, [...frames, sealer.sealCopy(PAYLOAD)]);
    }
  });

  test('in a batch that refuses and throws just there', () => {
    const [mode] = GCM_MODES as [GcmMode];
    for (let before = 1; before <= 10; before++) {
      for (const bad of ['cramped', 'text']) {
        const sealer = sealerBefore(mode, before);
        const inputs: Uint8Array[] = Array(16).fill(PAYLOAD);
        if (bad === 'text') inputs[before] = mistyped('text');
        const outs = inputs.map(
          (_, i) => new Uint8Array(PAYLOAD.length + (bad === 'cramped' && i === before ? 3 : 29)),
        );
        const results = new Int32Array(16).fill(-99);
        const seal = () => sealer.sealBatch(inputs, outs, results);
        if (bad === 'text') expect(seal).toThrow(TypeError);
        else expect(seal()).toBe(15);
        const frames = outs.flatMap((out, i) => (results[i]! >= 0 ? [out.subarray(0, results[i])] : []));
        expect(frames.length).toBe(bad === 'text' ? before : 15);
        expectFrames(mode, before, [...frames, sealer.sealCopy(PAYLOAD)]);
      }
    }
  });
});

test('real processes on one channel, some of them killed: no nonce twice, and every frame opens', async () => {
  vi.useRealTimers();
  const { ledger, ciphertexts, opened, killed } = await runProcesses({ processes: 8, frames: 16_000 });
  expect(ledger).toMatchObject({ frames: 16_000, repeats: 0 });
  expect({ ciphertexts, opened }).toEqual({ ciphertexts: 16_000, opened: 16_000 });
  expect(killed).toBe(16);
  expect(ledger.sessions).toBeGreaterThan(8);
});
