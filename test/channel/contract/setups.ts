/** What the contract tests of seal and open share: every engine, mode, framing and bindHeader, and inputs for each of them. */
import { afterAll, vi } from 'vitest';
import { type Channel, enableEncryptionWith } from '../../../src/channel/channel.js';
import type { KnownMode } from '../../../src/channel/config.js';
import type { GcmMode } from '../../../src/channel/keys.js';
import type { Framing } from '../../../src/channel/layout.js';
import type { Opener } from '../../../src/channel/opener.js';
import type { Sealer } from '../../../src/channel/sealer.js';
import { bytes, config, countedSessions, MODES, type Pair, pair, type RtpFields, rtp } from '../../support/channel.js';
import { ENGINES } from '../../support/engines.js';

export interface Setup {
  readonly engine: (typeof ENGINES)[number];
  readonly mode: KnownMode;
  readonly framing: Framing;
  readonly bindHeader: boolean;
}

const FRAMINGS: readonly Framing[] = ['rtp', 'frame'];
export const SETUPS: readonly Setup[] = ENGINES.flatMap((engine) =>
  MODES.flatMap((mode) =>
    FRAMINGS.flatMap((framing) => [true, false].map((bindHeader) => ({ engine, mode, framing, bindHeader }))),
  ),
);
export const GCM_SETUPS = SETUPS.filter((setup): setup is Setup & { mode: GcmMode } => setup.mode !== 'SM4_128_ECB');
export const RTP_SETUPS = SETUPS.filter((setup) => setup.framing === 'rtp');
export const TITLE = '$engine, $mode, $framing, bindHeader $bindHeader';

export const LENGTHS = [
  ...Array(65).keys(),
  100,
  127,
  128,
  129,
  160,
  255,
  256,
  333,
  511,
  640,
  999,
  1199,
  1200,
  1399,
  1400,
];
/** One CSRC and one word of extension: 12 + 4 + 8 bytes of header. */
export const FIELDS: RtpFields = { csrcs: 1, extension: 1 };
export const CLEAR_BYTES = 24;
export const KEY_ID = 3;
export const MAX_BYTES = { rtp: 65_535, frame: 16_777_215 };
export const NO_BYTES = new Uint8Array(0);

export const isGcm = (setup: Setup): boolean => setup.mode !== 'SM4_128_ECB';
/** What sealing adds at most. */
export function overheadOf(setup: Setup): number {
  if (!isGcm(setup)) return 16;
  return setup.framing === 'rtp' ? 30 : 29;
}

export const clearBytes = (setup: Setup): number => (setup.framing === 'rtp' ? CLEAR_BYTES : 0);

/** An input with a payload of this many bytes. */
export function inputOf(setup: Setup, payloadBytes: number, seed = payloadBytes): Uint8Array {
  const payload = bytes(payloadBytes, seed);
  return setup.framing === 'rtp' ? rtp(payload, { ...FIELDS, sequence: seed & 0xffff }) : payload;
}

/** What FORMAT.md says of the length of a sealed frame. */
export function sealedLength(setup: Setup, inputBytes: number, ctr: number): number {
  if (!isGcm(setup)) return clearBytes(setup) + ((inputBytes - clearBytes(setup)) & ~15) + 16;
  return inputBytes + 1 + 8 + (ctr < 8 ? 0 : Math.ceil(ctr.toString(16).length / 2)) + 16;
}

const keyId = (setup: Setup): number => (isGcm(setup) ? KEY_ID : 0);

export function pairOf(setup: Setup, options = {}, source = countedSessions()): Pair {
  const { mode, ...rest } = setup;
  return pair(config(mode, keyId(setup)), { ...rest, ...options }, source);
}

export function channelOf({ mode, ...options }: Setup, source = countedSessions()): Channel {
  return enableEncryptionWith(config(mode, isGcm({ mode, ...options }) ? KEY_ID : 0), options, source);
}

/** Two sealers that give the same frames, so that what they do can be compared. */
export function twinSealers(setup: Setup): [Sealer, Sealer] {
  return [channelOf(setup).createSealer(), channelOf(setup).createSealer()];
}

export function sealAll(sealer: Sealer, inputs: readonly Uint8Array[]): Uint8Array[] {
  return inputs.map((input) => sealer.sealCopy(input));
}

/** Everything that shows of an opener, counters of refusals aside. */
export function visible(opener: Opener) {
  const { frames, bytesIn, bytesOut, senders } = opener.stats;
  return { frames, bytesIn, bytesOut, senders, last: opener.lastSenderId };
}

export function setupOptions({ engine, framing, bindHeader }: Setup) {
  return { engine, framing, bindHeader };
}

/** Section 4: the metadata of an input. */
export function metadataOf(setup: Setup, input: Uint8Array): Uint8Array {
  if (setup.framing === 'frame') return NO_BYTES;
  return setup.bindHeader ? input.subarray(0, CLEAR_BYTES) : Uint8Array.of(input[0]! & 0x20);
}

export function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** Drops the warning of SM4, in all tests of the file that calls this: it comes when a channel is made. */
export function dropWarnings(): void {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  afterAll(() => {
    vi.restoreAllMocks();
  });
}
