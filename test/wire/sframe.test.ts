/** The SFrame header: RFC 9605 section 4.3, and what FORMAT.md section 4 refuses of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { enableEncryptionWith } from '../../src/channel/channel.js';
import { generateKey, generateSalt } from '../../src/index.js';
import { BAD_TAG, MALFORMED } from '../../src/status.js';
import { ctrLength, MAX_SEALED_HEADER_BYTES, SframeHeader, writeHeader } from '../../src/wire/sframe.js';
import { halves, hex, toHex } from '../support/fixtures.js';
import { decodeHeader, encodeHeader } from '../support/second/headers.mjs';

const CTR_LIMIT = 1n << 53n;
const U64_LIMIT = 1n << 64n;

/** A header with both fields in a number of bytes of the caller's choice; 0 puts a field into the config byte. */
function encodeIn(kid: bigint, kidBytes: number, ctr: bigint, ctrBytes: number): Buffer {
  const nibble = (value: bigint, bytes: number): number => (bytes === 0 ? Number(value) : 8 | (bytes - 1));
  const field = (value: bigint, bytes: number): Buffer =>
    hex(bytes === 0 ? '' : value.toString(16).padStart(2 * bytes, '0'));
  const config = (nibble(kid, kidBytes) << 4) | nibble(ctr, ctrBytes);
  return Buffer.concat([Buffer.of(config), field(kid, kidBytes), field(ctr, ctrBytes)]);
}

/** Bytes that a field takes after the config byte. */
const least = (value: bigint): number => encodeHeader(value, 0n).length - 1;

const header = new SframeHeader();
const parse = (bytes: Uint8Array): number => header.parse(bytes, 0, bytes.length);

function expectParsed(bytes: Uint8Array, kid: bigint, ctr: bigint): void {
  expect(parse(bytes), toHex(bytes)).toBe(bytes.length);
  expect([header.kidHigh, header.kidLow]).toEqual(halves(kid));
  expect(header.ctr).toBe(Number(ctr));
}

/** The values at which the number of bytes changes, and those beside them, below a limit. */
function edges(limit: bigint): bigint[] {
  const powers = [3, 8, 16, 24, 31, 32, 40, 48, 53, 56, 63, 64].map((bits) => 1n << BigInt(bits));
  return [0n, 1n, ...powers.flatMap((power) => [power - 1n, power, power + 1n])].filter((value) => value < limit);
}

const kids = fc.oneof(fc.constantFrom(...edges(U64_LIMIT)), fc.bigInt({ min: 0n, max: U64_LIMIT - 1n }));
const ctrs = fc.oneof(fc.constantFrom(...edges(CTR_LIMIT)), fc.bigInt({ min: 0n, max: CTR_LIMIT - 1n }));

describe('reading', () => {
  it('knows the headers of FORMAT.md appendix A.10', () => {
    expectParsed(hex('00'), 0n, 0n);
    expectParsed(hex('73'), 7n, 3n);
    expectParsed(hex('880808'), 8n, 8n);
    expectParsed(hex('0e1fffffffffffff'), 0n, 0x1fffffffffffffn);
    expectParsed(hex('f951a1b2c3d4e5f6070100'), 0x51a1b2c3d4e5f607n, 0x100n);
    expectParsed(hex('9901234567'), 0x123n, 0x4567n);
  });

  it('takes a KID and a CTR of every length', () => {
    for (const kid of edges(U64_LIMIT))
      for (const ctr of edges(CTR_LIMIT)) expectParsed(encodeHeader(kid, ctr), kid, ctr);
  });

  it('takes any KID and CTR', () => {
    fc.assert(fc.property(kids, ctrs, (kid, ctr) => expectParsed(encodeHeader(kid, ctr), kid, ctr)));
  });

  it('agrees with the second implementation on any bytes', () => {
    const mostlyFields = fc.tuple(
      fc.nat(255),
      fc.array(fc.constantFrom(0, 0, 1, 7, 8, 0x1f, 0x20, 0xff), { maxLength: 17 }),
    );
    const anything = fc.oneof(
      mostlyFields.map(([config, rest]) => Uint8Array.of(config, ...rest)),
      fc.uint8Array({ maxLength: 18 }),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        const expected = decodeHeader(Buffer.from(bytes));
        expect(parse(bytes)).toBe(expected === 'MALFORMED' ? MALFORMED : expected.length);
        if (expected !== 'MALFORMED')
          expect([header.kidHigh, header.kidLow, header.ctr]).toEqual([...halves(expected.kid), Number(expected.ctr)]);
      }),
      { numRuns: 2000 },
    );
  });

  it('begins at the given offset and reads nothing before or after', () => {
    const bytes = Buffer.concat([hex('ffff'), encodeHeader(0x123n, 0x4567n), hex('ffffff')]);
    expect(header.parse(bytes, 2, bytes.length)).toBe(5);
    expect([header.kidHigh, header.kidLow, header.ctr]).toEqual([0, 0x123, 0x4567]);
    expect(header.parse(bytes, 2, 7)).toBe(5);
    expect(header.parse(bytes, 2, 6)).toBe(MALFORMED);
    expect(header.parse(bytes, 2, 2)).toBe(MALFORMED);
    expect(header.parse(bytes, 4, 2)).toBe(MALFORMED);
  });

  it('leaves nothing of one header in the next', () => {
    expectParsed(encodeHeader(U64_LIMIT - 1n, CTR_LIMIT - 1n), U64_LIMIT - 1n, CTR_LIMIT - 1n);
    expectParsed(hex('00'), 0n, 0n);
    expectParsed(encodeHeader(9n, 9n), 9n, 9n);
  });
});

