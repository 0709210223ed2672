/**
 * `frameseal/srtp`: SRTP and SRTCP with AES-GCM (RFC 7714; FORMAT.md section 8), for endpoints that speak SRTP. Statuses and errors
 * are those of `frameseal`.
 *
 * @module frameseal/srtp
 */
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
export { type DtlsKeys, keysFromDtls } from './dtls.js';
export type { SrtpKeys, SrtpSuite } from './keys.js';
export type { SrtpOptions } from './options.js';
export { SrtpReceiver } from './receiver.js';
export { isRtcp } from './rtcp.js';
export { keysFromSdes } from './sdes.js';
export { SrtpSender } from './sender.js';
export type { SrtpStats, SrtpStreamStats } from './stats.js';
