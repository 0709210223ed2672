/**
 * `frameseal demo`: a two-way call of a recording through two gateways and a bad network, with an old SM4 phone that is
 * bridged to GCM2, a new key on the way, and a receiver with a wrong context. Every packet that arrives is compared.
 */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { BAD_TAG, describe, warmUp } from 'frameseal';
import { readPackets } from 'frameseal/recording';
import { accelerate } from '../acceleration.js';
import { integerArgument } from '../arguments.js';
import type { CryptTimes, GatewaySnapshot, SideSnapshot } from '../gateway/snapshot.js';
import { bar, number, StatusLine, styled, table } from '../terminal.js';
import { type CallReport, type Leg, runCall } from './call.js';

const RECORDING = new URL('../recording.pcap', import.meta.url);
const BAR_COLUMNS = 32;
const MODES = ['AES_128_GCM2', 'AES_256_GCM2'];

interface DemoOptions {
  mode: string;
  seed: number;
  speed: number;
  json?: boolean;
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('a two-way call of a recording through two gateways and a bad network')
    .addOption(program.createOption('-m, --mode <mode>', 'the mode').choices(MODES).default(MODES[1]))
    .option('--seed <number>', 'decides the faults of the network', integerArgument(0, 0xffffffff), 7)
    .option('--speed <times>', 'how much faster than recorded', integerArgument(1, 20), 1)
    .option('--json', 'one JSON document on stdout')
    .action(demo);
}

async function demo({ mode, seed, speed, json }: DemoOptions): Promise<void> {
  const packets = [...readPackets([readFileSync(RECORDING)])];
  const engine = accelerate();
  warmUp();
  const line = new StatusLine();
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const report = await runCall(packets, {
    mode,
    seed,
    speed,
    engine,
    version,
    onProgress: (share) => line.show(`call  [${bar(share, BAR_COLUMNS)}] ${Math.round(100 * share)}%`),
    onPage: (address) => {
      if (!json) process.stdout.write(`\n  the call can be watched while it lasts: http://${address}/\n`);
    },
  });
  line.clear();
  const isFine = judge(report);
  if (json) process.stdout.write(`${JSON.stringify({ ok: isFine, mode, ...report })}\n`);
  else print(report, isFine);
  if (!isFine) process.exitCode = 1;
}

/** Whether all that arrived is what was sent, in each direction, with old and new key, and nothing opened in another room. */
function judge({ legs, stranger, keyIds }: CallReport): boolean {
  const isWhole = ({ arrived, rtcp, identical }: Leg) => arrived > 0 && rtcp > 0 && identical === arrived + rtcp;
  const { ok = 0, BAD_TAG: refused = 0 } = stranger.routes[0]!.outside.in.packets;
  return legs.every(isWhole) && ok === 0 && refused > 0 && keyIds.includes(1);
}

const TITLES: Readonly<Record<string, string>> = {
  there: 'a -> b',
  back: 'b -> a',
  'old phone': 'old phone -> b',
};

function print(report: CallReport, isFine: boolean): void {
  const { legs, a, b, stranger, events } = report;
  const out = (text: string) => process.stdout.write(text);
  const title = (text: string) => out(`\n${styled(process.stdout, 'bold', text)}\n`);

  title('A call of Opus and VP8 over RTP with RTCP, both ways, over a bad network');
  const columns: [string, (leg: Leg) => string][] = [
    ['played', ({ sent }) => number(sent)],
    ['RTP that arrived', ({ arrived }) => number(arrived)],
    ['RTCP that arrived', ({ rtcp }) => number(rtcp)],
    ['identical', ({ identical }) => number(identical)],
  ];
  out(
    table([
      ['', ...columns.map(([name]) => name)],
      ...legs.map((leg) => [TITLES[leg.name]!, ...columns.map(([, of]) => of(leg))]),
    ]),
  );

  title('What the network did, and what the gateways said');
  for (const leg of legs) out(table([[TITLES[leg.name]!, words(leg.faults), '=>', words(leg.refused)]]));

  title('Gateways');
  out(
    table([
      ['', 'side', 'packets in', 'packets out', 'sealers', 'senders'],
      ...gatewayRows('a', a),
      ...gatewayRows('b', b),
    ]),
  );
  const [studio, old] = a.channels;
  out(`\n  ${studio!.mode}, ${a.engine} engine, context ${studio!.context}, roles a and b\n`);
  out(`  a seals ${studio!.fingerprint} and opens ${studio!.opens}; b the other way round\n`);
  out(`  the old phone: ${old!.mode}, fingerprint ${old!.fingerprint}, bridged to ${studio!.mode}\n`);
  const rotated = events.filter(({ type }) => type === 'rotated').length;
  out(`  the new key, key id ${studio!.keyId}, was taken by ${rotated} gateways without a gap\n`);

  title('Time to open and seal a packet, us (sampled)');
  out(table([['', 'median', 'p90', 'p99'], timeRow('gateway a', a.crypt), timeRow('gateway b', b.crypt)]));

  title('A receiver of another room: the same key, another context');
  const side = stranger.routes[0]!.outside;
  out(
    table([
      ['reached its gateway', number(total(side))],
      ['opened', number(side.in.packets['ok'] ?? 0)],
      ['refused', words(refusedOf(side))],
    ]),
  );
  out(`\n  ${describe(BAD_TAG)}\n`);
  out(`  b opens          ${b.channels[0]!.opens}\n  the other room   ${stranger.channels[0]!.opens}\n\n`);
  if (isFine) out(`  ${styled(process.stdout, 'green', 'every packet that arrived is identical')}\n\n`);
  else out(`  ${styled(process.stdout, 'red', 'a packet differs, or a part of the call is missing')}\n\n`);
}

function gatewayRows(name: string, { routes }: GatewaySnapshot): string[][] {
  return routes.flatMap((route) =>
    (['inside', 'outside'] as const).map((side) => {
      const { in: arrived, out } = route[side];
      const counts = [arrived.packets['ok'] ?? 0, out.packets['ok'] ?? 0, route.sealers, route.senders];
      return [`${name} ${route.name}`, side, ...counts.map((count) => number(count))];
    }),
  );
}

function refusedOf({ in: { packets } }: SideSnapshot): Readonly<Record<string, number>> {
  const { ok: _ok, ...refused } = packets;
  return refused;
}

function total({ in: { packets } }: SideSnapshot): number {
  return Object.values(packets).reduce((sum, count) => sum + count, 0);
}

function words(counts: Readonly<Record<string, number>>): string {
  const all = Object.entries(counts).filter(([, count]) => count > 0);
  return all.map(([what, count]) => `${number(count)} ${what}`).join(', ') || 'nothing';
}

/** Upper bounds of the buckets that hold the shares. */
function timeRow(name: string, { bounds, counts }: CryptTimes): string[] {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const at = (share: number): string => {
    let bucket = 0;
    for (let seen = counts[0]!; seen < share * all; seen += counts[bucket]!) bucket++;
    const bound = bounds[bucket];
    return bound === undefined ? `over ${number(1e6 * bounds.at(-1)!)}` : number(1e6 * bound);
  };
  return [name, at(0.5), at(0.9), at(0.99)];
}