describe('MALFORMED', () => {
  it('is a header cut short at any byte', () => {
    for (const kid of edges(U64_LIMIT)) {
      for (const ctr of edges(CTR_LIMIT)) {
        const whole = encodeHeader(kid, ctr);
        for (let length = 0; length < whole.length; length++) {
          expect(parse(whole.subarray(0, length))).toBe(MALFORMED);
          expect(header.parse(whole, 0, length)).toBe(MALFORMED);
        }
      }
    }
  });

  it('is a KID in more bytes than it needs', () => {
    let trials = 0;
    for (const kid of edges(U64_LIMIT)) {
      for (let bytes = Math.max(1, least(kid) + 1); bytes <= 8; bytes++, trials++) {
        for (const ctr of [0n, 7n, 8n, 0x12345n]) {
          expect(parse(encodeIn(kid, bytes, ctr, least(ctr))), `${kid} in ${bytes} bytes`).toBe(MALFORMED);
        }
      }
    }
    expect(trials).toBeGreaterThan(100);
  });

  it('is a CTR in more bytes than it needs', () => {
    for (const ctr of edges(CTR_LIMIT)) {
      for (let bytes = Math.max(1, least(ctr) + 1); bytes <= 8; bytes++) {
        for (const kid of [0n, 7n, 8n, 0x51a1b2c3d4e5f607n]) {
          expect(parse(encodeIn(kid, least(kid), ctr, bytes)), `${ctr} in ${bytes} bytes`).toBe(MALFORMED);
        }
      }
    }
  });

  it('is a CTR of 2^53 or more', () => {
    expectParsed(encodeHeader(1n, CTR_LIMIT - 1n), 1n, CTR_LIMIT - 1n);
    for (const ctr of edges(U64_LIMIT).filter((value) => value >= CTR_LIMIT)) {
      expect(parse(encodeHeader(1n, ctr)), `${ctr}`).toBe(MALFORMED);
    }
  });
});

describe('writing', () => {
  const out = new Uint8Array(32);

  function written(kid: bigint, ctr: number): Uint8Array {
    out.fill(0xa5);
    const length = writeHeader(out, 3, ...halves(kid), ctr);
    expect(out.subarray(0, 3).every((byte) => byte === 0xa5)).toBe(true);
    expect(out.subarray(3 + length).every((byte) => byte === 0xa5)).toBe(true);
    return out.slice(3, 3 + length);
  }

  it('knows the headers of FORMAT.md appendix A', () => {
    expect(toHex(written(0x01a1b2c3d4e5f607n, 0))).toBe('f001a1b2c3d4e5f607');
    expect(toHex(written(0x51a1b2c3d4e5f607n, 7))).toBe('f751a1b2c3d4e5f607');
    expect(toHex(written(0xf1a1b2c3d4e5f607n, 8))).toBe('f8f1a1b2c3d4e5f60708');
    expect(toHex(written(0x51a1b2c3d4e5f607n, 70_000))).toBe('fa51a1b2c3d4e5f607011170');
  });

  it('is what reading takes, for any KID of 8 bytes and any CTR below 2^32', () => {
    const eightBytes = fc.bigInt({ min: 1n << 56n, max: U64_LIMIT - 1n });
    const below32 = fc.oneof(fc.constantFrom(...edges(1n << 32n)), fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }));
    fc.assert(
      fc.property(eightBytes, below32, (kid, ctr) => {
        const bytes = written(kid, Number(ctr));
        expect(toHex(bytes)).toBe(toHex(encodeHeader(kid, ctr)));
        expectParsed(bytes, kid, ctr);
        expect(ctrLength(Number(ctr))).toBe(least(ctr));
      }),
    );
  });

  it('takes 13 bytes at most', () => {
    expect(MAX_SEALED_HEADER_BYTES).toBe(13);
    expect(written(U64_LIMIT - 1n, 0xffffffff)).toHaveLength(13);
  });
});

describe('an opener', () => {
  it('answers MALFORMED until there is room for a tag, and BAD_TAG from there on', () => {
    const config = { encryptionMode: 'AES_128_GCM2', encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
    for (const framing of ['frame', 'rtp'] as const) {
      for (const firstCtr of [0, 7, 8, 0xffff, 0xffffffff]) {
        using sending = enableEncryptionWith(config, { framing }, (words) => {
          words.set([0x1a1b2c3d, 0x4e5f6071]);
          return firstCtr;
        });
        using receiving = enableEncryptionWith(config, { framing }, () => 0);
        const packet = hex('8008000000000000aabbccdd0102030405');
        const sealed = sending.createSealer().sealCopy(packet);
        const opener = receiving.createOpener();
        const out = new Uint8Array(sealed.length);
        const clear = framing === 'rtp' ? 12 : 0;
        const least = clear + 9 + ctrLength(firstCtr) + 16;
        for (let length = 0; length < sealed.length; length++) {
          expect(opener.open(sealed, out, length), `${length} bytes`).toBe(length < least ? MALFORMED : BAD_TAG);
        }
        expect(opener.open(sealed, out)).toBe(packet.length);
        expect(toHex(out.subarray(0, packet.length))).toBe(toHex(packet));
      }
    }
  });
});
