/** `npm run build && npx tsc -p tsconfig.bench.json && node build/bench/gateway.js`: see --help. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type EncryptionConfig, enableEncryption, generateKey, generateSalt } from 'frameseal';
import { GatewayProcess } from './gateway/child.js';
import { readProfile, split } from './gateway/profile.js';
import { at, Rows } from './gateway/rows.js';
import { type Load, makePackets, Traffic } from './gateway/traffic.js';

const HELP = `node build/bench/gateway.js [options]
  What a gateway costs and how long it keeps a packet: RTP of 1,200 bytes through a gateway process on loopback.
  --base DIR     the gateway of another checkout, built, in turns with this one
  --open         an opening gateway in place of a sealing one
  --rounds N     rounds, each with new processes, 3 by default; more are steadier
  --json         one JSON array on stdout: name, unit, value, range
`;

/** A machine's speed wanders, so contestants take turns after so many short slices of a load. */
const SLICES = 12;
const WARM: Load = { name: 'warm-up', packets: 5000, burst: 32, everyMs: 0 };
const LOADS: readonly Load[] = [
  { name: '5,000/s, even', packets: 1000, burst: 1, everyMs: 0.2 },
  { name: '5,000/s, bursts of 20', packets: 1000, burst: 20, everyMs: 4 },
  { name: '64 on their way', packets: 2000, burst: 64, everyMs: 0 },
];

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    open: { type: 'boolean' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

if (values.help) process.stdout.write(HELP);
else await bench(Number(values.rounds));

async function bench(rounds: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'frameseal-bench-'));
  try {
    const config = newConfig();
    writeFileSync(join(directory, 'config.json'), JSON.stringify(config), { mode: 0o600 });
    const count = WARM.packets + SLICES * LOADS.reduce((sum, { packets }) => sum + packets, 0);
    const packets = makePackets(count, values.open ? enableEncryption(config) : undefined);
    const roots: Root[] = [['new', '.']];
    if (values.base !== undefined) roots.push(['base', values.base]);
    const rows = new Rows(`gateway ${values.open ? 'open' : 'seal'}`);
    for (let round = 0; round < rounds; round++) {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${round + 1}/${rounds}`);
      // Who starts first has an advantage, or the opposite.
      if (round > 0) roots.reverse();
      await measure(roots, directory, packets, rows);
      for (const [name, root] of roots) await profile(name, root, directory, packets, rows);
    }
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    process.stdout.write(values.json ? rows.asJson() : rows.asText());
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function newConfig(): EncryptionConfig {
  return { encryptionMode: 'AES_128_GCM2', encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
}

/** The name of a contestant, and its checkout. */
type Root = readonly [name: string, directory: string];

/** CPU time and latency: slices of each load, straight to the receiver and through each gateway in turn. */
async function measure(
  roots: readonly Root[],
  directory: string,
  packets: readonly Uint8Array[],
  rows: Rows,
): Promise<void> {
  const straight = await Traffic.open(packets);
  await straight.connect(straight.port);
  await straight.run(WARM);
  const sites: ({ name: string } & Site)[] = [];
  for (const [name, root] of roots) sites.push({ name, ...(await start(root, directory, packets)) });
  for (let slice = 0; slice < SLICES; slice++) {
    for (const load of LOADS) {
      const direct = await straight.run(load);
      for (const { name, gateway, traffic } of slice % 2 ? sites.toReversed() : sites) {
        const beforeUs = await gateway.cpuUs();
        const passage = await traffic.run(load);
        rows.note(`${load.name}: CPU`, 'us/packet', name, ((await gateway.cpuUs()) - beforeUs) / load.packets);
        if (load.everyMs === 0) {
          rows.note(`${load.name}: throughput`, 'packets/s', name, (1000 * load.packets) / passage.elapsedMs);
          continue;
        }
        for (const [quantile, share] of Object.entries({ p50: 0.5, p99: 0.99 })) {
          const addedUs = at(passage.latenciesUs, share) - at(direct.latenciesUs, share);
          rows.note(`${load.name}: added ${quantile}`, 'us', name, addedUs);
        }
      }
    }
  }
  straight.close();
  for (const site of sites) await end(site);
}

/**
 * Where the time goes. V8's profiler slows the process, and takes its samples when a processor is free, which is when the
 * process sleeps: so of this run only the shares count, and only of the load that does not let it sleep.
 */
async function profile(
  name: string,
  root: string,
  directory: string,
  packets: readonly Uint8Array[],
  rows: Rows,
): Promise<void> {
  const profileDirectory = mkdtempSync(join(directory, 'profile-'));
  const site = await start(root, directory, packets, profileDirectory);
  const load = { ...LOADS.at(-1)!, packets: packets.length - WARM.packets };
  const beforeUs = await site.gateway.cpuUs();
  const fromUs = monotonicUs();
  await site.traffic.run(load);
  const toUs = monotonicUs();
  const cpuUs = (await site.gateway.cpuUs()) - beforeUs;
  await end(site);
  const found = split(readProfile(profileDirectory), fromUs, toUs, cpuUs);
  const all = Object.values(found).reduce((sum, us) => sum + us, 0);
  for (const [kind, us] of Object.entries(found)) {
    rows.note(`${load.name}: share of ${kind}`, '%', name, (100 * us) / all);
  }
}

interface Site {
  readonly gateway: GatewayProcess;
  readonly traffic: Traffic;
}

/** A gateway that is warm, and the sender and receiver around it. */
async function start(
  root: string,
  directory: string,
  packets: readonly Uint8Array[],
  profileDirectory?: string,
): Promise<Site> {
  const traffic = await Traffic.open(packets);
  const gateway = await GatewayProcess.start({
    root,
    direction: values.open ? 'open' : 'seal',
    config: join(directory, 'config.json'),
    forwardPort: traffic.port,
    profileDirectory,
  });
  await traffic.connect(gateway.port);
  await traffic.run(WARM);
  return { gateway, traffic };
}

async function end({ gateway, traffic }: Site): Promise<void> {
  await gateway.end();
  traffic.close();
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
