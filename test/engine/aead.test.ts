/** AesGcm and Sm4Ecb: limits, and what they keep of the caller's arrays and of the key. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AesGcm, Sm4Ecb } from '../../src/aead.js';
import { EMPTY } from '../../src/bytes.js';
import { type FrameJob, MAX_TEXT_BYTES } from '../../src/engine/engine.js';
import { PortableGcmKey } from '../../src/engine/portable/gcm.js';
import { PortableSm4Key } from '../../src/engine/portable/sm4.js';
import { BAD_TAG, NO_ROOM } from '../../src/status.js';
import { sample } from '../support/engines.js';

const OPTIONS = { engine: 'portable' } as const;
const KEY = new Uint8Array(sample('key', 16));
const NONCE = new Uint8Array(12);

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a message', () => {
  it('has 64 MiB at most', () => {
    const gcm = new AesGcm(KEY, OPTIONS);
    const sm4 = new Sm4Ecb(KEY, OPTIONS);
    const most = new Uint8Array(MAX_TEXT_BYTES + 17);
    const upTo = (length: number) => most.subarray(0, length);
    const none = new Uint8Array(1);
    expect(gcm.seal(NONCE, EMPTY, upTo(MAX_TEXT_BYTES), none)).toBe(NO_ROOM);
    expect(gcm.open(NONCE, EMPTY, upTo(MAX_TEXT_BYTES + 16), none)).toBe(NO_ROOM);
    expect(sm4.encrypt(upTo(MAX_TEXT_BYTES), none)).toBe(NO_ROOM);
    expect(() => gcm.seal(NONCE, EMPTY, upTo(MAX_TEXT_BYTES + 1), none)).toThrow(RangeError);
    expect(() => gcm.seal(NONCE, upTo(MAX_TEXT_BYTES + 1), EMPTY, new Uint8Array(16))).toThrow(RangeError);
    expect(() => gcm.open(NONCE, EMPTY, upTo(MAX_TEXT_BYTES + 17), none)).toThrow(RangeError);
    expect(() => sm4.encrypt(upTo(MAX_TEXT_BYTES + 1), none)).toThrow(RangeError);
    expect(() => sm4.decrypt(upTo(MAX_TEXT_BYTES + 17), none)).toThrow(RangeError);
  });

  it('is not kept, nor its AAD, nor where it went', () => {
    const jobs = new Set<FrameJob>();
    for (const name of ['seal', 'open'] as const) {
      const real = PortableGcmKey.prototype[name];
      vi.spyOn(PortableGcmKey.prototype, name).mockImplementation(function (this: PortableGcmKey, job: FrameJob) {
        jobs.add(job);
        return real.call(this, job) as never;
      });
    }
    const gcm = new AesGcm(KEY, OPTIONS);
    const out = new Uint8Array(40);
    expect(gcm.seal(NONCE, new Uint8Array(5), new Uint8Array(20), out)).toBe(36);
    const [job] = [...jobs];
    expect([job!.input, job!.output, job!.aad]).toEqual([EMPTY, EMPTY, EMPTY]);
    expect(gcm.open(NONCE, new Uint8Array(6), out.subarray(0, 36), new Uint8Array(20))).toBe(BAD_TAG);
    expect([job!.input, job!.output, job!.aad]).toEqual([EMPTY, EMPTY, EMPTY]);
    expect(jobs.size).toBe(1);
  });
});

describe.each([
  ['AesGcm', PortableGcmKey, AesGcm],
  ['Sm4Ecb', PortableSm4Key, Sm4Ecb],
] as const)('%s: the key', (_, Slot, Cipher) => {
  it('is copied, and the copy is wiped', () => {
    const { setKey } = Slot.prototype;
    const given: Uint8Array[] = [];
    vi.spyOn(Slot.prototype, 'setKey').mockImplementation(function (this: InstanceType<typeof Slot>, key: Uint8Array) {
      given.push(key);
      setKey.call(this as never, key);
    });
    new Cipher(KEY, OPTIONS).destroy();
    const copy = given.at(-1)!;
    expect(copy).not.toBe(KEY);
    expect(copy).toEqual(new Uint8Array(16));
    expect(KEY).toEqual(new Uint8Array(sample('key', 16)));
  });

  it('is wiped where it cannot be set', () => {
    new Cipher(KEY, OPTIONS).destroy();
    const error = new Error('set-up');
    vi.spyOn(Slot.prototype, 'setKey').mockImplementationOnce(() => {
      throw error;
    });
    const wipe = vi.spyOn(Slot.prototype, 'wipe');
    expect(() => new Cipher(KEY, OPTIONS)).toThrow(error);
    expect(wipe).toHaveBeenCalledTimes(1);
  });
});
