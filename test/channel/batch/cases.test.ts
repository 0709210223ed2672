/** Batches against the calls one by one: ends of sessions, frames that throw, closing, turns, and eviction (FORMAT.md section 6). */
import { describe, expect, test } from 'vitest';
import { BAD_TAG, CLOSED, REPLAYED, TOO_OLD } from '../../../src/status.js';
import { countedSessions, expectBytes, flipped, KID } from '../../support/channel.js';
import {
  channelOf,
  compare,
  FIRST_CTRS,
  type Frame,
  GCM_SETUPS,
  inputOf,
  NOTHING,
  OVERHEAD,
  openAll,
  opening,
  SCRATCH,
  sealing,
  sessionsAt,
  stopClock,
  two,
  UNTOUCHED,
} from './setup.js';

stopClock();

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
