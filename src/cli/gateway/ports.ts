/**
 * From the addresses of routes to sockets: names are looked up, sockets that a leaving route has are taken over, the
 * others are opened. What cannot be used is a fault, in words.
 */
import { isIPv6 } from 'node:net';
import { type Endpoint, endpointText } from '../arguments.js';
import { isMulticast } from './config/addresses.js';
import { type RouteModel, receives, type SideModel } from './config/model.js';
import { meets } from './config/sense.js';
import { addressesOf, reachableFrom } from './names.js';
import type { Route } from './route.js';
import type { SideName } from './snapshot.js';
import { Port } from './sockets.js';

/** A side's sockets, and where its peer is now. */
interface SidePort {
  readonly port: Port;
  readonly peer: Endpoint | undefined;
}

export type RoutePorts = Readonly<Record<SideName, SidePort>>;

/** Advice for an address that cannot be used. */
const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has this port; choose another',
  EADDRNOTAVAIL: 'this machine has no such address; listen takes one of its own, or 0.0.0.0 for all of them',
  EACCES: 'ports below 1024 need a privilege: CAP_NET_BIND_SERVICE',
  ENOTFOUND: 'no address is known for the name; check it, or give the address',
  EAI_AGAIN: 'the name cannot be looked up now; try again, or give the address',
  ETIMEDOUT: 'no name server has answered; try again, or give the address',
  ENODEV: 'this machine has no such interface',
};

const SIDES = ['inside', 'outside'] as const;

/** The routes until now: sockets of those that leave are free to be taken over. */
interface Before {
  readonly leaving: readonly Route[];
  readonly staying: readonly Route[];
}

/** Sockets for routes, and what is in the way, a line each. */
export async function openPorts(
  routes: readonly RouteModel[],
  { leaving, staying }: Before,
): Promise<{ ports: Map<string, RoutePorts>; faults: string[] }> {
  const free = new Map<string, Port>();
  for (const route of leaving) {
    for (const { name, port } of route.sides) free.set(keyOf(route.model, name), port);
  }
  const ports = new Map<string, RoutePorts>();
  const faults: string[] = [];
  for (const route of routes) {
    const opened: Partial<Record<SideName, SidePort>> = {};
    for (const name of SIDES) {
      try {
        opened[name] = await openSide(route, name, free);
      } catch (error) {
        faults.push(`${route.name} ${name}: ${wordsOf(error, route[name])}`);
      }
    }
    if (opened.inside && opened.outside) ports.set(route.name, { inside: opened.inside, outside: opened.outside });
    else for (const { port } of Object.values(opened)) if (!isTakenOver(port, leaving)) await port.close();
  }
  const all = [...staying, ...ports.values()].flatMap(({ inside, outside }) => [inside.port, outside.port]);
  for (const [name, sides] of ports) faults.push(...SIDES.flatMap((side) => loopFault(name, side, sides[side], all)));
  return { ports, faults };
}

/** A name may lead to this gateway itself: what it sends there would go round for ever. */
function loopFault(route: string, side: SideName, { peer }: SidePort, listening: readonly Port[]): string[] {
  if (peer === undefined || isMulticast(peer.host)) return [];
  const met = listening.some(({ host, numbers }) => numbers.some((port) => meets({ host, port }, peer)));
  return met ? [`${route} ${side}: the peer is at ${endpointText(peer)}, where the gateway itself listens`] : [];
}

/** Where packets to a side's peer go: an address that its sockets reach. Rejects with the resolver's error. */
export async function resolvePeer(peer: Endpoint, port: Port): Promise<Endpoint> {
  const all = await addressesOf(peer.host);
  const [host] = reachableFrom(port.host, all);
  if (host === undefined) {
    const message = `${peer.host} has no address that a socket of ${port.host} reaches (${all.join(', ')}): listen on an address of that family, or on [::]`;
    throw Object.assign(new Error(message), { code: 'FAMILY' });
  }
  return { host, port: peer.port };
}

async function openSide(route: RouteModel, name: SideName, free: Map<string, Port>): Promise<SidePort> {
  const side = route[name];
  const peer = typeof side.peer === 'object' ? side.peer : undefined;
  const key = keyOf(route, name);
  const port = free.get(key) ?? (await Port.open({ ...side, at: await addressFor(side, peer) }));
  // The other side of the route finds it there where both share an address; no other side does.
  free.set(key, port);
  return { port, peer: peer && (await resolvePeer(peer, port)) };
}

/** What two sides must have in common for one to take over the other's sockets. */
function keyOf(route: RouteModel, name: SideName): string {
  const { listen, rtcpPort, interface: via } = route[name];
  const { isShared } = route;
  // Free ports differ; both sides of a route may mean the same one.
  const own = listen === undefined || listen.port === 0 ? [route.name, isShared ? 'both' : name] : [];
  return JSON.stringify([
    listen ?? 'free',
    rtcpPort,
    via ?? '',
    ...own,
    receives(route, name) || isShared ? '' : 'sends',
  ]);
}

/** The address to bind to; the family of a name, or of no address, follows the peer. */
async function addressFor({ listen }: SideModel, peer: Endpoint | undefined): Promise<Endpoint> {
  const wanted = peer && (await addressesOf(peer.host));
  if (listen === undefined) return { host: wanted?.[0] && isIPv6(wanted[0]) ? '::' : '0.0.0.0', port: 0 };
  const own = await addressesOf(listen.host);
  const suiting = own.find((address) => wanted === undefined || reachableFrom(address, wanted).length > 0);
  return { host: suiting ?? own[0]!, port: listen.port };
}

function isTakenOver(port: Port, leaving: readonly Route[]): boolean {
  return leaving.some(({ inside, outside }) => inside.port === port || outside.port === port);
}

function wordsOf(error: unknown, { listen, peer }: SideModel): string {
  const { code = 'UNKNOWN', message, syscall } = error as NodeJS.ErrnoException;
  if (code === 'FAMILY') return message;
  const what = [
    listen && `listen on ${endpointText(listen)}`,
    typeof peer === 'object' && `send to ${endpointText(peer)}`,
  ];
  const hint = HINTS[code] ?? (syscall === undefined ? message : syscall);
  return `cannot ${what.filter(Boolean).join(' and ')} (${code}): ${hint}`;
}
