/** What the tests of an opener's senders share: frames of twelve senders, forged ones, made-up ones, and a clock. */
import { afterEach, beforeEach, expect } from 'vitest';
import { enableEncryptionWith } from '../../../src/channel/channel.js';
import type { Opener } from '../../../src/channel/opener.js';
import type { EngineChoice } from '../../../src/engine/pick.js';
import { REPLAYED, TOO_OLD } from '../../../src/status.js';
import { concat } from '../../support/arrays.js';
import { bytes, config, countedSessions, KID, kidText } from '../../support/channel.js';
import { writeSframeHeader } from '../../support/sframe.js';

export const WINDOW = 64;
export const SENDERS = 12;
export const FRAMES = 200;
/** Milliseconds in which one token comes back; exact in binary, as is any count of them. */
export const TOKEN_MS = 1000 / 2048;
export const SETTINGS = config('AES_128_GCM2');
const PAYLOAD = bytes(8);
export const OPENED = PAYLOAD.length;

export const out = new Uint8Array(100);

/** frames[s][n]: the frame of sender s with CTR n. */
function sealFrames(senders: number, count: number): Uint8Array[][] {
  const channel = enableEncryptionWith(SETTINGS, { framing: 'frame' }, countedSessions());
  return Array.from({ length: senders }, () => {
    const sealer = channel.createSealer();
    const frames = Array.from({ length: count }, () => sealer.sealCopy(PAYLOAD));
    sealer.close();
    return frames;
  });
}

export const frames = sealFrames(SENDERS, FRAMES);

export const forged = (sender: number, ctr: number): Uint8Array => {
  const frame = frames[sender]![ctr]!.slice();
  frame[frame.length - 1]! ^= 1;
  return frame;
};

const MADE_UP = 0x0777_0000_0000_0000n;

/** A frame of an unknown KID: a header and noise. */
export function madeUp(index: number, ctr = 0): Uint8Array {
  return concat(writeSframeHeader(MADE_UP + BigInt(index), BigInt(ctr)), bytes(20, index));
}

export function openerOf(maxSenders: number, engine: EngineChoice = 'auto'): Opener {
  const options = { framing: 'frame', maxSenders, replayWindow: WINDOW, engine } as const;
  return enableEncryptionWith(SETTINGS, options, countedSessions(1n << 59n)).createOpener();
}

/** What `performance.now` gives in the tests of a file that calls `useClock`. */
export const clock = { ms: 0 };

/** Puts the clock in place of the platform's for each test; no spy, because that would keep every call. */
export function useClock(): void {
  const { now } = performance;
  beforeEach(() => {
    clock.ms = 1000;
    performance.now = () => clock.ms;
  });
  afterEach(() => {
    performance.now = now;
  });
}

/** Opens a frame of a known sender; fails unless it opens. */
export function take(opener: Opener, sender: number, ctr: number): void {
  expect(opener.open(frames[sender]![ctr]!, out), `sender ${sender}, CTR ${ctr}`).toBe(OPENED);
  expect(opener.lastSenderId).toBe(kidText(KID + BigInt(sender)));
}

/** The senders that are known: to these, a frame they have sent is REPLAYED; all others here were evicted. */
export function known(opener: Opener, newest: Readonly<Record<number, number>>): number[] {
  return Object.entries(newest).flatMap(([sender, ctr]) => {
    const status = opener.open(frames[Number(sender)]![ctr]!, out);
    expect([REPLAYED, TOO_OLD]).toContain(status);
    return status === REPLAYED ? [Number(sender)] : [];
  });
}
