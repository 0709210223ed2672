/** The options of a channel and of its calls: own properties only, each read once, and nothing mistyped is a silent default. */
import { kindOf } from '../bytes.js';
import { checkNames, own } from '../checks.js';
import type { Engine } from '../engine/engine.js';
import { type EngineChoice, pickEngine } from '../engine/pick.js';
import { integerOption, windowOption } from '../options.js';
import type { KnownMode } from './config.js';
import { type Framing, Layout, type RtcpHandling } from './layout.js';
import type { Settings } from './suite.js';

/** Options of a channel. All members must have the same `framing`, `bindHeader` and `rtcp`. */
export interface ChannelOptions {
  /** `'rtp'` (default): RTP and RTCP packets, headers in the clear. `'frame'`: whole frames or messages. */
  framing?: Framing | undefined;
  /** Authenticate the RTP header (default true). false: for paths on which a relay rewrites headers. */
  bindHeader?: boolean | undefined;
  /**
   * RTCP packets, with framing `'rtp'`. `'sealed'` (default): all but their first 8 bytes. `'clear'`: `seal` and `open` return the
   * status RTCP, for paths on which a relay reads RTCP. SM4 mode always leaves RTCP in the clear.
   */
  rtcp?: RtcpHandling | undefined;
  /** Counters that an opener keeps per sender: a power of two, 64 to 65,536; default 1,024. */
  replayWindow?: number | undefined;
  /** Senders that an opener remembers, 1 to 65,536; default 1,024. */
  maxSenders?: number | undefined;
  /** Which engine; `'auto'` (default) takes the best that the platform has. */
  engine?: EngineChoice | undefined;
}

/** Options of `createOpener`; a wrong one throws TypeError. */
export interface OpenerOptions {
  /** Open frames of the channel's own sealers too; default false. For demos and tests. */
  loopback?: boolean | undefined;
}

/** Times of a rotation, in milliseconds; together at most 2^31 - 1. */
export interface RotateOptions {
  /** The time for which the old key still seals, so that all members can set the new key; default 0. */
  sealAfterMs?: number | undefined;
  /** The time after that for which the old key still opens; default 10,000. */
  graceMs?: number | undefined;
}

const DEFAULT_SENDERS = 1024;
const MAX_SENDERS = 65_536;
const DEFAULT_GRACE_MS = 10_000;
/** The longest delay that timers take. */
const MAX_DELAY_MS = 0x7fffffff;

/** @internal Reads the options of a channel in this mode; `engine`, for tests, replaces the option. */
export function readChannelOptions(options: ChannelOptions, mode: KnownMode, engine?: Engine): Settings {
  checkNames(options, ['framing', 'bindHeader', 'rtcp', 'replayWindow', 'maxSenders', 'engine']);
  const { framing = 'rtp' } = { framing: own(options, 'framing') };
  if (framing !== 'rtp' && framing !== 'frame') throw new TypeError("framing must be 'rtp' or 'frame'");
  const bindHeader = booleanOption(options, 'bindHeader', true);
  const { rtcp = 'sealed' } = { rtcp: own(options, 'rtcp') };
  if (rtcp !== 'sealed' && rtcp !== 'clear') throw new TypeError("rtcp must be 'sealed' or 'clear'");
  const replayWindow = windowOption(options);
  return {
    layout: new Layout({ framing, bindHeader, rtcp: mode === 'SM4_128_ECB' ? 'clear' : rtcp }),
    replayWindow,
    maxSenders: integerOption(options, 'maxSenders', DEFAULT_SENDERS, { least: 1, most: MAX_SENDERS }),
    engine: engine ?? pickEngine(own(options, 'engine')),
  };
}

/** @internal Whether an opener takes frames of its own channel. */
export function readOpenerOptions(options: OpenerOptions): boolean {
  checkNames(options, ['loopback']);
  return booleanOption(options, 'loopback', false);
}

/** @internal */
export function readRotateOptions(options: RotateOptions): { readonly sealAfterMs: number; readonly graceMs: number } {
  checkNames(options, ['sealAfterMs', 'graceMs']);
  const sealAfterMs = delayOption(options, 'sealAfterMs', 0);
  const graceMs = delayOption(options, 'graceMs', DEFAULT_GRACE_MS);
  if (sealAfterMs + graceMs > MAX_DELAY_MS) {
    throw new RangeError(`sealAfterMs and graceMs together pass ${MAX_DELAY_MS} ms`);
  }
  return { sealAfterMs, graceMs };
}

function booleanOption<Name extends string>(
  options: { [name in Name]?: boolean | undefined },
  name: Name,
  fallback: boolean,
): boolean {
  const value: unknown = own(options, name);
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false, got ${kindOf(value)}`);
  return value;
}

function delayOption<Name extends string>(
  options: { [name in Name]?: number | undefined },
  name: Name,
  fallback: number,
): number {
  const value: unknown = own(options, name);
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number of milliseconds, got ${kindOf(value)}`);
  if (!(value >= 0 && value <= MAX_DELAY_MS)) {
    throw new RangeError(`${name} must be from 0 to ${MAX_DELAY_MS} ms, got ${value}`);
  }
  return value;
}
