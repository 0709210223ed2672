/** State by SSRC and limits (FORMAT.md section 8): which packets make streams, eviction, and the end of a key. */
import { describe, expect, test, vi } from 'vitest';
import { IdSlots } from '../../src/frames/id-slots.js';
import { SrtpReceiver, SrtpSender } from '../../src/srtp/index.js';
import { RTCP, RTP } from '../../src/srtp/packets.js';
import { Streams } from '../../src/srtp/streams.js';
import { BAD_TAG, BUSY, EXHAUSTED, NO_ROOM, REPLAYED, TOO_OLD } from '../../src/status.js';
import { bytes, flipped } from '../support/channel.js';
import { rtcpPacket, rtpPacket, SrtpReference, SSRC, srtpKeys } from '../support/srtp.js';

const KEYS = srtpKeys('AEAD_AES_128_GCM');
const REFERENCE = new SrtpReference(KEYS);
const PAYLOAD = bytes(20);
const LENGTH = 32;
const KINDS = { rtp: RTP, rtcp: RTCP };

const rtp = (ssrc: number, sequence = 1) => rtpPacket(PAYLOAD, { ssrc, sequence });
const srtp = (ssrc: number, sequence = 1, roc = 0) => REFERENCE.protect(rtp(ssrc, sequence), roc);

describe('a sender', () => {
  test('forgets no stream: one more than maxStreams is BUSY, and the others go on', () => {
    const sender = new SrtpSender(KEYS, { maxStreams: 40 });
    const out = new Uint8Array(100);
    for (let ssrc = 0; ssrc < 40; ssrc++) expect(sender.protect(rtp(ssrc), out)).toBe(LENGTH + 16);
    for (let ssrc = 40; ssrc < 60; ssrc++) expect(sender.protect(rtp(ssrc), out)).toBe(BUSY);
    for (let ssrc = 0; ssrc < 40; ssrc++) {
      expect(sender.protect(rtp(ssrc), out)).toBe(REPLAYED);
      expect(sender.protect(rtp(ssrc, 2), out)).toBe(LENGTH + 16);
    }
    expect(sender.stats).toMatchObject({ streams: 40, frames: 80, refused: { BUSY: 20, REPLAYED: 40 } });
    // RTCP has streams of its own.
    expect(sender.protectRtcp(rtcpPacket(PAYLOAD, 77), out)).toBe(28 + 20);
    expect(sender.stats.rtcp).toMatchObject({ streams: 1, frames: 1 });
  });

  test('setRoc: a stream of its own, and no more than maxStreams', () => {
    const sender = new SrtpSender(KEYS, { maxStreams: 2 });
    const out = new Uint8Array(LENGTH + 16);
    sender.setRoc(0xffffffff, 7);
    expect(sender.protect(rtp(0xffffffff, 65_535), out)).toBe(out.length);
    expect(Buffer.compare(out, srtp(0xffffffff, 65_535, 7))).toBe(0);
    expect(sender.protect(rtp(0xffffffff, 0), out)).toBe(out.length);
    expect(Buffer.compare(out, srtp(0xffffffff, 0, 8))).toBe(0);
    sender.setRoc(1, 0);
    expect(() => sender.setRoc(2, 0)).toThrow(RangeError);
    sender.setRoc(1, 0xffffffff);
    expect(sender.protect(rtp(1, 3), out)).toBe(out.length);
    expect(Buffer.compare(out, srtp(1, 3, 0xffffffff))).toBe(0);
    for (const word of [-1, 0.5, 2 ** 32, Number.NaN, '1', undefined] as number[]) {
      expect(() => sender.setRoc(word, 0)).toThrow(RangeError);
      expect(() => sender.setRoc(1, word)).toThrow(RangeError);
    }
    expect(sender.stats.streams).toBe(2);
  });

  test('SRTCP indices count by SSRC, from 0', () => {
    const sender = new SrtpSender(KEYS);
    const out = new Uint8Array(48);
    for (const [ssrc, index] of [
      [1, 0],
      [1, 1],
      [2, 0],
      [1, 2],
      [2, 1],
    ] as const) {
      const packet = rtcpPacket(PAYLOAD, ssrc);
      expect(sender.protectRtcp(packet, new Uint8Array(10))).toBe(NO_ROOM);
      expect(sender.protectRtcp(packet, out)).toBe(48);
      expect(Buffer.compare(out, REFERENCE.protectRtcp(packet, index))).toBe(0);
    }
  });
});

