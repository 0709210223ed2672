/**
 * The cost of a gateway: CPU time of its process for a packet, sockets included, and the delay of a packet. Contestants are
 * processes that take turns; one of them forwards without protection.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateKey, generateSalt } from 'frameseal';
import { GatewayProcess, onLoopback } from 'frameseal-cli/gateway/process';
import type { Load } from '../cases.js';
import { Traffic } from '../gateway/traffic.js';
import { ROOT } from '../peers/frameseal.js';
import { quantile } from '../statistics.js';
import { LATENCY_SHARES, type Measured } from './request.js';

const WARM_UP_PACKETS = 5000;
const WARM_UP: Load = { burst: 32, everyMs: 0 };
const PACKETS = 1000;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const FORWARDER = fileURLToPath(new URL('../gateway/forwarder.js', import.meta.url));

interface Site {
  readonly contestant: string;
  readonly gateway: GatewayProcess;
  readonly traffic: Traffic;
  /** CPU time for a packet in us, a round each. */
  readonly values: number[];
  readonly latenciesUs: number[];
}

/** Microseconds for a packet. `packet`: the RTP packet to send; `base`: the folder of another checkout that is built. */
export async function measureGateway(
  packet: Uint8Array,
  load: Load,
  rounds: number,
  base: string | undefined,
): Promise<Measured[]> {
  const directory = mkdtempSync(join(tmpdir(), 'frameseal-bench-'));
  const sites: Site[] = [];
  try {
    const config = join(directory, 'config.json');
    const secrets = { encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
    writeFileSync(config, JSON.stringify({ encryptionMode: 'AES_128_GCM2', ...secrets }), { mode: 0o600 });
    const count = WARM_UP_PACKETS + rounds * PACKETS;
    const add = async (contestant: string, command: string[], options: string[] = []) => {
      const traffic = await Traffic.open(packet, count);
      const args = [...onLoopback('seal', 0, traffic.port), ...options];
      const gateway = await GatewayProcess.start(args, { command, stderr: 'inherit' });
      sites.push({ contestant, gateway, traffic, values: [], latenciesUs: [] });
      await traffic.connect(gateway.port);
      await traffic.run(WARM_UP_PACKETS, WARM_UP);
    };
    await add('frameseal', gatewayCommand(ROOT), ['--config', config]);
    await add('forwarding alone', [FORWARDER]);
    if (base !== undefined) await add('base', gatewayCommand(base), ['--config', config]);
    for (let round = 0; round < rounds; round++) {
      for (const site of round % 2 ? sites.toReversed() : sites) await runRound(site, load);
    }
    for (const { gateway } of sites) await end(gateway);
    return sites.map(measured);
  } finally {
    for (const { traffic } of sites) traffic.close();
    rmSync(directory, { recursive: true });
  }
}

/** The built command of a checkout; the second is its place before the command was a package. */
const COMMANDS = ['src/cli/dist/main.js', 'dist/cli/main.js'];

function gatewayCommand(root: string): string[] {
  const command = COMMANDS.map((file) => join(resolve(root), file)).find((file) => existsSync(file));
  if (command === undefined) throw new Error(`${root} is not built: npm run build there makes its command`);
  return [command, 'gateway', '--json'];
}

/** Throws where the gateway did not forward every packet. */
async function end(gateway: GatewayProcess): Promise<void> {
  const { received, forwarded } = await gateway.drain();
  if (received.packets !== forwarded.packets) {
    throw new Error(`the gateway forwarded ${forwarded.packets} of ${received.packets} packets`);
  }
}

async function runRound({ gateway, traffic, values, latenciesUs }: Site, load: Load): Promise<void> {
  const beforeUs = await cpuUs(gateway);
  latenciesUs.push(...(await traffic.run(PACKETS, load)));
  values.push(((await cpuUs(gateway)) - beforeUs) / PACKETS);
}

/** User and system time of the process so far, all threads. */
async function cpuUs(gateway: GatewayProcess): Promise<number> {
  const { user, system } = (await gateway.usage()).cpu;
  return user + system;
}

function measured({ contestant, values, latenciesUs }: Site): Measured {
  latenciesUs.sort((a, b) => a - b);
  const us = LATENCY_SHARES.map((share) => quantile(latenciesUs, share));
  return { contestant, values, latency: { us, saturated: false } };
}
