/** `gateway`: the findings of run.ts as a table, and the promises that they must keep. */
import type { ShortCounters } from '../../../src/cli/gateway/shortform.js';
import { number } from '../../../src/cli/terminal.js';
import { mebibytes, percent, Report } from '../report.js';
import { type GatewayReport, type LiveMemory, runGateways, sum } from './run.js';

/** Live memory may grow by compiled code and pools of buffers. */
const MOST_GROWTH_BYTES = 2 << 20;

export async function commandGateway(seconds: number, perSecond: number): Promise<void> {
  const report = new Report(`gateway, ${seconds} seconds at ${number(perSecond)} packets a second`);
  const found = await runGateways({ seconds, perSecond, onProgress: (text) => report.progress(() => text) });
  reportPackets(report, found);
  reportFaults(report, found);
  reportMemory(report, found);
  for (const [promise, holds] of promises(found)) report.check(promise, holds);
  report.end();
}

function promises(found: GatewayReport): [promise: string, holds: boolean][] {
  const { link, ledger, sink, sealing, opening, drops, killed, unreceived, live } = found;
  const missing = sealing.forwarded.packets - (link.received + drops.link - killed.forwarded);
  return [
    ['the sealing gateway accounts for every packet that it received', isBalanced(sealing)],
    ['the opening gateway accounts for every packet that it received', isBalanced(opening)],
    ['the link received every sealed packet', missing === 0],
    [
      'the opening gateway received every packet that the link sent',
      link.sent === opening.received.packets + drops.opening,
    ],
    [
      'the kill lost no more than the packets since the last report',
      killed.lost >= 0 && killed.lost <= killed.mostLost,
    ],
    [
      'the sink received every opened packet while it was open',
      unreceived.packets >= 0 && unreceived.packets <= unreceived.most,
    ],
    ['no (KID, counter) repeats on the wire', ledger.repeats === 0],
    ['no packet comes out altered, or twice', sink.altered === 0 && sink.repeats === 0],
    [
      'only damaged, repeated and delayed packets are refused',
      refusedGenuine(found) <= link.faults.delayed! + drops.opening,
    ],
    ['no more packets are opened than were whole', refusedGenuine(found) >= 0],
    ['memory is flat', growth(live.sealing) < MOST_GROWTH_BYTES && growth(live.opening) < MOST_GROWTH_BYTES],
  ];
}

function isBalanced({ received, forwarded, rtcp, refused, sendErrors, overruns }: ShortCounters): boolean {
  return received.packets === forwarded.packets + rtcp.dropped + sum(refused) + sendErrors + overruns;
}

/** Whole packets that left the link and that the opening gateway refused. */
function refusedGenuine({ link, opening }: GatewayReport): number {
  return link.whole - opening.forwarded.packets - opening.sendErrors - opening.overruns;
}

function growth({ fromBytes, toBytes }: LiveMemory): number {
  return toBytes - fromBytes;
}

function reportPackets(
  report: Report,
  { source, link, sink, sealing, opening, drops, killed, unreceived }: GatewayReport,
): void {
  report.row('sent by the source', `${number(source.sent)}, ${number(source.noise)} of them not RTP`);
  report.row(
    'sealing gateway, until it was killed',
    `${number(killed.forwarded)} forwarded, ${number(killed.refused)} refused`,
  );
  report.row(
    '  lost with it, or before the next listened',
    `${number(killed.lost)} (since its last report ${number(killed.mostLost)})`,
  );
  report.row('second sealing gateway', account(sealing));
  report.row('  kernel drops', drops.sealing);
  report.row(
    'lossy link',
    `${number(link.received)} received, ${number(link.sent)} sent, ${number(link.whole)} of them whole and new`,
  );
  report.row('  kernel drops', drops.link);
  report.row('opening gateway', account(opening));
  report.row('  kernel drops', drops.opening);
  report.row(
    'sink',
    `${number(sink.received)} received, ${number(sink.altered)} altered, ${number(sink.repeats)} twice`,
  );
  report.row('  kernel drops', sink.drops);
  report.row('  forwarded while there was no receiver', unreceived.packets);
}

function account({ received, forwarded, refused, sendErrors, overruns }: ShortCounters): string {
  const statuses = Object.entries(refused).map(([status, count]) => `${number(count)} ${status}`);
  const parts = [`${number(forwarded.packets)} forwarded`, ...statuses, `${sendErrors + overruns} not sent`];
  return `${number(received.packets)} received = ${parts.join(' + ')}`;
}

function reportFaults(report: Report, { link, ledger, gapMs, source, sink }: GatewayReport): void {
  const faults = Object.entries(link.faults).map(([fault, count]) => `${number(count)} ${fault}`);
  report.row('faults', faults.join(', '));
  report.row('sessions, and repeated (KID, counter)', `${ledger.sessions} and ${ledger.repeats}`);
  report.row('from the kill to the next packet', `${Math.round(gapMs)} ms`);
  report.row('arrived', percent(sink.received, source.sent));
}

function reportMemory(report: Report, { live, samples }: GatewayReport): void {
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
