/** `frameseal gateway`: runs a gateway until SIGINT or SIGTERM, and shows what it does. */
import type { Command } from 'commander';
import { type ChannelOptions, enableEncryption, warmUp } from '../../index.js';
import { type Endpoint, endpointArgument, endpointText, integerArgument } from '../arguments.js';
import { loadConfig } from '../configfile.js';
import { CliError, number, StatusLine, table, warn } from '../terminal.js';
import { Gateway, type GatewayCounters, type Route } from './gateway.js';

interface GatewayOptions {
  seal?: boolean;
  open?: boolean;
  listen: Endpoint;
  forward: Endpoint;
  config?: string;
  replayWindow?: number;
  bindHeader: boolean;
  rtcp: Route['rtcp'];
  rtcpPort: Route['rtcpPort'];
  json?: boolean;
}

const REPORT_EVERY_MS = 1000;

/** What to do about an address that cannot be used. */
const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: ': another process has this port; choose another --listen',
  EADDRNOTAVAIL: ': this machine has no such address; --listen takes one of its own, or 0.0.0.0 for all of them',
  ENOTFOUND: ': no address is known for the name; check it, or give the address',
  EAI_AGAIN: ': the name cannot be looked up now; try again, or give the address',
};

export function addGateway(program: Command): void {
  program
    .command('gateway')
    .description('seal or open RTP between two UDP addresses')
    .option('--seal', 'what arrives is sealed')
    .option('--open', 'what arrives is opened')
    .requiredOption('-l, --listen <host:port>', 'where packets arrive; RTCP also on the next port', endpointArgument)
    .requiredOption('-f, --forward <host:port>', 'where they go; RTCP also to the next port', endpointArgument)
    .option('-c, --config <file>', 'the configuration (default: the file that FRAMESEAL_CONFIG names)')
    .option('--replay-window <counters>', 'a power of two, 64 to 65536', integerArgument(64, 65_536))
    .option(
      '--no-bind-header',
      'leave the RTP header unauthenticated: for relays that rewrite it; the same on both sides',
    )
    .addOption(choice(program, '--rtcp <what>', 'RTCP, which stays in the clear', ['forward', 'drop']))
    .addOption(
      choice(program, '--rtcp-port <where>', 'RTCP on the next port too, or only beside the media', ['next', 'same']),
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
  const route: Route = { ...options, direction: options.seal ? 'seal' : 'open' };
  const channelOptions: ChannelOptions = { bindHeader: options.bindHeader };
  if (options.replayWindow !== undefined) channelOptions.replayWindow = options.replayWindow;
  const config = loadConfig(options.config);
  const channel = enableEncryption(config, channelOptions);
  warmUp();
  const stopped = stopSignal();
  const running = await start(route, () => Gateway.start(route, channel, { warn }));
  const about = {
    direction: route.direction,
    listen: endpointText({ ...route.listen, port: running.port }),
    forward: endpointText(route.forward),
    mode: channel.mode,
    fingerprint: channel.fingerprint,
    ...(channel.mode === 'SM4_128_ECB' ? {} : { keyId: config.keyId ?? 0 }),
    framing: channel.framing,
    bindHeader: channel.bindHeader,
    engine: channel.engine,
  };
  const reporter = options.json ? new JsonReporter(about) : new TerminalReporter(about);
  const timer = setInterval(() => reporter.tick(running.counters), REPORT_EVERY_MS);
  await stopped;
  clearInterval(timer);
  await running.stop();
  reporter.end(running.counters);
  channel.close();
}

async function start(route: Route, begin: () => Promise<Gateway>): Promise<Gateway> {
  try {
    return await begin();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const hint = HINTS[code] ?? '';
    throw new CliError(
      `cannot listen on ${endpointText(route.listen)} and send to ${endpointText(route.forward)} (${code})${hint}`,
      1,
    );
  }
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

type About = Readonly<Record<string, string | number | boolean>>;

/** What arrived and left in the last interval. */
class Rates {
  #last = { timeMs: performance.now(), packets: 0, bytes: 0 };

  /** Packets and bits a second since the last call. */
  next(counters: GatewayCounters): { packetsPerSecond: number; bitsPerSecond: number } {
    const now = { timeMs: performance.now(), ...counters.forwarded };
    const seconds = Math.max(0.001, (now.timeMs - this.#last.timeMs) / 1000);
    const rates = {
      packetsPerSecond: Math.round((now.packets - this.#last.packets) / seconds),
      bitsPerSecond: Math.round((8 * (now.bytes - this.#last.bytes)) / seconds),
    };
    this.#last = now;
    return rates;
  }
}

/** For machines: a line when it listens, one a second, one at the end. */
class JsonReporter {
  readonly #rates = new Rates();

  constructor(about: About) {
    this.#print({ event: 'listening', ...about });
  }

  tick(counters: GatewayCounters): void {
    // A reader that has stopped reading costs lines, not memory.
    if (!process.stdout.writableNeedDrain)
      this.#print({ event: 'counters', ...counters, ...this.#rates.next(counters) });
  }

  end(counters: GatewayCounters): void {
    this.#print({ event: 'totals', ...counters });
  }

  #print(event: object): void {
    process.stdout.write(`${JSON.stringify({ timeMs: Date.now(), ...event })}\n`);
  }
}

/** For people: a line that is written over while it runs, and a table at the end. */
class TerminalReporter {
  readonly #rates = new Rates();
  readonly #line = new StatusLine();

  constructor(about: About) {
    if (!process.stderr.isTTY) return;
    process.stderr.write(
      `${about['direction']}: ${about['listen']} -> ${about['forward']}, ${about['mode']}, fingerprint ${about['fingerprint']}, ` +
        `keyId ${about['keyId'] ?? 'none'}, bindHeader ${about['bindHeader']}, ${about['engine']} engine; Ctrl-C ends it\n`,
    );
  }

  tick(counters: GatewayCounters): void {
    const { packetsPerSecond, bitsPerSecond } = this.#rates.next(counters);
    this.#line.show(
      `${number(packetsPerSecond)} packets/s  ${number(bitsPerSecond / 1e6, 2)} Mbit/s  ` +
        `${number(counters.forwarded.packets)} forwarded  ${number(sum(counters.refused))} refused  ` +
        `${number(counters.rtcp.forwarded)} RTCP`,
    );
  }

  end(counters: GatewayCounters): void {
    this.#line.clear();
    const rows = [
      ['received', `${number(counters.received.packets)} packets`, `${number(counters.received.bytes)} bytes`],
      ['forwarded', `${number(counters.forwarded.packets)} packets`, `${number(counters.forwarded.bytes)} bytes`],
      ['RTCP forwarded', `${number(counters.rtcp.forwarded)} packets`],
      ['RTCP dropped', `${number(counters.rtcp.dropped)} packets`],
      ...Object.entries(counters.refused).map(([status, count]) => [`refused: ${status}`, `${number(count)} packets`]),
      ['over the MTU', `${number(counters.oversize)} packets`],
      ['not sent', `${number(counters.sendErrors + counters.overruns)} packets`],
      ['socket errors', `${number(counters.socketErrors)} times`],
    ];
    process.stdout.write(`totals\n${table(rows)}`);
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
