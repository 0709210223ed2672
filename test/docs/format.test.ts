/**
 * FORMAT.md, appendix A: every value printed there is computed again, from its inputs and node:crypto alone.
 * Nothing of src/ is used, so that a slip of the page and a slip of the code cannot hide each other.
 */
import { createCipheriv, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

type Values = Record<string, string>;

const page = readFileSync(new URL('../../FORMAT.md', import.meta.url), 'utf8');

/** The `name = value` lines of every fenced block of a kind; an indented line continues the value before it. */
function blocks(kind: string): Values[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\`$`, 'gms'))].map((match) => {
    const lines = match[1]!.replace(/\n +/g, '').trim().split('\n');
    return Object.fromEntries(lines.map((line) => line.split(/ += /) as [string, string]));
  });
}

const unhex = (hex: string): Buffer => Buffer.from(hex, 'hex');
const u64 = (value: bigint): Buffer => unhex(value.toString(16).padStart(16, '0'));
const extract = (hash: string, salt: Buffer, ikm: Buffer): Buffer => createHmac(hash, salt).update(ikm).digest();

/** HKDF-Expand where one block is enough. */
function expand(hash: string, prk: Buffer, info: Buffer, length: number): Buffer {
  return createHmac(hash, prk).update(info).update('\x01').digest().subarray(0, length);
}

/** Section 4, rules 3 to 6: the length of the RTP header, or the refusal. */
function rtpHeader(packet: Buffer): number | string {
  if (packet[0]! >> 6 !== 2) return 'NOT_RTP';
  if (packet.length > 1 && packet[1]! >= 192 && packet[1]! <= 223) {
    let at = 0;
    while (at + 4 <= packet.length) at += 4 * (packet.readUInt16BE(at + 2) + 1);
    return at === packet.length ? 'RTCP' : 'NOT_RTP';
  }
  let length = 12 + 4 * (packet[0]! & 15);
  if (packet[0]! & 16) length += 4 + (length + 4 <= packet.length ? 4 * packet.readUInt16BE(length + 2) : 0);
  return length <= packet.length ? length : 'MALFORMED';
}

/** Section 4: KID and CTR of an SFrame header, or the refusal. */
function sframeHeader(header: Buffer): string {
  let at = 1;
  const numbers = [header[0]! >> 4, header[0]! & 15].map((nibble) => {
    if (nibble < 8) return BigInt(nibble);
    const bytes = header.subarray(at, at + nibble - 7);
    at += nibble - 7;
    const value = BigInt(`0x${bytes.toString('hex') || '0'}`);
    return value < 8n || bytes[0] === 0 ? -1n : value;
  });
  const bad = at > header.length || numbers.includes(-1n) || numbers[1]! >= 1n << 53n;
  return bad ? 'MALFORMED' : numbers.map((number) => number.toString(16)).join(' ');
}

function gcm2(given: Values): Record<string, Buffer> {
  const mode = given['mode']!;
  const big = mode === 'AES_256_GCM2';
  const hash = big ? 'sha512' : 'sha256';
  const prk = extract(hash, unhex(given['salt']!), unhex(given['key']!));
  const info_fingerprint = Buffer.from(`frameseal/1 ${mode} fingerprint`);
  const keys = { prk, info_fingerprint, fingerprint: expand(hash, prk, info_fingerprint, 8) };
  if (!given['kid']) return keys;

  const kid = unhex(given['kid']);
  const info_base_key = Buffer.concat([Buffer.from(`frameseal/1 ${mode} base key `), kid]);
  const base_key = expand(hash, prk, info_base_key, big ? 64 : 32);
  const secret = extract(hash, Buffer.alloc(0), base_key);
  const suite = Buffer.from([0, big ? 5 : 4]);
  const info_frame_key = Buffer.concat([Buffer.from('SFrame 1.0 Secret key '), kid, suite]);
  const info_frame_salt = Buffer.concat([Buffer.from('SFrame 1.0 Secret salt '), kid, suite]);
  const frame_key = expand(hash, secret, info_frame_key, big ? 32 : 16);
  const frame_salt = expand(hash, secret, info_frame_salt, 12);

  const counter = u64(BigInt(given['ctr']!));
  const nonce = Buffer.from(frame_salt.map((byte, i) => (i < 4 ? byte : byte ^ counter[i - 4]!)));
  const digits = counter.subarray(counter.findIndex((byte) => byte !== 0));
  const small = BigInt(given['ctr']!) < 8n;
  const config = small ? 0xf0 | counter[7]! : 0xf8 | (digits.length - 1);
  const header = Buffer.concat([Buffer.from([config]), kid, small ? Buffer.alloc(0) : digits]);

  const packet = unhex(given['packet']!);
  const rtp = packet.subarray(0, Number(rtpHeader(packet)));
  const values: Record<string, Buffer> = { info_base_key, base_key, secret, info_frame_key, frame_key };
  Object.assign(values, keys, { info_frame_salt, frame_salt, nonce, header });
  const metadata = { bind: rtp, nobind: Buffer.from([packet[0]! & 0x20]), frame: Buffer.alloc(0) };
  for (const [name, bytes] of Object.entries(metadata)) {
    const aad = Buffer.concat([header, bytes]);
    const cipher = createCipheriv(big ? 'aes-256-gcm' : 'aes-128-gcm', frame_key, nonce).setAAD(aad);
    const ciphertext = [cipher.update(packet.subarray(rtp.length)), cipher.final(), cipher.getAuthTag()];
    values[`aad_${name}`] = aad;
    values[`sealed_${name}`] = Buffer.concat([...(name === 'frame' ? [] : [rtp]), header, ...ciphertext]);
  }
  return values;
}

