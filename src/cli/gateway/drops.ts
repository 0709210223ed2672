/**
 * Datagrams that Linux dropped because a socket's receive buffer was full: the last column of /proc/net/udp and udp6. The
 * tables are read off the main thread; other systems have none.
 */
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import type { Side } from './side.js';

const TABLES = { 4: '/proc/net/udp', 6: '/proc/net/udp6' } as const;
const LOCAL_ADDRESS = 1;

/** Brings the counts of all sides up to date. */
export async function refreshDrops(sides: Iterable<Side>): Promise<void> {
  const all = [...sides];
  if (process.platform !== 'linux' || all.length === 0) return;
  const tables = { 4: await tableOf(TABLES[4]), 6: await tableOf(TABLES[6]) };
  for (const side of all) {
    const table = tables[isIPv6(side.port.host) ? 6 : 4];
    // A socket that was closed meanwhile is in no table: the last count stays.
    const drops = side.port.numbers.map((port) => table.get(port) ?? 0).reduce((sum, count) => sum + count, 0);
    side.kernelDrops = Math.max(side.kernelDrops, drops);
  }
}

/** Drops by local port. */
async function tableOf(file: string): Promise<Map<number, number>> {
  const drops = new Map<number, number>();
  const text = await readFile(file, 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const columns = line.trim().split(/\s+/);
    const port = Number.parseInt(columns[LOCAL_ADDRESS]?.split(':')[1] ?? '', 16);
    if (port > 0) drops.set(port, (drops.get(port) ?? 0) + (Number(columns.at(-1)) || 0));
  }
  return drops;
}
