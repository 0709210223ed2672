/** Random frames in random batches do what the calls one by one do, however an engine groups frames (FORMAT.md section 6). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countedSessions, expectBytes, flipped, KID } from '../../support/channel.js';
import {
  channelOf,
  chunkSizes,
  compare,
  EDGES,
  EXTENSIONS,
  FIRST_CTRS,
  type Frame,
  gaps,
  inputOf,
  MAX_RTP_BYTES,
  NOISE,
  OVERHEAD,
  openAll,
  opening,
  places,
  RTCP_PACKET,
  SETUPS,
  sealing,
  sessionsAt,
  stopClock,
  TITLE,
  two,
  type ValueOf,
} from './setup.js';

stopClock();

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
