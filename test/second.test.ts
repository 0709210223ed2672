/**
 * The second implementation in test/support/second: fixtures/channel.json is what it makes of FORMAT.md, and it does what the
 * cases leave out. Nothing of src/ is used; test/fixtures.test.ts runs the same cases against src/, and test/docs/format.test.ts
 * compares it with the page.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeChannel, printFingerprint, seal } from './support/second/format.mjs';
import { SecondOpener } from './support/second/opener.mjs';
import { render } from './support/second/vectors/file.mjs';

interface Channel {
  readonly name: string;
  readonly config: Parameters<typeof makeChannel>[0];
  readonly options: Parameters<typeof makeChannel>[1];
  readonly fingerprint: string;
  readonly cases: readonly Case[];
}

interface Case {
  readonly id: string;
  readonly kid?: string;
  readonly ctr?: string;
  readonly input?: string;
  readonly sealed?: string;
  readonly output?: string;
  readonly before?: readonly string[];
  readonly clear?: number;
  readonly outLength?: number;
  readonly loopback?: false;
  readonly expect?: string;
}

const BIND = { framing: 'rtp', bindHeader: true } as const;
const FRAME = { framing: 'frame', bindHeader: true } as const;
const unhex = (hex: string): Buffer => Buffer.from(hex, 'hex');
const shown = (result: Buffer | string): string => (typeof result === 'string' ? result : result.toString('hex'));

describe('fixtures/channel.json', () => {
  const file = readFileSync(new URL('../fixtures/channel.json', import.meta.url), 'utf8');
  const { channels } = JSON.parse(file) as { channels: Channel[] };

  it('is what the second implementation makes', () => {
    expect(render() === file, '`npm run vectors` writes it').toBe(true);
  });

  it('has less than 300 KiB', () => {
    expect(Buffer.byteLength(file)).toBeLessThan(300 * 1024);
  });

  it.each(channels)('$name: its fingerprint', ({ config, options, fingerprint }) => {
    expect(printFingerprint(makeChannel(config, options).fingerprint)).toBe(fingerprint);
  });

  const cases = channels.flatMap((channel) => channel.cases.map((own) => ({ ...own, channel })));
  it.each(cases)('$channel.name: $id', (testCase) => {
    const { config, options } = testCase.channel;
    const { kid = '0', ctr = '0', clear, input, sealed, before = [], outLength, loopback } = testCase;
    const expected = testCase.expect ?? testCase.output ?? input;
    if (input !== undefined) {
      const result = seal(makeChannel(config, options), BigInt(kid), BigInt(ctr), unhex(input), { clear, outLength });
      expect(shown(result)).toBe(sealed ?? expected);
    }
    if (sealed === undefined) return;
    const opener = new SecondOpener(config, options, { ownKids: loopback === false ? [BigInt(kid)] : [] });
    for (const frame of before) opener.open(unhex(frame), { clear });
    expect(shown(opener.open(unhex(sealed), { clear, outLength }))).toBe(expected);
  });
});

describe('what the cases leave out', () => {
  const config = {
    encryptionMode: 'AES_128_GCM2',
    encryptionKey: '11'.repeat(32),
    encryptionKdfSalt: Buffer.alloc(32, 2).toString('base64'),
  };
  const sealing = makeChannel(config, FRAME);
  const frame = (kid: bigint, ctr: bigint): Buffer => seal(sealing, kid, ctr, Buffer.alloc(3)) as Buffer;
  const opened = '000000';

  it('remembers the highest CTR of an evicted sender, also once it is back', () => {
    const opener = new SecondOpener(config, FRAME, { maxSenders: 2 });
    const open = (kid: bigint, ctr: bigint): string => shown(opener.open(frame(kid, ctr)));
    expect([open(1n, 50n), open(2n, 50n), open(1n, 51n), open(3n, 0n)]).toEqual(Array(4).fill(opened));
    // Sender 2 went, not 1, which was used later.
    expect([open(1n, 51n), open(2n, 49n), open(2n, 50n)]).toEqual(['REPLAYED', 'TOO_OLD', 'TOO_OLD']);
    expect([open(2n, 60n), open(2n, 50n), open(2n, 51n), open(2n, 51n)]).toEqual([
      opened,
      'TOO_OLD',
      opened,
      'REPLAYED',
    ]);
  });

  it('a forged or replayed frame changes no order of eviction', () => {
    const opener = new SecondOpener(config, FRAME, { maxSenders: 2 });
    const forged = frame(1n, 9n);
    forged[forged.length - 1]! ^= 1;
    const order = [frame(1n, 8n), frame(2n, 8n), frame(1n, 8n), forged, frame(3n, 8n), frame(2n, 9n), frame(1n, 8n)];
    const statuses = [opened, opened, 'REPLAYED', 'BAD_TAG', opened, opened, 'TOO_OLD'];
    expect(order.map((bytes) => shown(opener.open(bytes)))).toEqual(statuses);
  });

  it('has the limits of section 7', () => {
    const sm4 = { encryptionMode: 'SM4_128_ECB', encryptionKey: '11'.repeat(16) };
    const limits = [
      [config, BIND, 65_535, 65_565],
      [sm4, BIND, 65_535, 65_551],
      [config, FRAME, 16_777_215, 16_777_244],
      [sm4, FRAME, 16_777_215, 16_777_231],
    ] as const;
    for (const [of, options, seals, opens] of limits) {
      const opener = new SecondOpener(of, options);
      expect(opener.open(Buffer.alloc(opens + 1))).toBe('TOO_LARGE');
      expect(opener.open(Buffer.alloc(opens))).not.toBe('TOO_LARGE');
      const channel = makeChannel(of, options);
      expect(seal(channel, 1n << 56n, 0n, Buffer.alloc(seals + 1))).toBe('TOO_LARGE');
      expect(seal(channel, 1n << 56n, 0n, Buffer.alloc(seals), { outLength: 0 })).not.toBe('TOO_LARGE');
    }
  });

  it('is CLOSED before all else', () => {
    const opener = new SecondOpener(config, FRAME);
    opener.close();
    expect(opener.open(Buffer.alloc(0))).toBe('CLOSED');
  });
});
