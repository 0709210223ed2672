/**
 * Batches do what the calls one by one do, whatever an engine does with their frames together: every test has two objects
 * of one state and compares all that shows (FORMAT.md section 6, "Batch").
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../src/channel/channel.js';
import type { KnownMode } from '../../src/channel/config.js';
import type { SessionSource } from '../../src/channel/keyring.js';
import type { Framing } from '../../src/channel/layout.js';
import type { Opener } from '../../src/channel/opener.js';
import type { Sealer } from '../../src/channel/sealer.js';
import { BAD_TAG, CLOSED, REPLAYED, TOO_OLD, UNFINISHED } from '../../src/status.js';
import { bytes, config, countedSessions, expectBytes, flipped, KID, MODES, rtp, sessions } from '../support/channel.js';
import { ENGINES, mistyped } from '../support/engines.js';

interface Setup {
  readonly engine: (typeof ENGINES)[number];
  readonly mode: KnownMode;
  readonly framing: Framing;
  readonly bindHeader: boolean;
}

const SETUPS: readonly Setup[] = ENGINES.flatMap((engine) =>
  MODES.flatMap((mode) =>
    (['rtp', 'frame'] as const).flatMap((framing) =>
      [true, false].map((bindHeader) => ({ engine, mode, framing, bindHeader })),
    ),
  ),
);
const GCM_SETUPS = SETUPS.filter(({ mode, bindHeader }) => mode !== 'SM4_128_ECB' && bindHeader);
const TITLE = '$engine, $mode, $framing, bindHeader $bindHeader';

const OVERHEAD = 29;
const MAX_RTP_BYTES = 65_535;
const WINDOW = 64;
/** Around blocks, groups of eight blocks, the longest text that goes with others, and pieces of longer ones. */
const EDGES = [0, 1, 15, 16, 17, 111, 112, 113, 127, 128, 129, 1799, 1800, 1801, 16_383, 16_384, 16_385];
/** Words of header extension: clear headers of 16 to 148 bytes; 25 make 116, and 128 of AAD with a CTR of three bytes. */
const EXTENSIONS = [0, 1, 2, 24, 25, 25, 26, 28, 29, 33];
/** Where a CTR takes another byte, and where a session ends. */
const FIRST_CTRS = [0, 250, 65_530, 65_536, 2 ** 24 - 6, 2 ** 31 - 5, 2 ** 32 - 5];
const RTCP_PACKET = Uint8Array.of(0x80, 200, 0, 1, 1, 2, 3, 4);
const SCRATCH = new Uint8Array(MAX_RTP_BYTES + OVERHEAD);
const NOTHING = new Uint8Array(0);
const NOISE = bytes(MAX_RTP_BYTES + 1, 77);

beforeEach(() => {
  // Nothing may depend on the time that the derivation budget had to refill.
  vi.spyOn(performance, 'now').mockReturnValue(1000);
});
afterEach(() => {
  vi.restoreAllMocks();
});

function channelOf({ mode, ...options }: Setup, source: SessionSource, more = {}, keyId = 0): Channel {
  const settings = { ...options, replayWindow: WINDOW, ...more };
  return enableEncryptionWith(config(mode, mode === 'SM4_128_ECB' ? 0 : keyId), settings, source);
}

function two<T>(make: () => T): [T, T] {
  return [make(), make()];
}

/** Sessions without end, which all begin at one CTR. */
function sessionsAt(ctr: number, first = KID): SessionSource {
  let kid = first;
  return (words) => sessions({ kid: kid++, ctr })(words);
}

function inputOf({ framing }: Setup, payloadBytes: number, extension: number, csrcs = 0): Uint8Array {
  if (framing === 'frame') return NOISE.subarray(0, payloadBytes);
  const packet = rtp(bytes(0), { csrcs, extension });
  const length = Math.min(payloadBytes, MAX_RTP_BYTES - packet.length);
  return Buffer.concat([packet, NOISE.subarray(0, length)]);
}

/** A frame of a batch, and how its arrays lie. */
interface Frame {
  readonly input: Uint8Array;
  readonly outBytes: number;
  readonly place: 'apart' | 'same' | 'crossing' | 'none';
  readonly gap: number;
}

