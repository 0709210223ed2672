/** What a sender and a receiver have in common: a pipeline for RTP and one for RTCP, under one master key. */
import type { Engine } from '../engine/engine.js';
import type { FrameStats } from '../frames/counters.js';
import { FramePipeline, type FrameProtocol } from '../frames/pipeline.js';
import { thoroughly } from '../frames/thoroughly.js';
import { type ParsedKeys, parseKeys, type SrtpKeys } from './keys.js';
import { readSrtpOptions, type SrtpOptions } from './options.js';
import { type PacketKind, RTCP, RTP } from './packets.js';
import { deriveSessions, Session } from './session.js';
import { type Stream, Streams } from './streams.js';

/** Counters of RTP, with the SSRCs that have state now; and those of RTCP. */
export interface SrtpStats extends FrameStats {
  readonly streams: number;
  readonly rtcp: FrameStats & { readonly streams: number };
}

/** @internal What tests choose and users cannot. */
export interface SrtpSeam {
  readonly engine?: Engine;
  /** Session keys in place of derived ones: the vectors of RFC 7714 have such. */
  readonly sessions?: { readonly rtp: ParsedKeys; readonly rtcp: ParsedKeys };
  readonly kinds?: { readonly rtp: PacketKind; readonly rtcp: PacketKind };
  /** How many packets there were under the key. */
  readonly packets?: { readonly rtp: number; readonly rtcp: number };
}

/** Everything that a protocol of one kind of packets works with. */
export interface Direction {
  readonly kind: PacketKind;
  readonly session: Session;
  readonly engine: Engine;
  readonly streams: Streams;
  /** How many packets there were under the key. */
  readonly packets: number;
}

type NewProtocol = (direction: Direction) => FrameProtocol<Stream>;

export class Endpoint {
  readonly rtp: FramePipeline<Stream>;
  readonly rtcp: FramePipeline<Stream>;
  readonly streams: Streams;
  readonly #rtcpStreams: Streams;

  /** Throws ConfigError for wrong keys; TypeError, RangeError or EngineError for wrong options. */
  constructor(keys: SrtpKeys, options: SrtpOptions, seam: SrtpSeam, newProtocol: NewProtocol) {
    const { engine, maxStreams, replayWindow } = readSrtpOptions(options, seam.engine);
    const { kinds = { rtp: RTP, rtcp: RTCP }, packets = { rtp: 0, rtcp: 0 } } = seam;
    const sessions = newSessions(keys, engine, seam);
    const pipeline = (kind: 'rtp' | 'rtcp', streams: Streams) =>
      new FramePipeline(
        newProtocol({ kind: kinds[kind], session: sessions[kind], engine, streams, packets: packets[kind] }),
      );
    this.streams = new Streams(maxStreams, replayWindow);
    this.#rtcpStreams = new Streams(maxStreams, replayWindow);
    this.rtp = pipeline('rtp', this.streams);
    this.rtcp = pipeline('rtcp', this.#rtcpStreams);
  }

  get stats(): SrtpStats {
    const rtcp = { ...this.rtcp.stats, streams: this.#rtcpStreams.size };
    return { ...this.rtp.stats, streams: this.streams.size, rtcp };
  }

  close(): void {
    thoroughly([this.rtp, this.rtcp], (pipeline) => pipeline.close());
  }
}

/** Both sessions with their keys; or, where it throws, no key is left. */
function newSessions(keys: SrtpKeys, engine: Engine, { sessions }: SrtpSeam): { rtp: Session; rtcp: Session } {
  const master = parseKeys(keys);
  const made: Session[] = [];
  try {
    const keyBytes = master.key.length as 16 | 32;
    for (let i = 0; i < 2; i++) made.push(new Session(engine, keyBytes));
    const [rtp, rtcp] = made as [Session, Session];
    if (sessions === undefined) {
      deriveSessions(engine, master, rtp, rtcp);
    } else {
      rtp.set(sessions.rtp);
      rtcp.set(sessions.rtcp);
    }
    return { rtp, rtcp };
  } catch (error) {
    thoroughly(made, (session) => session.wipe());
    throw error;
  } finally {
    master.key.fill(0);
    master.salt.fill(0);
  }
}

/** Throws RangeError unless SSRC and ROC are unsigned 32-bit numbers. */
export function checkWords(words: { readonly ssrc: number; readonly roc: number }): void {
  for (const [name, word] of Object.entries(words)) {
    if (typeof word !== 'number' || word >>> 0 !== word) {
      throw new RangeError(`${name} must be an integer from 0 to ${0xffffffff}`);
    }
  }
}
