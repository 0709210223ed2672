/**
 * Status codes of the hot path (FORMAT.md section 7).
 *
 * `seal` and `open` return the number of bytes written, or one of these negative constants.
 * They are part of the published interface: a number never changes its meaning.
 */

/** Empty, shorter than its header or `clear` says, or a header or padding count that is not well-formed. (FORMAT.md section 7) */
export const MALFORMED = -1;
/** No live key has the frame's keyId. (FORMAT.md section 7) */
export const UNKNOWN_KEY = -2;
/** This counter was accepted before; of an SRTP sender: this index was protected before. (FORMAT.md section 7) */
export const REPLAYED = -3;
/** The counter is behind the replay window. (FORMAT.md section 7) */
export const TOO_OLD = -4;
/** Authentication failed; SM4: a bad length or padding. (FORMAT.md section 7) */
export const BAD_TAG = -5;
/** `out` is smaller than the result. (FORMAT.md section 7) */
export const NO_ROOM = -6;
/** Another protocol, by the first byte: STUN, DTLS, ... (FORMAT.md section 7) */
export const NOT_RTP = -7;
/** The input is longer than a frame may be. (FORMAT.md section 7) */
export const TOO_LARGE = -8;
/** The key has had all its sessions; of SRTP: all its packets. (FORMAT.md section 7) */
export const EXHAUSTED = -9;
/** An RTCP packet, on a channel that leaves RTCP in the clear. (FORMAT.md section 7) */
export const RTCP = -10;
/** The frame was sealed by the same Channel. (FORMAT.md section 7) */
export const OWN_FRAME = -11;
/** The budget for deriving keys of unknown senders is spent; of an SRTP sender: `maxStreams` SSRCs are in use. (FORMAT.md section 7) */
export const BUSY = -12;
/** The channel, sealer or opener is closed. (FORMAT.md section 7) */
export const CLOSED = -13;
/** In the results of a batch that threw: this frame was not finished. (FORMAT.md section 7) */
export const UNFINISHED = -14;

interface StatusText {
  readonly name: string;
  readonly text: string;
}

/** Indexed by -status. */
const TEXTS: readonly StatusText[] = [
  { name: 'OK', text: 'the frame was sealed or opened' },
  {
    name: 'MALFORMED',
    text: 'the packet is empty, cut short, or its header or padding count is not well-formed: look for truncation on the path',
  },
  {
    name: 'UNKNOWN_KEY',
    text: 'no live key has this keyId: the sender has rotated, or is in another channel; compare keyId on both sides',
  },
  {
    name: 'REPLAYED',
    text: 'this frame was opened before: a copy on the path, or a replay; drop it (an SRTP sender: this index was protected before)',
  },
  {
    name: 'TOO_OLD',
    text: 'the counter is behind the replay window: very late, or a replay; drop it, and widen replayWindow if the path reorders that much',
  },
  {
    name: 'BAD_TAG',
    text: 'authentication failed: changed on the way, or another mode, key, salt, context, framing, bindHeader or number of clear bytes; compare fingerprints on both sides (SRTP: keys, and the ROC where a receiver joins late)',
  },
  { name: 'NO_ROOM', text: 'out is smaller than the result: give it the length of the input and the overhead' },
  { name: 'NOT_RTP', text: 'not an RTP packet (STUN, DTLS or noise on the port?)' },
  {
    name: 'TOO_LARGE',
    text: 'the input is longer than a frame may be: 65,535 bytes of RTP, or 16,777,215 bytes of a frame',
  },
  { name: 'EXHAUSTED', text: 'this key has had all the sessions or packets that it may have: set a new key' },
  { name: 'RTCP', text: 'an RTCP packet, which this channel leaves in the clear: forward it as it is, or drop it' },
  { name: 'OWN_FRAME', text: 'sealed by this very channel: the path sends frames back' },
  {
    name: 'BUSY',
    text: 'too many unknown senders at once: the next frames of this one will be tried again (an SRTP sender: more SSRCs than maxStreams)',
  },
  { name: 'CLOSED', text: 'the channel, sealer or opener is closed' },
  {
    name: 'UNFINISHED',
    text: 'an exception ended the batch before this frame was done: do not send its out; seal or open the frame again',
  },
];

/** How many different statuses there are, success included: the length of a table indexed by -status. */
export const STATUS_COUNT: number = TEXTS.length;

/** The constant's name, `'BAD_TAG'` for -5; `'OK'` for 0 and above. */
export function statusName(status: number): string {
  return status >= 0 ? 'OK' : (TEXTS[-status]?.name ?? `status ${status}`);
}

/** One sentence for people: the status's name, what happened, and what to look at next. Takes any number. */
export function describe(status: number): string {
  const entry = status >= 0 ? TEXTS[0] : TEXTS[-status];
  return entry ? `${entry.name}: ${entry.text}` : `status ${status}: not one that this version knows`;
}
