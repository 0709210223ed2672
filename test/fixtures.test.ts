/** Every case of every vector file in fixtures/, against src; and against other implementations where a case says nothing of src. */
import { hkdfSync } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { expand, extract, hkdf } from '@noble/hashes/hkdf.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { AesGcm, Sm4Ecb } from '../src/aead.js';
import { type Channel, enableEncryptionWith } from '../src/channel/channel.js';
import { parseConfig } from '../src/channel/config.js';
import { DerivedKeys, KeySchedule, SUITES } from '../src/channel/keys.js';
import { sm4Key } from '../src/channel/sm4.js';
import { CounterMode } from '../src/engine/portable/aes.js';
import { runCase } from '../src/vectors/run.js';
import { rtpHeaderLength } from '../src/wire/rtp.js';
import { SframeHeader, writeHeader } from '../src/wire/sframe.js';
import { Guarded } from './support/arrays.js';
import { GCM_MODES } from './support/channel.js';
import { ENGINES, type EngineName } from './support/engines.js';
import {
  type AesBlockCase,
  type Case,
  type ChannelCase,
  fixturesFolder,
  type GcmCase,
  type HkdfCase,
  halves,
  hex,
  loadFixture,
  outcome,
  type SframeCase,
  type SframeHeaderCase,
  type Sm4EcbCase,
  toHex,
  u64,
} from './support/fixtures.js';
import * as second from './support/second/keys.mjs';

/** How many cases of each kind a file has: one that lost some fails. */
const FILES: Readonly<Record<string, Partial<Record<Case['kind'], number>>>> = {
  'channel.json': { channel: 576 },
  'headers.json': { 'sframe-header': 10 },
  'fips197.json': { 'aes-block': 3 },
  'gbt32907.json': { 'sm4-ecb': 9 },
  'rfc7714.json': { srtp: 12 },
  'rfc5869.json': { hkdf: 3 },
  'rfc9605.json': { 'sframe-header': 289, sframe: 2 },
  'sp800-38d.json': { gcm: 32 },
};

const HASHES = { 'SHA-256': [sha256, 'sha256'], 'SHA-512': [sha512, 'sha512'] } as const;
const KID_OF_8_BYTES = 1n << 56n;
const CTR_LIMIT_OF_A_SEALER = 1n << 32n;
const TAG_BYTES = 16;
const EMPTY = new Uint8Array(0);

/** A case as it was printed: fails with both values where `actual` is not the bytes of `printed`. */
function expectBytes(actual: Uint8Array, printed: string, what: string): void {
  expect(`${what} ${toHex(actual)}`).toBe(`${what} ${printed}`);
}

function aesBlock({ key, plaintext, ciphertext }: AesBlockCase): void {
  const bytes = hex(key);
  const cipher = new CounterMode(bytes.length as 16 | 32);
  cipher.setKey(bytes);
  const block = hex(plaintext);
  cipher.start(block.subarray(0, 12));
  cipher.block(block.readInt32BE(12));
  const out = Buffer.alloc(16);
  cipher.stream.forEach((word, i) => {
    out.writeInt32BE(word, 4 * i);
  });
  expectBytes(out, ciphertext, 'ciphertext');
}

function gcm(engine: EngineName, testCase: GcmCase): void {
  const { key, nonce, aad, plaintext, ciphertext, tag, expect: expected = 'ok' } = testCase;
  const cipher = new AesGcm(hex(key), { engine });
  const sealed = hex(ciphertext + tag);
  const out = new Guarded(sealed.length);
  if (plaintext !== undefined) {
    expect(cipher.seal(hex(nonce), hex(aad), hex(plaintext), out.bytes)).toBe(sealed.length);
    expectBytes(out.bytes, ciphertext + tag, 'sealed');
  }
  const opened = new Guarded(sealed.length);
  expect(outcome(cipher.open(hex(nonce), hex(aad), sealed, opened.bytes))).toBe(expected);
  expect(opened.holds(hex(plaintext ?? ''))).toBe(true);
}

function hkdfCase({ hash, ikm, salt, info, length, prk, okm }: HkdfCase): void {
  const [noble, name] = HASHES[hash];
  expectBytes(extract(noble, hex(ikm), hex(salt)), prk, 'prk');
  expectBytes(expand(noble, hex(prk), hex(info), length), okm, 'okm');
  expectBytes(hkdf(noble, hex(ikm), hex(salt), hex(info), length), okm, 'okm in one');
  expectBytes(second.extract(name, hex(salt), hex(ikm)), prk, 'prk by the second implementation');
  expectBytes(second.expand(name, hex(prk), hex(info), length), okm, 'okm by the second implementation');
  expectBytes(new Uint8Array(hkdfSync(name, hex(ikm), hex(salt), hex(info), length)), okm, 'okm by OpenSSL');
}

