/** Sealers: counters, sessions and nonces (FORMAT.md sections 3 and 4). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Channel, enableEncryption, enableEncryptionWith } from '../../src/channel/channel.js';
import type { SessionSource } from '../../src/channel/keyring.js';
import type { Sealer } from '../../src/channel/sealer.js';
import { NO_ROOM, TOO_LARGE } from '../../src/status.js';
import {
  bytes,
  config,
  countedSessions,
  expectBytes,
  GCM_MODES,
  KID,
  kidText,
  pair,
  sessions,
} from '../support/channel.js';
import { sframeHeader } from '../support/sframe.js';

const LIMIT = 2 ** 32;
const FRAME = { framing: 'frame' } as const;
const PAYLOAD = bytes(10);

function sealerAt(ctr: number): Sealer {
  return enableEncryptionWith(config('AES_128_GCM2'), FRAME, sessions({ kid: KID, ctr })).createSealer();
}

/** KID and CTR of the next frame. */
function next(sealer: Sealer): { kid: bigint; ctr: number; length: number } {
  return sframeHeader(sealer.sealCopy(PAYLOAD));
}

describe('section 3: the counter', () => {
  test('starts at 0 and grows by 1 with each frame sealed', () => {
    const sealer = enableEncryption(config('AES_128_GCM2'), FRAME).createSealer();
    const { kid } = next(sealer);
    for (let ctr = 1; ctr < 1000; ctr++) expect(next(sealer)).toMatchObject({ kid, ctr });
  });

  test('a refused frame uses none', () => {
    const sealer = sealerAt(0);
    for (let ctr = 0; ctr < 300; ctr++) {
      expect(sealer.seal(PAYLOAD, new Uint8Array(5))).toBe(NO_ROOM);
      expect(() => sealer.seal(PAYLOAD, PAYLOAD, 99)).toThrow(RangeError);
      expect(next(sealer).ctr).toBe(ctr);
    }
    expect(sealer.seal(new Uint8Array(16_777_216), PAYLOAD)).toBe(TOO_LARGE);
    expect(next(sealer).ctr).toBe(300);
  });

  const headers: [ctr: number, bytes: number][] = [
    [0, 9],
    [7, 9],
    [8, 10],
    [255, 10],
    [256, 11],
    [65_535, 11],
    [65_536, 12],
    [2 ** 24 - 1, 12],
    [2 ** 24, 13],
    [2 ** 31 - 1, 13],
    [2 ** 31, 13],
    [LIMIT - 1, 13],
  ];
  test.each(headers)('section 4: the header of CTR %i takes %i bytes', (ctr, length) => {
    const { sealer, opener } = pair(config('AES_256_GCM2'), FRAME, sessions({ kid: KID, ctr }));
    const out = new Uint8Array(length + PAYLOAD.length + 16);
    expect(sealer.seal(PAYLOAD, out.subarray(1))).toBe(NO_ROOM);
    expect(sealer.seal(PAYLOAD, out)).toBe(out.length);
    expect(sframeHeader(out)).toEqual({ kid: KID, ctr, length });
    expect(out[0]! & 0xf0).toBe(0xf0);
    expectBytes(opener.openCopy(out), PAYLOAD);
  });

  test('counts from one byte to the next without a gap', () => {
    for (const edge of [8, 256, 65_536, 2 ** 24, 2 ** 31]) {
      const sealer = sealerAt(edge - 2);
      for (let i = -2; i < 2; i++) expect(next(sealer)).toMatchObject({ kid: KID, ctr: edge + i });
    }
  });
});

