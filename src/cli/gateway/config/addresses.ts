/**
 * Addresses as people write them: `127.0.0.1:5004`, `gw.example:5004`, `[::1]:5004`, `[fe80::1%eth0]:5004`; prefixes such
 * as `192.0.2.0/24`; and what an address is: loopback, a multicast group, every address of the machine.
 */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import type { Endpoint } from '../../arguments.js';

const ENDPOINT = /^(?:\[([^[\]]+)\]|([^:\s[\]]+)):(\d{1,5})$/;
const NAME = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?)*\.?$/;

/** The endpoint, or what is wrong with the text. */
export function parseEndpoint(text: string): Endpoint | string {
  const [, bracketed, plain, digits] = ENDPOINT.exec(text) ?? [];
  if (digits === undefined) {
    const isBare = isIPv6(text.replace(/:\d+$/, '')) || isIPv6(text);
    return isBare ? 'an IPv6 address stands in brackets: "[::1]:5004"' : 'expected HOST:PORT or "[IPV6]:PORT"';
  }
  const port = Number(digits);
  if (port > 65_535) return `port ${port} is above 65535`;
  if (bracketed !== undefined && !isIPv6(bracketed)) return `${bracketed} is no IPv6 address`;
  if (plain !== undefined && !isIPv4(plain)) {
    if (/^[\d.]+$/.test(plain)) return `${plain} is no IPv4 address`;
    // A label that is too long is left to the resolver, whose error names the host.
    if (!NAME.test(plain) && !/^[A-Za-z0-9_.-]+$/.test(plain)) return `${plain} is no host name`;
  }
  return { host: bracketed ?? plain!, port };
}

/** The address without `%zone`. */
export function withoutZone(address: string): string {
  const at = address.indexOf('%');
  return at < 0 ? address : address.slice(0, at);
}

/** An IPv4 address that an IPv6 socket shows as `::ffff:192.0.2.1`, as IPv4; any other as it is, without its zone. */
export function plainAddress(address: string): string {
  if (address.charCodeAt(0) === 58 && address.startsWith('::ffff:') && isIPv4(address.slice(7)))
    return address.slice(7);
  return withoutZone(address);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || LOOPBACK.check(plainAddress(host), familyOf(plainAddress(host)));
}

export function isMulticast(host: string): boolean {
  return MULTICAST.check(plainAddress(host), familyOf(plainAddress(host)));
}

/** Whether a socket that is bound there receives at every address of the machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || /^\[?(0{0,4}:){1,7}0{0,4}\]?$/.test(host);
}

/** Adds `192.0.2.0/24`, `2001:db8::/32` or an address to the list. Returns what is wrong with the text, or undefined. */
export function addPrefix(list: BlockList, text: string): string | undefined {
  const [address = '', bits, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%'))
    return `${text} is no address or prefix: 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32`;
  const most = family === 4 ? 32 : 128;
  if (bits === undefined) {
    list.addAddress(address, family === 4 ? 'ipv4' : 'ipv6');
    return undefined;
  }
  const count = Number(bits);
  if (more !== undefined || !/^\d{1,3}$/.test(bits) || count > most) return `${text}: a prefix has 0 to ${most} bits`;
  list.addSubnet(address, count, family === 4 ? 'ipv4' : 'ipv6');
  return undefined;
}

export function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

const LOOPBACK = listOf('127.0.0.0/8', '::1');
const MULTICAST = listOf('224.0.0.0/4', 'ff00::/8');

function listOf(...prefixes: string[]): BlockList {
  const list = new BlockList();
  for (const prefix of prefixes) addPrefix(list, prefix);
  return list;
}