/** All frames in one memory, their outs full of what must stay there. */
function layOut(frames: readonly Frame[]) {
  const total = frames.reduce((sum, { input, outBytes, gap }) => sum + input.length + outBytes + 2 * gap + 2, 0);
  const memory = new Uint8Array(total).fill(0xa5);
  let next = 0;
  const view = (at: number, length: number, gap: number) =>
    gap % 2 === 0 ? memory.subarray(at, at + length) : Buffer.from(memory.buffer, at, length);
  const inputs: Uint8Array[] = [];
  const outs = frames.map(({ input, outBytes, place, gap }) => {
    const at = next + gap;
    memory.set(input, at);
    inputs.push(place === 'none' ? mistyped('not bytes') : view(at, input.length, gap));
    const outAt = { apart: at + input.length + gap, same: at, crossing: at + 1, none: at }[place];
    next = Math.max(at + input.length, outAt + outBytes);
    return view(outAt, outBytes, gap);
  });
  return { memory, inputs, outs };
}

type ValueOf<T> = T extends fc.Arbitrary<infer Value> ? Value : never;
type Call = (input: Uint8Array, out: Uint8Array) => number;
type Batch = (inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count?: number) => number;
type Calls = [Call, Batch];
const UNTOUCHED = 12_345;

function outcome(action: () => number): number | string {
  try {
    return action();
  } catch (error) {
    return String(error);
  }
}

/** Chunks of the frames by the batch of one object, and one by one by the call of the other; a chunk of 0 is a call too. */
function compare(frames: readonly Frame[], chunks: readonly number[], [call, batch]: Calls, [single]: Calls): void {
  const [together, alone] = [layOut(frames), layOut(frames)];
  for (let from = 0, turn = 0; from < frames.length; turn++) {
    const chunk = chunks[turn % chunks.length]!;
    const count = Math.min(Math.max(1, chunk), frames.length - from);
    const [actual, expected] = two(() => new Int32Array(count + 2).fill(UNTOUCHED));
    let done = 0;
    const oneByOne = outcome(() => {
      for (; done < count; done++) expected[done] = single(alone.inputs[from + done]!, alone.outs[from + done]!);
      return expected.subarray(0, count).filter((result) => result >= 0).length;
    });
    const [inputs, outs] = [together.inputs.slice(from), together.outs.slice(from)];
    const asCall = () => {
      actual[0] = call(inputs[0]!, outs[0]!);
      return actual[0] < 0 ? 0 : 1;
    };
    expect(outcome(chunk === 0 ? asCall : () => batch(inputs, outs, actual, count))).toBe(oneByOne);
    // Where one throws, the results of those from there on say so; a single call has none.
    if (typeof oneByOne === 'string' && chunk !== 0) expected.fill(UNFINISHED, done, count);
    expect([...actual]).toEqual([...expected]);
    from += typeof oneByOne === 'string' ? done + 1 : count;
  }
  expectBytes(together.memory, alone.memory);
}

function sealing(sealer: Sealer): Calls {
  return [(input, out) => sealer.seal(input, out), (...batch) => sealer.sealBatch(...batch)];
}

function opening(opener: Opener): Calls {
  return [(input, out) => opener.open(input, out), (...batch) => opener.openBatch(...batch)];
}

function openAll(opener: Opener, packets: readonly Uint8Array[]): number[] {
  return packets.map((packet) => opener.open(packet, SCRATCH));
}

const chunkSize = fc.oneof(fc.nat(20), fc.constantFrom(7, 8, 15, 16, 17, 32, 33, 60));
const chunkSizes = fc.array(chunkSize, { minLength: 1, maxLength: 6 });
const gaps = fc.nat(7);
/** Now and then arrays that make the call throw. */
const places = fc.nat(40).map((one) => (one < 26 ? 'apart' : one < 39 ? 'same' : one < 40 ? 'crossing' : 'none'));

