/** The document at /status: the snapshot, and beside it rates and ages, so that clients need no clock. */
import type { FlowRates, Rates } from '../rates.js';
import type {
  ChannelSnapshot,
  FlowCounters,
  GatewaySnapshot,
  RouteSnapshot,
  SideName,
  SideSnapshot,
} from '../snapshot.js';

interface FlowStatus extends FlowCounters {
  readonly rates: FlowRates;
}

interface SideStatus extends Omit<SideSnapshot, 'in' | 'out'> {
  readonly in: FlowStatus;
  readonly out: FlowStatus;
  /** Undefined before the first packet. */
  readonly lastArrivalAgeSeconds?: number;
}

interface RouteStatus extends Omit<RouteSnapshot, SideName> {
  readonly inside: SideStatus;
  readonly outside: SideStatus;
}

interface ChannelStatus extends ChannelSnapshot {
  readonly keyAgeSeconds: number;
}

export interface GatewayStatus extends Omit<GatewaySnapshot, 'routes' | 'channels'> {
  readonly ready: boolean;
  readonly uptimeSeconds: number;
  readonly routes: readonly RouteStatus[];
  readonly channels: readonly ChannelStatus[];
}

export function statusOf(snapshot: GatewaySnapshot, rates: Rates): GatewayStatus {
  const { timeMs } = snapshot;
  const ageSeconds = (sinceMs: number): number => Math.max(0, timeMs - sinceMs) / 1000;
  const sideOf = (route: RouteSnapshot, name: SideName): SideStatus => {
    const side = route[name];
    return {
      ...side,
      in: { ...side.in, rates: rates.of(route.name, name, 'in') },
      out: { ...side.out, rates: rates.of(route.name, name, 'out') },
      ...(side.lastArrivalMs !== undefined && { lastArrivalAgeSeconds: ageSeconds(side.lastArrivalMs) }),
    };
  };
  return {
    ...snapshot,
    ready: snapshot.unready.length === 0,
    uptimeSeconds: ageSeconds(snapshot.startedMs),
    routes: snapshot.routes.map((route) => ({
      ...route,
      inside: sideOf(route, 'inside'),
      outside: sideOf(route, 'outside'),
    })),
    channels: snapshot.channels.map((channel) => ({ ...channel, keyAgeSeconds: ageSeconds(channel.keySinceMs) })),
  };
}