describe('section 3: at 2^32 a new session begins', () => {
  const OTHER = KID + 5n;

  test.each(GCM_MODES)('%s: at 0, with a KID of its own, and frames go on opening', (mode) => {
    const source = sessions({ kid: KID, ctr: LIMIT - 2 }, { kid: OTHER });
    const { sealer, opener } = pair(config(mode), FRAME, source);
    const seen = [0, 1, 2, 3].map((i) => {
      const input = bytes(20, i);
      const frame = sealer.sealCopy(input);
      expectBytes(opener.openCopy(frame), input);
      expect(opener.lastSenderId).toBe(sealer.senderId);
      const { kid, ctr } = sframeHeader(frame);
      return [kid, ctr];
    });
    expect(seen).toEqual([
      [KID, LIMIT - 2],
      [KID, LIMIT - 1],
      [OTHER, 0],
      [OTHER, 1],
    ]);
    expect(opener.stats).toMatchObject({ frames: 4, senders: 2 });
  });

  test('also in the middle of a batch, and when a frame is refused just there', () => {
    const source = sessions({ kid: KID, ctr: LIMIT - 1 }, { kid: OTHER });
    const { sealer } = pair(config('AES_128_GCM2'), FRAME, source);
    const outs = [0, 1, 2, 3].map((i) => new Uint8Array(i === 1 ? 3 : 100));
    const results = new Int32Array(4);
    expect(sealer.sealBatch(Array(4).fill(PAYLOAD), outs, results)).toBe(3);
    expect(results[1]).toBe(NO_ROOM);
    const headers = [0, 2, 3].map((i) => sframeHeader(outs[i]!));
    expect(headers).toMatchObject([
      { kid: KID, ctr: LIMIT - 1 },
      { kid: OTHER, ctr: 0 },
      { kid: OTHER, ctr: 1 },
    ]);
  });

  test('frames of both sessions are OWN_FRAME to the channel itself', () => {
    const source = sessions({ kid: KID, ctr: LIMIT - 1 }, { kid: OTHER });
    const { sealer, sending } = pair(config('AES_128_GCM2'), FRAME, source);
    const opener = sending.createOpener();
    const frames = [sealer.sealCopy(PAYLOAD), sealer.sealCopy(PAYLOAD)];
    for (const frame of frames) opener.open(frame, new Uint8Array(99));
    expect(opener.stats.refused).toEqual({ OWN_FRAME: 2 });
  });
});

describe('section 3: sessions', () => {
  /** Gives these words one after the other, and counts. */
  function wordsOf(...list: readonly (readonly [number, number])[]): { source: SessionSource; drawn: () => number } {
    let drawn = 0;
    const source: SessionSource = (words) => {
      words.set(list[drawn++]!);
      return 0;
    };
    return { source, drawn: () => drawn };
  }

  test('are drawn again while the first byte of the KID is zero', () => {
    const { source, drawn } = wordsOf([0, 0], [0, -1], [0x0fff_ffff, -1], [0x1000_0000, 0]);
    const sealer = enableEncryptionWith(config('AES_128_GCM2'), FRAME, source).createSealer();
    expect(drawn()).toBe(4);
    expect(sealer.senderId).toBe('0100000000000000');
    expect(next(sealer).length).toBe(9);
  });

  test('of zeros will do where the keyId is not 0', () => {
    for (const keyId of [1, 7, 8, 15]) {
      const { source, drawn } = wordsOf([0, 0]);
      const sealer = enableEncryptionWith(config('AES_128_GCM2', keyId), FRAME, source).createSealer();
      expect(drawn()).toBe(1);
      expect(sealer.senderId).toBe(`${keyId.toString(16)}000000000000000`);
      expect(next(sealer).kid).toBe(BigInt(keyId) << 60n);
    }
  });

  test('take 60 random bits of the system; the keyId is in the other four', () => {
    let ones = 0n;
    let zeros = 0n;
    for (const keyId of [0, 5, 10, 15]) {
      const channel = enableEncryption(config('AES_128_GCM2', keyId), FRAME);
      for (let i = 0; i < 50; i++) {
        const { senderId } = channel.createSealer();
        expect(senderId).toMatch(/^[0-9a-f]{16}$/);
        const kid = BigInt(`0x${senderId}`);
        expect(kid >> 60n).toBe(BigInt(keyId));
        expect(kid >> 56n).not.toBe(0n);
        ones |= kid;
        zeros |= ~kid;
      }
    }
    const all = (1n << 60n) - 1n;
    expect([ones & all, zeros & all]).toEqual([all, all]);
  });

  test('every sealer has its own; so has every channel of one configuration', () => {
    const channels = [0, 1].map(() => enableEncryption(config('AES_256_GCM2'), FRAME));
    const ids = channels.flatMap((channel) => Array.from({ length: 500 }, () => channel.createSealer().senderId));
    expect(new Set(ids).size).toBe(1000);
  });

  test('senderId is the KID of the next frame, and reading it moves nothing', () => {
    const { sealer } = pair(config('AES_128_GCM2', 2), FRAME, countedSessions());
    for (let ctr = 0; ctr < 20; ctr++) {
      const { senderId } = sealer;
      expect(sealer.senderId).toBe(senderId);
      const header = next(sealer);
      expect(kidText(header.kid)).toBe(senderId);
      expect(header.ctr).toBe(ctr);
    }
  });

  test('every rotation draws one, also in a sealer that has not sealed; and only one', () => {
    let drawn = 0;
    const counted = countedSessions();
    const source: SessionSource = (words) => {
      drawn++;
      return counted(words);
    };
    const channel = enableEncryptionWith(config('AES_128_GCM2', 0), FRAME, source);
    const [busy, idle] = [channel.createSealer(), channel.createSealer()];
    expect([next(busy).ctr, next(busy).ctr]).toEqual([0, 1]);
    expect(drawn).toBe(2);
    channel.rotate(config('AES_128_GCM2', 1), { graceMs: 0 });
    expect(drawn).toBe(2);
    const [a, b] = [next(busy), next(idle)];
    expect(drawn).toBe(4);
    expect([a.ctr, b.ctr]).toEqual([0, 0]);
    expect([a.kid >> 60n, b.kid >> 60n]).toEqual([1n, 1n]);
    expect(a.kid).not.toBe(b.kid);
    expect(next(busy)).toMatchObject({ kid: a.kid, ctr: 1 });
  });
});

