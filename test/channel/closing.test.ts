/** Closing, and what is wiped, where something throws. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../src/channel/channel.js';
import { type EncryptionConfig, type ParsedConfig, withConfig } from '../../src/channel/config.js';
import { KeySchedule } from '../../src/channel/keys.js';
import { CLOSED } from '../../src/status.js';
import { bytes, config, countedSessions, MODES } from '../support/channel.js';
import { SpyEngine } from '../support/spy-engine.js';

const FRAME = { framing: 'frame' } as const;
const PAYLOAD = bytes(10);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, 'warn').mockReturnValue();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function channelOn(engine: SpyEngine, mode: (typeof MODES)[number]): Channel {
  return enableEncryptionWith(config(mode), FRAME, countedSessions(), engine);
}

describe.each(MODES)('%s', (mode) => {
  test('close closes sealers and openers, and leaves no key', () => {
    const engine = new SpyEngine();
    const channel = channelOn(engine, mode);
    const [sealer, opener] = [channel.createSealer(), channel.createOpener({ loopback: true })];
    const out = new Uint8Array(99);
    expect(opener.open(out, out, sealer.seal(PAYLOAD, out))).toBe(10);
    expect(engine.liveKeys).toBe(mode === 'SM4_128_ECB' ? 1 : 2);
    expect(engine.arraysAreWiped).toBe(true);
    channel.close();
    expect(engine.liveKeys).toBe(0);
    expect([sealer.seal(PAYLOAD, out), opener.open(PAYLOAD, out)]).toEqual([CLOSED, CLOSED]);
  });

  test('a close that threw has closed; the next one wipes what is left', () => {
    const engine = new SpyEngine();
    const channel = channelOn(engine, mode);
    channel.createSealer().seal(PAYLOAD, new Uint8Array(99));
    const error = engine.failAt('wipe');
    expect(() => channel.close()).toThrow(error);
    expect(() => channel.createSealer()).toThrow('closed');
    expect(() => channel.createOpener()).toThrow('closed');
    expect(() => channel.rotate(config(mode, 1))).toThrow('closed');
    expect(() => channel.holdKeys([config(mode, 1)], 1)).toThrow('closed');
    expect(engine.liveKeys).toBe(1);
    channel.close();
    expect(engine.liveKeys).toBe(0);
  });
});

describe('GCM2 modes', () => {
  const next = config('AES_128_GCM2', 1);

  test.each<[string, (channel: Channel, settings: EncryptionConfig) => void]>([
    ['rotate', (channel, settings) => channel.rotate(settings)],
    ['holdKeys', (channel, settings) => channel.holdKeys([settings], 1)],
  ])('%s leaves no key where reading its arguments closes the channel', (_, change) => {
    const engine = new SpyEngine();
    const channel = channelOn(engine, 'AES_128_GCM2');
    channel.createSealer().seal(PAYLOAD, new Uint8Array(99));
    const made = vi.spyOn(KeySchedule.prototype, 'wipe');
    const closing = new Proxy(next, {
      getOwnPropertyDescriptor: (target, name) => {
        channel.close();
        return Reflect.getOwnPropertyDescriptor(target, name);
      },
    });
    made.mockClear();
    expect(() => change(channel, closing)).toThrow('closed');
    expect(made).toHaveBeenCalledTimes(1);
    expect([engine.liveKeys, vi.getTimerCount()]).toEqual([0, 0]);
    made.mockRestore();
  });

  test('close wipes the keys of the channel, and stops its timers', () => {
    const channel = channelOn(new SpyEngine(), 'AES_128_GCM2');
    channel.rotate(config('AES_128_GCM2', 1), { sealAfterMs: 100 });
    const wipe = vi.spyOn(KeySchedule.prototype, 'wipe');
    channel.close();
    expect(wipe).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a sealer that could not be made leaves no key; nor does one that could not be wiped, after close', () => {
    for (const wipeThrows of [false, true]) {
      const engine = new SpyEngine();
      const channel = channelOn(engine, 'AES_128_GCM2');
      engine.fault = (point) => {
        if (point === 'wipe' && wipeThrows) throw new Error('wipe');
        if (point === 'set') throw new Error('set');
      };
      expect(() => channel.createSealer()).toThrow(wipeThrows ? 'wipe' : 'set');
      expect(engine.liveKeys).toBe(wipeThrows ? 1 : 0);
      engine.fault = () => {};
      channel.close();
      expect(engine.liveKeys).toBe(0);
    }
  });
});

describe('SM4', () => {
  test.each(['setKey', 'set'] as const)('a key that could not be set (%s) is not left', (point) => {
    const engine = new SpyEngine();
    const error = engine.failAt(point);
    expect(() => channelOn(engine, 'SM4_128_ECB')).toThrow(error);
    expect(engine.liveKeys).toBe(0);
    expect(engine.keys[0]!.wipes).toBe(1);
    expect(engine.arraysAreWiped).toBe(true);
  });
});

describe('a configuration that was read', () => {
  test.each([false, true])('is wiped afterwards (thrown: %s)', (throws) => {
    let read: ParsedConfig | undefined;
    const use = () =>
      withConfig(config('AES_256_GCM2'), (parsed) => {
        read = parsed;
        expect(parsed.key.some((byte) => byte !== 0) && parsed.salt.some((byte) => byte !== 0)).toBe(true);
        if (throws) throw new Error('action');
      });
    if (throws) expect(use).toThrow('action');
    else use();
    expect(read!.key).toEqual(new Uint8Array(32));
    expect(read!.salt).toEqual(new Uint8Array(32));
  });
});
