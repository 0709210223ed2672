/** What gateway.yaml must be beyond its shape: names that exist, sides that can work, addresses that form no loop. */
import { networkInterfaces } from 'node:os';
import { type Endpoint, endpointText } from '../../arguments.js';
import type { SideName } from '../snapshot.js';
import { isLoopback, isMulticast, isWildcard, plainAddress } from './addresses.js';
import { type GatewayModel, type RouteModel, receives, type SideModel, sends } from './model.js';
import type { Fault } from './read.js';
import type { SideFile } from './schema.js';

const SIDES = ['inside', 'outside'] as const;

/** All faults of a model; `file` is what it was read from, and shows what was left out. */
export function senseFaults(
  model: GatewayModel,
  file: { readonly routes: readonly Readonly<Record<SideName, SideFile>>[] },
): Fault[] {
  const faults: Fault[] = [];
  const names = new Set<string>();
  for (const [i, route] of model.routes.entries()) {
    const path = ['routes', i] as const;
    if (names.has(route.name)) faults.push({ path: [...path, 'name'], message: 'another route has this name' });
    names.add(route.name);
    for (const side of SIDES) {
      const found = sideFaults(model, route, side, file.routes[i]![side]);
      faults.push(...found.map(({ path: rest, message }) => ({ path: [...path, side, ...rest], message })));
    }
    if (route.inside.rule.kind === 'clear' && route.outside.rule.kind === 'clear') {
      faults.push({ path: [...path], message: 'both sides are clear: nothing would be protected' });
    }
  }
  return [...faults, ...addressFaults(model), ...srtpFaults(model), ...storeFaults(model)];
}

function sideFaults(model: GatewayModel, route: RouteModel, name: SideName, file: SideFile): Fault[] {
  const side = route[name];
  const faults: Fault[] = [];
  const fault = (message: string, ...path: string[]) => void faults.push({ path, message });
  const rules = [file.clear, file.channel, file.srtp].filter((rule) => rule !== undefined);
  if (rules.length !== 1) fault('a side has exactly one of clear: true, channel: NAME, srtp: { send, receive }');
  ruleFaults(model, route, name, fault);
  const mayArrive = receives(route, name);
  if (mayArrive && side.listen === undefined) fault('this setting is needed: packets arrive on this side', 'listen');
  if (sends(route, name) && side.peer === undefined) fault('this setting is needed: HOST:PORT, or learn', 'peer');
  if (!mayArrive && side.peer === 'learn') fault('nothing arrives on this side, so no peer can be learned', 'peer');
  if (side.peer !== undefined && side.peer !== 'learn') {
    if (side.peer.port === 0) fault('packets cannot be sent to port 0', 'peer');
    if (isWildcard(side.peer.host)) fault('this address stands for all of this machine: name one', 'peer');
    if (side.rtcpPort === 'next' && side.peer.port === 65_535)
      fault('there is no next port for RTCP: rtcpPort: mux', 'peer');
  }
  if (
    side.interface !== undefined &&
    ![side.listen, side.peer].some((at) => typeof at === 'object' && isMulticast(at.host))
  ) {
    fault('an interface is named for multicast, and neither listen nor peer is a multicast group', 'interface');
  }
  if (
    side.rule.kind === 'clear' &&
    mayArrive &&
    side.from === undefined &&
    side.listen &&
    !isLoopback(side.listen.host)
  ) {
    fault(
      'who may send is needed on a clear side that listens beyond loopback, because what arrives is sealed as yours: from: [192.0.2.0/24], or from: any',
      'from',
    );
  }
  return faults;
}

function ruleFaults(
  model: GatewayModel,
  route: RouteModel,
  name: SideName,
  fault: (message: string, ...path: string[]) => void,
): void {
  const { rule } = route[name];
  if (rule.kind === 'channel' && !model.channels.some((channel) => channel.name === rule.channel)) {
    fault(`no channel has the name ${rule.channel}${among(model.channels)}`, 'channel');
  }
  if (rule.kind !== 'srtp') return;
  for (const use of ['send', 'receive'] as const) {
    const isNeeded = use === 'send' ? sends(route, name) : receives(route, name);
    const key = rule[use];
    if (key === undefined && isNeeded) fault('this setting is needed: the name of a key under srtp', 'srtp', use);
    if (key !== undefined && !model.srtp.some((each) => each.name === key))
      fault(`no srtp key has the name ${key}${among(model.srtp)}`, 'srtp', use);
  }
}