function sm4Ecb(engine: EngineName, testCase: Sm4EcbCase): void {
  const { key, plaintext, ciphertext, padding, iterations = 1 } = testCase;
  const cipher = new Sm4Ecb(hex(key), { engine });
  const [input, sealed] = [hex(plaintext), hex(ciphertext)];
  if (padding === 'pkcs7') {
    const out = new Uint8Array(sealed.length);
    expect(cipher.encrypt(input, out)).toBe(sealed.length);
    expectBytes(out, ciphertext, 'ciphertext');
    expect(cipher.decrypt(sealed, out)).toBe(input.length);
    expectBytes(out.subarray(0, input.length), plaintext, 'plaintext');
    return;
  }
  const block = Uint8Array.from(input);
  for (let i = 0; i < iterations; i++) cipher.encryptBlocks(block, block);
  expectBytes(block, ciphertext, 'ciphertext');
  for (let i = 0; i < iterations; i++) cipher.decryptBlocks(block, block);
  expectBytes(block, plaintext, 'plaintext');
}

function sframeHeader({ kid, ctr, encoded, expect: expected = 'ok' }: SframeHeaderCase): void {
  const header = new SframeHeader();
  const bytes = hex(encoded);
  const length = header.parse(bytes, 0, bytes.length);
  expect(outcome(length)).toBe(expected);
  if (expected !== 'ok') return;
  expect(length).toBe(hex(encoded).length);
  expect([header.kidHigh, header.kidLow, header.ctr]).toEqual([...halves(BigInt(kid)), Number(ctr)]);
  // A sealer's header is one of 8 bytes of KID and a CTR below 2^32: those can be written as well.
  if (BigInt(kid) < KID_OF_8_BYTES || BigInt(ctr) >= CTR_LIMIT_OF_A_SEALER) return;
  const out = Buffer.alloc(32);
  expectBytes(out.subarray(0, writeHeader(out, 0, ...halves(BigInt(kid)), Number(ctr))), encoded, 'encoded');
}

function sframe(engine: EngineName, testCase: SframeCase): void {
  const { suite, kid, ctr, metadata, nonce, aad, plaintext, sealed } = testCase;
  const mode = GCM_MODES.find((name) => SUITES[name].id === suite)!;
  const keys = second.frameKeys(mode, hex(testCase.baseKey), BigInt(kid));
  expectBytes(keys.secret, testCase.secret, 'secret');
  expectBytes(keys.frameKey, testCase.frameKey, 'frameKey');
  expectBytes(keys.frameSalt, testCase.frameSalt, 'frameSalt');
  expectBytes(second.nonceOf(keys.frameSalt, BigInt(ctr)), nonce, 'nonce');

  const frame = hex(sealed);
  const header = new SframeHeader();
  const length = header.parse(frame, 0, frame.length);
  expect([header.kidHigh, header.kidLow, header.ctr]).toEqual([...halves(BigInt(kid)), Number(ctr)]);
  const headerBytes = frame.subarray(0, length);
  expectBytes(Buffer.concat([headerBytes, hex(metadata)]), aad, 'aad');
  const cipher = new AesGcm(keys.frameKey, { engine });
  const out = new Uint8Array(frame.length - length);
  expect(cipher.seal(hex(nonce), hex(aad), hex(plaintext), out)).toBe(out.length);
  expectBytes(Buffer.concat([headerBytes, out]), sealed, 'sealed');
  expect(cipher.open(hex(nonce), hex(aad), frame.subarray(length), out)).toBe(hex(plaintext).length);
  expectBytes(out.subarray(0, -TAG_BYTES), plaintext, 'plaintext');
}

/** The keys that a channel case prints, by src; test/second.test.ts computes all values again. */
function channelKeys(engine: EngineName, testCase: ChannelCase): void {
  const { config, options, kid, frameKey, frameSalt, key16, nonce, aad } = testCase;
  const parsed = parseConfig(config);
  if (parsed.mode === 'SM4_128_ECB') {
    if (key16 !== undefined) expectBytes(sm4Key(parsed), key16, 'key16');
    return;
  }
  if (frameKey === undefined) return;
  const schedule = new KeySchedule(parsed.mode, parsed.key, parsed.salt);
  const derived = new DerivedKeys(schedule.keyBytes);
  schedule.deriveInto(derived, ...halves(BigInt(kid!)));
  expectBytes(derived.key, frameKey, 'frameKey');
  expectBytes(derived.salt, frameSalt!, 'frameSalt');
  const packet = hex((testCase.input ?? testCase.output)!);
  const payload = packet.subarray(options.framing === 'rtp' ? rtpHeaderLength(packet, packet.length) : 0);
  const out = new Uint8Array(payload.length + TAG_BYTES);
  new AesGcm(hex(frameKey), { engine }).seal(hex(nonce!), hex(aad!), payload, out);
  expectBytes(out, testCase.sealed!.slice(-2 * out.length), 'ciphertext and tag');
}

