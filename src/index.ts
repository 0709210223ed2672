/**
 * `frameseal`: channels that seal and open RTP packets and media frames with AES-GCM (FORMAT.md). `enableEncryption` makes a
 * Channel, the channel makes a Sealer for each flow and an Opener for all senders. The calls of the hot path return a number of
 * bytes or a negative status, and throw for wrong arguments alone.
 *
 * @module frameseal
 */
export { Channel, enableEncryption } from './channel/channel.js';
export { type EncryptionConfig, generateKey, generateSalt, type KnownMode } from './channel/config.js';
export type { Framing, RtcpHandling } from './channel/layout.js';
export { Opener, type OpenerStats } from './channel/opener.js';
export type { ChannelOptions, OpenerOptions, RotateOptions } from './channel/options.js';
export { Sealer } from './channel/sealer.js';
export { warmUp } from './channel/warm-up.js';
export { ConfigError, type ConfigErrorCode } from './config-error.js';
export { type EngineChoice, EngineError, useSimdModule } from './engine/pick.js';
export type { FrameStats } from './frames/counters.js';
export { FrameError } from './frames/error.js';
export {
  BAD_TAG,
  BUSY,
  CLOSED,
  describe,
  EXHAUSTED,
  MALFORMED,
  NO_ROOM,
  NOT_RTP,
  OWN_FRAME,
  REPLAYED,
  RTCP,
  TOO_LARGE,
  TOO_OLD,
  UNFINISHED,
  UNKNOWN_KEY,
} from './status.js';
