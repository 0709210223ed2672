/** The estimate of a packet's index (RFC 3711 section 3.3.1; FORMAT.md section 8), and state that moves after authentication only. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SrtpReceiver, SrtpSender } from '../../src/srtp/index.js';
import { Stream } from '../../src/srtp/streams.js';
import { BAD_TAG, EXHAUSTED, REPLAYED, TOO_OLD } from '../../src/status.js';
import { bytes, flipped } from '../support/channel.js';
import { rtpPacket, SrtpReference, SSRC, srtpKeys } from '../support/srtp.js';

const KEYS = srtpKeys('AEAD_AES_128_GCM');
const REFERENCE = new SrtpReference(KEYS);
const WINDOW = 64;
const OPTIONS = { engine: 'portable', replayWindow: WINDOW } as const;
const PAYLOAD = bytes(3);

/** The nearest index with this sequence number, by trying all ROCs around; a tie as RFC 3711 has it; nothing below 0. */
function nearest(highest: number | undefined, sequence: number): number {
  if (highest === undefined) return sequence;
  const roc = Math.floor(highest / 65_536);
  const tried = [roc - 1, roc, roc + 1]
    .filter((candidate) => candidate >= 0)
    .map((candidate) => candidate * 65_536 + sequence);
  // At the distance of 2^15 exactly the pseudocode keeps the ROC.
  return tried.reduce((best, index) => {
    const [before, now] = [Math.abs(best - highest), Math.abs(index - highest)];
    return now < before || (now === before && Math.floor(index / 65_536) === roc) ? index : best;
  });
}

/** A receiver as a page of text has it: a set of what was seen. */
class Model {
  highest: number | undefined;
  roc: number | undefined;
  readonly seen = new Set<number>();

  /** The status of a packet whose sender gave it this index; or 0. */
  receive(index: number): number {
    const sequence = index % 65_536;
    const estimate = this.roc === undefined ? nearest(this.highest, sequence) : this.roc * 65_536 + sequence;
    if (this.highest !== undefined && estimate <= this.highest - WINDOW) return TOO_OLD;
    if (this.seen.has(estimate)) return REPLAYED;
    if (estimate >= 2 ** 48) return EXHAUSTED;
    if (estimate !== index) return BAD_TAG;
    this.seen.add(index);
    this.highest = Math.max(this.highest ?? 0, index);
    this.roc = undefined;
    return 0;
  }
}

const sealed = new Map<number, Uint8Array>();

function packetOf(index: number): Uint8Array {
  const known = sealed.get(index);
  if (known !== undefined) return known;
  const made = REFERENCE.protect(rtpPacket(PAYLOAD, { sequence: index % 65_536 }), Math.floor(index / 65_536));
  sealed.set(index, made);
  return made;
}

/** Steps from one packet to the next: loss, reordering, jumps near 2^15 and 2^16, and beyond. */
const STEP = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 3, arbitrary: fc.integer({ min: -WINDOW - 3, max: WINDOW + 3 }) },
  { weight: 2, arbitrary: fc.constantFrom(-32_769, -32_768, -32_767, 32_766, 32_767, 32_768, 32_769) },
  { weight: 1, arbitrary: fc.constantFrom(-65_536, 65_535, 65_536, 65_537, 200_000) },
);
const START = fc.oneof(
  fc.integer({ min: 0, max: 65_535 }),
  fc.constantFrom(0, 1, 32_767, 32_768, 65_530, 65_535, 65_536, 3 * 65_536 - 2, 2 ** 31 - 3, 2 ** 32 - 2, 2 ** 48 - 40),
);
const ACT = fc.record({
  step: STEP,
  // Sent from the newest sent, or from the last one; as it is, forged, or twice; perhaps after setRoc.
  fate: fc.constantFrom('sent', 'sent', 'sent', 'sent', 'forged', 'twice', 'told'),
});

describe('a receiver', () => {
  test('agrees with a plain model: loss, reordering, jumps, late joiners, forgeries', () => {
    const outcomes = new Set<number>();
    fc.assert(
      fc.property(START, fc.boolean(), fc.array(ACT, { maxLength: 60 }), (start, told, acts) => {
        const receiver = new SrtpReceiver(KEYS, OPTIONS);
        const model = new Model();
        const out = new Uint8Array(40);
        const tell = (index: number) => {
          model.roc = Math.floor(index / 65_536);
          receiver.setRoc(SSRC, model.roc);
        };
        const check = (index: number) => {
          const expected = model.receive(index);
          const result = receiver.unprotect(packetOf(index), out);
          expect(Math.min(0, result)).toBe(expected);
          outcomes.add(expected);
        };
        if (told) tell(start);
        let index = start;
        check(index);
        for (const { step, fate } of acts) {
          index = Math.min(2 ** 48 - 1, Math.max(0, index + step));
          if (fate === 'told') tell(index);
          if (fate === 'forged') expect(receiver.unprotect(flipped(packetOf(index), -1), out)).toBeLessThan(0);
          check(index);
          if (fate === 'twice') check(index);
        }
        receiver.close();
      }),
      { numRuns: 400 },
    );
    for (const outcome of [0, BAD_TAG, REPLAYED, TOO_OLD]) expect(outcomes).toContain(outcome);
  });

  test('a late joiner needs the ROC: without it BAD_TAG, with it all is well', () => {
    const receiver = new SrtpReceiver(KEYS, OPTIONS);
    const out = new Uint8Array(40);
    const index = 5 * 65_536 + 65_534;
    expect(receiver.unprotect(packetOf(index), out)).toBe(BAD_TAG);
    expect(receiver.stats.streams).toBe(0);
    receiver.setRoc(SSRC, 4);
    expect(receiver.unprotect(packetOf(index), out)).toBe(BAD_TAG);
    receiver.setRoc(SSRC, 5);
    expect(receiver.unprotect(flipped(packetOf(index), -1), out)).toBe(BAD_TAG);
    for (let i = 0; i < 5; i++) expect(receiver.unprotect(packetOf(index + i), out)).toBe(15);
    expect(receiver.unprotect(packetOf(index), out)).toBe(REPLAYED);
  });

  test('setRoc opens nothing again', () => {
    const receiver = new SrtpReceiver(KEYS, OPTIONS);
    const out = new Uint8Array(40);
    for (const index of [70_000, 70_001]) {
      receiver.setRoc(SSRC, 1);
      expect(receiver.unprotect(packetOf(index), out)).toBe(15);
    }
    receiver.setRoc(SSRC, 1);
    expect(receiver.unprotect(packetOf(70_000), out)).toBe(REPLAYED);
    receiver.setRoc(SSRC, 0);
    expect(receiver.unprotect(packetOf(70_001 - 65_536), out)).toBe(TOO_OLD);
  });

  test('a sender that restarts with another SSRC is another stream; with the same one it is behind the window', () => {
    const receiver = new SrtpReceiver(KEYS, OPTIONS);
    const out = new Uint8Array(40);
    for (const index of [65_535, 65_536, 65_537]) expect(receiver.unprotect(packetOf(index), out)).toBe(15);
    const other = REFERENCE.protect(rtpPacket(PAYLOAD, { ssrc: 7, sequence: 1000 }));
    expect(receiver.unprotect(other, out)).toBe(15);
    expect(receiver.unprotect(packetOf(1000), out)).toBe(BAD_TAG);
    expect(receiver.unprotect(packetOf(65_535), out)).toBe(REPLAYED);
  });
});