/** A channel whose sealers have this case's KID and begin at its CTR. */
function channelOf(engine: EngineName, { config, options, kid = '0', ctr = '0' }: ChannelCase): Channel {
  return enableEncryptionWith(config, { ...options, engine }, (words) => {
    // The keyId comes from the configuration: the first word's lowest 4 bits make room for it.
    const [high, low] = halves(BigInt(kid));
    words.set([high << 4, low]);
    return Number(ctr);
  });
}

/** Seals `input` to another array and in place, with the first sealers of two channels: they have one session. */
function sealed(engine: EngineName, testCase: ChannelCase): void {
  const { kid, input, outLength, expect: expected = 'ok' } = testCase;
  const plain = hex(input!);
  const length = outLength ?? (testCase.sealed ?? input!).length / 2;
  const refused = testCase.sealed === undefined;
  for (const inPlace of [false, true]) {
    using sending = channelOf(engine, testCase);
    const sealer = sending.createSealer();
    expect(sealer.senderId).toBe(kid === undefined ? '' : toHex(u64(BigInt(kid))));
    const memory = new Guarded(length);
    if (inPlace) memory.bytes.set(plain);
    const written = sealer.seal(inPlace ? memory.bytes : plain, memory.bytes, plain.length);
    expect(outcome(written), inPlace ? 'sealed in place' : 'sealed').toBe(refused ? expected : 'ok');
    if (!refused) expectBytes(memory.bytes.subarray(0, written), testCase.sealed, 'sealed');
    expect(memory.holds(refused ? (inPlace ? plain : EMPTY) : hex(testCase.sealed))).toBe(true);
  }
}

/** Opens `sealed` to another array and in place, with openers that have seen what comes before it. */
function opened(testCase: ChannelCase, receiving: Channel): void {
  const { input, output = input, before = [], outLength, expect: expected = 'ok' } = testCase;
  const frame = hex(testCase.sealed!);
  for (const inPlace of outLength === undefined ? [false, true] : [false]) {
    const opener = receiving.createOpener();
    for (const earlier of before.map(hex)) opener.open(earlier, new Uint8Array(earlier.length));
    const memory = inPlace ? new Guarded(frame) : new Guarded(outLength ?? frame.length);
    const written = opener.open(inPlace ? memory.bytes : frame, memory.bytes);
    expect(outcome(written), inPlace ? 'opened in place' : 'opened').toBe(expected);
    if (expected === 'ok') expectBytes(memory.bytes.subarray(0, written), output!, 'opened');
    else expect(inPlace ? memory.holds(frame) : memory.untouched).toBe(true);
  }
}

function channel(engine: EngineName, testCase: ChannelCase): void {
  channelKeys(engine, testCase);
  using sending = channelOf(engine, testCase);
  using receiving = channelOf(engine, testCase);
  expect(sending.fingerprint).toBe(testCase.fingerprint);
  if (testCase.input !== undefined) sealed(engine, testCase);
  if (testCase.loopback === false) sending.createSealer();
  if (testCase.sealed !== undefined) opened(testCase, testCase.loopback === false ? sending : receiving);
}

/** The cases of a kind. */
type CaseOf<Kind extends Case['kind']> = Extract<Case, { readonly kind: Kind }>;

/** How to run each kind of case. */
const RUNNERS: { readonly [Kind in Case['kind']]: (engine: EngineName, testCase: CaseOf<Kind>) => void } = {
  'aes-block': (_, testCase) => aesBlock(testCase),
  gcm,
  hkdf: (_, testCase) => hkdfCase(testCase),
  'sm4-ecb': sm4Ecb,
  'sframe-header': (_, testCase) => sframeHeader(testCase),
  sframe,
  channel,
  srtp: (engine, testCase) => expect(runCase(testCase, engine)).toBeUndefined(),
};

function run<Kind extends Case['kind']>(engine: EngineName, testCase: CaseOf<Kind>): void {
  const runner: (engine: EngineName, testCase: CaseOf<Kind>) => void = RUNNERS[testCase.kind as Kind];
  runner(engine, testCase);
}

// SM4 channels warn once, which is tested elsewhere.
beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

describe.each(Object.entries(FILES))('%s', (name, counts) => {
  const { title, source, cases } = loadFixture(name);

  it('is complete, and each of its cases has a name of its own', () => {
    const found: Record<string, number> = {};
    for (const { kind } of cases) found[kind] = (found[kind] ?? 0) + 1;
    expect(found).toEqual(counts);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
    expect(title && source).toBeTruthy();
  });

  describe.each(ENGINES)('%s engine', (engine) => {
    it.each(cases)('$id', (testCase) => run(engine, testCase));
  });
});

it('every vector file is in the list above', () => {
  const files = readdirSync(fixturesFolder).filter((name) => name.endsWith('.json'));
  expect(files.sort()).toEqual(Object.keys(FILES).sort());
});
