/** `npm run build && npx tsc -p tsconfig.bench.json && node build/bench/gateway.js`: see --help. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type EncryptionConfig, enableEncryption, generateKey, generateSalt } from 'frameseal';
import { GatewayProcess } from './gateway/child.js';
import { readProfile, split } from './gateway/profile.js';
import { type Load, makePackets, Traffic } from './gateway/traffic.js';

const HELP = `node build/bench/gateway.js [options]
  What a gateway costs and how long it keeps a packet: RTP of 1,200 bytes through a gateway process on loopback.
  --base DIR     the gateway of another checkout, built, in turns with this one
  --open         an opening gateway in place of a sealing one
  --rounds N     rounds, 5 by default; more are steadier
  --json         one JSON array on stdout: name, unit, value, range
`;

const WARM: Load = { name: 'warm-up', packets: 5000, burst: 32, everyMs: 0 };
const LOADS: readonly Load[] = [
  { name: '5,000/s, even', packets: 10_000, burst: 1, everyMs: 0.2 },
  { name: '5,000/s, bursts of 20', packets: 10_000, burst: 20, everyMs: 4 },
  { name: '64 on their way', packets: 30_000, burst: 64, everyMs: 0 },
];

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    open: { type: 'boolean' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

/** Values of a row by contestant; each round adds one. */
type Rows = Map<string, { unit: string; byContestant: Map<string, number[]> }>;

if (values.help) process.stdout.write(HELP);
else await bench(Number(values.rounds));