function among(all: readonly { readonly name: string }[]): string {
  return all.length === 0 ? '; there is none' : `; there are: ${all.map(({ name }) => name).join(', ')}`;
}

interface Listening extends Endpoint {
  readonly path: (string | number)[];
  readonly where: string;
}

/** No peer is an address that the gateway listens on, and no two sides listen on one address. */
function addressFaults(model: GatewayModel): Fault[] {
  const faults: Fault[] = [];
  const listening: Listening[] = [];
  for (const { path, side, where } of allSides(model)) {
    if (side.listen === undefined || side.listen.port === 0) continue;
    for (const port of portsOf(side.listen, side)) listening.push({ host: side.listen.host, port, path, where });
  }
  for (const [i, one] of listening.entries()) {
    const other = listening.slice(0, i).find((before) => meets(before, one));
    // Both sides of a route may share one address: the peer's packets are told from the others by their source.
    if (other === undefined || isShared(model, one, other)) continue;
    faults.push({ path: [...one.path, 'listen'], message: `port ${one.port} is used by ${other.where} as well` });
  }
  for (const { path, side } of allSides(model)) {
    const { peer } = side;
    if (peer === undefined || peer === 'learn') continue;
    for (const port of portsOf(peer, side)) {
      const met = listening.find((at) => at.port === port && meets(at, { host: peer.host, port }));
      if (met === undefined || isMulticast(peer.host)) continue;
      // One of the two ports says enough.
      if (faults.at(-1)?.path.join() === [...path, 'peer'].join()) continue;
      faults.push({
        path: [...path, 'peer'],
        message: `${endpointText({ host: peer.host, port })} is where ${met.where} listens: packets would go round for ever`,
      });
    }
  }
  return faults;
}

function* allSides(model: GatewayModel) {
  for (const [i, route] of model.routes.entries()) {
    for (const name of SIDES) yield { path: ['routes', i, name], side: route[name], where: `${route.name} ${name}` };
  }
}

function portsOf({ port }: Endpoint, { rtcpPort }: SideModel): number[] {
  return rtcpPort === 'next' && port < 65_535 ? [port, port + 1] : [port];
}

/** Whether what is sent to one address may arrive at the other: the same, or all addresses of this machine. */
export function meets(at: Endpoint, to: Endpoint): boolean {
  if (at.port !== to.port) return false;
  const [one, other] = [nameless(at.host), nameless(to.host)];
  return one === other || (isWildcard(one) && isOwn(other)) || (isWildcard(other) && isOwn(one));
}

function nameless(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : plainAddress(host).toLowerCase();
}

/** Whether the address is one of this machine's. */
function isOwn(host: string): boolean {
  if (isLoopback(host) || isWildcard(host)) return true;
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host));
}

function isShared(model: GatewayModel, one: Listening, other: Listening): boolean {
  if (one.path[1] !== other.path[1] || one.port !== other.port) return false;
  const { inside, outside, isShared } = model.routes[Number(one.path[1])]!;
  return isShared && [inside, outside].some(({ peer }) => typeof peer === 'object');
}

/** Two senders under one SRTP key would repeat nonces: a key that sends has one route. */
function srtpFaults(model: GatewayModel): Fault[] {
  const faults: Fault[] = [];
  const senders = new Map<string, string>();
  for (const { path, side, where } of allSides(model)) {
    const send = side.rule.kind === 'srtp' ? side.rule.send : undefined;
    if (send === undefined) continue;
    const before = senders.get(send);
    senders.set(send, where);
    if (before !== undefined)
      faults.push({
        path: [...path, 'srtp', 'send'],
        message: `${before} sends with this key: two senders would repeat nonces`,
      });
    if (model.state === undefined)
      faults.push({
        path: [...path, 'srtp', 'send'],
        message:
          'an SRTP key must not seal again after a restart: name a folder that keeps which keys have sealed, state: /var/lib/frameseal',
      });
  }
  return faults;
}

/** A gateway reports each keyset under a name: two keysets of one bucket need two names. */
function storeFaults({ channels }: GatewayModel): Fault[] {
  return channels.flatMap(({ name, nats }, i) => {
    const isSame = (other: typeof nats) =>
      other?.bucket === nats?.bucket && other?.name === nats?.name && other?.key !== nats?.key;
    const before = nats && channels.slice(0, i).find((channel) => channel.nats && isSame(channel.nats));
    if (before === undefined) return [];
    const message = `${before.name} reports under the name ${nats!.name} in this bucket: give one of them another name`;
    return [{ path: ['channels', name, 'nats', 'name'], message }];
  });
}
