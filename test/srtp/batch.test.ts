/** Batches do what single calls do (FORMAT.md sections 6 and 8): the same bytes, statuses and state, also while others wait. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.js';
import { pickEngine } from '../../src/engine/pick.js';
import { SrtpReceiver, SrtpSender } from '../../src/srtp/index.js';
import { BUSY, REPLAYED, UNFINISHED } from '../../src/status.js';
import { Guarded } from '../support/arrays.js';
import { bytes, flipped } from '../support/channel.js';
import { ENGINES } from '../support/engines.js';
import { rtpPacket, SrtpReference, srtpKeys } from '../support/srtp.js';

const KEYS = srtpKeys('AEAD_AES_256_GCM');
const REFERENCE = new SrtpReference(KEYS);
const PAYLOAD = bytes(1900);
const SIZES = [0, 1, 20, 160, 1200, 1801];

/** A packet of a stream, some steps of index after its last one; perhaps changed; perhaps after `setRoc`. */
const ITEM = fc.record({
  ssrc: fc.constantFrom(1, 1, 1, 2, 0xffffffff, 3, 4),
  step: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 2 }) },
    { weight: 2, arbitrary: fc.integer({ min: -3, max: 70 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 32_767, 32_768, -32_768, 65_536) },
  ),
  size: fc.constantFrom(...SIZES),
  fate: fc.constantFrom('sent', 'sent', 'sent', 'sent', 'forged', 'short', 'STUN', 'no room'),
});
const STARTS = fc.constantFrom(0, 32_760, 65_530, 70_000);

interface Made {
  readonly packet: Uint8Array;
  readonly sealed: Uint8Array;
  readonly room: number;
  readonly ssrc: number;
}

function make(start: number, items: readonly (typeof ITEM extends fc.Arbitrary<infer Item> ? Item : never)[]): Made[] {
  const newest = new Map<number, number>();
  return items.map(({ ssrc, step, size, fate }) => {
    const last = newest.get(ssrc);
    const index = last === undefined ? start : Math.max(0, last + step);
    newest.set(ssrc, index);
    const packet = rtpPacket(PAYLOAD.subarray(0, size), { ssrc, sequence: index % 65_536 });
    let sealed = REFERENCE.protect(packet, Math.floor(index / 65_536));
    if (fate === 'forged') sealed = flipped(sealed, -1);
    if (fate === 'short') sealed = sealed.subarray(0, 20);
    if (fate === 'STUN') sealed = flipped(sealed, 0, 0x80);
    return {
      packet: fate === 'STUN' ? flipped(packet, 0, 0x80) : packet,
      sealed,
      room: fate === 'no room' ? 9 : 2000,
      ssrc,
    };
  });
}

describe.each(ENGINES)('engine %s', (engine) => {
  const options = { engine, replayWindow: 64 } as const;

  test('unprotectBatch gives what unprotect gives, of any streams', () => {
    fc.assert(
      fc.property(STARTS, fc.boolean(), fc.array(ITEM, { maxLength: 70 }), (start, told, items) => {
        const [single, batch] = [new SrtpReceiver(KEYS, options), new SrtpReceiver(KEYS, options)];
        if (told) for (const receiver of [single, batch]) receiver.setRoc(1, 1);
        const made = make(start, items);
        // Twice: what was refused in a batch and what was not must be known afterwards.
        for (const round of [0, 1]) {
          const expected = made.map(({ sealed, room }) => {
            const out = new Uint8Array(room);
            return { result: single.unprotect(sealed, out), out };
          });
          const outs = made.map(({ room }) => new Uint8Array(room));
          const results = new Int32Array(made.length);
          const inputs = made.map(({ sealed }) => sealed);
          const succeeded = batch.unprotectBatch(inputs, outs, results);
          expect([...results], `round ${round}`).toEqual(expected.map(({ result }) => result));
          expect(succeeded).toBe([...results].filter((result) => result >= 0).length);
          expect(outs.every((out, i) => Buffer.compare(out, expected[i]!.out) === 0)).toBe(true);
          expect(batch.stats).toEqual(single.stats);
        }
        single.close();
        batch.close();
      }),
      { numRuns: 150 },
    );
  });

  test('protectBatch gives what protect gives, of any streams', () => {
    fc.assert(
      fc.property(STARTS, fc.array(ITEM, { maxLength: 70 }), (start, items) => {
        const limited = { ...options, maxStreams: 3 };
        const [single, batch] = [new SrtpSender(KEYS, limited), new SrtpSender(KEYS, limited)];
        for (const sender of [single, batch]) sender.setRoc(1, Math.floor(start / 65_536));
        const made = make(start, items);
        const expected = made.map(({ packet, room }) => {
          const out = new Uint8Array(room);
          return { result: single.protect(packet, out), out };
        });
        const outs = made.map(({ room }) => new Uint8Array(room));
        const results = new Int32Array(made.length);
        batch.protectBatch(
          made.map(({ packet }) => packet),
          outs,
          results,
        );
        expect([...results]).toEqual(expected.map(({ result }) => result));
        expect(outs.every((out, i) => Buffer.compare(out, expected[i]!.out) === 0)).toBe(true);
        expect(batch.stats).toEqual(single.stats);
        single.close();
        batch.close();
      }),
      { numRuns: 150 },
    );
  });

  test('in place, over the wrap, and of two copies the second is REPLAYED on both sides', () => {
    const [sender, receiver] = [new SrtpSender(KEYS, options), new SrtpReceiver(KEYS, options)];
    const packets = Array.from({ length: 33 }, (_, i) => {
      return rtpPacket(PAYLOAD.subarray(0, 30 * i), { sequence: (65_520 + (i === 20 ? 19 : i)) % 65_536 });
    });
    const memories = packets.map((packet) => {
      const memory = new Uint8Array(packet.length + 16);
      memory.set(packet);
      return memory;
    });
    const inputs = packets.map((packet, i) => memories[i]!.subarray(0, packet.length));
    const results = new Int32Array(33);
    expect(sender.protectBatch(inputs, memories, results)).toBe(32);
    expect(results[20]).toBe(REPLAYED);
    memories[20] = memories[19]!;
    const outs = memories.map((memory) => new Guarded(memory.length - 16));
    const opened = outs.map((out) => out.bytes);
    expect(receiver.unprotectBatch(memories, opened, results)).toBe(32);
    expect(results[20]).toBe(REPLAYED);
    for (const [i, packet] of packets.entries()) {
      expect(i === 20 ? outs[i]!.untouched : outs[i]!.holds(packet)).toBe(true);
    }
  });
});

