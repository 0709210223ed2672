/** The options of senders and receivers: own properties only, each read once, and nothing mistyped is a silent default. */
import { checkNames, own } from '../checks.js';
import type { Engine } from '../engine/engine.js';
import { type EngineChoice, pickEngine } from '../engine/pick.js';
import { integerOption, windowOption } from '../options.js';

/** Options of a sender or a receiver; the other side may have others. */
export interface SrtpOptions {
  /** Which engine; `'auto'` (default) takes the best that the platform has. */
  engine?: EngineChoice | undefined;
  /** Indices that are kept per SSRC: a power of two, 64 to 65,536; default 1,024. */
  replayWindow?: number | undefined;
  /** SSRCs, 1 to 65,536; default 1,024. A sender refuses one more, a receiver evicts the least recently used. */
  maxStreams?: number | undefined;
}

const DEFAULT_STREAMS = 1024;
const MAX_STREAMS = 65_536;

/** @internal The options, complete. */
export interface SrtpSettings {
  readonly engine: Engine;
  readonly replayWindow: number;
  readonly maxStreams: number;
}

/** @internal Reads the options; `engine`, for tests, replaces the option. Throws TypeError, RangeError or EngineError. */
export function readSrtpOptions(options: SrtpOptions, engine?: Engine): SrtpSettings {
  checkNames(options, ['engine', 'replayWindow', 'maxStreams']);
  return {
    replayWindow: windowOption(options),
    maxStreams: integerOption(options, 'maxStreams', DEFAULT_STREAMS, { least: 1, most: MAX_STREAMS }),
    engine: engine ?? pickEngine(own(options, 'engine')),
  };
}