describe('a receiver', () => {
  test('makes no state for what does not authenticate', () => {
    const receiver = new SrtpReceiver(KEYS, { maxStreams: 3 });
    const out = new Uint8Array(100);
    for (let ssrc = 0; ssrc < 3; ssrc++) expect(receiver.unprotect(srtp(ssrc, 500), out)).toBe(LENGTH);
    for (let ssrc = 3; ssrc < 300; ssrc++) {
      expect(receiver.unprotect(flipped(srtp(ssrc, 9), -1), out)).toBe(BAD_TAG);
      expect(receiver.unprotectRtcp(flipped(REFERENCE.protectRtcp(rtcpPacket(PAYLOAD, ssrc), 3), -1), out)).toBe(
        BAD_TAG,
      );
    }
    expect(receiver.stats).toMatchObject({ streams: 3, rtcp: { streams: 0 } });
    for (let ssrc = 0; ssrc < 3; ssrc++) expect(receiver.unprotect(srtp(ssrc, 500), out)).toBe(REPLAYED);
  });

  test('evicts the least recently used, by packets that authenticate', () => {
    const receiver = new SrtpReceiver(KEYS, { maxStreams: 3 });
    const out = new Uint8Array(100);
    for (const ssrc of [1, 2, 3]) expect(receiver.unprotect(srtp(ssrc, 500), out)).toBe(LENGTH);
    expect(receiver.unprotect(srtp(1, 501), out)).toBe(LENGTH);
    // Neither forgeries nor replays make a stream the newest.
    expect(receiver.unprotect(flipped(srtp(2, 501), -1), out)).toBe(BAD_TAG);
    expect(receiver.unprotect(srtp(2, 500), out)).toBe(REPLAYED);
    expect(receiver.unprotect(srtp(4, 500), out)).toBe(LENGTH);
    expect(receiver.stats.streams).toBe(3);
    for (const ssrc of [1, 3, 4]) expect(receiver.unprotect(srtp(ssrc, 500), out)).toBe(REPLAYED);
    // An evicted stream returns with its state.
    for (const sequence of [500, 499, 300]) expect(receiver.unprotect(srtp(2, sequence), out)).toBe(TOO_OLD);
    expect(receiver.stats.streams).toBe(3);
    expect(receiver.unprotect(srtp(2, 501), out)).toBe(LENGTH);
    expect(receiver.unprotect(srtp(2, 500), out)).toBe(TOO_OLD);
    for (const ssrc of [1, 4]) expect(receiver.unprotect(srtp(ssrc, 500), out)).toBe(REPLAYED);
    receiver.setRoc(9, 1);
    expect(receiver.stats.streams).toBe(3);
    expect(receiver.unprotect(srtp(9, 1, 1), out)).toBe(LENGTH);
  });

  test('knows the ROC of an evicted stream that returns', () => {
    const receiver = new SrtpReceiver(KEYS, { maxStreams: 1 });
    const out = new Uint8Array(100);
    receiver.setRoc(1, 3);
    expect(receiver.unprotect(srtp(1, 65_530, 3), out)).toBe(LENGTH);
    expect(receiver.unprotect(srtp(2, 7), out)).toBe(LENGTH);
    expect(receiver.unprotect(srtp(1, 3, 4), out)).toBe(LENGTH);
    expect(receiver.unprotect(srtp(2, 7), out)).toBe(TOO_OLD);
    expect(receiver.unprotect(srtp(2, 8), out)).toBe(LENGTH);
    // A stream of which only the ROC was set leaves nothing.
    receiver.setRoc(3, 9);
    receiver.setRoc(4, 9);
    for (const ssrc of [3, 5, 6]) expect(receiver.unprotect(srtp(ssrc, 1, 0), out)).toBe(LENGTH);
  });

  test('no stream is evicted before the end of a batch', () => {
    const receiver = new SrtpReceiver(KEYS, { maxStreams: 2 });
    const ssrcs = Array.from({ length: 20 }, (_, i) => i);
    const inputs = [...ssrcs.map((ssrc) => srtp(ssrc)), srtp(0)];
    const results = new Int32Array(21);
    expect(
      receiver.unprotectBatch(
        inputs,
        inputs.map(() => new Uint8Array(100)),
        results,
      ),
    ).toBe(20);
    expect(results[20]).toBe(REPLAYED);
    expect(receiver.stats.streams).toBe(2);
    for (const ssrc of [18, 19]) expect(receiver.unprotect(srtp(ssrc), new Uint8Array(100))).toBe(REPLAYED);
  });
});

test('an exception while a stream becomes known leaves no record with two owners', () => {
  const streams = new Streams(4, 64);
  for (const ssrc of [1, 2, 3]) {
    streams.spare(ssrc).accept(ssrc);
    const insert = vi.spyOn(IdSlots.prototype, 'insert').mockImplementationOnce(() => {
      throw new Error('the end of the stack');
    });
    expect(() => streams.authenticated(ssrc)).toThrow('the end of the stack');
    insert.mockRestore();
    streams.spare(ssrc).accept(10 * ssrc);
    streams.authenticated(ssrc);
  }
  streams.spare(9);
  expect([1, 2, 3].map((ssrc) => streams.find(ssrc)!.window.highest)).toEqual([10, 20, 30]);
});

