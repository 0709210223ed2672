/**
 * What the tests of batches share: frames laid out in one memory, and a comparison of a batch with the calls one by one, on two
 * objects of one state (FORMAT.md section 6, "Batch").
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../../src/channel/channel.js';
import type { KnownMode } from '../../../src/channel/config.js';
import type { SessionSource } from '../../../src/channel/keyring.js';
import type { Framing } from '../../../src/channel/layout.js';
import type { Opener } from '../../../src/channel/opener.js';
import type { Sealer } from '../../../src/channel/sealer.js';
import { UNFINISHED } from '../../../src/status.js';
import { bytes, config, expectBytes, KID, MODES, rtp, sessions } from '../../support/channel.js';
import { ENGINES, mistyped } from '../../support/engines.js';

export interface Setup {
  readonly engine: (typeof ENGINES)[number];
  readonly mode: KnownMode;
  readonly framing: Framing;
  readonly bindHeader: boolean;
}

export const SETUPS: readonly Setup[] = ENGINES.flatMap((engine) =>
  MODES.flatMap((mode) =>
    (['rtp', 'frame'] as const).flatMap((framing) =>
      [true, false].map((bindHeader) => ({ engine, mode, framing, bindHeader })),
    ),
  ),
);
export const GCM_SETUPS = SETUPS.filter(({ mode, bindHeader }) => mode !== 'SM4_128_ECB' && bindHeader);
export const TITLE = '$engine, $mode, $framing, bindHeader $bindHeader';

export const OVERHEAD = 29;
export const MAX_RTP_BYTES = 65_535;
const WINDOW = 64;
/** Around blocks, groups of eight blocks, the longest text that goes with others, and pieces of longer ones. */
export const EDGES = [0, 1, 15, 16, 17, 111, 112, 113, 127, 128, 129, 1799, 1800, 1801, 16_383, 16_384, 16_385];
/** Words of header extension: clear headers of 16 to 148 bytes; 25 make 116, and 128 of AAD with a CTR of three bytes. */
export const EXTENSIONS = [0, 1, 2, 24, 25, 25, 26, 28, 29, 33];
/** Where a CTR takes another byte, and where a session ends. */
export const FIRST_CTRS = [0, 250, 65_530, 65_536, 2 ** 24 - 6, 2 ** 31 - 5, 2 ** 32 - 5];
export const RTCP_PACKET = Uint8Array.of(0x80, 200, 0, 1, 1, 2, 3, 4);
export const SCRATCH = new Uint8Array(MAX_RTP_BYTES + OVERHEAD);
export const NOTHING = new Uint8Array(0);
export const NOISE = bytes(MAX_RTP_BYTES + 1, 77);

/** The clock stands still in all tests of the file that calls this: nothing may depend on how far a budget was refilled. */
export function stopClock(): void {
  beforeEach(() => {
    vi.spyOn(performance, 'now').mockReturnValue(1000);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
}

export function channelOf({ mode, ...options }: Setup, source: SessionSource, more = {}, keyId = 0): Channel {
  const settings = { ...options, replayWindow: WINDOW, ...more };
  return enableEncryptionWith(config(mode, mode === 'SM4_128_ECB' ? 0 : keyId), settings, source);
}

export function two<T>(make: () => T): [T, T] {
  return [make(), make()];
}

/** Sessions without end, which all begin at one CTR. */
export function sessionsAt(ctr: number, first = KID): SessionSource {
  let kid = first;
  return (words) => sessions({ kid: kid++, ctr })(words);
}

export function inputOf({ framing }: Setup, payloadBytes: number, extension: number, csrcs = 0): Uint8Array {
  if (framing === 'frame') return NOISE.subarray(0, payloadBytes);
  const packet = rtp(bytes(0), { csrcs, extension });
  const length = Math.min(payloadBytes, MAX_RTP_BYTES - packet.length);
  return Buffer.concat([packet, NOISE.subarray(0, length)]);
}

/** A frame of a batch, and how its arrays lie. */
export interface Frame {
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

export type ValueOf<T> = T extends fc.Arbitrary<infer Value> ? Value : never;
type Call = (input: Uint8Array, out: Uint8Array) => number;
type Batch = (inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count?: number) => number;
export type Calls = [Call, Batch];
export const UNTOUCHED = 12_345;

function outcome(action: () => number): number | string {
  try {
    return action();
  } catch (error) {
    return String(error);
  }
}

/** Chunks of the frames by the batch of one object, and one by one by the call of the other; a chunk of 0 is a call too. */
export function compare(
  frames: readonly Frame[],
  chunks: readonly number[],
  [call, batch]: Calls,
  [single]: Calls,
): void {
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

export function sealing(sealer: Sealer): Calls {
  return [(input, out) => sealer.seal(input, out), (...batch) => sealer.sealBatch(...batch)];
}

export function opening(opener: Opener): Calls {
  return [(input, out) => opener.open(input, out), (...batch) => opener.openBatch(...batch)];
}

export function openAll(opener: Opener, packets: readonly Uint8Array[]): number[] {
  return packets.map((packet) => opener.open(packet, SCRATCH));
}

const chunkSize = fc.oneof(fc.nat(20), fc.constantFrom(7, 8, 15, 16, 17, 32, 33, 60));
export const chunkSizes = fc.array(chunkSize, { minLength: 1, maxLength: 6 });
export const gaps = fc.nat(7);
/** Now and then arrays that make the call throw. */
export const places = fc
  .nat(40)
  .map((one) => (one < 26 ? 'apart' : one < 39 ? 'same' : one < 40 ? 'crossing' : 'none'));
