/** What is RTP, and where its header ends: the rules of FORMAT.md section 4. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { enableEncryption, generateKey, generateSalt } from '../../src/index.js';
import { MALFORMED, NOT_RTP, RTCP, TOO_LARGE } from '../../src/status.js';
import { compoundStatus, isRtcp, MAX_RTP_BYTES, paddingBit, rtpHeaderLength } from '../../src/wire/rtp.js';
import { hex } from '../support/fixtures.js';

const lengthOf = (packet: Uint8Array): number => rtpHeaderLength(packet, packet.length);
const statusOf = (packet: Uint8Array): number => compoundStatus(packet, packet.length);

interface RtpFields {
  readonly padding: boolean;
  readonly csrcs: number;
  /** Words of the extension, or undefined for none. */
  readonly extensionWords: number | undefined;
  readonly secondByte: number;
}

/** An RTP header; the words that do not count are of one byte value. */
function rtpHeader({ padding, csrcs, extensionWords, secondByte }: RtpFields, filler = 0xff): Buffer {
  const first = 0x80 | (padding ? 0x20 : 0) | (extensionWords === undefined ? 0 : 0x10) | csrcs;
  const fixed = Buffer.alloc(12 + 4 * csrcs, filler);
  fixed.set([first, secondByte]);
  if (extensionWords === undefined) return fixed;
  const extension = Buffer.alloc(4 + 4 * extensionWords, filler);
  extension.writeUInt16BE(extensionWords, 2);
  return Buffer.concat([fixed, extension]);
}

/** A part of a compound RTCP packet with `words` words after its first. */
function rtcpPart(type: number, words: number): Buffer {
  const part = Buffer.alloc(4 + 4 * words, 0xff);
  part.set([0x80, type, words >>> 8, words]);
  return part;
}

const isRtcpType = (byte: number): boolean => byte >= 192 && byte <= 223;
const mediaSecondByte = fc.nat(255).filter((byte) => !isRtcpType(byte));
const fields: fc.Arbitrary<RtpFields> = fc.record({
  padding: fc.boolean(),
  csrcs: fc.nat(15),
  extensionWords: fc.option(fc.nat(40), { nil: undefined }),
  secondByte: mediaSecondByte,
});

describe('known layouts', () => {
  const known: [name: string, packet: string, length: number][] = [
    ['a bare header', '8008000000000000aabbccdd', 12],
    ['a payload after it', '8008000000000000aabbccdd00112233', 12],
    ['a one-byte header extension (RFC 8285)', '906f1a2b00000fa0deadbeefbede0001107f0000', 20],
    ['a two-byte header extension (RFC 8285)', '906f1a2b00000fa0deadbeef1000000110010000', 20],
    ['an extension of no words', '906f1a2b00000fa0deadbeef12340000', 16],
    ['two CSRCs and padding', 'a2e0ffff000003e80badcafe0000000100000002767000000004', 20],
    ['one CSRC and an extension', '910800000000000000000001aabbccddbede000100000000', 24],
  ];
  it.each(known)('%s', (_, packet, length) => expect(lengthOf(hex(packet))).toBe(length));

  it('fifteen CSRCs and the longest extension that a datagram holds', () => {
    const words = Math.floor((MAX_RTP_BYTES - 76) / 4);
    const header = rtpHeader({ padding: true, csrcs: 15, extensionWords: words, secondByte: 0 });
    expect(lengthOf(header)).toBe(76 + 4 * words);
    expect(rtpHeaderLength(header, header.length - 1)).toBe(MALFORMED);
  });

  it('an extension that says 65,535 words', () => {
    const header = rtpHeader({ padding: false, csrcs: 0, extensionWords: 65_535, secondByte: 0 });
    expect(lengthOf(header)).toBe(12 + 4 + 4 * 65_535);
    expect(rtpHeaderLength(header, MAX_RTP_BYTES)).toBe(MALFORMED);
  });

  it('any header, with any payload', () => {
    fc.assert(
      fc.property(fields, fc.uint8Array({ maxLength: 40 }), fc.constantFrom(0, 0x80, 0xff), (rtp, payload, filler) => {
        const header = rtpHeader(rtp, filler);
        const packet = Buffer.concat([header, payload]);
        expect(lengthOf(packet)).toBe(header.length);
        expect(paddingBit(packet)).toBe(rtp.padding ? 0x20 : 0);
      }),
    );
  });
});

describe('rule 1: an empty input', () => {
  it('is MALFORMED', () => {
    expect(lengthOf(new Uint8Array(0))).toBe(MALFORMED);
    expect(rtpHeaderLength(hex('8008000000000000aabbccdd'), 0)).toBe(MALFORMED);
  });
});

describe('rule 3: the first byte', () => {
  it('is 128 to 191, or this is NOT_RTP', () => {
    for (let first = 0; first < 256; first++) {
      const packet = Buffer.alloc(80);
      packet[0] = first;
      const isVersion2 = first >= 128 && first <= 191;
      const header = 12 + 4 * (first & 15) + (first & 0x10 ? 4 : 0);
      expect(lengthOf(packet), `${first}`).toBe(isVersion2 ? header : NOT_RTP);
      expect(rtpHeaderLength(packet, 1), `${first} alone`).toBe(isVersion2 ? MALFORMED : NOT_RTP);
    }
  });

  it('decides before the second one', () => {
    for (const packet of [hex('00c80000'), hex('c0c80000')]) {
      expect(lengthOf(packet)).toBe(NOT_RTP);
      expect(isRtcp(packet, packet.length)).toBe(false);
    }
  });
});

