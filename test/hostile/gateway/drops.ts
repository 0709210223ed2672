/** Datagrams that Linux dropped because a UDP socket's buffer was full: the last column of /proc/net/udp. */
import { readFileSync } from 'node:fs';

const TABLE = '/proc/net/udp';
const LOCAL_ADDRESS = 1;

/** Datagrams that the system has dropped so far at the socket that is bound to this port. */
export function kernelDrops(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of readFileSync(TABLE, 'utf8').split('\n')) {
    const columns = line.trim().split(/\s+/);
    if (columns[LOCAL_ADDRESS]?.endsWith(local)) return Number(columns.at(-1));
  }
  throw new Error(`no socket has port ${port}`);
}