test('packets in sequence go through the engine together; the first of a stream, and a jump of 2^15, do not', () => {
  const groups: number[] = [];
  const real = pickEngine('portable');
  const engine: Engine = {
    ...real,
    openAll: (jobs, count) => {
      groups.push(count);
      real.openAll(jobs, count);
    },
  };
  const receiver = new SrtpReceiver(KEYS, {}, { engine });
  /** A batch of indices, in turn of several streams; one of them forged. */
  const batchOf = (indices: readonly number[], streams = 1, forged = Number.NaN) => {
    groups.length = 0;
    const inputs = indices.map((index, i) => {
      const fields = { ssrc: 100 * streams + (i % streams), sequence: index % 65_536 };
      const sealed = REFERENCE.protect(rtpPacket(PAYLOAD.subarray(0, 9), fields), Math.floor(index / 65_536));
      return index === forged ? flipped(sealed, -1) : sealed;
    });
    const outs = inputs.map(() => new Uint8Array(40));
    const results = new Int32Array(inputs.length);
    const succeeded = receiver.unprotectBatch(inputs, outs, results);
    return { succeeded, groups: [...groups] };
  };
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  expect(batchOf(range(32_700, 16))).toEqual({ succeeded: 16, groups: [15] });
  expect(batchOf(range(32_716, 16))).toEqual({ succeeded: 16, groups: [16] });
  expect(batchOf([...range(32_732, 8), ...range(65_499, 8)])).toEqual({ succeeded: 16, groups: [8, 8] });
  expect(batchOf(range(65_530, 16))).toEqual({ succeeded: 16, groups: [16] });
  // Streams do not wait for each other, nor for what was forged in a batch before.
  expect(batchOf(range(0, 16), 2)).toEqual({ succeeded: 16, groups: [2, 13] });
  expect(batchOf([...range(16, 15), 999], 2, 999)).toEqual({ succeeded: 15, groups: [16] });
  expect(batchOf(range(32, 16), 2)).toEqual({ succeeded: 16, groups: [16] });
});

test('a batch that throws has used the indices of the packets that were with the engine, and no others', () => {
  const real = pickEngine('portable');
  let fails = true;
  const engine: Engine = {
    ...real,
    sealAll: (jobs, count) => {
      if (fails) throw new Error('a fault');
      real.sealAll(jobs, count);
    },
  };
  const sender = new SrtpSender(KEYS, { maxStreams: 1 }, { engine });
  const packets = Array.from({ length: 32 }, (_, i) => rtpPacket(PAYLOAD.subarray(0, 9), { sequence: i }));
  const outs = packets.map((packet) => new Uint8Array(packet.length + 16));
  const results = new Int32Array(32);
  expect(() => sender.protectBatch(packets, outs, results)).toThrow('a fault');
  expect([...results]).toEqual(new Array(32).fill(UNFINISHED));
  fails = false;
  expect(sender.protectBatch(packets, outs, results)).toBe(16);
  expect([...results]).toEqual([...new Array(16).fill(REPLAYED), ...new Array(16).fill(37)]);
  expect(sender.protect(rtpPacket(PAYLOAD.subarray(0, 9), { ssrc: 5 }), outs[0]!)).toBe(BUSY);
});
