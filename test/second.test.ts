/**
 * The second implementation in test/support/second: FORMAT.md's examples agree with it, and fixtures/channel.json is
 * what it makes of the page. Nothing of src/ is used; test/fixtures.test.ts runs the same cases against src/.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  decodeHeader,
  encodeHeader,
  makeChannel,
  pad,
  protect,
  rtpHeaderLength,
  SecondOpener,
  seal,
  // @ts-expect-error: plain JavaScript
} from './support/second/format.mjs';

type Values = Record<string, string>;
type Result = Buffer | string;

interface Case {
  readonly id: string;
  readonly config: object;
  readonly options: { readonly framing: 'rtp' | 'frame'; readonly bindHeader: boolean; readonly replayWindow?: number };
  readonly kid?: string;
  readonly ctr?: string;
  readonly input?: string;
  readonly sealed?: string;
  readonly output?: string;
  readonly before?: readonly string[];
  readonly outLength?: number;
  readonly loopback?: false;
  readonly expect?: string;
}

interface Opener {
  open(input: Buffer, outLength?: number): Result;
  close(): void;
}

interface Second {
  makeChannel(config: object, options: object): { mode: string; prk?: Buffer; key16?: Buffer; fingerprint: Buffer };
  decodeHeader(frame: Buffer): { kid: bigint; ctr: bigint; length: number } | 'MALFORMED';
  encodeHeader(kid: bigint, ctr: bigint): Buffer;
  rtpHeaderLength(datagram: Buffer): number | string;
  pad(payload: Buffer): Buffer;
  protect(
    channel: object,
    kid: bigint,
    ctr: bigint,
    header: Buffer,
    rtp: Buffer,
    plaintext: Buffer,
  ): Record<string, Buffer>;
  seal(channel: object, kid: bigint, ctr: bigint, input: Buffer, outLength?: number): Result;
  readonly SecondOpener: new (config: object, options: object, more?: object) => Opener;
}

const second: Second = { decodeHeader, encodeHeader, makeChannel, pad, protect, rtpHeaderLength, seal, SecondOpener };
const page = readFileSync(new URL('../FORMAT.md', import.meta.url), 'utf8');
const unhex = (hex: string): Buffer => Buffer.from(hex, 'hex');
const shown = (result: Result): string => (typeof result === 'string' ? result : result.toString('hex'));

/** The `name = value` lines of every fenced block of a kind; an indented line continues the value before it. */
function blocks(kind: string): Values[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\`$`, 'gms'))].map((match) => {
    const lines = match[1]!.replace(/\n +/g, '').trim().split('\n');
    return Object.fromEntries(lines.map((line) => line.split(/ += /) as [string, string]));
  });
}

const LAYOUTS = {
  bind: { framing: 'rtp', bindHeader: true },
  nobind: { framing: 'rtp', bindHeader: false },
  frame: { framing: 'frame', bindHeader: true },
} as const;

/** What the second implementation gives for an example, under the names of the page. */
function recomputed(example: Values, config: Record<string, unknown>): Record<string, Buffer | undefined> {
  const { mode, kid, ctr, packet } = example;
  const channel = second.makeChannel(config, LAYOUTS.bind);
  const values: Record<string, Buffer | undefined> = { ...channel } as never;
  if (packet === undefined) return values;
  const input = unhex(packet);
  const rtp = Number(second.rtpHeaderLength(input));
  if (mode === 'SM4_128_ECB') {
    values['fingerprint_prk'] = values['fingerprintPrk'];
    values['padded'] = second.pad(input.subarray(rtp));
    values['sealed'] = second.seal(channel, 0n, 0n, input) as Buffer;
    return values;
  }
  const sender = [BigInt(`0x${kid}`), BigInt(ctr!)] as const;
  for (const [name, options] of Object.entries(LAYOUTS)) {
    const layout = second.makeChannel(config, options);
    const plain = name === 'frame' ? input.subarray(rtp) : input;
    const rtpHeader = plain.subarray(0, name === 'frame' ? 0 : rtp);
    const header = second.encodeHeader(...sender);
    const made = second.protect(layout, ...sender, header, rtpHeader, plain.subarray(rtpHeader.length));
    values['base_key'] = made['baseKey'];
    values['secret'] = made['secret'];
    values['frame_key'] = made['frameKey'];
    values['frame_salt'] = made['frameSalt'];
    values['nonce'] = made['nonce'];
    values['header'] = made['header'];
    values[`aad_${name}`] = made['aad'];
    values[`sealed_${name}`] = made['sealed'];
    expect(shown(second.seal(layout, ...sender, plain))).toBe(shown(made['sealed']!));
    expect(shown(new second.SecondOpener(config, options).open(made['sealed']!))).toBe(shown(plain));
  }
  return values;
}

