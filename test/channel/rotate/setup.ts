/** What the tests of rotation share: keys A to E with the keyIds 0 to 4, and which of them opens or seals now. */
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../../src/channel/channel.js';
import type { EncryptionConfig } from '../../../src/channel/config.js';
import type { SessionSource } from '../../../src/channel/keyring.js';
import type { Opener } from '../../../src/channel/opener.js';
import type { Sealer } from '../../../src/channel/sealer.js';
import { ConfigError } from '../../../src/config-error.js';
import { UNKNOWN_KEY } from '../../../src/status.js';
import { bytes, config, countedSessions, expectBytes } from '../../support/channel.js';
import { sframeHeader } from '../../support/sframe.js';

const FRAME = { framing: 'frame' } as const;
export const PAYLOAD = bytes(10);
export const MODE = 'AES_128_GCM2';
/** The keys of the epochs A, B, C, ...: keyId 0, 1, 2, ... */
export const [A, B, C, D, E] = [0, 1, 2, 3, 4].map((keyId) => config(MODE, keyId)) as [
  EncryptionConfig,
  EncryptionConfig,
  EncryptionConfig,
  EncryptionConfig,
  EncryptionConfig,
];

/** Timers that move where a test says, in all tests of the file that calls this. */
export function useTimers(): void {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

export const sessionsBelow = countedSessions();
export const sessionsAbove = countedSessions(1n << 58n);

export function channelOf(settings: EncryptionConfig, source: SessionSource = sessionsBelow): Channel {
  return enableEncryptionWith(settings, FRAME, source);
}

/** A sealer of a channel of its own that has this key alone. */
export function sealerOf(settings: EncryptionConfig): Sealer {
  return channelOf(settings, sessionsAbove).createSealer();
}

export function open(opener: Opener, frame: Uint8Array): number {
  const out = new Uint8Array(PAYLOAD.length);
  const result = opener.open(frame, out);
  if (result >= 0) expectBytes(out, PAYLOAD);
  return result;
}

/** Whether a frame sealed under each key opens now. */
export function opening(opener: Opener, sealers: readonly Sealer[]): boolean[] {
  return sealers.map((sealer) => {
    const result = open(opener, sealer.sealCopy(PAYLOAD));
    if (result < 0) expect(result).toBe(UNKNOWN_KEY);
    return result >= 0;
  });
}

/** The keyId that a sealer seals under now. */
export function sealingKeyId(sealer: Sealer): number {
  const { kid } = sframeHeader(sealer.sealCopy(PAYLOAD));
  expect(sealer.senderId).toBe(kid.toString(16).padStart(16, '0'));
  return Number(kid >> 60n);
}

export function codeOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.code;
    throw error;
  }
  return 'nothing';
}
