/**
 * `frameseal demo`: a real RTP recording passes two gateways and a lossy link, and comes out identical; then a receiver
 * with a wrong salt shows the effect of a wrong configuration.
 */
import { readFileSync } from 'node:fs';
import type { RecordableHistogram } from 'node:perf_hooks';
import type { Command } from 'commander';
import {
  BAD_TAG,
  type Channel,
  describe,
  type EncryptionConfig,
  enableEncryption,
  generateKey,
  generateSalt,
  warmUp,
} from 'frameseal';
import { accelerate } from '../acceleration.js';
import { integerArgument } from '../arguments.js';
import { bar, number, StatusLine, styled, table } from '../terminal.js';
import { type PathReport, runPath } from './path.js';
import { readUdpPackets, type UdpPacket } from './pcap.js';

const RECORDING = new URL('../recording.pcap', import.meta.url);
/** Narrow, so that the packets that the link delays are too old. */
const REPLAY_WINDOW = 64;
const WRONG_SALT_PACKETS = 150;
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
    .description('replay a recording through a sealing gateway, a bad network and an opening gateway')
    .addOption(program.createOption('-m, --mode <mode>', 'the mode').choices(MODES).default(MODES[0]))
    .option('--seed <number>', 'decides the faults on the lossy link', integerArgument(0, 0xffffffff), 7)
    .option('--speed <times>', 'how much faster than recorded', integerArgument(1, 20), 1)
    .option('--json', 'one JSON document on stdout')
    .action(demo);
}

async function demo(options: DemoOptions): Promise<void> {
  const packets = readUdpPackets(readFileSync(RECORDING));
  const config: EncryptionConfig = {
    encryptionMode: options.mode,
    encryptionKey: generateKey(),
    encryptionKdfSalt: generateSalt(),
  };
  accelerate();
  warmUp();
  // Two channels with the same three settings, as two people in one call have them.
  const sender = enableEncryption(config);
  const receiver = enableEncryption(config, { replayWindow: REPLAY_WINDOW });
  const stranger = enableEncryption({ ...config, encryptionKdfSalt: generateSalt() });
  const good = await replay('sealed path', packets, sender, receiver, options);
  const wrong = await replay('wrong salt', packets.slice(0, WRONG_SALT_PACKETS), sender, stranger, options);
  const fine =
    good.complete && good.arrived.packets > 0 && good.identical === good.arrived.packets && wrong.arrived.packets === 0;
  if (options.json) {
    process.stdout.write(`${JSON.stringify(asJson(sender, good, wrong, fine))}\n`);
  } else {
    print(sender, stranger, good, wrong);
  }
  for (const channel of [sender, receiver, stranger]) channel.close();
  if (!fine) process.exitCode = 1;
}

async function replay(
  title: string,
  packets: readonly UdpPacket[],
  sender: Channel,
  receiver: Channel,
  { seed, speed }: DemoOptions,
): Promise<PathReport> {
  const line = new StatusLine();
  const onProgress = (share: number) => line.show(`${title}  [${bar(share, BAR_COLUMNS)}] ${Math.round(100 * share)}%`);
  const report = await runPath(packets, sender, receiver, { seed, speed, onProgress });
  line.clear();
  return report;
}

function print(sender: Channel, stranger: Channel, good: PathReport, wrong: PathReport): void {
  const out = (text: string) => process.stdout.write(text);
  const title = (text: string) => out(`\n${styled(process.stdout, 'bold', text)}\n`);
  const { sealing, opening, wire } = good;
  const media = sealing.forwarded.packets - sealing.rtcp.forwarded;
  const overhead = media > 0 ? (sealing.forwarded.bytes - good.sent.bytes) / media : 0;

  title('A recording of Opus and VP8 over RTP, sealed, over a bad network, opened');
  out(
    table([
      ['', 'packets', 'bytes'],
      ['sent by the player', number(good.sent.packets), number(good.sent.bytes)],
      ['left the sealing gateway', number(sealing.forwarded.packets), number(sealing.forwarded.bytes)],
      ['reached the opening gateway', number(opening.received.packets), number(opening.received.bytes)],
      ['media that came out', number(good.arrived.packets), number(good.arrived.bytes)],
      ['RTCP, in the clear', number(opening.rtcp.forwarded)],
      ['overhead of a sealed packet', '', number(overhead, 1)],
    ]),
  );
  title('What the wire did, and what the opener said');
  const did = Object.entries(wire).filter(([what]) => what !== 'relayed');
  const said = Object.entries(opening.refused);
  const rows = [['the wire', 'packets', 'the opener', 'packets']];
  for (let i = 0; i < Math.max(did.length, said.length); i++) {
    const [what = '', count = ''] = did[i]?.map(String) ?? [];
    const [status = '', refused = ''] = said[i]?.map(String) ?? [];
    rows.push([what, count, status, refused]);
  }
  out(table(rows));
  title('Time of one call, ns');
  out(
    table([['', 'median', 'p90', 'p99', 'calls'], percentiles('seal', good.sealNs), percentiles('open', good.openNs)]),
  );

  out(
    `\n  ${sender.mode}, ${sender.engine} engine, framing ${sender.framing}, bindHeader ${sender.bindHeader}, keyId ${sender.keyId}\n`,
  );
  out(`  fingerprint ${sender.fingerprint}\n\n`);
  const identical = good.identical === good.arrived.packets && good.arrived.packets > 0;
  if (identical) out(`  ${styled(process.stdout, 'green', 'every payload that arrived is identical')}\n`);
  else out(`  ${styled(process.stdout, 'red', `${good.arrived.packets - good.identical} payloads differ`)}\n`);

  if (!good.complete)
    out(`  ${styled(process.stdout, 'red', 'the machine itself lost packets between two stages: try again')}\n`);

  title('The same call, one receiver with a wrong salt');
  out(
    table([
      ['', 'packets'],
      ['reached its gateway', number(wrong.opening.received.packets)],
      ['opened', number(wrong.arrived.packets)],
      ...Object.entries(wrong.opening.refused).map(([status, count]) => [`refused: ${status}`, number(count)]),
    ]),
  );
  out(`\n  ${describe(BAD_TAG)}\n`);
  out(`  the sender's fingerprint    ${sender.fingerprint}\n  the receiver's fingerprint  ${stranger.fingerprint}\n\n`);
}

function percentiles(name: string, histogram: RecordableHistogram): string[] {
  const at = [50, 90, 99].map((p) => number(histogram.percentile(p)));
  return [name, ...at, number(histogram.count)];
}

function asJson(sender: Channel, good: PathReport, wrong: PathReport, fine: boolean): object {
  const nanoseconds = (histogram: RecordableHistogram) => ({
    median: histogram.percentile(50),
    p90: histogram.percentile(90),
    p99: histogram.percentile(99),
    calls: histogram.count,
  });
  const part = ({ sealNs, openNs, ...counts }: PathReport) => ({
    ...counts,
    sealNs: nanoseconds(sealNs),
    openNs: nanoseconds(openNs),
  });
  const { mode, engine, fingerprint, framing, bindHeader } = sender;
  return { ok: fine, mode, engine, fingerprint, framing, bindHeader, sealedPath: part(good), wrongSalt: part(wrong) };
}
