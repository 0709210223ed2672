/**
 * No text shows a secret: not an error with its stack trace, not an object that is inspected or printed, not the output of
 * the command line with a bad configuration. Every piece of 8 bytes of a key, a salt, and of what is derived from them
 * is searched for, in hex, Base64 and decimal, with any characters between the bytes.
 */
import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { AesGcm, Sm4Ecb } from '../../src/aead.js';
import { enableEncryptionWith } from '../../src/channel/channel.js';
import { onLoopback } from '../../src/cli/gateway/process.js';
import type { Channel, EncryptionConfig } from '../../src/index.js';
import { keysFromDtls, keysFromSdes, SrtpReceiver, SrtpSender } from '../../src/srtp/index.js';
import { config, countedSessions, KID, MODES } from '../support/channel.js';
import { frameseal, freePorts, Mailbox, rtp, startGateway, temporaryFile } from '../support/cli.js';
import { ENGINES, mistyped } from '../support/engines.js';
import { u64 } from '../support/fixtures.js';
import { keySchedule } from '../support/key-schedule.js';
import { SrtpReference } from '../support/srtp.js';
import { hashKey, roundKeys } from './secrets/keys.js';
import { shownIn } from './secrets/texts.js';

const shown = (value: unknown): string =>
  [
    inspect(value, { showHidden: true, depth: Number.POSITIVE_INFINITY, maxArrayLength: null, getters: true }),
    inspect(value),
    String(value),
    JSON.stringify(value),
    value instanceof Error ? value.stack : '',
  ].join('\n');

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const key = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => 37 * i * i + 11 * i + 129);

/** The secrets of a channel with the test configuration. */
function secretsOf(mode: string, settings: EncryptionConfig): Uint8Array[] {
  const own = settings.encryptionKey as Uint8Array;
  if (mode === 'SM4_128_ECB') return [own];
  const salt = settings.encryptionKdfSalt as Uint8Array;
  const { prk, baseKey, secret, frameKey } = keySchedule(mode, own, salt, u64(KID));
  return [own, salt, prk, baseKey, secret, frameKey, hashKey(frameKey), ...roundKeys(frameKey)];
}

describe('what finds secrets in texts', () => {
  const secret = key(32);
  const hex = Buffer.from(secret).toString('hex');
  test.each<readonly [string, string]>([
    ['hex', `key ${hex.slice(6, 22)}!`],
    ['upper-case hex', hex.toUpperCase()],
    ['hex with colons', hex.match(/../g)!.join(':')],
    ['a Buffer', inspect(Buffer.from(secret))],
    ['an array', inspect(secret)],
    ['JSON', JSON.stringify({ secret })],
    ['decimals', secret.subarray(5, 13).join(',')],
    ...[0, 1, 2].map((at) => [`Base64 from byte ${at}`, Buffer.from(secret.subarray(at)).toString('base64')] as const),
  ])('finds %s', (_, text) => expect(shownIn(text, [secret])).not.toEqual([]));

  test('finds nothing in other bytes', () => {
    expect(shownIn(`${inspect(key(33).subarray(26))} ${'0'.repeat(64)}`, [secret])).toEqual([]);
  });
});

