/**
 * FORMAT.md, appendix A: every value printed there is computed again by the second implementation. Nothing of src/ is used,
 * so that a slip of the page and a slip of the code cannot hide each other: test/fixtures.test.ts and test/wire/appendix.test.ts
 * compare src/ with the same values.
 */
import { describe, expect, test } from 'vitest';
import { blocks, lines, page, type Values } from '../support/format-page.js';
import { makeChannel, pad, printFingerprint, protect, seal } from '../support/second/format.mjs';
import { decodeHeader, encodeHeader, rtpHeaderLength } from '../support/second/headers.mjs';
import { SecondOpener } from '../support/second/opener.mjs';

type Computed = Record<string, Buffer | undefined>;

const LAYOUTS = {
  bind: { framing: 'rtp', bindHeader: true },
  nobind: { framing: 'rtp', bindHeader: false },
  frame: { framing: 'frame', bindHeader: true },
} as const;

const unhex = (hex: string): Buffer => Buffer.from(hex, 'hex');
const shown = (result: Buffer | string): string => (typeof result === 'string' ? result : result.toString('hex'));
const examples = blocks('example');
const { key: exampleKey, salt: exampleSalt } = examples[0] as { key: string; salt: string };

/** The configuration of an example, and its RTP packet in two parts. */
function inputsOf({ mode, kid = '00', key = exampleKey, packet = '' }: Values) {
  const gcm2 = { encryptionKdfSalt: unhex(exampleSalt).toString('base64'), keyId: Number.parseInt(kid[0]!, 16) };
  const config = { encryptionMode: mode!, encryptionKey: key, ...(mode === 'SM4_128_ECB' ? {} : gcm2) };
  const datagram = unhex(packet);
  const rtp = packet === '' ? 0 : Number(rtpHeaderLength(datagram));
  return { config, datagram, header: datagram.subarray(0, rtp), payload: datagram.subarray(rtp) };
}

/** The names of the page from those of the second implementation: infoBaseKey is info_base_key. */
function named(values: object): Computed {
  const name = (text: string) => text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [name(key), value as Buffer]));
}

function sm4(example: Values): Computed {
  const { config, datagram, payload } = inputsOf(example);
  const channel = makeChannel(config, LAYOUTS.bind);
  return { ...named(channel), padded: pad(payload), sealed: seal(channel, 0n, 0n, datagram) as Buffer };
}

function gcm2(example: Values): Computed {
  const { config, header, payload } = inputsOf(example);
  let values: Computed = {};
  for (const [name, options] of Object.entries(LAYOUTS)) {
    const channel = makeChannel(config, options);
    if ('key16' in channel) throw new Error('SM4');
    values = { ...values, ...named(channel) };
    if (example['kid'] === undefined) continue;
    const sender = [BigInt(`0x${example['kid']}`), BigInt(example['ctr']!)] as const;
    const clear = name === 'frame' ? Buffer.alloc(0) : header;
    const { aad, sealed, ...made } = protect(channel, ...sender, encodeHeader(...sender), clear, payload);
    values = { ...values, ...named(made), [`aad_${name}`]: aad, [`sealed_${name}`]: sealed };
    const input = Buffer.concat([clear, payload]);
    expect(shown(seal(channel, ...sender, input))).toBe(shown(sealed));
    expect(shown(new SecondOpener(config, options).open(sealed))).toBe(shown(input));
  }
  return values;
}

describe('FORMAT.md, appendix A', () => {
  const given = ['mode', 'key', 'salt', 'kid', 'ctr', 'packet'];

  test.each(examples)('$mode, CTR $ctr', (example) => {
    const values = example['mode'] === 'SM4_128_ECB' ? sm4(example) : gcm2(example);
    const names = Object.keys(example).filter((name) => !given.includes(name));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) expect(`${name} ${example[name]}`).toBe(`${name} ${values[name]?.toString('hex')}`);
  });

  test('nothing has dropped out of the page', () => {
    expect(examples.map((example) => Object.keys(example).length)).toEqual([6, 4, 19, 14, 13, 8, 12, 10, 8]);
    expect([...blocks('headers'), ...blocks('datagrams')].map((block) => Object.keys(block).length)).toEqual([11, 12]);
    expect(page.match(/^## \d\. /gm)).toHaveLength(8);
    const printed = examples.slice(0, 2).map((example) => `\`${printFingerprint(unhex(example['fingerprint']!))}\``);
    printed.push(`\`${unhex(exampleSalt).toString('base64')}\``);
    for (const text of printed) expect(page).toContain(text);
  });

  test.each(lines('headers'))('SFrame header %s is %s', (hex, printed) => {
    const header = decodeHeader(unhex(hex));
    expect(typeof header === 'string' ? header : `${header.kid.toString(16)} ${header.ctr.toString(16)}`).toBe(printed);
    if (typeof header !== 'string') expect(shown(encodeHeader(header.kid, header.ctr))).toBe(hex);
  });

  test.each(lines('datagrams'))('datagram %s is %s', (hex, printed) => {
    expect(String(rtpHeaderLength(unhex(hex)))).toBe(printed);
  });
});
