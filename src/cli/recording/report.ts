/** What `seal` and `open` say of a recording: a table of its streams, what was not looked into, and why nothing opens. */
import { BAD_TAG, describe, RTCP, UNKNOWN_KEY } from 'frameseal';
import type { RecordingCounts } from 'frameseal/recording';
import { number, table } from '../terminal.js';
import type { Lane, LaneTransform } from './lanes.js';
import type { Stream } from './streams.js';

export type Operation = 'seal' | 'open';

export interface Outcome {
  readonly operation: Operation;
  readonly transform: LaneTransform;
  readonly counts: RecordingCounts;
  /** Bytes of a last record that was cut short. */
  readonly cutShortBytes: number;
  readonly ports: ReadonlySet<number> | undefined;
  /** Key ids of the configurations; empty without. */
  readonly keyIds: readonly number[];
  readonly isSrtp: boolean;
}

const DONE = { seal: 'sealed', open: 'opened' } as const;

function statusesOf(streams: readonly Stream<Lane>[]): number[] {
  const found = new Set<number>();
  for (const { results } of streams) results.forEach((count, i) => void (i > 0 && count > 0 && found.add(-i)));
  return [...found].sort((a, b) => b - a);
}

function statusName(status: number): string {
  return describe(status).split(':')[0]!;
}

/** The table of `--stats`. */
export function streamTable({ operation, transform }: Outcome): string {
  const { all, hasOthers } = transform.streams;
  const statuses = statusesOf(all);
  const head = ['SSRC', 'source', 'destination', 'type', 'packets', DONE[operation], ...statuses.map(statusName)];
  const rows = all.map((stream, i) => {
    const isRest = hasOthers && i === all.length - 1;
    const { ssrc, source, destination, packets, results, lost, reordered, bytes, first, last } = stream;
    return [
      isRest ? 'others' : ssrc.toString(16).padStart(8, '0'),
      isRest ? '' : source,
      isRest ? '' : destination,
      typeOf(stream),
      ...[packets, results[0]!, ...statuses.map((status) => results[-status]!)].map((count) => number(count)),
      ...(isRest ? ['', ''] : [lost, reordered].map((count) => number(count))),
      number(bytes),
      timeText(first.ns),
      timeText(last.ns),
    ];
  });
  return table([[...head, 'lost', 'reordered', 'bytes', 'first', 'last'], ...rows]);
}

function typeOf({ isRtcp, payloadTypes }: Stream<Lane>): string {
  return isRtcp ? 'RTCP' : [...payloadTypes].sort((a, b) => a - b).join(',');
}

function timeText(ns: bigint): string {
  const ms = Number(ns / 1_000_000n);
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace('T', ' ').replace('Z', '') : `${ms} ms`;
}

/** The same for machines. */
export function asJson(outcome: Outcome): object {
  const { operation, transform, counts, cutShortBytes } = outcome;
  const { all, hasOthers } = transform.streams;
  const streams = all.map((stream, i) => {
    const { ssrc, source, destination, packets, results, lost, reordered, bytes, first, last } = stream;
    const statuses = statusesOf([stream]).map((status) => [statusName(status), results[-status]]);
    // What is of one stream alone says nothing of all the others together.
    const isRest = hasOthers && i === all.length - 1;
    return {
      ...{ ssrc, source, destination, rtcp: stream.isRtcp, payloadTypes: [...stream.payloadTypes], packets },
      ...{ [DONE[operation]]: results[0], statuses: Object.fromEntries(statuses), lost, reordered, bytes },
      ...{ firstNs: String(first.ns), lastNs: String(last.ns) },
      ...(isRest && { ssrc: null, source: null, destination: null, rtcp: null, lost: null, reordered: null }),
    };
  });
  return { operation, ...counts, otherDatagrams: transform.otherDatagrams, cutShortBytes, streams };
}

export function doneIn({ transform }: Outcome): number {
  return transform.streams.all.reduce((sum, { results }) => sum + results[0]!, 0);
}

