/**
 * What a gateway costs: CPU time of its process for a packet, sockets included, and how long it keeps one. Contestants are
 * processes that take turns; one of them forwards without a seal.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateKey, generateSalt } from 'frameseal';
import type { Load } from '../cases.js';
import { GatewayProcess, LOOPBACK } from '../gateway/child.js';
import { Traffic } from '../gateway/traffic.js';
import { ROOT } from '../peers/frameseal.js';
import { quantile } from '../statistics.js';
import { LATENCY_SHARES, type Measured } from './request.js';

const WARM_UP_PACKETS = 5000;
const WARM_UP: Load = { burst: 32, everyMs: 0 };
const PACKETS = 1000;
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
    const add = async (contestant: string, command: (port: number) => string[]) => {
      const traffic = await Traffic.open(packet, count);
      const gateway = await GatewayProcess.start(command(traffic.port));
      sites.push({ contestant, gateway, traffic, values: [], latenciesUs: [] });
      await traffic.connect(gateway.port);
      await traffic.run(WARM_UP_PACKETS, WARM_UP);
    };
    await add('frameseal', (port) => gatewayCommand(ROOT, config, port));
    await add('forwarding alone', (port) => [FORWARDER, String(port)]);
    if (base !== undefined) await add('base', (port) => gatewayCommand(base, config, port));
    for (let round = 0; round < rounds; round++) {
      for (const site of round % 2 ? sites.toReversed() : sites) await runRound(site, load);
    }
    for (const { gateway } of sites) await gateway.end();
    return sites.map(measured);
  } finally {
    for (const { traffic } of sites) traffic.close();
    rmSync(directory, { recursive: true });
  }
}

/** Where a checkout's build has its command; the second is where it was before the command was a package. */
const COMMANDS = ['src/cli/dist/main.js', 'dist/cli/main.js'];

function gatewayCommand(root: string, config: string, port: number): string[] {
  const command = COMMANDS.map((file) => join(resolve(root), file)).find((file) => existsSync(file));
  if (command === undefined) throw new Error(`${root} is not built: npm run build there makes its command`);
  const addresses = ['--listen', `${LOOPBACK}:0`, '--forward', `${LOOPBACK}:${port}`];
  return [command, 'gateway', '--seal', '--json', '--config', config, ...addresses];
}

async function runRound({ gateway, traffic, values, latenciesUs }: Site, load: Load): Promise<void> {
  const beforeUs = await gateway.cpuUs();
  latenciesUs.push(...(await traffic.run(PACKETS, load)));
  values.push(((await gateway.cpuUs()) - beforeUs) / PACKETS);
}

function measured({ contestant, values, latenciesUs }: Site): Measured {
  latenciesUs.sort((a, b) => a - b);
  const us = LATENCY_SHARES.map((share) => quantile(latenciesUs, share));
  return { contestant, values, latency: { us, saturated: false } };
}
