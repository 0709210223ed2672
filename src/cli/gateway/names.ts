/** Names of hosts, looked up in both families; the answer that suits the sockets is taken. */
import { lookup } from 'node:dns/promises';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { isWildcard } from './config/addresses.js';

const LIMIT_MS = 5000;

/** The addresses of a host, which may be one already. Rejects with the resolver's error. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const late = new Promise<never>((_, reject) => {
    const error = Object.assign(new Error(`no name server answered for ${host}`), { code: 'ETIMEDOUT' });
    setTimeout(() => reject(error), LIMIT_MS).unref();
  });
  const answers = await Promise.race([lookup(host, { all: true, order: 'verbatim' }), late]);
  return answers.map(({ address }) => address);
}

/** The addresses that a socket bound to `local` reaches, as the socket wants them. */
export function reachableFrom(local: string, addresses: readonly string[]): string[] {
  if (isIPv4(local)) return addresses.filter((address) => isIPv4(address));
  const isDual = isWildcard(local) || local.startsWith('::ffff:');
  return addresses.flatMap((address) => (isIPv6(address) ? [address] : isDual ? [`::ffff:${address}`] : []));
}