describe('section 3: no nonce twice', () => {
  type Step = 'sealer' | 'rotate' | 'refused' | number;
  const steps = fc.array(
    fc.oneof(
      { weight: 1, arbitrary: fc.constant<Step>('sealer') },
      { weight: 1, arbitrary: fc.constant<Step>('rotate') },
      { weight: 1, arbitrary: fc.constant<Step>('refused') },
      { weight: 6, arbitrary: fc.nat(7) as fc.Arbitrary<Step> },
    ),
    { maxLength: 60, size: 'max' },
  );

  /** Does the steps, the numbers being sealers that seal; gives the frame key's name and the CTR of each frame. */
  function run(list: readonly Step[], source: SessionSource | undefined): string[] {
    let epoch = 0;
    const settings = () => config('AES_128_GCM2', epoch % 16, epoch);
    const channel: Channel = source
      ? enableEncryptionWith(settings(), FRAME, source)
      : enableEncryption(settings(), FRAME);
    const sealers = [channel.createSealer()];
    const used: string[] = [];
    for (const step of list) {
      const sealer = sealers[typeof step === 'number' ? step % sealers.length : 0]!;
      if (step === 'sealer') sealers.push(channel.createSealer());
      else if (step === 'refused') expect(sealer.seal(PAYLOAD, new Uint8Array(0))).toBe(NO_ROOM);
      else if (step === 'rotate') {
        epoch++;
        channel.rotate(settings(), { graceMs: 0 });
      } else {
        const { kid, ctr } = next(sealer);
        expect(kid >> 60n).toBe(BigInt(epoch % 16));
        used.push(`${epoch} ${kid} ${ctr}`);
      }
    }
    return used;
  }

  test('over sealers, rotations and refusals', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const used = run(list, undefined);
        expect(new Set(used).size).toBe(used.length);
      }),
      { numRuns: 60 },
    );
  });

  test('and where counters come to their end all the time', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const counted = countedSessions();
        const used = run(list, (words) => {
          counted(words);
          return LIMIT - 2;
        });
        expect(new Set(used).size).toBe(used.length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('after close', () => {
  test('reading senderId draws no session and makes no keys', () => {
    let drawn = 0;
    const counted = countedSessions();
    const { sealer, sending } = pair(config('AES_128_GCM2'), FRAME, (words) => {
      drawn++;
      return counted(words);
    });
    sealer.close();
    expect(sealer.senderId).toBeTypeOf('string');
    sending.close();
    expect(sealer.senderId).toBeTypeOf('string');
    expect(drawn).toBe(1);
  });
});
