/** The public API of `frameseal`. The bare ciphers are in `frameseal/aead`. */
export { Channel, type ChannelOptions, enableEncryption, type RotateOptions } from './channel/channel.js';
export {
  ConfigError,
  type ConfigErrorCode,
  type EncryptionConfig,
  generateKey,
  generateSalt,
  type KnownMode,
} from './channel/config.js';
export { FrameError, type FrameStats, type Framing } from './channel/frames.js';
export { Opener, type OpenerStats } from './channel/opener.js';
export { Sealer } from './channel/sealer.js';
export { warmUp } from './channel/warm-up.js';
export { type EngineChoice, EngineError } from './engine/pick.js';
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
  UNKNOWN_KEY,
} from './status.js';
