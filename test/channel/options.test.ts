/** What enableEncryption takes besides a configuration, and in what order it refuses. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { enableEncryption } from '../../src/channel/channel.js';
import type { ChannelOptions } from '../../src/channel/options.js';
import { ConfigError } from '../../src/config-error.js';
import { bytes, config, MODES, pair } from '../support/channel.js';
import { ENGINES, mistyped } from '../support/engines.js';

const SETTINGS = config('AES_128_GCM2');

afterEach(() => {
  vi.restoreAllMocks();
});

function errorOf(options: unknown, settings = SETTINGS): Error {
  try {
    enableEncryption(settings, mistyped<ChannelOptions>(options));
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('options', () => {
  test('may be left out, one by one and altogether', () => {
    const everyDefault = { framing: 'rtp', bindHeader: true };
    for (const options of [undefined, {}, { framing: undefined, bindHeader: undefined, engine: undefined }])
      expect(enableEncryption(SETTINGS, mistyped<ChannelOptions>(options))).toMatchObject(everyDefault);
    const channel = enableEncryption(SETTINGS, { maxSenders: mistyped(undefined), replayWindow: mistyped(undefined) });
    expect(channel.engine).toBe(enableEncryption(SETTINGS, { engine: 'auto' }).engine);
    expect(channel.mode).toBe('AES_128_GCM2');
  });

  test.each(ENGINES)('engine %s can be had by name', (engine) => {
    for (const mode of MODES) {
      vi.spyOn(console, 'warn').mockImplementation(() => {});
      expect(enableEncryption(config(mode), { engine }).engine).toBe(engine);
    }
  });

  test.each([64, 128, 1024, 65_536])('a replay window of %i counters', (replayWindow) => {
    const { sealer, opener } = pair(SETTINGS, { framing: 'frame', replayWindow });
    const [first, second] = [sealer.sealCopy(bytes(1)), sealer.sealCopy(bytes(2))];
    for (let ctr = 2; ctr < replayWindow; ctr++) sealer.seal(bytes(0), new Uint8Array(40));
    const last = sealer.sealCopy(bytes(3));
    const out = new Uint8Array(9);
    expect(opener.open(last, out)).toBe(3);
    expect(opener.open(second, out)).toBe(2);
    expect(opener.stats.refused).toEqual({});
    opener.open(first, out);
    expect(opener.stats.refused).toEqual({ TOO_OLD: 1 });
  });

  test.each([1, 65_536])('%i senders at most', (maxSenders) => {
    expect(() => enableEncryption(SETTINGS, { maxSenders }).createOpener()).not.toThrow();
  });

  test.each<[unknown, ErrorConstructor]>([
    [null, TypeError],
    ['rtp', TypeError],
    [5, TypeError],
    [{ framing: 'RTP' }, TypeError],
    [{ framing: '' }, TypeError],
    [{ framing: 7 }, TypeError],
    [{ framing: 'srtp' }, TypeError],
    [{ bindHeader: null }, TypeError],
    [{ bindHeader: 'false' }, TypeError],
    [{ bindHeader: 0 }, TypeError],
    [{ replayWindow: 0 }, RangeError],
    [{ replayWindow: 32 }, RangeError],
    [{ replayWindow: 63 }, RangeError],
    [{ replayWindow: 65 }, RangeError],
    [{ replayWindow: 96 }, RangeError],
    [{ replayWindow: 131_072 }, RangeError],
    [{ replayWindow: -64 }, RangeError],
    [{ replayWindow: 128.5 }, RangeError],
    [{ replayWindow: Number.NaN }, RangeError],
    [{ replayWindow: Number.POSITIVE_INFINITY }, RangeError],
    [{ replayWindow: '128' }, TypeError],
    [{ replayWindow: 128n }, TypeError],
    [{ replayWindow: null }, TypeError],
    [{ maxSenders: 0 }, RangeError],
    [{ maxSenders: -1 }, RangeError],
    [{ maxSenders: 65_537 }, RangeError],
    [{ maxSenders: 1.5 }, RangeError],
    [{ maxSenders: Number.NaN }, RangeError],
    [{ maxSenders: '5' }, TypeError],
    [{ maxSenders: null }, TypeError],
    [{ engine: 'wasm' }, TypeError],
    [{ engine: '' }, TypeError],
    [{ engine: null }, TypeError],
    [{ engine: 1 }, TypeError],
    [{ engine: 'constructor' }, TypeError],
    [{ bindheader: false }, TypeError],
    [{ BindHeader: false }, TypeError],
    [{ loopback: true }, TypeError],
    [{ keyId: 3 }, TypeError],
    [{ replayWindow: 64, window: 64 }, TypeError],
  ])('%o throws', (options, kind) => {
    const error = errorOf(options);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(/framing|bindHeader|replayWindow|maxSenders|engine|options/);
  });

  test('framing null throws, as null does for every other option', () => {
    expect(errorOf({ framing: null })).toBeInstanceOf(TypeError);
  });

  test('where the platform has no WebAssembly, engine simd throws EngineError, and auto is the portable one', async () => {
    vi.resetModules();
    vi.stubGlobal('WebAssembly', undefined);
    const fresh = await import('../../src/channel/channel.js');
    expect(() => fresh.enableEncryption(SETTINGS, { engine: 'simd' })).toThrow(
      expect.objectContaining({ name: 'EngineError', message: expect.stringContaining("'portable'") }),
    );
    expect(fresh.enableEncryption(SETTINGS).engine).toBe('portable');
    vi.unstubAllGlobals();
  });
});

describe('where several things are wrong', () => {
  test('the configuration comes first', () => {
    const wrong = { ...SETTINGS, encryptionMode: 'rot13' };
    for (const options of [{ engine: 'wasm' }, { framing: 'x' }, { stray: 1 }, null])
      expect(errorOf(options, wrong)).toMatchObject({ name: 'ConfigError', code: 'mode_unknown' });
    expect(errorOf({ framing: 'x' }, wrong)).toBeInstanceOf(ConfigError);
  });

  test('no message shows a key or a salt that stands where an option should', () => {
    const secrets = ['feedc0de'.repeat(8), 'S4lt+S4ltS4ltyS4lt/PepperMustardVinegarOil8='];
    for (const secret of secrets) {
      const misplaced: unknown[] = [secret, { [secret]: true }, new TextEncoder().encode(secret)];
      for (const name of ['framing', 'bindHeader', 'replayWindow', 'maxSenders', 'engine'])
        misplaced.push({ [name]: secret }, { [name]: new TextEncoder().encode(secret) });
      for (const options of misplaced) {
        const { message, stack } = errorOf(options);
        for (const text of [message, stack]) expect(text).not.toContain(secret.slice(0, 8));
      }
    }
  });

  test('a channel that was refused has warned of nothing', async () => {
    vi.resetModules();
    const fresh = await import('../../src/channel/channel.js');
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    expect(() => fresh.enableEncryption(config('SM4_128_ECB'), { maxSenders: 0 })).toThrow(RangeError);
    expect(() => fresh.enableEncryption({ ...config('SM4_128_ECB'), keyId: 1 })).toThrow('keyId');
    expect(warn).not.toHaveBeenCalled();
  });
});

describe('section 5: choosing SM4', () => {
  test('warns once per process; the other modes never do', async () => {
    vi.resetModules();
    const fresh = await import('../../src/channel/channel.js');
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    for (const mode of ['AES_128_GCM2', 'AES_256_GCM2'] as const) fresh.enableEncryption(config(mode));
    expect(warn).not.toHaveBeenCalled();
    for (let i = 0; i < 5; i++) fresh.enableEncryption(config('SM4_128_ECB', 0, i)).createSealer();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]!.join(' ')).toMatch(/SM4_128_ECB.*no integrity.*replay/);
  });
});

describe('fingerprint', () => {
  test('equal where mode, key and salt are; the keyId, framing and bindHeader do not show', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const [base, ...same] = [
      enableEncryption(SETTINGS),
      enableEncryption({ ...SETTINGS, keyId: 9 }),
      enableEncryption(SETTINGS, { framing: 'frame', bindHeader: false }),
    ].map(({ fingerprint }) => fingerprint);
    expect(base).toMatch(/^[0-9a-f]{4}(-[0-9a-f]{4}){3}$/);
    expect(same).toEqual([base, base]);
    const others = [
      enableEncryption(config('AES_256_GCM2')),
      enableEncryption(config('SM4_128_ECB')),
      enableEncryption({ ...SETTINGS, encryptionKey: bytes(32, 8) }),
      enableEncryption({ ...SETTINGS, encryptionKdfSalt: bytes(32, 8) }),
    ].map(({ fingerprint }) => fingerprint);
    expect(new Set([base, ...others]).size).toBe(5);
  });
});
