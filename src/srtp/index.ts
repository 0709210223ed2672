/** SRTP with AES-GCM (RFC 7714), for endpoints that speak SRTP: `frameseal/srtp`. Statuses and errors are those of `frameseal`. */
export { ConfigError, type ConfigErrorCode } from '../config-error.js';
export { type EngineChoice, EngineError } from '../engine/pick.js';
export type { FrameStats } from '../frames/counters.js';
export {
  BAD_TAG,
  BUSY,
  CLOSED,
  describe,
  EXHAUSTED,
  MALFORMED,
  NO_ROOM,
  NOT_RTP,
  REPLAYED,
  TOO_LARGE,
  TOO_OLD,
  UNFINISHED,
} from '../status.js';
export { keysFromDtls } from './dtls.js';
export type { SrtpStats } from './endpoint.js';
export type { SrtpKeys, SrtpSuite } from './keys.js';
export type { SrtpOptions } from './options.js';
export { SrtpReceiver } from './receiver.js';
export { isRtcp } from './rtcp.js';
export { keysFromSdes } from './sdes.js';
export { SrtpSender } from './sender.js';
