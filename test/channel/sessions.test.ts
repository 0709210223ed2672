/** Sessions (FORMAT.md section 3): when one ends, that no KID comes twice, and how many a key has. */
import { describe, expect, test } from 'vitest';
import { enableEncryptionWith } from '../../src/channel/channel.js';
import { parseConfig } from '../../src/channel/config.js';
import { KeyRing, type SessionSource } from '../../src/channel/keyring.js';
import { FrameError } from '../../src/frames/error.js';
import { describe as describeStatus, EXHAUSTED, OWN_FRAME, UNKNOWN_KEY } from '../../src/status.js';
import { bytes, config, countedSessions, KID, kidText, pair, sessions } from '../support/channel.js';
import { halves } from '../support/fixtures.js';
import { sframeHeader } from '../support/sframe.js';

const MODE = 'AES_128_GCM2';
const FRAME = { framing: 'frame' } as const;
const MAX_BLOCKS = 2 ** 36;
const MAX_SESSIONS = 2 ** 20;

/** Sessions one after the other, of which the first begins with a given number of sealed blocks. */
function withBlocks(sealed: number): SessionSource {
  const next = countedSessions();
  let drawn = 0;
  return (words, blocks) => {
    if (drawn++ === 0) blocks![0] = sealed;
    return next(words);
  };
}

describe('a session ends at 2^36 blocks', () => {
  test.each([
    ['a frame of 4 blocks and the one that masks the tag', 64, 5],
    ['65 bytes are 5 blocks', 65, 6],
    ['an empty frame costs one', 0, 1],
  ])('%s', (_, length, blocks) => {
    const { sealer, opener } = pair(config(MODE), FRAME, withBlocks(MAX_BLOCKS - 2 * blocks));
    const kids = [0, 1, 2, 3].map(() => {
      const frame = sealer.sealCopy(bytes(length));
      expect(opener.openCopy(frame)).toEqual(bytes(length));
      const { kid, ctr } = sframeHeader(frame);
      return [kid, ctr];
    });
    expect(kids).toEqual([
      [KID, 0],
      [KID, 1],
      [KID + 1n, 0],
      [KID + 1n, 1],
    ]);
  });

  test('one block short of the limit, the session continues', () => {
    const { sealer } = pair(config(MODE), FRAME, withBlocks(MAX_BLOCKS - 11));
    const kids = [0, 1, 2, 3].map(() => sframeHeader(sealer.sealCopy(bytes(64))).kid);
    expect(kids).toEqual([KID, KID, KID, KID + 1n]);
  });

  test('in the middle of a batch, too', () => {
    const { sealer, opener } = pair(config(MODE), FRAME, withBlocks(MAX_BLOCKS - 35));
    const outs = Array.from({ length: 20 }, () => new Uint8Array(100));
    const results = new Int32Array(20);
    expect(sealer.sealBatch(Array(20).fill(bytes(64)), outs, results)).toBe(20);
    const frames = outs.map((out, i) => out.slice(0, results[i]));
    expect(frames.map((frame) => sframeHeader(frame).kid)).toEqual(frames.map((_, i) => (i < 7 ? KID : KID + 1n)));
    for (const frame of frames) expect(opener.openCopy(frame)).toEqual(bytes(64));
  });
});

describe('a KID is drawn once in a channel', () => {
  test('one that was drawn before is drawn again', () => {
    const source = sessions({ kid: KID }, { kid: KID }, { kid: 5n }, { kid: KID }, { kid: KID + 1n });
    const channel = enableEncryptionWith(config(MODE), FRAME, source);
    expect(channel.createSealer().senderId).toBe(kidText(KID));
    expect(channel.createSealer().senderId).toBe(kidText(KID + 1n));
  });

  test('a source that does nothing but repeat itself ends in an error, and no frame has its KID', () => {
    const channel = enableEncryptionWith(config(MODE), FRAME, (words) => {
      words.set([0x12345670, 5]);
      return 2 ** 32 - 1;
    });
    const sealer = channel.createSealer();
    sealer.sealCopy(bytes(5));
    const out = new Uint8Array(99);
    for (let i = 0; i < 3; i++) expect(() => sealer.seal(bytes(5), out)).toThrow(/repeats itself/);
    expect(() => channel.createSealer()).toThrow(/repeats itself/);
    expect(out).toEqual(new Uint8Array(99));
  });

  test('own KIDs are forgotten with their key', () => {
    const channel = enableEncryptionWith(config(MODE, 0), FRAME, countedSessions());
    const opener = channel.createOpener();
    const old = channel.createSealer().sealCopy(bytes(5));
    expect(opener.open(old, new Uint8Array(99))).toBe(OWN_FRAME);
    channel.rotate(config(MODE, 1), { graceMs: 0 });
    expect(opener.open(old, new Uint8Array(99))).toBe(UNKNOWN_KEY);
  });

  test('another key with the same keyId knows nothing of the KIDs of the one before', () => {
    const ring = new KeyRing(MODE, parseConfig(config(MODE, 0)), countedSessions(), () => {});
    const kid = new Int32Array(2);
    ring.drawKid(ring.sealing, kid, new Float64Array(1));
    expect([...kid]).toEqual(halves(KID));
    expect(ring.isOwn(...halves(KID))).toBe(true);
    ring.rotate(parseConfig(config(MODE, 1)), 0, 0);
    ring.rotate(parseConfig(config(MODE, 0, 7)), 0, 0);
    expect(ring.isOwn(...halves(KID))).toBe(false);
    ring.close();
  });
});

describe('2^20 sessions under one key', () => {
  test('and no more: EXHAUSTED, until there is a new key', () => {
    let drawn = 0;
    const source: SessionSource = (words) => {
      words.set([0x12345670, drawn++]);
      return 2 ** 32 - 1;
    };
    const ring = new KeyRing(MODE, parseConfig(config(MODE)), source, () => {});
    const kid = new Int32Array(2);
    const blocks = new Float64Array(1);
    for (let i = 0; i < MAX_SESSIONS - 1; i++) ring.drawKid(ring.sealing, kid, blocks);
    expect(ring.hasSessions).toBe(true);
    ring.drawKid(ring.sealing, kid, blocks);
    expect(ring.hasSessions).toBe(false);
    ring.rotate(parseConfig(config(MODE, 1)), 0, 0);
    expect(ring.hasSessions).toBe(true);
    ring.close();
  });

  test('a sealer says so, and createSealer throws the same', () => {
    const channel = enableEncryptionWith(config(MODE), FRAME, countedSessions());
    const last = enableEncryptionWith(config(MODE), FRAME, (words) => {
      words.set([0x12345670, 1]);
      return 2 ** 32 - 1;
    });
    const sealer = last.createSealer();
    sealer.sealCopy(bytes(5));
    const full = Object.getOwnPropertyDescriptor(KeyRing.prototype, 'hasSessions')!;
    Object.defineProperty(KeyRing.prototype, 'hasSessions', { get: () => false, configurable: true });
    try {
      expect(sealer.seal(bytes(5), new Uint8Array(99))).toBe(EXHAUSTED);
      expect(() => channel.createSealer()).toThrow(new FrameError(EXHAUSTED));
      expect(describeStatus(EXHAUSTED)).toMatch(/set a new key/);
    } finally {
      Object.defineProperty(KeyRing.prototype, 'hasSessions', full);
    }
    expect(channel.createSealer().sealCopy(bytes(5)).length).toBe(30);
  });
});
