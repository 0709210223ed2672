/** SRTP recordings (RFC 7714): keys from a=crypto lines in a file, and the rollover counters that a recording does not show. */
import { InvalidArgumentError } from 'commander';
import { ConfigError } from 'frameseal';
import { BAD_TAG, keysFromSdes, type SrtpKeys, SrtpReceiver, SrtpSender } from 'frameseal/srtp';
import { type FileTrust, readSecretFile, reason } from '../secretfile.js';
import { CliError } from '../terminal.js';
import { isLeftOutSealing } from './choices.js';
import { Lane, type LaneChoice } from './lanes.js';
import type { Stream } from './streams.js';

/** Streams that a sender or a receiver keeps. */
const MOST_STREAMS = 4096;
const LARGEST_WORD = 0xffffffff;

/** Rollover counters at the beginning of the recording: by SSRC, and of all others. */
export interface Rocs {
  readonly bySsrc: ReadonlyMap<number, number>;
  readonly others: number | undefined;
}

/** `3`, for all streams, or `11223344=3` for the SSRC 0x11223344; adds to those before. */
export function rocArgument(text: string, before: Rocs = { bySsrc: new Map(), others: undefined }): Rocs {
  const match = /^(?:(?:0x)?([0-9a-fA-F]{1,8})=)?(\d{1,10})$/.exec(text);
  const roc = Number(match?.[2]);
  if (match === null || roc > LARGEST_WORD)
    throw new InvalidArgumentError('Expected ROC, or SSRC=ROC with the SSRC in hex.');
  if (match[1] === undefined) return { ...before, others: roc };
  return { ...before, bySsrc: new Map([...before.bySsrc, [Number.parseInt(match[1], 16), roc]]) };
}

/** The keys of a file of a=crypto lines (RFC 4568). Rejects with a CliError. */
export async function loadSdes(file: string, trust: FileTrust): Promise<SrtpKeys[]> {
  const text = await readSecretFile(file, trust).catch((error) => {
    throw new CliError(`cannot read the keys ${file}: ${reason(error)}`);
  });
  const lines = [...text.split(/\r?\n/).entries()].filter(([, line]) => line.trim() !== '');
  if (lines.length === 0) throw new CliError(`${file} is empty: it must hold a=crypto lines of SDP (RFC 4568)`);
  return lines.map(([i, line]) => {
    try {
      return keysFromSdes(line);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new CliError(`${file}, line ${i + 1}: ${error.message}`);
    }
  });
}

/** A sender or a receiver, as lanes of RTP and of RTCP. */
interface SrtpEnd {
  readonly rtp: Lane;
  readonly rtcp: Lane;
  setRoc(ssrc: number, roc: number): void;
}

type One = (input: Uint8Array, out: Uint8Array) => number;

function oneByOne(one: One): Lane {
  return new Lane((inputs, outs, results, count) => {
    for (let i = 0; i < count; i++) results[i] = one(inputs[i]!, outs[i]!);
  });
}

function senderOf(keys: SrtpKeys): { end: SrtpEnd; growth: number } {
  const sender = new SrtpSender(keys, { maxStreams: MOST_STREAMS });
  const end = {
    rtp: new Lane((inputs, outs, results, count) => sender.protectBatch(inputs, outs, results, count)),
    rtcp: oneByOne((input, out) => sender.protectRtcp(input, out)),
    setRoc: (ssrc: number, roc: number) => sender.setRoc(ssrc, roc),
  };
  return { end, growth: Math.max(sender.overhead, sender.rtcpOverhead) };
}

function receiverOf(keys: SrtpKeys): SrtpEnd {
  const receiver = new SrtpReceiver(keys, { maxStreams: MOST_STREAMS });
  return {
    rtp: new Lane((inputs, outs, results, count) => receiver.unprotectBatch(inputs, outs, results, count)),
    rtcp: oneByOne((input, out) => receiver.unprotectRtcp(input, out)),
    setRoc: (ssrc, roc) => receiver.setRoc(ssrc, roc),
  };
}

export class SrtpChoice implements LaneChoice {
  readonly growth: number;
  readonly retried: ReadonlySet<number>;
  readonly isLeftOut: (status: number) => boolean;
  readonly #ends: readonly SrtpEnd[];
  readonly #rocs: Rocs;

  private constructor(ends: readonly SrtpEnd[], rocs: Rocs, growth: number) {
    this.#ends = ends;
    this.#rocs = rocs;
    this.growth = growth;
    this.retried = new Set(growth === 0 ? [BAD_TAG] : []);
    this.isLeftOut = growth === 0 ? () => false : isLeftOutSealing;
  }

  static sealing(keys: SrtpKeys, rocs: Rocs): SrtpChoice {
    const { end, growth } = senderOf(keys);
    return new SrtpChoice([end], rocs, growth);
  }

  /** Keys are tried in turn. */
  static opening(keys: readonly SrtpKeys[], rocs: Rocs): SrtpChoice {
    return new SrtpChoice(keys.map(receiverOf), rocs, 0);
  }

  laneOf(stream: Stream<Lane>): Lane {
    stream.lane ??= this.#begin(stream);
    return stream.lane;
  }

  lanesFor({ isRtcp }: Stream<Lane>): readonly Lane[] {
    return this.#ends.map(({ rtp, rtcp }) => (isRtcp ? rtcp : rtp));
  }

  /** Tells the rollover counter of a stream that has just begun. */
  #begin(stream: Stream<Lane>): Lane {
    const { bySsrc, others } = this.#rocs;
    const roc = bySsrc.get(stream.ssrc) ?? others;
    if (roc !== undefined && !stream.isRtcp) for (const end of this.#ends) end.setRoc(stream.ssrc, roc);
    return this.lanesFor(stream)[0]!;
  }
}
