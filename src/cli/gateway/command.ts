/** `frameseal gateway`: options, and the life of the process from its start to the totals. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { warmUp } from 'frameseal';
import { accelerate } from '../acceleration.js';
import { type Endpoint, endpointArgument, endpointText, integerArgument } from '../arguments.js';
import { addConfigOptions, type ConfigOptions, loadConfig } from '../configfile.js';
import { onReload, stopSignal } from '../signals.js';
import { CliError } from '../terminal.js';
import { fileSource, type ModelSource } from './config/source.js';
import { FaultsError, Gateway } from './gateway.js';
import { serveHttp } from './http/server.js';
import { type LogFormat, openReporter } from './report/reporter.js';
import { JsonReporter } from './reporters.js';
import { processRisks } from './risks.js';
import { selfTest } from './selftest.js';
import { modelOfShortForm, type ShortForm } from './shortform.js';
import type { GatewayEvent, Reporter } from './snapshot.js';
import { sourcesFault } from './sources.js';
import { openHosts } from './workers.js';

interface GatewayOptions extends ConfigOptions {
  seal?: boolean;
  open?: boolean;
  listen?: Endpoint;
  forward?: Endpoint;
  from?: string[];
  http?: Endpoint;
  twoWay?: boolean;
  replayWindow?: number;
  bindHeader: boolean;
  rtcp: ShortForm['rtcp'];
  rtcpPort: ShortForm['rtcpPort'];
  sealAfter: number;
  grace: number;
  json?: boolean;
  log: LogFormat;
}

const SEAL_AFTER_SECONDS = 5;
const GRACE_SECONDS = 10;
const DAY_SECONDS = 86_400;
const REPORT_EVERY_MS = 1000;
/** How long a start that waits for a store goes on after a signal to stop. */
const START_LIMIT_MS = 1000;

export function addGateway(program: Command): void {
  const command = program
    .command('gateway')
    .description('seal, open or bridge RTP between UDP addresses: routes of a gateway.yaml, or one route in options')
    .argument(
      '[file]',
      'gateway.yaml; all options but --json, --log and --insecure-config are for one route without a file',
    );
  addConfigOptions(command)
    .option('--seal', 'what arrives is sealed')
    .option('--open', 'what arrives is opened')
    .option('-l, --listen <host:port>', 'where packets arrive; RTCP also on the next port', endpointArgument)
    .option('-f, --forward <host:port>', 'where they go; RTCP also to the next port', endpointArgument)
    .option('--from <address...>', 'addresses and prefixes that may send to --listen, or any')
    .option('--two-way', 'what --forward sends to --listen goes back, to the last sender there')
    .option('--http <host:port>', 'metrics, health and a live page', endpointArgument)
    .option('--replay-window <counters>', 'a power of two, 64 to 65536', integerArgument(64, 65_536))
    .option(
      '--no-bind-header',
      'leave the RTP header unauthenticated: for relays that rewrite it; the same on both sides',
    )
    .addOption(
      choice(program, '--rtcp <what>', 'RTCP is sealed; or stays in the clear, and is forwarded or dropped', [
        'sealed',
        'forward',
        'drop',
      ]),
    )
    .addOption(
      choice(program, '--rtcp-port <where>', 'RTCP on the next port too, or only beside the media', ['next', 'same']),
    )
    .option(
      '--seal-after <seconds>',
      'SIGHUP reloads the key from the configuration: the new key opens at once, and seals after this time',
      integerArgument(0, DAY_SECONDS),
      SEAL_AFTER_SECONDS,
    )
    .option(
      '--grace <seconds>',
      'and the old key opens for this time after that',
      integerArgument(0, DAY_SECONDS),
      GRACE_SECONDS,
    )
    .option('--json', 'one JSON line a second on stdout')
    .addOption(choice(program, '--log <format>', 'lines on stderr for people, or JSON', ['text', 'json']))
    .action(gateway);
}

function choice(program: Command, flags: string, description: string, values: [string, ...string[]]) {
  return program.createOption(flags, description).choices(values).default(values[0]);
}

