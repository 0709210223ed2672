/** Words for counts: what a status on a side means, and what to do. Nothing of a packet but a first byte and a key id. */
import type { FlowName } from '../rates.js';
import type { ChannelSnapshot, Counts, SideName, WarningCause } from '../snapshot.js';
import type { Finding, Place } from './diagnosis.js';

/** Packets of a flow by result, since the snapshot before. */
export type Arrivals = Counts;

/** Counts of a side that are no results of packets, since the snapshot before. */
export interface Troubles {
  readonly sourceRefused: number;
  readonly overruns: number;
  readonly kernelDrops: number;
  readonly oversize: number;
  readonly sendErrors: Counts;
  readonly socketErrors: Counts;
}

/** Late and duplicated packets are reported from this share of all on: every network has some. */
const TOLD_SHARE = 0.01;

/** What a status means: its cause, and a sentence from the place and the packets around it. */
interface Meaning {
  readonly cause: WarningCause;
  words(place: Place, arrivals: Arrivals, flow: FlowName): string;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  BAD_TAG: { cause: 'bad-tag', words: badTag },
  UNKNOWN_KEY: { cause: 'unknown-key', words: unknownKey },
  OWN_FRAME: {
    cause: 'own-frame',
    words: () =>
      'frames that this gateway sealed come back to it: a loop, or a machine that reflects; check the peers on both ends, and give the channel a context and roles',
  },
  TOO_OLD: {
    cause: 'too-old',
    words: (_, arrivals) =>
      `${share(arrivals, 'TOO_OLD')} of the packets come later than the replay window, and are dropped: the path delays some of them, or frames of long ago are sent again; a wider replayWindow helps against the former`,
  },
  REPLAYED: {
    cause: 'replayed',
    words: (_, arrivals) =>
      `${share(arrivals, 'REPLAYED')} of the packets come twice, and the second is dropped: the path doubles them, two senders send the same, or somebody replays`,
  },
  NOT_RTP: { cause: 'not-rtp', words: notRtp },
  RTCP: {
    cause: 'clear-rtcp',
    words: () =>
      'RTCP in the clear is dropped: the channel seals no RTCP; clearRtcp: forward on this side lets it pass unprotected',
  },
  BUSY: {
    cause: 'busy',
    words: () =>
      'more new senders come than keys can be derived for: a flood of made-up senders, or very many that start at once; known senders are not affected',
  },
  EXHAUSTED: {
    cause: 'srtp-key',
    words: () => 'the SRTP key has reached its limit of packets: give both ends a new one',
  },
  NO_PEER: {
    cause: 'no-peer',
    words: () =>
      'packets wait for nobody: the peer is learned from the first packet that arrives on this side, and none has come; they are dropped',
  },
  ONE_WAY: {
    cause: 'other',
    words: ({ route }) =>
      `packets come in the direction that the route excludes (direction: ${route.direction}), and are dropped`,
  },
  MALFORMED: {
    cause: 'other',
    words: ({ side }, _, flow) =>
      side.rule.kind === 'clear' || flow === 'out'
        ? 'packets are no well-formed RTP, and are dropped'
        : 'packets are no well-formed frames, and are dropped: perhaps the sender does not seal them',
  },
};

/** What the results of a flow mean. A result that is well, or too rare to tell, means nothing. */
export function explainArrivals(place: Place, arrivals: Arrivals, flow: FlowName): Finding[] {
  return Object.entries(arrivals).flatMap(([status, count]) => {
    const isRare = (status === 'TOO_OLD' || status === 'REPLAYED') && count < TOLD_SHARE * total(arrivals);
    if (status === 'ok' || count === 0 || isRare) return [];
    const meaning = MEANINGS[status];
    if (meaning === undefined)
      return [{ cause: 'other', count, message: `packets are dropped with the status ${status}` }];
    return [{ cause: meaning.cause, count, message: meaning.words(place, arrivals, flow) }];
  });
}

/** What the other counts of a side mean. */
export function explain({ side }: Place, troubles: Troubles): Finding[] {
  const { sourceRefused, overruns, kernelDrops, oversize, sendErrors, socketErrors } = troubles;
  const all: Finding[] = [
    {
      cause: 'source-refused',
      count: sourceRefused,
      message: `packets from ${side.lastRefused ?? 'a source'}, which from does not allow (${side.from.join(', ')}), are dropped; add the source to from if it is yours`,
    },
    {
      cause: 'overrun',
      count: overruns,
      message: 'the path out is slower than the path in: packets are dropped before they are sent',
    },
    {
      cause: 'kernel-drops',
      count: kernelDrops,
      message:
        'the system drops packets because the receive buffer is full: raise net.core.rmem_max, or spread the routes (workers)',
    },
    {
      cause: 'oversize',
      count: oversize,
      message:
        "sealed packets need more than 1,500 bytes of IP: the network may fragment or drop them; make the sender's packets smaller",
    },
  ];
  for (const [code, count] of [...Object.entries(sendErrors), ...Object.entries(socketErrors)]) {
    if (code === 'ECONNREFUSED')
      all.push({
        cause: 'no-receiver',
        count,
        message: `no receiver at ${side.peer ?? 'the peer'} (${code}): packets are lost until there is one`,
      });
    else
      all.push({
        cause: 'send-error',
        count,
        message: `packets to ${side.peer ?? 'the peer'} are not sent: ${sendProblem(code)}`,
      });
  }
  return all.filter(({ count }) => count > 0);
}