describe.each(SETUPS)(`seal: ${TITLE}`, (setup) => {
  const frame = fc.record({
    length: fc.oneof(
      { weight: 12, arbitrary: fc.nat(100) },
      { weight: 6, arbitrary: fc.nat(1850) },
      { weight: 6, arbitrary: fc.constantFrom(...EDGES) },
      { weight: 1, arbitrary: fc.nat(MAX_RTP_BYTES) },
    ),
    extension: fc.constantFrom(...EXTENSIONS),
    csrcs: fc.nat(19).map((count) => Math.max(0, count - 4)),
    wrong: fc.nat(30),
    room: fc.constantFrom(OVERHEAD, OVERHEAD, OVERHEAD, OVERHEAD, 60, 27, 26, 25, 24, 15),
    place: places,
    gap: gaps,
  });

  function frameOf({ length, extension, csrcs, wrong, room, ...lie }: ValueOf<typeof frame>): Frame {
    const good = inputOf(setup, length, extension, csrcs);
    const refused = [RTCP_PACKET, good.subarray(0, good.length % 12), NOISE.subarray(length & 255, 300)];
    const input = refused[wrong] ?? good;
    return { input, outBytes: input.length + room, ...lie };
  }

  test('random frames in random batches', () => {
    const frames = fc.array(frame, { maxLength: 45, size: 'max' });
    fc.assert(
      fc.property(frames, chunkSizes, fc.constantFrom(...FIRST_CTRS), (list, chunks, ctr) => {
        const [batching, single] = two(() => channelOf(setup, sessionsAt(ctr)).createSealer());
        compare(list.map(frameOf), chunks, sealing(batching), sealing(single));
        expect(batching.stats).toEqual(single.stats);
        expect(batching.senderId).toBe(single.senderId);
        expectBytes(batching.sealCopy(inputOf(setup, 40, 1)), single.sealCopy(inputOf(setup, 40, 1)));
      }),
      { numRuns: 20 },
    );
  });
});

describe.each(SETUPS)(`open: ${TITLE}`, (setup) => {
  const STOCK = 170;
  /** From sender to sender: the first CTR, and the words of header extension. */
  const senders = [
    { ctr: 0, extension: 1 },
    { ctr: 65_530, extension: 25 },
    { ctr: 2 ** 32 - 100, extension: 29 },
  ];
  const sizeOf = (i: number) => {
    if (i === 11) return MAX_RTP_BYTES;
    return i % 6 === 5 ? EDGES[(i * 5) % EDGES.length]! : (i * 37) % (i % 3 === 0 ? 1900 : 90);
  };
  const receiving = channelOf(setup, countedSessions(3n << 56n));
  const stocks = [
    ...senders.map(({ ctr, extension }, i) => ({
      channel: channelOf(setup, sessionsAt(ctr, KID + (BigInt(i) << 8n))),
      count: STOCK,
      extension,
    })),
    { channel: receiving, count: 8, extension: 1 },
    { channel: channelOf(setup, countedSessions(), {}, 9), count: 8, extension: 1 },
  ].map(({ channel, count, extension }) => {
    const sealer = channel.createSealer();
    return Array.from({ length: count }, (_, i) => sealer.sealCopy(inputOf(setup, sizeOf(i), extension)));
  });
  /** A short genuine frame for every fourth CTR of every sender, to ask for the window with. */
  const probes = stocks.flatMap((stock) => stock.filter((packet, i) => i % 4 === 1 && packet.length < 400));

  const frame = fc.record({
    stock: fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 4),
    // Near each other, so that copies and forgeries of one frame meet; sometimes far, so that windows move on.
    index: fc.oneof({ weight: 5, arbitrary: fc.nat(15) }, { weight: 2, arbitrary: fc.nat(STOCK - 1) }),
    change: fc.constantFrom('none', 'none', 'none', 'none', 'tag', 'tag', 'any', 'header', 'cut'),
    at: fc.nat(),
    tight: fc.nat(15),
    place: places,
    gap: gaps,
  });

  function frameOf({ stock, index, change, at, tight, ...lie }: ValueOf<typeof frame>): Frame {
    const genuine = stocks[stock]![index % stocks[stock]!.length]!;
    const { length } = genuine;
    const from = { tag: length - 16, any: 0, header: 0 };
    const bytesOf = { tag: 16, any: length, header: Math.min(40, length) };
    let input: Uint8Array = genuine;
    if (change === 'cut') input = genuine.subarray(0, at % length);
    else if (change !== 'none') input = flipped(genuine, from[change] + (at % bytesOf[change]), 1 << (at & 7));
    return { input, outBytes: tight === 0 ? at % (input.length + 1) : input.length, ...lie };
  }

  test('random frames in random batches', () => {
    const frames = fc.array(frame, { maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(frames, chunkSizes, fc.boolean(), (items, chunks, loopback) => {
        const [batching, single] = two(() => receiving.createOpener({ loopback }));
        const list = items.map(frameOf);
        compare(list, chunks, opening(batching), opening(single));
        expect(batching.stats).toEqual(single.stats);
        expect(batching.lastSenderId).toBe(single.lastSenderId);
        const again = [...list.map(({ input }) => input), ...probes];
        expect(openAll(batching, again)).toEqual(openAll(single, again));
        batching.close();
        single.close();
      }),
      { numRuns: 20 },
    );
  });
});

