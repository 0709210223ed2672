/** An opener's senders: at most maxSenders are kept, in batches too, and what is remembered of evicted ones (FORMAT.md section 6). */
import { describe, expect, test } from 'vitest';
import type { LiveKey } from '../../../src/channel/keyring.js';
import { SenderTable } from '../../../src/channel/senders.js';
import type { Engine } from '../../../src/engine/engine.js';
import { BAD_TAG, BUSY, REPLAYED, TOO_OLD } from '../../../src/status.js';
import { mistyped } from '../../support/engines.js';
import {
  clock,
  forged,
  frames,
  known,
  madeUp,
  OPENED,
  openerOf,
  out,
  SENDERS,
  TOKEN_MS,
  take,
  useClock,
  WINDOW,
} from './setup.js';

useClock();

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

  test('forged frames of new and of evicted senders evict no sender', () => {
    const opener = openerOf(2);
    for (const sender of [0, 1, 2]) take(opener, sender, 10);
    for (let i = 0; i < 20; i++) {
      expect(opener.open(forged(3, i), out)).toBe(BAD_TAG);
      expect(opener.open(forged(0, 11 + i), out)).toBe(BAD_TAG);
      clock.ms += TOKEN_MS;
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

  test('after a batch the least recently used are evicted, also where it threw; and calls evict as before', () => {
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
    clock.ms += TOKEN_MS;
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

  test('65,536 are remembered, then the one evicted longest ago is forgotten', () => {
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