function badTag(place: Place, arrivals: Arrivals): string {
  const { rule } = place.side;
  const isAll = (arrivals['ok'] ?? 0) === 0;
  if (!isAll)
    return `${share(arrivals, 'BAD_TAG')} of the packets fail to authenticate: the path damages them, or one more sender has another key`;
  if (rule.kind === 'srtp')
    return `all packets fail to authenticate: the sender has another SRTP key, salt or suite than srtp ${rule.receive}`;
  const channel = channelOf(place);
  if (channel === undefined) return 'all packets fail to authenticate';
  if (channel.mode.startsWith('SM4'))
    return `all packets fail to open: the sender has another SM4 key, or another mode; fingerprint here ${channel.fingerprint}`;
  return (
    'all packets fail to authenticate: the other end has another key, salt, mode, context, role, bindHeader or rtcp. ' +
    `Here: opens ${channel.opens}, seals ${channel.fingerprint}, ${settingsOf(channel)}. ` +
    'The other end must seal what opens here, and open what seals here, with the same settings'
  );
}

/** What a fingerprint does not cover stands beside it. */
export function settingsOf({ mode, keyId, context, role, bindHeader, rtcp }: ChannelSnapshot): string {
  const parts = [mode, `key id ${keyId ?? 'none'}`];
  if (context !== undefined) parts.push(`context ${JSON.stringify(context)}`);
  if (role !== undefined) parts.push(`role ${role}`);
  return [...parts, `bindHeader ${bindHeader}`, `rtcp ${rtcp}`].join(', ');
}

function unknownKey(place: Place): string {
  const { lastUnknownKeyId } = place.side;
  const live = channelOf(place)?.liveKeyIds.join(', ') || 'none';
  const theirs = lastUnknownKeyId === undefined ? 'a key id' : `key id ${lastUnknownKeyId}`;
  return `the other end seals with ${theirs} that is not live here (live: ${live}): both ends need the same key; put it into the file and reload`;
}

/** The flow out of a protected side seals what arrived on the other side. */
function notRtp({ route, name, side }: Place, _: Arrivals, flow: FlowName): string {
  const other: SideName = name === 'inside' ? 'outside' : 'inside';
  const byte = side.lastForeignByte ?? (flow === 'out' ? route[other].lastForeignByte : undefined);
  const what = byte === undefined ? 'another protocol' : protocolOf(byte);
  return `packets that are no RTP are dropped: ${what}; a gateway carries RTP and RTCP alone`;
}

/** The protocol that a first byte belongs to (RFC 7983, RFC 9443). */
export function protocolOf(byte: number): string {
  const text = `first byte ${byte}`;
  if (byte <= 3) return `STUN (${text}); ICE has to end before the gateway`;
  if (byte >= 16 && byte <= 19) return `ZRTP (${text})`;
  if (byte >= 20 && byte <= 63) return `DTLS (${text}); a WebRTC endpoint wants a handshake`;
  // The sync byte of a transport stream.
  if (byte === 0x47) return `MPEG-TS without RTP, or a TURN channel (${text})`;
  if (byte >= 64 && byte <= 79) return `a TURN channel (${text})`;
  if (byte >= 80 && byte <= 127) return `QUIC (${text})`;
  if (byte >= 192) return `QUIC (${text})`;
  return `no protocol that is known (${text})`;
}

function sendProblem(code: string): string {
  switch (code) {
    case 'EMSGSIZE':
      return "they are larger than the path takes (EMSGSIZE); make the sender's packets smaller";
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return `there is no route to it (${code})`;
    case 'EPERM':
    case 'EACCES':
      return `a firewall of this machine, or its address, forbids it (${code})`;
    case 'ENOBUFS':
      return 'the system has no buffer for them (ENOBUFS)';
    default:
      return code;
  }
}

function channelOf({ snapshot, side: { rule } }: Place): ChannelSnapshot | undefined {
  return rule.kind === 'channel' ? snapshot.channels.find(({ name }) => name === rule.channel) : undefined;
}

function total(arrivals: Arrivals): number {
  return Object.values(arrivals).reduce((sum, count) => sum + count, 0);
}

function share(arrivals: Arrivals, status: string): string {
  return `${((100 * (arrivals[status] ?? 0)) / total(arrivals)).toFixed(1)} %`;
}
