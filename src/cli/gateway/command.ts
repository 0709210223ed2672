/** `frameseal gateway`: options, messages and reports of a gateway that runs until SIGINT or SIGTERM and reloads on SIGHUP. */
import type { Command } from 'commander';
import { type Channel, type ChannelOptions, enableEncryption, warmUp } from 'frameseal';
import { accelerate } from '../acceleration.js';
import { type Endpoint, endpointArgument, endpointText, integerArgument } from '../arguments.js';
import { addConfigOptions, type ConfigOptions, identify, identityOf, loadConfig } from '../configfile.js';
import { CliError, isExplained, warn } from '../terminal.js';
import { Gateway, type GatewaySettings, stopSignal } from './gateway.js';
import { JsonReporter, type Reporter, TerminalReporter } from './reporters.js';

interface GatewayOptions extends ConfigOptions {
  seal?: boolean;
  open?: boolean;
  listen: Endpoint;
  forward: Endpoint;
  replayWindow?: number;
  bindHeader: boolean;
  rtcp: GatewaySettings['rtcp'];
  rtcpPort: GatewaySettings['rtcpPort'];
  sealAfter: number;
  grace: number;
  json?: boolean;
}

const SEAL_AFTER_SECONDS = 5;
const GRACE_SECONDS = 10;
const DAY_SECONDS = 86_400;

/** Advice for an address that cannot be used. */
const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: ': another process has this port; choose another --listen',
  EADDRNOTAVAIL: ': this machine has no such address; --listen takes one of its own, or 0.0.0.0 for all of them',
  ENOTFOUND: ': no address is known for the name; check it, or give the address',
  EAI_AGAIN: ': the name cannot be looked up now; try again, or give the address',
};

export function addGateway(program: Command): void {
  const command = program.command('gateway').description('seal or open RTP between two UDP addresses');
  addConfigOptions(command)
    .option('--seal', 'what arrives is sealed')
    .option('--open', 'what arrives is opened')
    .requiredOption('-l, --listen <host:port>', 'where packets arrive; RTCP also on the next port', endpointArgument)
    .requiredOption('-f, --forward <host:port>', 'where they go; RTCP also to the next port', endpointArgument)
    .option('--replay-window <counters>', 'a power of two, 64 to 65536', integerArgument(64, 65_536))
    .option(
      '--no-bind-header',
      'leave the RTP header unauthenticated: for relays that rewrite it; the same on both sides',
    )
    .addOption(choice(program, '--rtcp <what>', 'RTCP, which stays in the clear', ['forward', 'drop']))
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
    .action(gateway);
}

function choice(program: Command, flags: string, description: string, values: [string, ...string[]]) {
  return program.createOption(flags, description).choices(values).default(values[0]);
}

async function gateway(options: GatewayOptions): Promise<void> {
  if ((options.seal === true) === (options.open === true)) throw new CliError('give one of --seal and --open');
  if (options.forward.port === 0) throw new CliError('--forward needs the port that packets go to: HOST:PORT');
  const settings: GatewaySettings = { ...options, direction: options.seal ? 'seal' : 'open' };
  const channelOptions: ChannelOptions = { bindHeader: options.bindHeader };
  if (options.replayWindow !== undefined) channelOptions.replayWindow = options.replayWindow;
  accelerate();
  const channel = enableEncryption(await loadConfig(options), channelOptions);
  warmUp();
  const stopped = stopSignal();
  const running = await start(settings, channel);
  const about = {
    direction: settings.direction,
    listen: endpointText({ ...settings.listen, port: running.port }),
    forward: endpointText(settings.forward),
    ...identityOf(channel),
    framing: channel.framing,
    bindHeader: channel.bindHeader,
    engine: channel.engine,
  };
  const reporter = options.json ? new JsonReporter(about) : new TerminalReporter(about);
  const totals = await running.run(stopped, {
    report: (counters) => reporter.tick(counters),
    reload: () => reload(running, options, reporter),
  });
  reporter.end(totals);
  channel.close();
}

async function start(settings: GatewaySettings, channel: Channel): Promise<Gateway> {
  try {
    return await Gateway.start(settings, channel, { warn });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const hint = HINTS[code] ?? '';
    throw new CliError(
      `cannot listen on ${endpointText(settings.listen)} and send to ${endpointText(settings.forward)} (${code})${hint}`,
      1,
    );
  }
}

/** Reloads the key from the configuration. A configuration that cannot be used is reported, and media goes on. */
async function reload(running: Gateway, options: GatewayOptions, reporter: Reporter): Promise<void> {
  const times = { sealAfterMs: 1000 * options.sealAfter, graceMs: 1000 * options.grace };
  try {
    const config = await loadConfig(options);
    running.rotate(config, times);
    reporter.rotated({ ...identify(config), ...times });
  } catch (error) {
    if (!isExplained(error)) throw error;
    warn(`no new key is taken, and the gateway goes on with what it has: ${error.message}`);
  }
}
