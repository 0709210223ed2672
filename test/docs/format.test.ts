/**
 * FORMAT.md, appendix A: every value printed there is computed again by the second implementation. Nothing of src/ is used,
 * so that a slip of the page and a slip of the code cannot hide each other: test/fixtures.test.ts and test/wire/appendix.test.ts
 * compare src/ with the same values.
 */
import { describe, expect, test } from 'vitest';
import { blocks, lines, page, type Values } from '../support/format-page.js';
import {
  checkInput,
  makeChannel,
  type Parts,
  pad,
  printFingerprint,
  protect,
  seal,
} from '../support/second/format.mjs';
import { decodeHeader, encodeHeader, readDatagram } from '../support/second/headers.mjs';
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

/** The configuration of an example, its packet and the payload of that. */
function inputsOf({ mode, kid = '00', key = exampleKey, context, packet = '' }: Values) {
  const salt = unhex(exampleSalt).toString('base64');
  const gcm2 = {
    encryptionKdfSalt: salt,
    keyId: Number.parseInt(kid[0]!, 16),
    ...(context !== undefined && { context }),
  };
  const config = { encryptionMode: mode!, encryptionKey: key, ...(mode === 'SM4_128_ECB' ? {} : gcm2) };
  const datagram = unhex(packet);
  const read = packet === '' ? { headerLength: 0 } : readDatagram(datagram, 'sealed');
  if (typeof read === 'string') throw new Error(read);
  return { config, datagram, payload: datagram.subarray(read.headerLength) };
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
  const { config, datagram, payload } = inputsOf(example);
  const clear = Number(example['clear'] ?? 0);
  let values: Computed = {};
  for (const [name, options] of Object.entries(LAYOUTS)) {
    const channel = makeChannel(config, options);
    if ('key16' in channel) throw new Error('SM4');
    values = { ...values, ...named(channel) };
    if (example['kid'] === undefined) continue;
    const sender = [BigInt(`0x${example['kid']}`), BigInt(example['ctr']!)] as const;
    const input = name === 'frame' ? payload : datagram;
    const parts = checkInput(channel, input, clear, 'seal') as Parts;
    const { aad, sealed, ...made } = protect(channel, ...sender, encodeHeader(...sender), parts);
    values = { ...values, ...named(made), [`aad_${name}`]: aad, [`sealed_${name}`]: sealed };
    expect(shown(seal(channel, ...sender, input, { clear }))).toBe(shown(sealed));
    expect(shown(new SecondOpener(config, options).open(sealed, { clear }))).toBe(shown(input));
  }
  return values;
}

describe('FORMAT.md, appendix A', () => {
  const given = ['mode', 'key', 'salt', 'context', 'kid', 'ctr', 'clear', 'packet'];

  test.each(examples)('$mode, CTR $ctr', (example) => {
    const values = example['mode'] === 'SM4_128_ECB' ? sm4(example) : gcm2(example);
    const names = Object.keys(example).filter((name) => !given.includes(name));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) expect(`${name} ${example[name]}`).toBe(`${name} ${values[name]?.toString('hex')}`);
  });

  test('nothing has dropped out of the page', () => {
    expect(examples.map((example) => Object.keys(example).length)).toEqual([
      6, 4, 19, 14, 13, 8, 12, 21, 14, 10, 10, 8,
    ]);
    expect([...blocks('headers'), ...blocks('datagrams')].map((block) => Object.keys(block).length)).toEqual([11, 15]);
    expect(page.match(/^## \d\. /gm)).toHaveLength(8);
    const printed = [examples[0]!, examples[1]!, examples[7]!].map(
      (example) => `\`${printFingerprint(unhex(example['fingerprint']!))}\``,
    );
    printed.push(`\`${unhex(exampleSalt).toString('base64')}\``);
    for (const text of printed) expect(page).toContain(text);
  });

  test.each(lines('headers'))('SFrame header %s is %s', (hex, printed) => {
    const header = decodeHeader(unhex(hex));
    expect(typeof header === 'string' ? header : `${header.kid.toString(16)} ${header.ctr.toString(16)}`).toBe(printed);
    if (typeof header !== 'string') expect(shown(encodeHeader(header.kid, header.ctr))).toBe(hex);
  });

  test.each(lines('datagrams'))('datagram %s is %s', (hex, printed) => {
    const [sealed, clear] = (['sealed', 'clear'] as const).map((rtcp) => {
      const read = readDatagram(unhex(hex), rtcp);
      return typeof read === 'string' ? read : String(read.headerLength);
    });
    expect(sealed === clear ? sealed : `${sealed} / ${clear}`).toBe(printed);
  });
});
