/**
 * Datagrams that Linux dropped because a socket's receive buffer was full: the last column of /proc/net/udp and udp6. The
 * tables are read off the main thread; other systems have none. A socket is known there by its address and port: sockets
 * of other programs that listen to the same multicast group are counted as well.
 *
 *     sl  local_address rem_address   st tx_queue rx_queue ... drops
 *     12: 0100007F:1389 00000000:0000 07 ...                   0        words of 32 bits in the machine's order
 */
import { readFile } from 'node:fs/promises';
import { SocketAddress } from 'node:net';
import { endianness } from 'node:os';
import { withoutZone } from './config/addresses.js';
import type { Side } from './side.js';
import type { Port } from './sockets.js';

const TABLES = { 4: '/proc/net/udp', 6: '/proc/net/udp6' } as const;
const LOCAL_ADDRESS = 1;

/** Brings the counts of all sides up to date. Sockets that both sides of a route share count on its first side. */
export async function refreshDrops(sides: Iterable<Side>): Promise<void> {
  const all = [...sides];
  if (process.platform !== 'linux' || all.length === 0) return;
  const drops = new Map([...(await tableOf(TABLES[4])), ...(await tableOf(TABLES[6]))]);
  const seen = new Set<Port>();
  for (const side of all) {
    if (seen.has(side.port)) continue;
    seen.add(side.port);
    const { host, numbers } = side.port;
    const now = numbers.reduce((sum, port) => sum + (drops.get(keyOf(host, port)) ?? 0), 0);
    // A socket that was closed meanwhile is in no table.
    if (now <= side.port.drops) continue;
    side.counts.kernelDrops += now - side.port.drops;
    side.port.drops = now;
  }
}

/** Drops by local address and port. */
async function tableOf(file: string): Promise<Map<string, number>> {
  const drops = new Map<string, number>();
  const text = await readFile(file, 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const columns = line.trim().split(/\s+/);
    const [, address, port] = /^((?:[0-9A-F]{8})+):([0-9A-F]{4})$/.exec(columns[LOCAL_ADDRESS] ?? '') ?? [];
    if (address === undefined) continue;
    const key = keyOf(addressOf(address), Number.parseInt(port!, 16));
    drops.set(key, (drops.get(key) ?? 0) + (Number(columns.at(-1)) || 0));
  }
  return drops;
}

/** The address in hex words as text: not the shortest one in IPv6. */
function addressOf(words: string): string {
  const bytes = Buffer.from(words, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  return bytes.length === 4 ? bytes.join('.') : bytes.toString('hex').match(/.{4}/g)!.join(':');
}

/** The same text for all spellings of an address. */
function keyOf(host: string, port: number): string {
  const family = host.includes(':') ? 'ipv6' : 'ipv4';
  return `${new SocketAddress({ address: withoutZone(host), family }).address} ${port}`;
}