describe.each(GCM_SETUPS)('$engine, $mode, $framing', (setup) => {
  const COUNT = 40;
  const sealerAt = (ctr: number, kid = KID) => channelOf(setup, sessionsAt(ctr, kid)).createSealer();
  const openerOf = (more = {}) => channelOf(setup, countedSessions(3n << 56n), more).createOpener();
  const inputs = Array.from({ length: COUNT }, (_, i) => inputOf(setup, 23 * i, i % 3));
  const lengths = inputs.map(({ length }) => length);
  const room = () => lengths.map((length) => new Uint8Array(length + OVERHEAD));

  const apart = (input: Uint8Array): Frame => ({ input, outBytes: input.length + OVERHEAD, place: 'apart', gap: 1 });

  /** That the first `count` outs hold these, and nothing else was written. */
  function expectDone(outs: readonly Uint8Array[], contents: readonly Uint8Array[], count: number): void {
    outs.forEach((out, i) => {
      const content = i < count ? contents[i]! : NOTHING;
      expectBytes(out, Buffer.concat([content, new Uint8Array(out.length - content.length)]));
    });
  }

  test('what a batch seals, batches and single calls open: every length of header and CTR, and the end of a session', () => {
    for (const ctr of FIRST_CTRS) {
      const [sealer, single, opener] = [sealerAt(ctr), openerOf(), openerOf()];
      for (let words = 0; words < 36; words++) {
        const frames = Array.from({ length: 20 }, (_, i) => inputOf(setup, (i % 4 === words % 4 ? 29 : 3) * i, words));
        const [sealed, opened] = two(() => frames.map(({ length }) => new Uint8Array(length + OVERHEAD)));
        const results = new Int32Array(20);
        expect(sealer.sealBatch(frames, sealed, results)).toBe(20);
        const packets = sealed.map((out, i) => out.subarray(0, results[i]));
        expect(openAll(single, packets)).toEqual(frames.map(({ length }) => length));
        expect(opener.openBatch(packets, opened, results)).toBe(20);
        expectDone(opened, frames, 20);
      }
    }
  });

  test('a frame that throws ends the batch: those before it are done, the others untouched', () => {
    const sealer = sealerAt(0);
    const sealed = inputs.map((input) => sealer.sealCopy(input));
    for (const index of [0, 1, 15, 16, 17, COUNT - 1]) {
      for (const broken of ['none', 'crossing'] as const) {
        const laid = (input: Uint8Array, i: number): Frame => ({
          ...apart(input),
          place: i === index ? broken : 'apart',
        });
        const [sealers, openers] = [two(() => sealerAt(0)), two(() => openerOf())];
        compare(inputs.map(laid), [COUNT], sealing(sealers[0]), sealing(sealers[1]));
        compare(sealed.map(laid), [COUNT], opening(openers[0]), opening(openers[1]));
        for (const [one, other] of [sealers, openers]) expect(one.stats).toEqual(other.stats);
        expect(openers[0].stats).toMatchObject({ frames: COUNT - 1, refused: {} });
      }
    }
  });

  test('a long frame that the frames before it have made too old', () => {
    const sealer = sealerAt(0);
    const sizes = [10, 2000, ...Array(90).fill(10)];
    const [first, long, ...later] = sizes.map((length) => sealer.sealCopy(inputOf(setup, length, 1)));
    const batch = [...later.slice(80, 88), long!];
    const [opener, single] = two(() => openerOf());
    const results = new Int32Array(batch.length);
    for (const one of [opener, single]) openAll(one, [first!]);
    opener.openBatch(batch, Array(9).fill(SCRATCH), results);
    expect([...results]).toEqual(openAll(single, batch));
    expect(results[8]).toBe(TOO_OLD);
    expect(openAll(opener, later)).toEqual(openAll(single, later));
  });

  test('no frame, one frame, and as many as there are arrays for', () => {
    const [[sealer, twin], opener] = [two(() => sealerAt(0)), openerOf()];
    for (const count of [0, 1, 7, 8, 16, 17, COUNT]) {
      const packets = inputs.slice(0, count).map((input) => twin.sealCopy(input));
      const [sealed, opened] = two(room);
      const results = new Int32Array(COUNT + 3).fill(UNTOUCHED);
      expect(sealer.sealBatch(inputs, sealed, results, count)).toBe(count);
      expectDone(sealed, packets, count);
      expect(opener.openBatch(packets, opened, results)).toBe(count);
      expectDone(opened, inputs, count);
      expect([...results]).toEqual([...lengths.slice(0, count), ...Array(COUNT + 3 - count).fill(UNTOUCHED)]);
    }
  });

  test('closed: CLOSED for every frame, and each is counted', () => {
    const [sealer, opener, outs] = [sealerAt(0), openerOf(), room()];
    const results = new Int32Array(COUNT);
    sealer.close();
    opener.close();
    for (const [, batch] of [sealing(sealer), opening(opener)]) {
      expect(batch(inputs, outs, results.fill(0))).toBe(0);
      expect([...results]).toEqual(Array(COUNT).fill(CLOSED));
    }
    expectDone(outs, inputs, 0);
    for (const { stats } of [sealer, opener]) expect(stats).toMatchObject({ frames: 0, refused: { CLOSED: COUNT } });
  });

  test('sealers and openers of one engine take turns', () => {
    const other = GCM_SETUPS.find((one) => one.engine === setup.engine && one.mode !== setup.mode)!;
    const flows = [setup, setup, { ...other, framing: setup.framing }].map((of, i) => ({
      sealers: two(() => channelOf(of, sessionsAt(0, KID + BigInt(i))).createSealer()),
      openers: two(() => channelOf(of, countedSessions(3n << 56n)).createOpener()),
    }));
    for (const count of [8, 1, 16, 3, 20, COUNT]) {
      const some = inputs.slice(0, count);
      const packets = flows.map(({ sealers: [sealer, twin] }) => {
        compare(some.map(apart), [count], sealing(sealer), sealing(twin));
        const more = some.map((input) => sealer.sealCopy(input));
        expect(more).toEqual(some.map((input) => twin.sealCopy(input)));
        return more.flatMap((packet, i) => (i % 5 === 3 ? [flipped(packet, -1), packet, packet] : [packet]));
      });
      flows.forEach(({ openers: [opener, single] }, i) => {
        compare(packets[i]!.map(apart), [COUNT], opening(opener), opening(single));
        expect(openAll(opener, packets[i]!)).toEqual(openAll(single, packets[i]!));
        expect(opener.stats).toEqual(single.stats);
      });
    }
  });

  test('more senders than are kept: none is evicted before the end', () => {
    const sealers = Array.from({ length: 30 }, (_, i) => sealerAt(0, KID + BigInt(i)));
    // Backwards, so that a sender which is evicted could not come back with its next frame.
    const packets: Uint8Array[] = Array.from({ length: 120 }, (_, i) =>
      sealers[i % 30]!.sealCopy(inputs[i % COUNT]!),
    ).reverse();
    packets[40] = flipped(packets[40]!, -1);
    const opener = openerOf({ maxSenders: 4 });
    const results = new Int32Array(120);
    expect(opener.openBatch(packets, Array(120).fill(SCRATCH), results)).toBe(119);
    expect(results[40]).toBe(BAD_TAG);
    expect(opener.stats.senders).toBe(4);
    expect(openAll(opener, packets.slice(90))).toEqual([...Array(26).fill(TOO_OLD), ...Array(4).fill(REPLAYED)]);
  });
});
