/** The contract of seal and open, FORMAT.md section 6: batches equal the calls one by one. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Sealer } from '../../../src/channel/sealer.js';
import { REPLAYED, UNFINISHED } from '../../../src/status.js';
import { Guarded } from '../../support/arrays.js';
import { bytes, expectBytes, flipped } from '../../support/channel.js';
import { mistyped } from '../../support/engines.js';
import { probe } from './refusals.js';
import { dropWarnings, inputOf, isGcm, NO_BYTES, pairOf, SETUPS, sealAll, TITLE, twinSealers } from './setups.js';

dropWarnings();

describe.each(SETUPS)(TITLE, (setup) => {
  describe('section 6: batches equal the calls one by one', () => {
    const frames = 12;
    const inputs = Array.from({ length: frames }, (_, i) => inputOf(setup, 3 * i, i));
    const { sealer: sealing, receiving } = pairOf(setup, { maxSenders: 2 });
    const sealed = sealAll(sealing, inputs);
    const item = fc.record({
      what: fc.constantFrom('genuine', 'forged', 'cut', 'tight', 'empty', 'stray'),
      frame: fc.nat(frames - 1),
    });
    const mixes = fc.array(item, { maxLength: 24, size: 'max' });
    type Item = typeof item extends fc.Arbitrary<infer T> ? T : never;

    function packetOf(from: readonly Uint8Array[], { what, frame }: Item): Uint8Array {
      const packet = from[frame]!;
      if (what === 'forged') return flipped(packet, -1, 0x20);
      if (what === 'cut') return packet.subarray(0, packet.length >>> 1);
      if (what === 'empty') return NO_BYTES;
      return what === 'stray' ? bytes(60, frame) : packet;
    }

    /** Runs a batch on one object and single calls on the other, and compares all that shows. */
    function compare(
      from: readonly Uint8Array[],
      mix: readonly Item[],
      count: number,
      batch: (inputs: Uint8Array[], outs: Uint8Array[], results: Int32Array, count?: number) => number,
      single: (input: Uint8Array, out: Uint8Array) => number,
    ): void {
      const packets = mix.map((one) => packetOf(from, one));
      const outs = () => mix.map(({ what }, i) => new Guarded(what === 'tight' ? 5 : packets[i]!.length + 29));
      const [batchOuts, singleOuts] = [outs(), outs()];
      const results = new Int32Array(mix.length + 2).fill(99);
      const views = batchOuts.map((out) => out.bytes);
      const succeeded = count === mix.length ? batch(packets, views, results) : batch(packets, views, results, count);
      const expected = packets.slice(0, count).map((packet, i) => single(packet, singleOuts[i]!.bytes));
      expect([...results]).toEqual([...expected, ...Array(mix.length + 2 - count).fill(99)]);
      expect(succeeded).toBe(expected.filter((result) => result >= 0).length);
      batchOuts.forEach((out, i) => {
        const written = Math.max(0, expected[i] ?? 0);
        expect(out.holds(singleOuts[i]!.bytes.slice(0, written))).toBe(true);
      });
    }

    test('openBatch', () => {
      fc.assert(
        fc.property(mixes, fc.nat(), (mix, some) => {
          const count = some % 2 === 0 ? mix.length : some % (mix.length + 1);
          const [batching, single] = [receiving.createOpener(), receiving.createOpener()];
          compare(
            sealed,
            mix,
            count,
            (...batch) => batching.openBatch(...batch),
            (input, out) => single.open(input, out),
          );
          expect(batching.stats).toEqual(single.stats);
          expect(batching.lastSenderId).toBe(single.lastSenderId);
          expect(probe(batching, sealed)).toEqual(probe(single, sealed));
        }),
        { numRuns: 40 },
      );
    });

    test('sealBatch', () => {
      fc.assert(
        fc.property(mixes, fc.nat(), (mix, some) => {
          const count = some % 2 === 0 ? mix.length : some % (mix.length + 1);
          const [batching, single] = twinSealers(setup);
          compare(
            inputs,
            mix,
            count,
            (...batch) => batching.sealBatch(...batch),
            (input, out) => single.seal(input, out),
          );
          expect(batching.stats).toEqual(single.stats);
          expectBytes(batching.sealCopy(inputs[3]!), single.sealCopy(inputs[3]!));
        }),
        { numRuns: 40 },
      );
    });

    test('of two copies in one batch the second is REPLAYED; SM4 has no replay protection', () => {
      const opener = receiving.createOpener();
      const outs = [0, 1, 2].map(() => new Uint8Array(200));
      const results = new Int32Array(3);
      const copies = [sealed[4]!, sealed[4]!, sealed[3]!];
      expect(opener.openBatch(copies, outs, results)).toBe(isGcm(setup) ? 2 : 3);
      const [first, last] = [inputs[4]!.length, inputs[3]!.length];
      expect([...results]).toEqual([first, isGcm(setup) ? REPLAYED : first, last]);
    });

    test('misuse throws before anything is done', () => {
      const [sealer, twin] = twinSealers(setup);
      const opener = receiving.createOpener();
      const one = inputs[5]!;
      const outs = [new Uint8Array(200), new Uint8Array(200)];
      const results = new Int32Array(2).fill(77);
      const calls: ((...batch: Parameters<Sealer['sealBatch']>) => number)[] = [
        (...batch) => sealer.sealBatch(...batch),
        (...batch) => opener.openBatch(...batch),
      ];
      for (const call of calls) {
        for (const count of [-1, 3, 1.5, Number.NaN, null, '1'])
          expect(() => call([one, one], outs, results, mistyped(count)), String(count)).toThrow(RangeError);
        expect(() => call([one, one, one], [...outs, outs[0]!], results)).toThrow(RangeError);
        expect(() => call([one, one], [outs[0]!], results)).toThrow(RangeError);
        expect(() => call([one], outs, results, 2)).toThrow(RangeError);
        expect(() => call(mistyped(undefined), outs, results)).toThrow(TypeError);
        expect(() => call([one], mistyped(null), results)).toThrow(TypeError);
        expect(() => call([one], outs, mistyped(undefined))).toThrow(TypeError);
        expect(call([], [], new Int32Array(0))).toBe(0);
        expect(call([one], outs, results, 0)).toBe(0);
      }
      expect([...results]).toEqual([77, 77]);
      for (const call of calls) {
        results.fill(77);
        expect(() => call(mistyped(['text']), outs, results)).toThrow(TypeError);
        expect([...results]).toEqual([UNFINISHED, 77]);
        expect(() => call([one], mistyped([[1, 2]]), results)).toThrow(TypeError);
        expect([...results]).toEqual([UNFINISHED, 77]);
      }
      expectBytes(sealer.sealCopy(one), twin.sealCopy(one));
    });
  });

  test('a batch whose results are no Int32Array throws', () => {
    const { sealer } = pairOf(setup);
    const outs = [new Uint8Array(200)];
    for (const wrong of [[0], new Uint8Array(1), new Float64Array(1), new Uint32Array(1)])
      expect(() => sealer.sealBatch([inputOf(setup, 20)], outs, mistyped(wrong))).toThrow(TypeError);
  });
});
