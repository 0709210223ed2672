/** Allowed sources, and sealers for each SSRC. */
import { describe, expect, it } from 'vitest';
import { ChannelProtector, ChannelUnprotector, keyIdOf } from '../../../src/cli/gateway/protection.js';
import { Sources } from '../../../src/cli/gateway/sources.js';
import { BUSY, MALFORMED, NOT_RTP } from '../../../src/index.js';
import { channelOf, newConfig, rtp } from '../../support/cli.js';

describe('sources', () => {
  it('are addresses and prefixes of both families', () => {
    const sources = new Sources(['192.0.2.0/24', '10.0.0.7', '2001:db8::/32']);
    for (const address of ['192.0.2.1', '192.0.2.255', '10.0.0.7', '2001:db8:1::1', '::ffff:192.0.2.9'])
      expect(sources.allows(address), address).toBe(true);
    for (const address of ['192.0.3.1', '10.0.0.8', '2001:db9::1', '::ffff:10.0.0.8', '::1', 'fe80::1%eth0'])
      for (let i = 0; i < 2; i++) expect(sources.allows(address), address).toBe(false);
    expect(sources.allows('192.0.2.1')).toBe(true);
  });

  it('can be any source, none, or others after a change', () => {
    expect(new Sources(['any']).allows('203.0.113.9')).toBe(true);
    const sources = new Sources([]);
    expect(sources.allows('203.0.113.9')).toBe(false);
    sources.allow(['203.0.113.9']);
    expect(sources.allows('203.0.113.9')).toBe(true);
    sources.allow(['203.0.113.8']);
    expect(sources.allows('203.0.113.9')).toBe(false);
  });

  it('are judged alike after a flood of others', () => {
    const sources = new Sources(['10.0.0.0/8']);
    for (let i = 0; i < 5000; i++) expect(sources.allows(`11.0.${i >>> 8}.${i & 255}`)).toBe(false);
    expect(sources.allows('10.1.2.3')).toBe(true);
  });
});

function ofSsrc(ssrc: number, sequence: number): Buffer {
  const packet = rtp(sequence, 30);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

describe('sealers', () => {
  const config = newConfig();
  const protect = (protector: ChannelProtector, packets: Buffer[]) => {
    const outs = packets.map((packet) => Buffer.alloc(packet.length + protector.overhead));
    const results = new Int32Array(packets.length);
    protector.protect(packets, outs, results, packets.length);
    return [...results].map((result, i) => (result < 0 ? result : outs[i]!.subarray(0, result)));
  };

  it('are one for each SSRC, and a batch of several keeps its order', () => {
    const protector = new ChannelProtector(channelOf(config));
    const packets = [1, 2, 1, 3, 2, 2, 1, 3].map(ofSsrc);
    const sealed = protect(protector, packets) as Buffer[];
    expect(protector.sealers).toBe(3);
    const unprotector = new ChannelUnprotector(channelOf(config));
    const results = new Int32Array(8);
    unprotector.unprotect(sealed, results, 8);
    expect(sealed.map((packet, i) => packet.subarray(0, results[i]))).toEqual(packets);
    expect(unprotector.senders).toBe(3);
  });

  it('leave audio its window behind a thousand packets of video', () => {
    const protector = new ChannelProtector(channelOf(config));
    const [audio] = protect(protector, [ofSsrc(1, 0)]) as [Buffer];
    const unprotector = new ChannelUnprotector(channelOf(config));
    const results = new Int32Array(1);
    for (let i = 0; i < 1100; i++) {
      unprotector.unprotect(protect(protector, [ofSsrc(2, i)]) as Buffer[], results, 1);
      expect(results[0]).toBeGreaterThan(0);
    }
    unprotector.unprotect([audio], results, 1);
    expect(results[0]).toBe(ofSsrc(1, 0).length);
  });

  it('are 64 at most, and new ones have a budget: a flood of SSRCs leaves known ones as they are', () => {
    const protector = new ChannelProtector(channelOf(config));
    const counts = { ok: 0, busy: 0 };
    for (let i = 0; i < 400; i++) {
      const [known, made] = protect(protector, [ofSsrc(7, i), ofSsrc(1000 + i, 0)]);
      expect(typeof known).toBe('object');
      if (made === BUSY) counts.busy++;
      else counts.ok++;
    }
    expect(protector.sealers).toBe(64);
    expect(counts.busy).toBeGreaterThan(300);
  });

  it('are made of no packet that names no SSRC', () => {
    const protector = new ChannelProtector(channelOf(config));
    const short = Buffer.from([0x80, 96, 0, 1]);
    expect(protect(protector, [Buffer.alloc(0), short, Buffer.from('hello world, hello')])).toEqual([
      MALFORMED,
      MALFORMED,
      NOT_RTP,
    ]);
    expect(protector.sealers).toBe(0);
  });
});

it('a sealed packet names its key id', () => {
  const sealer = channelOf({ ...newConfig(), keyId: 11 }).createSealer();
  expect(keyIdOf(sealer.sealCopy(rtp(1)))).toBe(11);
  expect(keyIdOf(rtp(1).subarray(0, 12))).toBe(undefined);
});