describe.each(ENGINES)('%s', (engine) => {
  test.each(MODES)('%s: a channel, its sealer and opener, and what they throw', (mode) => {
    const settings = config(mode);
    const secrets = secretsOf(mode, settings);
    const quiet = console.warn;
    console.warn = () => {};
    const channel: Channel = enableEncryptionWith(settings, { framing: 'frame', engine }, countedSessions());
    console.warn = quiet;
    const [sealer, opener] = [channel.createSealer(), channel.createOpener({ loopback: true })];
    const frame = new Uint8Array(100);
    expect(opener.openCopy(sealer.sealCopy(frame))).toHaveLength(100);
    const errors = [
      thrown(() => opener.openCopy(new Uint8Array(0))),
      thrown(() => sealer.seal(frame, frame.subarray(3))),
      thrown(() => sealer.seal(mistyped(settings), frame)),
      thrown(() => channel.rotate({ ...settings, keyId: 77 })),
      thrown(() => channel.rotate(settings)),
      thrown(() => channel.rotate(mistyped(settings.encryptionKey))),
    ];
    for (const value of [channel, sealer, opener, channel.fingerprint, sealer.stats, opener.stats, ...errors]) {
      expect(shownIn(shown(value), secrets)).toEqual([]);
    }
    channel.close();
    expect(shownIn(shown(thrown(() => channel.createSealer())), secrets)).toEqual([]);
  });

  test('SrtpSender and SrtpReceiver, and what they and the readers of keys throw', () => {
    const keys = { suite: 'AEAD_AES_128_GCM', masterKey: key(16), masterSalt: key(40).subarray(28) } as const;
    const base64 = Buffer.concat([keys.masterKey, keys.masterSalt]).toString('base64');
    const { srtp, srtcp } = new SrtpReference(keys);
    const [sender, receiver] = [new SrtpSender(keys, { engine }), new SrtpReceiver(keys, { engine })];
    const out = new Uint8Array(60);
    expect(receiver.unprotect(out, out, sender.protect(new Uint8Array(40).fill(0x80, 0, 1), out))).toBe(40);
    const wrong = [{ masterKey: key(17) }, { masterSalt: key(16) }, { masterKey: mistyped<Uint8Array>(base64) }];
    const lines = [`1 AEAD_AES_256_GCM inline:${base64}`, `1 AEAD_AES_128_GCM ${base64}`, `1 ${base64} inline:x`];
    const more = [`1 AEAD_AES_128_GCM inline:${base64}|1:4`, `1 AEAD_AES_128_GCM inline:${base64} ${base64}`, base64];
    const values = [
      sender,
      receiver,
      sender.stats,
      thrown(() => sender.protect(mistyped(keys), out)),
      thrown(() => sender.setRoc(mistyped(base64), 0)),
      ...wrong.map((fault) => thrown(() => new SrtpSender({ ...keys, ...fault }))),
      ...[...lines, ...more].map((line) => thrown(() => keysFromSdes(line))),
      thrown(() => keysFromDtls(keys.masterKey, 'AEAD_AES_128_GCM')),
    ];
    const { masterKey, masterSalt } = keys;
    const secrets = [masterKey, masterSalt, srtp.key, srtp.salt, srtcp.key, srtcp.salt, ...roundKeys(srtp.key)];
    for (const value of values) expect(shownIn(shown(value), secrets)).toEqual([]);
    for (const side of [sender, receiver]) side.close();
  });

  test('AesGcm and Sm4Ecb, and what they throw', () => {
    const secret = key(32);
    const aes = new AesGcm(secret, { engine });
    const sm4 = new Sm4Ecb(secret.subarray(0, 16), { engine });
    const values = [
      aes,
      sm4,
      thrown(() => new AesGcm(secret.subarray(0, 24), { engine })),
      thrown(() => new AesGcm(mistyped([...secret]))),
      thrown(() => new AesGcm(mistyped(Buffer.from(secret).toString('hex')))),
      thrown(() => new Sm4Ecb(secret, { engine })),
      thrown(() => aes.seal(secret, secret, secret, secret)),
      thrown(() => sm4.encryptBlocks(secret.subarray(1), secret)),
    ];
    const secrets = [secret, hashKey(secret), ...roundKeys(secret)];
    for (const value of values) expect(shownIn(shown(value), secrets)).toEqual([]);
    aes.destroy();
    sm4.destroy();
    expect(shownIn(shown(thrown(() => aes.open(secret, secret, secret, secret))), secrets)).toEqual([]);
  });
});

describe('the command line', () => {
  const secret = key(32);
  const salt = key(64).slice(32);
  const hex = Buffer.from(secret).toString('hex');
  const base64 = Buffer.from(salt).toString('base64');
  const good = { encryptionMode: 'AES_128_GCM2', encryptionKey: hex, encryptionKdfSalt: base64 };
  const files = { good: temporaryFile('good.json') };
  writeFileSync(files.good, JSON.stringify(good), { mode: 0o600 });

  test.each([
    ['a digit is missing', { ...good, encryptionKey: hex.slice(1) }],
    ['a prefix', { ...good, encryptionKey: `0x${hex}` }],
    ['key and salt are exchanged', { ...good, encryptionKey: base64, encryptionKdfSalt: hex }],
    ['the key is a field', { ...good, [hex]: 1 }],
    ['the key is the mode', { ...good, encryptionMode: hex }],
    ['the key is an array', { ...good, encryptionKey: [...secret] }],
    ['JSON is cut off', JSON.stringify(good).slice(0, -2)],
    ['JSON is followed by more', `${JSON.stringify(good)} ${hex}`],
  ])('%s', (_, content) => {
    const file = temporaryFile('config.json');
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o644 });
    const addresses = onLoopback('seal', 0, 9);
    const { status, stdout, stderr } = frameseal(['gateway', '--config', file, ...addresses]);
    expect(status).toBe(2);
    expect(stderr).not.toBe('');
    expect(shownIn(stdout + stderr, [secret, salt])).toEqual([]);
  });

  test('a gateway from its start to its end', async () => {
    const [from, to] = [await freePorts(), await freePorts()];
    const gateway = await startGateway(...onLoopback('seal', from, to), '--config', files.good);
    const mailbox = await Mailbox.open(to);
    await mailbox.send(from, [rtp(1), Buffer.from(hex), rtp(2)]);
    expect(await mailbox.wait(2)).toHaveLength(2);
    expect(await gateway.end()).toBe(0);
    expect(shownIn(JSON.stringify(gateway.events) + gateway.stderr, [secret, salt])).toEqual([]);
  });
});