/** One line: how much was done. */
export function summary(outcome: Outcome): string {
  const { all } = outcome.transform.streams;
  const packets = all.reduce((sum, stream) => sum + stream.packets, 0);
  const streams = all.length === 1 ? '1 stream' : `${number(all.length)} streams`;
  return `${number(doneIn(outcome))} of ${number(packets)} RTP and RTCP packets ${DONE[outcome.operation]}, in ${streams}`;
}

/** What people should know: packets that were not inspected, or are malformed. */
export function warnings(outcome: Outcome): string[] {
  const { operation, counts, cutShortBytes } = outcome;
  const { fragments, cut, otherLinkTypes, tooLong, leftOut } = counts;
  const stay = operation === 'seal' ? 'stay as they are, in the clear' : 'stay as they are';
  const found: [count: number, text: string][] = [
    [fragments, `pieces of fragmented UDP packets ${stay}`],
    [cut, `packets were not captured whole (tshark and tcpdump: -s 0), and ${stay}`],
    [otherLinkTypes, `packets are of link types that frameseal does not read, and ${stay}`],
    [tooLong, `packets are too long to be sealed, and ${stay}`],
    [leftOut, 'RTP packets could not be sealed, and are left out'],
    [cutShortBytes, 'bytes at the end are a record that was cut short, and are left out'],
  ];
  return found.filter(([count]) => count > 0).map(([count, text]) => `${number(count)} ${text}`);
}

/** Why nothing was opened or sealed, in words. */
export function explanation(outcome: Outcome): string {
  const { transform, counts, ports, operation } = outcome;
  const { all } = transform.streams;
  if (counts.packets === 0) return 'the recording has no packets';
  if (counts.datagrams === 0) return 'the recording has no whole UDP packets of a link type that frameseal reads';
  if (all.length === 0) {
    const where = ports === undefined ? '' : ` on port ${[...ports].join(', ')}`;
    return `there is no RTP or RTCP${where}: ${number(counts.datagrams)} UDP packets are of other ports or protocols`;
  }
  const totals = statusesOf(all).map((status) => ({
    status,
    count: all.reduce((sum, { results }) => sum + results[-status]!, 0),
  }));
  const most = totals.sort((a, b) => b.count - a.count)[0];
  if (most === undefined) return 'there is RTCP alone, which --rtcp clear leaves as it is';
  const why = operation === 'open' ? whyNotOpened(most.status, outcome) : undefined;
  return `${number(most.count)} packets are ${describe(most.status)}${why === undefined ? '' : `. ${why}`}`;
}

function whyNotOpened(status: number, { transform, keyIds, isSrtp }: Outcome): string | undefined {
  if (isSrtp)
    return status === BAD_TAG ? 'Compare the keys, and give --roc for a stream that began earlier' : undefined;
  const samples = transform.samples.get(status)!;
  const sealed = samples.filter((packet) => sealedKeyId(packet) !== undefined);
  if (status === RTCP) return undefined;
  // SM4 has neither a header to look at nor a context.
  if (keyIds.length === 0)
    return sealed.length > 0 ? 'They look like packets of a GCM2 mode, and the configuration is of SM4' : undefined;
  if (2 * sealed.length < samples.length)
    return 'They do not look like packets of frameseal: they may be in the clear, or SRTP (--srtp)';
  if (status === UNKNOWN_KEY) {
    return `They were sealed under keyId ${sealedKeyId(sealed[0]!)}, and the configuration has keyId ${keyIds.join(', ')}`;
  }
  return status === BAD_TAG ? 'Give the --context that they were sealed with, if there was one' : undefined;
}

/** The key id that a packet of a frameseal sealer shows in its KID, which has 8 bytes (FORMAT.md sections 3 and 4); or undefined. */
function sealedKeyId(packet: Uint8Array): number | undefined {
  const isRtcp = packet[1]! >>> 5 === 6;
  let at = isRtcp ? 8 : 12 + 4 * (packet[0]! & 15);
  if (!isRtcp && (packet[0]! & 0x10) !== 0) at += 4 + 4 * ((packet[at + 2]! << 8) | packet[at + 3]!);
  const isSealed = at + 9 <= packet.length && packet[at]! >>> 4 === 0xf;
  return isSealed ? packet[at + 1]! >>> 4 : undefined;
}
