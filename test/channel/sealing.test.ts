/** Sealing where something throws or ends: counters, sessions and what is wiped (FORMAT.md section 3). */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../src/channel/channel.js';
import type { SessionSource } from '../../src/channel/keyring.js';
import { DerivedKeys } from '../../src/channel/keys.js';
import type { Sealer } from '../../src/channel/sealer.js';
import { NO_ROOM } from '../../src/status.js';
import { bytes, config, countedSessions, expectBytes, KID } from '../support/channel.js';
import { sframeHeader } from '../support/sframe.js';
import { SpyEngine } from '../support/spy-engine.js';

const MODE = 'AES_128_GCM2';
const FRAME = { framing: 'frame' } as const;
const PAYLOAD = bytes(10);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Made {
  readonly engine: SpyEngine;
  readonly channel: Channel;
  readonly sealer: Sealer;
}

function made(source: SessionSource = countedSessions()): Made {
  const engine = new SpyEngine();
  const channel = enableEncryptionWith(config(MODE), FRAME, source, engine);
  return { engine, channel, sealer: channel.createSealer() };
}

function next(sealer: Sealer): { kid: bigint; ctr: number } {
  return sframeHeader(sealer.sealCopy(PAYLOAD));
}

describe('a counter is taken before its frame is encrypted', () => {
  test.each(['seal', 'sealed'] as const)('a frame that throws (%s) has cost one', (point) => {
    const { engine, sealer } = made();
    expect(next(sealer).ctr).toBe(0);
    const error = engine.failAt(point);
    expect(() => sealer.seal(PAYLOAD, new Uint8Array(99))).toThrow(error);
    expect(next(sealer)).toMatchObject({ kid: KID, ctr: 2 });
  });

  test.each(['sealAll', 'sealedAll'] as const)('frames of a batch that throws (%s) have cost one each', (point) => {
    const { engine, sealer } = made();
    const error = engine.failAt(point);
    const outs = Array.from({ length: 9 }, () => new Uint8Array(99));
    expect(() => sealer.sealBatch(Array(9).fill(PAYLOAD), outs, new Int32Array(9))).toThrow(error);
    expect(next(sealer)).toMatchObject({ kid: KID, ctr: 9 });
  });

  test('a frame that is refused costs none', () => {
    const { sealer } = made();
    for (let i = 0; i < 3; i++) expect(sealer.seal(PAYLOAD, new Uint8Array(9))).toBe(NO_ROOM);
    expect(next(sealer).ctr).toBe(0);
  });
});

describe('a session', () => {
  test.each(['setKey', 'set'] as const)(
    'that throws when it begins (%s) is none: the next frame begins another',
    (point) => {
      const { engine, channel, sealer } = made();
      next(sealer);
      channel.rotate(config(MODE, 1), { graceMs: 0 });
      const out = new Uint8Array(99);
      const error = engine.failAt(point);
      expect(() => sealer.seal(PAYLOAD, out)).toThrow(error);
      expect(out).toEqual(new Uint8Array(99));
      const frame = sealer.sealCopy(PAYLOAD);
      expect(sframeHeader(frame)).toMatchObject({ kid: (1n << 60n) | (KID + 2n), ctr: 0 });
      const opener = enableEncryptionWith(config(MODE, 1), FRAME, countedSessions(1n << 58n)).createOpener();
      expectBytes(opener.openCopy(frame), PAYLOAD);
    },
  );

  test('that throws at the end of another leaves no way to seal under the old KID', () => {
    const source = countedSessions();
    const { engine, sealer } = made((words) => {
      source(words);
      return 2 ** 32 - 1;
    });
    const first = next(sealer);
    for (const point of ['setKey', 'set'] as const) {
      const error = engine.failAt(point);
      expect(() => sealer.seal(PAYLOAD, new Uint8Array(99))).toThrow(error);
    }
    expect(next(sealer).kid).not.toBe(first.kid);
  });

  test('keeps no frame key outside the engine', () => {
    const { engine, sealer } = made();
    next(sealer);
    expect(engine.keys.map((key) => key.arrays.length)).toEqual([1]);
    expect(engine.arraysAreWiped).toBe(true);
  });
});

describe('wiping', () => {
  /** The salts that sealers use, as the memory in which they are. */
  function salts(): Set<Uint8Array> {
    const found = new Set<Uint8Array>();
    const { setNonce } = DerivedKeys.prototype;
    vi.spyOn(DerivedKeys.prototype, 'setNonce').mockImplementation(function (this: DerivedKeys, ...args) {
      found.add(this.salt);
      setNonce.apply(this, args);
    });
    return found;
  }
  const allZero = (arrays: Iterable<Uint8Array>) => [...arrays].every((array) => array.every((byte) => byte === 0));

  test('close wipes key and salt', () => {
    const found = salts();
    const { engine, sealer } = made();
    next(sealer);
    expect([engine.liveKeys, found.size, allZero(found)]).toEqual([1, 1, false]);
    sealer.close();
    expect([engine.liveKeys, allZero(found)]).toEqual([0, true]);
  });

  test('so does the end of the live key, of a sealer that has not sealed since', () => {
    const found = salts();
    const { engine, channel, sealer } = made();
    next(sealer);
    channel.rotate(config(MODE, 1), { graceMs: 100 });
    expect([engine.liveKeys, allZero(found)]).toEqual([1, false]);
    vi.advanceTimersByTime(100);
    expect([engine.liveKeys, allZero(found)]).toEqual([0, true]);
    expect(next(sealer).kid >> 60n).toBe(1n);
  });

  test('but not that of another live key', () => {
    const { engine, channel, sealer } = made();
    channel.rotate(config(MODE, 1), { graceMs: 100 });
    const { kid } = next(sealer);
    vi.advanceTimersByTime(100);
    expect(engine.liveKeys).toBe(1);
    expect(next(sealer)).toMatchObject({ kid, ctr: 1 });
  });

  test('a key that an exception left is wiped at the end of its live key', () => {
    const { engine, channel, sealer } = made();
    channel.rotate(config(MODE, 1), { graceMs: 0 });
    const error = engine.failAt('set');
    expect(() => sealer.seal(PAYLOAD, new Uint8Array(99))).toThrow(error);
    expect(engine.liveKeys).toBe(1);
    channel.rotate(config(MODE, 2), { graceMs: 0 });
    expect(engine.liveKeys).toBe(0);
  });
});