describe('FORMAT.md, appendix A, by the second implementation', () => {
  const examples = blocks('example');
  const { key: exampleKey, salt } = examples[0]!;
  const inputs = ['mode', 'key', 'salt', 'kid', 'ctr', 'packet'];

  it.each(examples)('$mode, CTR $ctr', (example) => {
    const { mode, kid = '00', key = exampleKey } = example;
    const gcm2 = { encryptionKdfSalt: unhex(salt!).toString('base64'), keyId: Number.parseInt(kid[0]!, 16) };
    const config = { encryptionMode: mode, encryptionKey: key, ...(mode === 'SM4_128_ECB' ? {} : gcm2) };
    const values = recomputed(example, config);
    // The info strings go into the values that come after them.
    const names = Object.keys(example).filter((name) => !inputs.includes(name) && !name.startsWith('info_'));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) expect(`${name} ${values[name]?.toString('hex')}`).toBe(`${name} ${example[name]}`);
  });

  it.each(blocks('headers').flatMap(Object.entries<string>))('SFrame header %s is %s', (hex, printed) => {
    const header = second.decodeHeader(unhex(hex));
    if (header !== 'MALFORMED') expect(shown(second.encodeHeader(header.kid, header.ctr))).toBe(hex);
    expect(header === 'MALFORMED' ? header : `${header.kid.toString(16)} ${header.ctr.toString(16)}`).toBe(printed);
  });

  it.each(blocks('datagrams').flatMap(Object.entries<string>))('datagram %s is %s', (hex, printed) => {
    expect(String(second.rtpHeaderLength(unhex(hex)))).toBe(printed);
  });
});

describe('fixtures/channel.json', () => {
  const file = readFileSync(new URL('../fixtures/channel.json', import.meta.url), 'utf8');
  const { cases } = JSON.parse(file) as { cases: Case[] };

  it('is what the second implementation makes', () => {
    const generate = fileURLToPath(new URL('support/second/generate.mjs', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [generate, '--check'], { encoding: 'utf8' });
    expect(`${status} ${stderr}`).toBe('0 ');
  });

  it.each(cases)('$id', (testCase) => {
    const { config, options, kid = '0', ctr = '0', input, sealed, before = [], outLength, loopback } = testCase;
    const expected = testCase.expect ?? testCase.output ?? input;
    if (input !== undefined) {
      const result = second.seal(
        second.makeChannel(config, options),
        BigInt(kid),
        BigInt(ctr),
        unhex(input),
        outLength,
      );
      expect(shown(result)).toBe(sealed ?? expected);
    }
    if (sealed === undefined) return;
    const opener = new second.SecondOpener(config, options, { ownKids: loopback === false ? [BigInt(kid)] : [] });
    for (const frame of before) opener.open(unhex(frame));
    expect(shown(opener.open(unhex(sealed), outLength))).toBe(expected);
  });
});

describe('what the cases leave out', () => {
  const config = {
    encryptionMode: 'AES_128_GCM2',
    encryptionKey: '11'.repeat(32),
    encryptionKdfSalt: Buffer.alloc(32, 2).toString('base64'),
  };
  const sealing = second.makeChannel(config, LAYOUTS.frame);
  const frame = (kid: bigint, ctr: bigint): Buffer => second.seal(sealing, kid, ctr, Buffer.alloc(3)) as Buffer;
  const opened = '000000';

  it('remembers the highest CTR of an evicted sender, also once it is back', () => {
    const opener = new second.SecondOpener(config, LAYOUTS.frame, { maxSenders: 2 });
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
    const opener = new second.SecondOpener(config, LAYOUTS.frame, { maxSenders: 2 });
    const forged = frame(1n, 9n);
    forged[forged.length - 1]! ^= 1;
    const order = [frame(1n, 8n), frame(2n, 8n), frame(1n, 8n), forged, frame(3n, 8n), frame(2n, 9n), frame(1n, 8n)];
    const statuses = [opened, opened, 'REPLAYED', 'BAD_TAG', opened, opened, 'TOO_OLD'];
    expect(order.map((bytes) => shown(opener.open(bytes)))).toEqual(statuses);
  });

  it('has the limits of section 7', () => {
    const sm4 = { encryptionMode: 'SM4_128_ECB', encryptionKey: '11'.repeat(16) };
    const limits = [
      [config, LAYOUTS.bind, 65_535, 65_564],
      [sm4, LAYOUTS.bind, 65_535, 65_551],
      [config, LAYOUTS.frame, 16_777_215, 16_777_244],
      [sm4, LAYOUTS.frame, 16_777_215, 16_777_231],
    ] as const;
    for (const [of, options, seals, opens] of limits) {
      const opener = new second.SecondOpener(of, options);
      expect(opener.open(Buffer.alloc(opens + 1))).toBe('TOO_LARGE');
      expect(opener.open(Buffer.alloc(opens))).not.toBe('TOO_LARGE');
      const channel = second.makeChannel(of, options);
      expect(second.seal(channel, 1n << 56n, 0n, Buffer.alloc(seals + 1))).toBe('TOO_LARGE');
      expect(second.seal(channel, 1n << 56n, 0n, Buffer.alloc(seals), 0)).not.toBe('TOO_LARGE');
    }
  });

  it('is CLOSED before all else', () => {
    const opener = new second.SecondOpener(config, LAYOUTS.frame);
    opener.close();
    expect(opener.open(Buffer.alloc(0))).toBe('CLOSED');
  });
});