describe('section 8: where a key ends', () => {
  const out = new Uint8Array(100);

  test('2^48 RTP packets, all SSRCs together, on both sides', () => {
    const packets = { rtp: 2 ** 48 - 3, rtcp: 0 };
    const seam = { packets };
    const [sender, receiver] = [new SrtpSender(KEYS, {}, seam), new SrtpReceiver(KEYS, {}, seam)];
    const results = new Int32Array(8);
    const ssrcs = Array.from({ length: 8 }, (_, i) => i);
    const outs = ssrcs.map(() => new Uint8Array(100));
    // One more is refused before it becomes a stream.
    expect(sender.protect(rtp(0), out)).toBe(LENGTH + 16);
    expect(
      sender.protectBatch(
        ssrcs.map((ssrc) => rtp(ssrc, 2)),
        outs,
        results,
      ),
    ).toBe(2);
    expect([...results]).toEqual([48, 48, ...new Array(6).fill(EXHAUSTED)]);
    expect(sender.protect(rtp(0, 2), out)).toBe(EXHAUSTED);
    expect(sender.stats.streams).toBe(2);
    expect(sender.protectRtcp(rtcpPacket(PAYLOAD), out)).toBe(48);
    expect(receiver.unprotect(srtp(0), out)).toBe(LENGTH);
    expect(
      receiver.unprotectBatch(
        ssrcs.map((i) => srtp(0, 2 + i)),
        outs,
        results,
      ),
    ).toBe(2);
    expect([...results]).toEqual([LENGTH, LENGTH, ...new Array(6).fill(EXHAUSTED)]);
    expect(receiver.unprotect(srtp(0), out)).toBe(REPLAYED);
    expect(receiver.unprotectRtcp(REFERENCE.protectRtcp(rtcpPacket(PAYLOAD), 0), out)).toBe(28);
  });

  test('2^31 RTCP packets', () => {
    const seam = { packets: { rtp: 0, rtcp: 2 ** 31 - 2 } };
    const [sender, receiver] = [new SrtpSender(KEYS, {}, seam), new SrtpReceiver(KEYS, {}, seam)];
    for (const [i, expected] of [48, 48, EXHAUSTED, EXHAUSTED].entries()) {
      expect(sender.protectRtcp(rtcpPacket(PAYLOAD, i), out)).toBe(expected);
    }
    for (const [i, expected] of [28, 28, EXHAUSTED].entries()) {
      expect(receiver.unprotectRtcp(REFERENCE.protectRtcp(rtcpPacket(PAYLOAD, i), 0), out)).toBe(expected);
    }
    expect(sender.protect(rtp(1), out)).toBe(48);
  });

  test('the last SRTCP index is 2^31 - 1', () => {
    let first = 2 ** 31 - 2;
    const indexToProtect: typeof RTCP.indexToProtect = () => first++;
    const seam = { kinds: { ...KINDS, rtcp: { ...RTCP, indexToProtect } } };
    const [sender, receiver] = [new SrtpSender(KEYS, {}, seam), new SrtpReceiver(KEYS)];
    const packet = rtcpPacket(PAYLOAD);
    for (const index of [2 ** 31 - 2, 2 ** 31 - 1]) {
      const sealed = new Uint8Array(48);
      expect(sender.protectRtcp(packet, sealed)).toBe(48);
      expect(Buffer.compare(sealed, REFERENCE.protectRtcp(packet, index))).toBe(0);
      expect(receiver.unprotectRtcp(sealed, out)).toBe(28);
    }
    expect(sender.protectRtcp(packet, out)).toBe(EXHAUSTED);
    expect(receiver.unprotectRtcp(REFERENCE.protectRtcp(packet, 2 ** 31 - 1024 - 1), out)).toBe(TOO_OLD);
  });

  test('the last index of a stream is 2^48 - 1', () => {
    const [sender, receiver] = [new SrtpSender(KEYS), new SrtpReceiver(KEYS)];
    for (const side of [sender, receiver]) side.setRoc(SSRC, 0xffffffff);
    const sealed = new Uint8Array(48);
    for (const sequence of [65_534, 65_535]) {
      expect(sender.protect(rtp(SSRC, sequence), sealed)).toBe(48);
      expect(Buffer.compare(sealed, srtp(SSRC, sequence, 0xffffffff))).toBe(0);
      expect(receiver.unprotect(sealed, out)).toBe(LENGTH);
    }
    expect(sender.protect(rtp(SSRC, 0), out)).toBe(EXHAUSTED);
    expect(sender.protect(rtp(SSRC, 0), out)).toBe(EXHAUSTED);
    expect(receiver.unprotect(srtp(SSRC, 0, 0), out)).toBe(EXHAUSTED);
    expect(sender.protect(rtp(SSRC, 65_530), out)).toBe(48);
    expect(sender.protect(rtp(1, 0), out)).toBe(48);
  });
});
