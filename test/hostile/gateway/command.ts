/** `gateway`: what run.ts finds, as a table, and what must hold of it. */
import { number } from '../../../src/cli/terminal.js';
import { mebibytes, percent, Report } from '../report.js';
import type { Counters } from './child.js';
import { type GatewayReport, type LiveMemory, runGateways, sum } from './run.js';

/** Live memory may grow by so much: compiled code and pools of buffers. */
const MOST_GROWTH_BYTES = 2 << 20;

export async function commandGateway(seconds: number, perSecond: number): Promise<void> {
  const report = new Report(`gateway, ${seconds} seconds at ${number(perSecond)} packets a second`);
  const found = await runGateways({ seconds, perSecond, onProgress: (text) => report.progress(() => text) });
  tellPackets(report, found);
  tellFaults(report, found);
  tellMemory(report, found);
  for (const [promise, holds] of promises(found)) report.check(promise, holds);
  report.end();
}

function promises(found: GatewayReport): [promise: string, holds: boolean][] {
  const { path, sink, sealing, opening, drops, killed, toNobody, live } = found;
  const missing = sealing.forwarded.packets - (path.received + drops.path - killed.forwarded);
  return [
    ['the sealing gateway accounts for all that it received', isBalanced(sealing)],
    ['the opening gateway accounts for all that it received', isBalanced(opening)],
    ['the path received what was sealed', missing === 0],
    ['the opening gateway received what the path sent', path.sent === opening.received.packets + drops.opening],
    ['the kill cost no more than what came since the last report', killed.lost >= 0 && killed.lost <= killed.mostLost],
    [
      'the sink received what was opened, while it was there',
      toNobody.packets >= 0 && toNobody.packets <= toNobody.most,
    ],
    ['no (KID, counter) repeats on the wire', path.ledger.repeats === 0],
    ['nothing comes out altered, or twice', sink.altered === 0 && sink.repeats === 0],
    [
      'nothing is refused but what was damaged, repeated or late',
      refusedGenuine(found) <= path.faults.late + drops.opening,
    ],
    ['no more is opened than was whole', refusedGenuine(found) >= 0],
    ['memory is flat', growth(live.sealing) < MOST_GROWTH_BYTES && growth(live.opening) < MOST_GROWTH_BYTES],
  ];
}

function isBalanced({ received, forwarded, rtcp, refused, sendErrors, overruns }: Counters): boolean {
  return received.packets === forwarded.packets + rtcp.dropped + sum(refused) + sendErrors + overruns;
}

/** Whole packets that the path sent and the opening gateway did not take, or not send on. */
function refusedGenuine({ path, opening }: GatewayReport): number {
  return path.whole - opening.forwarded.packets - opening.sendErrors - opening.overruns;
}

function growth({ fromBytes, toBytes }: LiveMemory): number {
  return toBytes - fromBytes;
}

function tellPackets(
  report: Report,
  { source, path, sink, sealing, opening, drops, killed, toNobody }: GatewayReport,
): void {
  report.row('sent by the source', `${number(source.sent)}, ${number(source.noise)} of them no RTP`);
  report.row(
    'sealing gateway, until it was killed',
    `${number(killed.forwarded)} forwarded, ${number(killed.refused)} refused`,
  );
  report.row(
    '  went with it, or came before the next',
    `${number(killed.lost)} (since its last report ${number(killed.mostLost)})`,
  );
  report.row('sealing gateway, from then on', account(sealing));
  report.row('  kernel drops', drops.sealing);
  report.row(
    'faulty path',
    `${number(path.received)} received, ${number(path.sent)} sent, ${number(path.whole)} of them whole and new`,
  );
  report.row('  kernel drops', drops.path);
  report.row('opening gateway', account(opening));
  report.row('  kernel drops', drops.opening);
  report.row(
    'sink',
    `${number(sink.received)} received, ${number(sink.altered)} altered, ${number(sink.repeats)} twice`,
  );
  report.row('  kernel drops', sink.drops);
  report.row('  forwarded while it was away', toNobody.packets);
}

function account({ received, forwarded, refused, sendErrors, overruns }: Counters): string {
  const statuses = Object.entries(refused).map(([status, count]) => `${number(count)} ${status}`);
  const parts = [`${number(forwarded.packets)} forwarded`, ...statuses, `${sendErrors + overruns} not sent`];
  return `${number(received.packets)} received = ${parts.join(' + ')}`;
}

function tellFaults(report: Report, { path, gapMs, source, sink }: GatewayReport): void {
  const faults = Object.entries(path.faults).map(([fault, count]) => `${number(count)} ${fault}`);
  report.row('faults', faults.join(', '));
  report.row('sessions, and repeated (KID, counter)', `${path.ledger.sessions} and ${path.ledger.repeats}`);
  report.row('from the kill to the stream going on', `${Math.round(gapMs)} ms`);
  report.row('arrived in the end', percent(sink.received, source.sent));
}

function tellMemory(report: Report, { live, samples }: GatewayReport): void {
  for (const [name, { fromBytes, toBytes, fromPackets, toPackets }] of Object.entries(live)) {
    const packets = number(toPackets - fromPackets);
    report.row(
      `live memory, ${name} gateway`,
      `${mebibytes(fromBytes)}, after ${packets} packets ${mebibytes(toBytes)}`,
    );
  }
  const half = samples.rss.length >>> 1;
  const span = (values: readonly number[]) => `${mebibytes(Math.min(...values))} to ${mebibytes(Math.max(...values))}`;
  for (const [name, values] of Object.entries(samples)) {
    report.row(
      `${name}, opening gateway`,
      `${span(values.slice(0, half))}, in the second half ${span(values.slice(half))}`,
    );
  }
}