function sm4(given: Values): Record<string, Buffer> {
  const key = unhex(given['key']!);
  const prk = extract('sha256', Buffer.alloc(0), key);
  const info_key16 = Buffer.from('frameseal/1 SM4_128_ECB key');
  const key16 = key.length === 16 ? key : expand('sha256', prk, info_key16, 16);
  const fingerprint_prk = extract('sha256', Buffer.alloc(0), key16);
  const fingerprint = expand('sha256', fingerprint_prk, Buffer.from('frameseal/1 SM4_128_ECB fingerprint'), 8);
  const packet = unhex(given['packet']!);
  const rtp = packet.subarray(0, Number(rtpHeader(packet)));
  const pad = 16 - ((packet.length - rtp.length) % 16);
  const padded = Buffer.concat([packet.subarray(rtp.length), Buffer.alloc(pad, pad)]);
  const cipher = createCipheriv('sm4-ecb', key16, null).setAutoPadding(false);
  return {
    prk,
    info_key16,
    key16,
    fingerprint_prk,
    fingerprint,
    padded,
    sealed: Buffer.concat([rtp, cipher.update(padded)]),
  };
}

describe('FORMAT.md, appendix A', () => {
  const examples = blocks('example');
  const inputs = ['mode', 'key', 'salt', 'kid', 'ctr', 'packet'];

  test.each(examples)('$mode, CTR $ctr', (example) => {
    const { key, salt } = examples[0]!;
    const values = example['mode'] === 'SM4_128_ECB' ? sm4(example) : gcm2({ key: key!, salt: salt!, ...example });
    for (const [name, printed] of Object.entries(example)) {
      if (!inputs.includes(name)) expect(`${name} ${printed}`).toBe(`${name} ${values[name]?.toString('hex')}`);
    }
  });

  test('nothing has dropped out of the page', () => {
    expect(examples.map((example) => Object.keys(example).length)).toEqual([6, 4, 19, 14, 13, 8, 12, 10, 8]);
    expect([...blocks('headers'), ...blocks('datagrams')].map((block) => Object.keys(block).length)).toEqual([11, 12]);
    expect(page.match(/^## \d\. /gm)).toHaveLength(8);
    const printed = examples.slice(0, 2).map((example) => `\`${example['fingerprint']!.match(/.{4}/g)!.join('-')}\``);
    printed.push(`\`${unhex(examples[0]!['salt']!).toString('base64')}\``);
    for (const text of printed) expect(page).toContain(text);
  });

  test.each(blocks('headers').flatMap(Object.entries<string>))('SFrame header %s is %s', (hex, printed) => {
    expect(sframeHeader(unhex(hex))).toBe(printed);
  });
  test.each(blocks('datagrams').flatMap(Object.entries<string>))('datagram %s is %s', (hex, printed) => {
    expect(String(rtpHeader(unhex(hex)))).toBe(printed);
  });
});
