/**
 * No key encrypts two packets under one nonce (FORMAT.md section 8): with any calls in any order, any sequence numbers, and
 * exceptions anywhere. The ledger is at the engine: it records a nonce before its packet is encrypted.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Engine, FrameJob, GcmKey } from '../../src/engine/engine.js';
import { pickEngine } from '../../src/engine/pick.js';
import { SrtpReceiver, SrtpSender } from '../../src/srtp/index.js';
import { CLOSED } from '../../src/status.js';
import { bytes, expectBytes } from '../support/channel.js';
import { toHex } from '../support/fixtures.js';
import { rtcpPacket, rtpPacket, srtpKeys } from '../support/srtp.js';

const KEYS = srtpKeys('AEAD_AES_128_GCM');
const PAYLOAD = bytes(20);
const MOST_CALLS = 30;
const MOST_PACKETS = 20;

/** An engine that records every key and nonce of an encryption, and throws on request: before, or after. */
class LedgerEngine {
  readonly used = new Set<string>();
  repeats = 0;
  fault: 'none' | 'before' | 'after' = 'none';
  readonly engine: Engine;
  readonly #names = new Map<GcmKey, number>();

  constructor() {
    const real = pickEngine('portable');
    this.engine = {
      ...real,
      createGcmKey: (keyBytes) => {
        const key = real.createGcmKey(keyBytes);
        this.#names.set(key, this.#names.size);
        const { seal } = key;
        key.seal = (job) => this.#run([job], () => seal.call(key, job));
        return key;
      },
      sealAll: (jobs, count) => {
        this.#run(jobs.slice(0, count), () => {
          for (const job of jobs.slice(0, count)) Object.getPrototypeOf(job.key).seal.call(job.key, job);
        });
      },
    };
  }

  #run(jobs: readonly FrameJob[], action: () => void): void {
    const { fault } = this;
    this.fault = 'none';
    if (fault === 'before') throw new Error('a fault');
    for (const { key, nonce } of jobs) {
      const use = `${this.#names.get(key!)} ${toHex(nonce)}`;
      if (this.used.has(use)) this.repeats++;
      this.used.add(use);
    }
    action();
    if (fault === 'after') throw new Error('a fault');
  }
}

/** Each call advances a ROC by half of its packets at most: all ROCs that a sender can reach. */
const ROCS = [...Array(2 + (MOST_CALLS * MOST_PACKETS) / 2).keys(), 0xffffffff, 0xfffffffe];

const PACKET = fc.record({
  ssrc: fc.constantFrom(0, 1, 0xffffffff),
  sequence: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(65_535, 65_534, 32_768, 32_767, 1000, 40_000)),
});
const CALL = fc.record({
  kind: fc.constantFrom('one', 'one', 'batch', 'batch', 'rtcp', 'setRoc', 'no room'),
  packets: fc.array(PACKET, { minLength: 12, maxLength: MOST_PACKETS }),
  roc: fc.constantFrom(0, 0, 1, 2, 0xffffffff),
  fault: fc.constantFrom('none', 'none', 'none', 'before', 'after'),
});

test('random calls, batches, faults and ROCs: no nonce comes twice, and everything that went out is genuine', () => {
  let protectedPackets = 0;
  let faults = 0;
  fc.assert(
    fc.property(fc.array(CALL, { maxLength: MOST_CALLS }), (calls) => {
      const ledger = new LedgerEngine();
      const sender = new SrtpSender(KEYS, { replayWindow: 64 }, ledger);
      const attempt = (action: () => number): number => {
        try {
          return action();
        } catch (error) {
          expect(error).toEqual(new Error('a fault'));
          faults++;
          return CLOSED;
        }
      };
      for (const { kind, packets, roc, fault } of calls) {
        ledger.fault = fault as LedgerEngine['fault'];
        const inputs = packets.map((fields) => rtpPacket(PAYLOAD, fields));
        const outs = inputs.map(() => new Uint8Array(kind === 'no room' ? 40 : 48));
        const [input, out] = [inputs[0]!, outs[0]!];
        if (kind === 'setRoc') sender.setRoc(packets[0]!.ssrc, roc);
        else if (kind === 'batch') attempt(() => sender.protectBatch(inputs, outs, new Int32Array(inputs.length)));
        else if (kind === 'rtcp')
          attempt(() => sender.protectRtcp(rtcpPacket(PAYLOAD, packets[0]!.ssrc), new Uint8Array(60)));
        else if (attempt(() => sender.protect(input, out)) === 48) {
          // A receiver that knows all ROCs takes it.
          const receiver = new SrtpReceiver(KEYS);
          const opened = new Uint8Array(48);
          const found = ROCS.find((each) => {
            receiver.setRoc(packets[0]!.ssrc, each);
            return receiver.unprotect(out, opened) === 32;
          });
          expect(found).toBeDefined();
          expectBytes(opened.subarray(0, 32), input);
          receiver.close();
        }
      }
      expect(ledger.repeats).toBe(0);
      protectedPackets += ledger.used.size;
      sender.close();
    }),
    { numRuns: 150 },
  );
  expect(protectedPackets).toBeGreaterThan(1000);
  expect(faults).toBeGreaterThan(50);
});

test('the ledger sees a nonce that comes twice: two senders under one key', () => {
  const ledger = new LedgerEngine();
  const seen: string[][] = [];
  for (let i = 0; i < 2; i++) {
    const { used } = ledger;
    used.clear();
    const sender = new SrtpSender(KEYS, {}, ledger);
    sender.protect(rtpPacket(PAYLOAD), new Uint8Array(48));
    seen.push([...used].map((use) => use.split(' ')[1]!));
  }
  expect(seen[0]).toEqual(seen[1]);
});
