/** `frameseal seal` and `frameseal open`: recordings (pcap, pcapng, rtpdump) with their RTP and RTCP sealed, or opened. */
import type { Command } from 'commander';
import { type Channel, type ChannelOptions, type EncryptionConfig, enableEncryption } from 'frameseal';
import { RecordingRewriter } from 'frameseal/recording';
import { accelerate } from '../acceleration.js';
import { integerArgument } from '../arguments.js';
import { loadConfig } from '../configfile.js';
import { CliError, warn } from '../terminal.js';
import { Opening, Sealing } from './choices.js';
import { rewriteFile } from './files.js';
import { type LaneChoice, LaneTransform } from './lanes.js';
import { asJson, doneIn, explanation, type Operation, type Outcome, streamTable, summary, warnings } from './report.js';
import { loadSdes, type Rocs, rocArgument, SrtpChoice } from './srtp.js';

interface RecordingOptions {
  port?: number[];
  config?: string[];
  context?: string;
  bindHeader: boolean;
  rtcp: 'sealed' | 'clear';
  srtp?: string;
  roc?: Rocs;
  stats?: boolean;
  json?: boolean;
  force?: boolean;
  insecureConfig?: boolean;
}

/** Senders that an opener remembers: a recording may be of many calls. */
const MOST_SENDERS = 4096;

export function addSeal(program: Command): void {
  addOptions(program, 'seal', 'seal the RTP and RTCP in a recording (pcap, pcapng, rtpdump)');
}

export function addOpen(program: Command): void {
  addOptions(program, 'open', 'open the sealed RTP and RTCP in a recording');
}

function addOptions(program: Command, operation: Operation, description: string): void {
  const port = integerArgument(1, 65_535);
  program
    .command(operation)
    .description(description)
    .argument('<in>', 'the recording, or - for stdin')
    .argument('<out>', 'the recording to write, or - for stdout')
    .option(
      '-p, --port <port>',
      'a UDP port with RTP or RTCP, of either end; repeat it for more (default: all)',
      listOf(port),
    )
    .option('-c, --config <file>', configHelp(operation), listOf(String))
    .option('--insecure-config', 'go on where other users can reach a configuration or the keys of --srtp, or own them')
    .option('--context <text>', 'the context of the keys, in place of the one in the configuration')
    .option('--no-bind-header', 'RTP headers are not authenticated, as on paths where a relay rewrites them')
    .addOption(
      program.createOption('--rtcp <how>', 'clear: RTCP stays as it is').choices(['sealed', 'clear']).default('sealed'),
    )
    .option(
      '--srtp <file>',
      'SRTP with AES-GCM (RFC 7714) in place of a configuration: keys are a=crypto lines in the file',
    )
    .option(
      '--roc <counter>',
      'with --srtp: the rollover counter at the beginning; SSRC=ROC for one stream',
      rocArgument,
    )
    .option('--stats', 'print a table of the streams')
    .option('--json', 'print the streams as one JSON document')
    .option('--force', 'overwrite the file <out>')
    .action((from: string, to: string, options: RecordingOptions) => run(operation, from, to, options));
}

function configHelp(operation: Operation): string {
  const more = operation === 'open' ? '; repeat it for more keys' : '';
  return `the configuration (default: the file that FRAMESEAL_CONFIG names)${more}`;
}

function listOf<T>(read: (text: string) => T): (text: string, before?: T[]) => T[] {
  return (text, before = []) => [...before, read(text)];
}

async function run(operation: Operation, from: string, to: string, options: RecordingOptions): Promise<void> {
  accelerate();
  const channels = options.srtp === undefined ? await channelsOf(operation, options) : [];
  try {
    const ports = options.port && new Set(options.port);
    const choice = options.srtp === undefined ? choiceOf(operation, channels) : await srtpChoiceOf(operation, options);
    const transform = new LaneTransform(choice, { ports, skipsRtcp: options.rtcp === 'clear' });
    const rewriter = new RecordingRewriter(transform);
    const cutShortBytes = await rewriteFile(rewriter, { from, to, force: options.force === true });
    const keyIds = channels.flatMap(({ keyId }) => (keyId === undefined ? [] : [keyId]));
    const isSrtp = options.srtp !== undefined;
    report({ operation, transform, counts: rewriter.counts, cutShortBytes, ports, keyIds, isSrtp }, to, options);
  } finally {
    for (const channel of channels) channel.close();
  }
}

async function channelsOf(operation: Operation, options: RecordingOptions): Promise<Channel[]> {
  if (options.roc !== undefined) throw new CliError('--roc is for --srtp alone');
  const files = options.config ?? [undefined];
  if (operation === 'seal' && files.length > 1) throw new CliError('seal takes one --config: packets are sealed once');
  const settings: ChannelOptions = { bindHeader: options.bindHeader, rtcp: options.rtcp, maxSenders: MOST_SENDERS };
  const insecureConfig = options.insecureConfig === true;
  const configs = await Promise.all(
    files.map((config) => loadConfig({ ...(config !== undefined && { config }), insecureConfig })),
  );
  const channels = configs.map((config) => enableEncryption(withContext(config, options.context), settings));
  // SM4 comes last: without authentication it opens some packets of other keys as garbage.
  const isSm4 = ({ mode }: Channel) => Number(mode === 'SM4_128_ECB');
  return channels.sort((a, b) => isSm4(a) - isSm4(b));
}

async function srtpChoiceOf(operation: Operation, options: RecordingOptions): Promise<LaneChoice> {
  const { srtp, roc, config, context, bindHeader, insecureConfig } = options;
  if (config !== undefined || context !== undefined || !bindHeader) {
    throw new CliError('--srtp has keys of its own: leave --config, --context and --no-bind-header out');
  }
  const keys = await loadSdes(srtp!, insecureConfig ? 'insecure' : 'checked');
  const rocs = roc ?? { bySsrc: new Map(), others: undefined };
  if (operation === 'open') return SrtpChoice.opening(keys, rocs);
  if (keys.length > 1) throw new CliError(`seal takes one key, and ${srtp} has ${keys.length} lines`);
  return SrtpChoice.sealing(keys[0]!, rocs);
}

function withContext(config: EncryptionConfig, context: string | undefined): EncryptionConfig {
  return context === undefined ? config : { ...config, context };
}

function choiceOf(operation: Operation, channels: readonly Channel[]): LaneChoice {
  return operation === 'seal' ? new Sealing(channels[0]!) : new Opening(channels.map((each) => each.createOpener()));
}

/** Results go to stdout where that has no recording, all else to stderr. Exit code 1: nothing was done, or something left out. */
function report(outcome: Outcome, to: string, options: RecordingOptions): void {
  const results = to === '-' ? process.stderr : process.stdout;
  if (options.json) results.write(`${JSON.stringify(asJson(outcome))}\n`);
  if (options.stats) results.write(streamTable(outcome));
  process.stderr.write(`${summary(outcome)}\n`);
  for (const warning of warnings(outcome)) warn(warning);
  const done = doneIn(outcome);
  if (done === 0) {
    const [what, out] = outcome.operation === 'seal' ? ['sealed', ', and OUT is in the clear'] : ['opened', ''];
    warn(`nothing was ${what}${out}: ${explanation(outcome)}`);
  }
  if (done === 0 || outcome.counts.leftOut > 0) process.exitCode = 1;
}
