/** What a gateway is to do, as plain data: read from gateway.yaml (read.ts) or made by the short form (shortform.ts). */
import type { Endpoint } from '../../arguments.js';
import type { StoreSettings } from '../../fleet/settings.js';
import type { Direction, SideRule } from '../snapshot.js';

/** A key that a file or a store holds, and what it is used for. */
export interface ChannelModel {
  readonly name: string;
  /** The path of the key file; of a store, its name for people. */
  readonly file: string;
  /** The store; then there is no file. */
  readonly nats?: StoreSettings;
  readonly context?: string;
  readonly role?: 'a' | 'b';
  readonly rtcp: 'sealed' | 'clear';
  readonly bindHeader: boolean;
  readonly replayWindow: number;
  readonly maxSenders: number;
  readonly sealAfterMs: number;
  readonly graceMs: number;
  /** Whether a change of the file is taken without SIGHUP. */
  readonly watch: boolean;
}

/** An SRTP master key of one direction. */
export interface SrtpModel {
  readonly name: string;
  readonly file: string;
}

export interface SideModel {
  readonly rule: SideRule;
  /** Port 0 takes a free one. Absent on a side that only sends: any address, any port. */
  readonly listen?: Endpoint;
  /** Absent on a side that only receives. */
  readonly peer?: Endpoint | 'learn';
  /** Absent: the peer's address. */
  readonly from?: readonly string[];
  readonly rtcpPort: 'next' | 'mux';
  /** What becomes of RTCP on a channel that leaves it in the clear. */
  readonly clearRtcp: 'forward' | 'drop';
  /** Where a multicast group is joined: an address or a name of an interface. */
  readonly interface?: string;
}

export interface RouteModel {
  readonly name: string;
  readonly direction: Direction;
  /** Whether both sides have the same sockets: packets from a side's peer are that side's, all others the other's. */
  readonly isShared: boolean;
  readonly inside: SideModel;
  readonly outside: SideModel;
}

export interface GatewayModel {
  readonly http?: Endpoint;
  readonly workers: number;
  /** The folder for what must outlive the process. */
  readonly state?: string;
  readonly channels: readonly ChannelModel[];
  readonly srtp: readonly SrtpModel[];
  readonly routes: readonly RouteModel[];
}

export const CHANNEL_DEFAULTS = {
  rtcp: 'sealed',
  bindHeader: true,
  replayWindow: 1024,
  maxSenders: 1024,
  sealAfterMs: 5000,
  graceMs: 10_000,
  watch: false,
} as const;

export const SIDE_DEFAULTS = { rtcpPort: 'next', clearRtcp: 'drop' } as const;

/** Whether packets may arrive on the side. */
export function receives(route: Pick<RouteModel, 'direction'>, side: 'inside' | 'outside'): boolean {
  return route.direction !== (side === 'inside' ? 'inward' : 'outward');
}

/** Whether packets may leave on the side. */
export function sends(route: Pick<RouteModel, 'direction'>, side: 'inside' | 'outside'): boolean {
  return receives(route, side === 'inside' ? 'outside' : 'inside');
}

/** Whether the sides of a route mean the same sockets: one address, and a port that is named. */
export function meanSamePort(inside: SideModel, outside: SideModel): boolean {
  const at = ({ listen, rtcpPort }: SideModel) => JSON.stringify([listen, rtcpPort]);
  return inside.listen !== undefined && inside.listen.port !== 0 && at(inside) === at(outside);
}