describe('rules 4 and 5: a second byte of 192 to 223', () => {
  it('is RTCP, of version 2 and no other', () => {
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        const expected = first >= 128 && first <= 191 && isRtcpType(second);
        const packet = Buffer.alloc(100);
        packet.set([first, second], 1);
        if (isRtcp(packet, 2, 1) !== expected) expect(`${first} ${second}`).toBe(expected);
        const isNoRtp = rtpHeaderLength(packet, 90, 1) === NOT_RTP;
        if (isNoRtp !== (expected || first >>> 6 !== 2)) expect(`${first} ${second}: no RTP`).toBe(!isNoRtp);
      }
    }
  });

  it('does not count where it is beyond the end', () => {
    expect(isRtcp(hex('80c80000'), 1)).toBe(false);
    expect(isRtcp(hex(''), 0)).toBe(false);
  });

  it('is a compound packet where the parts end with the datagram, NOT_RTP at every other length', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ type: fc.integer({ min: 192, max: 223 }), words: fc.nat(12) }), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.uint8Array({ minLength: 1, maxLength: 3 }),
        (kinds, tail) => {
          const parts = kinds.map(({ type, words }) => rtcpPart(type, words));
          const packet = Buffer.concat(parts);
          const ends = new Set<number>();
          let end = 0;
          for (const part of parts) {
            end += part.length;
            ends.add(end);
          }
          for (let length = 2; length <= packet.length; length++) {
            expect(compoundStatus(packet, length)).toBe(ends.has(length) ? RTCP : NOT_RTP);
          }
          expect(statusOf(Buffer.concat([packet, tail]))).toBe(NOT_RTP);
        },
      ),
    );
  });

  it('counts in every part, and so does version 2', () => {
    for (const [first, second, status] of [
      [0x80, 191, NOT_RTP],
      [0x80, 224, NOT_RTP],
      [0x80, 96, NOT_RTP],
      [0x40, 201, NOT_RTP],
      [0x00, 201, NOT_RTP],
      [0xc0, 201, NOT_RTP],
      [0xbf, 192, RTCP],
      [0x80, 223, RTCP],
    ] as const) {
      const part = rtcpPart(second, 1);
      part[0] = first;
      expect(statusOf(Buffer.concat([rtcpPart(200, 2), part, rtcpPart(201, 0)])), `${first} ${second}`).toBe(status);
    }
  });

  it('is a compound packet with the longest part there is', () => {
    const packet = rtcpPart(200, 65_535);
    expect(statusOf(packet)).toBe(RTCP);
    expect(compoundStatus(packet, packet.length - 4)).toBe(NOT_RTP);
  });
});

describe('rule 6: a header cut short', () => {
  it('is MALFORMED at every length', () => {
    fc.assert(
      fc.property(fields, (rtp) => {
        const header = rtpHeader(rtp);
        for (let length = 1; length < header.length; length++) {
          expect(rtpHeaderLength(header, length)).toBe(MALFORMED);
          expect(lengthOf(header.subarray(0, length))).toBe(MALFORMED);
        }
        expect(lengthOf(header)).toBe(header.length);
      }),
    );
  });
});

describe('sealers and openers', () => {
  const config = { encryptionMode: 'AES_128_GCM2', encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
  const out = new Uint8Array(70_000);

  it.each(['sealed', 'clear'] as const)(
    'apply the rules in their order, each to the whole datagram: rtcp %s',
    (rtcp) => {
      using channel = enableEncryption(config, { rtcp });
      const sealer = channel.createSealer();
      const opener = channel.createOpener();
      const longest = MAX_RTP_BYTES + sealer.overhead;
      out.fill(0xa5);
      const refusals: [input: Uint8Array, seal: number, open: number][] = [
        [new Uint8Array(0), MALFORMED, MALFORMED],
        [new Uint8Array(MAX_RTP_BYTES + 1), TOO_LARGE, NOT_RTP],
        [new Uint8Array(longest + 1), TOO_LARGE, TOO_LARGE],
        [new Uint8Array(MAX_RTP_BYTES), NOT_RTP, NOT_RTP],
        [hex('00'), NOT_RTP, NOT_RTP],
        [hex('80c9'), MALFORMED, MALFORMED],
        [hex('80c90001deadbe'), MALFORMED, MALFORMED],
        [hex('80cb0000'), MALFORMED, MALFORMED],
        [hex('80'), MALFORMED, MALFORMED],
        [hex('8008000000000000aabbcc'), MALFORMED, MALFORMED],
      ];
      if (rtcp === 'clear') {
        refusals.push([hex('80c90001deadbeef'), RTCP, RTCP], [hex('80c90001deadbeef00'), NOT_RTP, NOT_RTP]);
      }
      for (const [input, seal, open] of refusals) {
        expect(sealer.seal(input, out), `seal ${input.length} bytes`).toBe(seal);
        expect(opener.open(input, out), `open ${input.length} bytes`).toBe(open);
      }
      expect(out.every((byte) => byte === 0xa5)).toBe(true);
    },
  );

  it('take the longest packet', () => {
    using channel = enableEncryption(config);
    const packet = new Uint8Array(MAX_RTP_BYTES).fill(7);
    packet[0] = 0x80;
    const written = channel.createSealer().seal(packet, out);
    expect(written).toBe(MAX_RTP_BYTES + 25);
    expect(channel.createOpener({ loopback: true }).open(out.subarray(0, written), out)).toBe(MAX_RTP_BYTES);
    expect(Buffer.compare(out.subarray(0, MAX_RTP_BYTES), packet)).toBe(0);
  });
});