async function gateway(file: string | undefined, options: GatewayOptions): Promise<void> {
  const source = file === undefined ? await shortSource(options) : fileSourceAlone(file, options);
  const stopped = stopSignal();
  const reporters: Reporter[] = [openReporter(options.log)];
  if (options.json) reporters.push(new JsonReporter(options));
  // The first line says what has started; what happens meanwhile follows it.
  let waiting: GatewayEvent[] | undefined = [];
  const report = (event: GatewayEvent) => {
    // A start may wait for a store, and says so.
    const isAtOnce = event.type === 'started' || (event.type === 'warning' && event.cause === 'store');
    if (waiting !== undefined && !isAtOnce) waiting.push(event);
    else for (const reporter of reporters) reporter.event(event);
  };
  const engine = accelerate();
  selfTest(engine);
  warmUp();
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  let isStarting = true;
  void stopped.then(() => setTimeout(() => isStarting && process.exit(), START_LIMIT_MS).unref());
  const running = await start({
    source,
    trust: options.insecureConfig ? 'insecure' : 'checked',
    version,
    engine,
    hosts: openHosts,
    report,
  });
  isStarting = false;
  const http = await serve(running);
  const { engine: name } = await running.snapshot();
  running.emit({
    type: 'started',
    version,
    engine: name,
    ...(file !== undefined && { file }),
    ...(http && { http: http.address }),
  });
  const early = waiting;
  waiting = undefined;
  for (const event of early) report({ ...event, timeMs: Date.now() });
  for (const risk of processRisks(running.model)) running.emit(risk);
  const tick = async () => {
    const snapshot = await running.snapshot();
    for (const reporter of reporters) reporter.tick(snapshot);
  };
  for (const reporter of reporters) if (reporter instanceof JsonReporter) reporter.listening(await running.snapshot());
  const timer = setInterval(() => void tick(), REPORT_EVERY_MS);
  onReload(() => void running.reload());
  running.emit({ type: 'stopping', signal: await stopped });
  clearInterval(timer);
  await running.stop();
  // Warnings of the last moments come before the totals.
  await tick();
  const totals = await running.snapshot();
  for (const reporter of reporters) reporter.end(totals);
  await http?.close();
  await Promise.all(reporters.map((reporter) => reporter.flush()));
  // A key file that is still being read, or a reader that has stopped, would keep the process.
  process.exit();
}

async function start(options: Parameters<typeof Gateway.start>[0]): Promise<Gateway> {
  try {
    return await Gateway.start(options);
  } catch (error) {
    if (!(error instanceof FaultsError)) throw error;
    const [first, ...more] = error.faults;
    const text =
      more.length === 0
        ? first!
        : `${error.faults.length} faults:\n${error.faults.map((fault) => `  ${fault}`).join('\n')}`;
    throw new CliError(text, error.isOfSystem ? 1 : 2);
  }
}

async function serve(running: Gateway) {
  const { http } = running.model;
  if (http === undefined) return undefined;
  try {
    return await serveHttp(http, running);
  } catch (error) {
    await running.stop();
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(`cannot serve http on ${endpointText(http)} (${code}): choose another address`, 1);
  }
}

function fileSourceAlone(file: string, options: GatewayOptions): ModelSource {
  const given = [
    options.seal,
    options.open,
    options.listen,
    options.forward,
    options.config,
    options.from,
    options.http,
  ];
  if (given.some((option) => option !== undefined))
    throw new CliError(
      'a gateway.yaml has its routes, keys and http in itself: leave the options of the short form out',
    );
  return fileSource(file);
}

/** The options as a source: only the key file is read again. */
async function shortSource(options: GatewayOptions): Promise<ModelSource> {
  const { listen, forward, from } = options;
  if (listen === undefined || forward === undefined)
    throw new CliError('give a gateway.yaml, or --seal or --open with --listen and --forward');
  if ((options.seal === true) === (options.open === true)) throw new CliError('give one of --seal and --open');
  if (forward.port === 0) throw new CliError('--forward needs the port that packets go to: HOST:PORT');
  const config = options.config ?? process.env['FRAMESEAL_CONFIG'];
  // Says what is missing.
  if (config === undefined || config === '') await loadConfig(options);
  const reading = modelOfShortForm({
    ...options,
    listen,
    forward,
    config: config!,
    ...(from && { from: checkedFrom(from) }),
  });
  if (reading.faults.length > 0) throw new CliError(reading.faults.join('\n'));
  return { read: async () => reading };
}

function checkedFrom(from: readonly string[]): readonly string[] {
  const fault = sourcesFault(from);
  if (fault !== undefined) throw new CliError(`--from: ${fault}`);
  return from;
}