async function bench(rounds: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'frameseal-bench-'));
  try {
    const config = newConfig();
    writeFileSync(join(directory, 'config.json'), JSON.stringify(config), { mode: 0o600 });
    const count = [WARM, ...LOADS].reduce((sum, { packets }) => sum + packets, 0);
    const packets = makePackets(count, values.open ? enableEncryption(config) : undefined);
    const roots = new Map([['new', '.']]);
    if (values.base !== undefined) roots.set('base', values.base);
    const rows: Rows = new Map();
    for (let round = 0; round < rounds; round++) {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${round + 1}/${rounds}`);
      const direct = await withoutGateway(packets);
      for (const name of round % 2 ? [...roots.keys()].reverse() : roots.keys()) {
        await withGateway(name, roots.get(name)!, directory, packets, direct, rows);
        await profiled(name, roots.get(name)!, directory, packets, rows);
      }
    }
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    process.stdout.write(values.json ? asJson(rows) : asText(rows, [...roots.keys()], rounds));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function newConfig(): EncryptionConfig {
  return { encryptionMode: 'AES_128_GCM2', encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
}

/** What the measuring itself takes: p50 and p99 of each load, from the sender straight to the receiver. */
async function withoutGateway(packets: readonly Uint8Array[]): Promise<Map<Load, Quantiles>> {
  const traffic = await Traffic.open(packets);
  await traffic.connect(traffic.port);
  await traffic.run(WARM);
  const found = new Map<Load, Quantiles>();
  for (const load of LOADS) found.set(load, quantiles((await traffic.run(load)).latenciesUs));
  traffic.close();
  return found;
}

async function withGateway(
  name: string,
  root: string,
  directory: string,
  packets: readonly Uint8Array[],
  direct: Map<Load, Quantiles>,
  rows: Rows,
): Promise<void> {
  const { gateway, traffic } = await start(root, directory, packets);
  for (const load of LOADS) {
    const beforeUs = await gateway.cpuUs();
    const { elapsedMs, latenciesUs } = await traffic.run(load);
    const cpuUs = (await gateway.cpuUs()) - beforeUs;
    note(rows, `${load.name}: CPU`, 'us/packet', name, cpuUs / load.packets);
    if (load.everyMs === 0) {
      note(rows, `${load.name}: throughput`, 'packets/s', name, load.packets / (elapsedMs / 1000));
      continue;
    }
    const [through, straight] = [quantiles(latenciesUs), direct.get(load)!];
    note(rows, `${load.name}: added p50`, 'us', name, through.p50 - straight.p50);
    note(rows, `${load.name}: added p99`, 'us', name, through.p99 - straight.p99);
  }
  await gateway.end();
  traffic.close();
}

/** The same loads with V8's profiler, which slows: of these runs only the shares count. */
async function profiled(
  name: string,
  root: string,
  directory: string,
  packets: readonly Uint8Array[],
  rows: Rows,
): Promise<void> {
  const profileDirectory = mkdtempSync(join(directory, 'profile-'));
  const { gateway, traffic } = await start(root, directory, packets, profileDirectory);
  const windows: { load: Load; fromUs: number; toUs: number; cpuUs: number }[] = [];
  for (const load of LOADS) {
    const beforeUs = await gateway.cpuUs();
    const fromUs = monotonicUs();
    await traffic.run(load);
    const toUs = monotonicUs();
    windows.push({ load, fromUs, toUs, cpuUs: (await gateway.cpuUs()) - beforeUs });
  }
  await gateway.end();
  traffic.close();
  const profile = readProfile(profileDirectory);
  for (const { load, fromUs, toUs, cpuUs } of windows) {
    const found = split(profile, fromUs, toUs, cpuUs);
    const all = Object.values(found).reduce((sum, us) => sum + us, 0);
    for (const [kind, us] of Object.entries(found)) {
      note(rows, `${load.name}: share of ${kind}`, '%', name, (100 * us) / all);
    }
  }
}

async function start(root: string, directory: string, packets: readonly Uint8Array[], profileDirectory?: string) {
  const traffic = await Traffic.open(packets);
  const gateway = await GatewayProcess.start({
    root,
    direction: values.open ? 'open' : 'seal',
    config: join(directory, 'config.json'),
    forwardPort: traffic.port,
    ...(profileDirectory === undefined ? {} : { profileDirectory }),
  });
  await traffic.connect(gateway.port);
  await traffic.run(WARM);
  return { gateway, traffic };
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

function quantiles(ascending: ArrayLike<number>): Quantiles {
  const at = (share: number) => ascending[Math.round(share * (ascending.length - 1))]!;
  return { p50: at(0.5), p99: at(0.99) };
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function note(rows: Rows, row: string, unit: string, contestant: string, value: number): void {
  if (!rows.has(row)) rows.set(row, { unit, byContestant: new Map() });
  const { byContestant } = rows.get(row)!;
  if (!byContestant.has(contestant)) byContestant.set(contestant, []);
  byContestant.get(contestant)!.push(value);
}

function median(rounds: readonly number[]): number {
  return quantiles(rounds.toSorted((a, b) => a - b)).p50;
}

/** A number with three digits that count. */
function short(value: number): string {
  return Math.abs(value) < 1000 ? value.toFixed(Math.abs(value) < 100 ? 1 : 0) : Math.round(value).toLocaleString('en');
}

function asText(rows: Rows, contestants: readonly string[], rounds: number): string {
  const title = `Node ${process.versions.node}, ${values.open ? 'opening' : 'sealing'}; medians of ${rounds} rounds (lowest to highest)`;
  const lines = [...rows].map(([row, { unit, byContestant }]) => {
    const columns = contestants.map((name) => {
      const all = byContestant.get(name)!;
      return `${name.padStart(6)} ${short(median(all)).padStart(7)} ${`(${short(Math.min(...all))} to ${short(Math.max(...all))})`.padEnd(20)}`;
    });
    return `${row.padEnd(42)}${columns.join('')}${unit}`;
  });
  return `${title}\n${lines.join('\n')}\n`;
}

function asJson(rows: Rows): string {
  const flat = [...rows].flatMap(([row, { unit, byContestant }]) =>
    [...byContestant].map(([name, all]) => ({
      name: `gateway ${values.open ? 'open' : 'seal'}, ${row}: ${name}`,
      unit,
      value: median(all),
      range: `${short(Math.min(...all))} to ${short(Math.max(...all))}`,
    })),
  );
  return `${JSON.stringify(flat, null, 1)}\n`;
}