describe('a sender', () => {
  test('agrees with the model too: every index once, in the window or refused', () => {
    fc.assert(
      fc.property(START, fc.array(STEP, { maxLength: 60 }), (start, steps) => {
        const sender = new SrtpSender(KEYS, OPTIONS);
        const model = new Model();
        const out = new Uint8Array(40);
        model.roc = Math.floor(start / 65_536);
        sender.setRoc(SSRC, model.roc);
        let index = start;
        for (const step of [0, ...steps]) {
          index = Math.max(0, index + step);
          const sequence = index % 65_536;
          const estimate = model.roc === undefined ? nearest(model.highest, sequence) : model.roc * 65_536 + sequence;
          const expected = model.receive(estimate);
          const result = sender.protect(rtpPacket(PAYLOAD, { sequence }), out);
          expect(Math.min(0, result)).toBe(expected);
          if (result > 0) expect(Buffer.compare(out.subarray(0, result), packetOf(estimate))).toBe(0);
        }
        sender.close();
      }),
      { numRuns: 300 },
    );
  });

  test('section 8: a second protect of one index is REPLAYED, and one behind the window TOO_OLD, also after setRoc', () => {
    const sender = new SrtpSender(KEYS, OPTIONS);
    const out = new Uint8Array(40);
    const protect = (sequence: number) => sender.protect(rtpPacket(PAYLOAD, { sequence }), out);
    for (let sequence = 100; sequence < 200; sequence++) expect(protect(sequence)).toBe(31);
    const before = out.slice();
    for (const sequence of [199, 150, 136]) expect(protect(sequence)).toBe(REPLAYED);
    for (const sequence of [135, 100, 99, 0]) expect(protect(sequence)).toBe(TOO_OLD);
    for (const sequence of [199, 150]) {
      sender.setRoc(SSRC, 0);
      expect(protect(sequence)).toBe(REPLAYED);
    }
    expect(out).toEqual(before);
    expect(protect(200)).toBe(31);
    expect(sender.stats.refused).toEqual({ REPLAYED: 5, TOO_OLD: 4 });
  });

  test('the sequence wraps: receivers follow', () => {
    const [sender, receiver] = [new SrtpSender(KEYS, OPTIONS), new SrtpReceiver(KEYS, OPTIONS)];
    const [out, opened] = [new Uint8Array(40), new Uint8Array(40)];
    for (let i = 65_500; i < 3 * 65_536 + 50; i += 7) {
      const packet = rtpPacket(PAYLOAD, { sequence: i % 65_536 });
      expect(receiver.unprotect(out.subarray(0, sender.protect(packet, out)), opened)).toBe(15);
      if (i % 5003 === 0) expect(Buffer.compare(out.subarray(0, 31), REFERENCE.protect(packet, i >>> 16))).toBe(0);
    }
  });
});

test('section 8: the estimate, by the examples of every branch', () => {
  const estimates: [highest: number, sequence: number, index: number][] = [
    [5, 6, 6],
    [5, 0, 0],
    // Below ROC 0 there is nothing.
    [5, 65_535, 65_535],
    [5, 32_773, 32_773],
    [5, 32_774, 32_774],
    [65_541, 65_535, 65_535],
    [65_541, 32_773, 98_309],
    [65_541, 32_774, 32_774],
    [65_535, 0, 65_536],
    [65_535, 32_767, 32_767],
    [65_535, 32_766, 98_302],
    [32_767, 65_535, 65_535],
    [32_768, 0, 0],
    [32_769, 0, 65_536],
    [32_769, 1, 1],
    [2 ** 48 - 1, 0, 2 ** 48],
  ];
  for (const [highest, sequence, index] of estimates) {
    const stream = new Stream(64);
    stream.accept(highest);
    expect([highest, sequence, stream.estimate(sequence)]).toEqual([highest, sequence, index]);
  }
  expect(new Stream(64).estimate(65_000)).toBe(65_000);
});
