/**
 * The short form: `frameseal gateway --seal|--open --listen A --forward B --config FILE` is a gateway of one route.
 *
 *     --seal     inside listens at A, clear; outside sends to B, protected
 *     --open     outside listens at A, protected; inside sends to B, clear
 *
 * With --two-way both sides have the sockets at A, if A and B are of one family: what comes from B goes back to the
 * last sender to A.
 */
import { isIP, isIPv6 } from 'node:net';
import type { Endpoint } from '../arguments.js';
import { plainAddress } from './config/addresses.js';
import type { GatewayModel, SideModel } from './config/model.js';
import { CHANNEL_DEFAULTS } from './config/model.js';
import type { Fault, Reading } from './config/read.js';
import { senseFaults } from './config/sense.js';
import type { GatewaySnapshot, SideName, SideSnapshot } from './snapshot.js';

export interface ShortForm {
  readonly seal?: boolean;
  readonly listen: Endpoint;
  readonly forward: Endpoint;
  readonly config: string;
  readonly from?: readonly string[];
  readonly http?: Endpoint;
  readonly twoWay?: boolean;
  readonly replayWindow?: number;
  readonly bindHeader: boolean;
  readonly rtcp: 'sealed' | 'forward' | 'drop';
  readonly rtcpPort: 'next' | 'same';
  readonly sealAfter: number;
  readonly grace: number;
}

const ROUTE = 'gateway';
const CHANNEL = 'config';

/** The model of the options, and what is wrong with them. */
export function modelOfShortForm(options: ShortForm): Reading & { readonly model: GatewayModel } {
  const { seal, listen, forward, from, twoWay, http } = options;
  const common = {
    rtcpPort: options.rtcpPort === 'same' ? 'mux' : 'next',
    clearRtcp: options.rtcp === 'forward' ? 'forward' : 'drop',
  } as const;
  const near = { ...common, listen, ...(twoWay && { peer: 'learn' as const }), ...(from && { from }) };
  const isShared = twoWay === true && isIPv6(listen.host) === isIPv6(forward.host);
  const far = { ...common, peer: forward, ...(twoWay && farListen(isShared, options)) };
  const clear = { rule: { kind: 'clear' } } as const;
  const sealed = { rule: { kind: 'channel', channel: CHANNEL } } as const;
  const [inside, outside]: [SideModel, SideModel] = seal
    ? [
        { ...near, ...clear },
        { ...far, ...sealed },
      ]
    : [
        { ...far, ...clear },
        { ...near, ...sealed },
      ];
  const model: GatewayModel = {
    ...(http && { http }),
    workers: 0,
    channels: [
      {
        ...CHANNEL_DEFAULTS,
        name: CHANNEL,
        file: options.config,
        bindHeader: options.bindHeader,
        rtcp: options.rtcp === 'sealed' ? 'sealed' : 'clear',
        ...(options.replayWindow !== undefined && { replayWindow: options.replayWindow }),
        sealAfterMs: 1000 * options.sealAfter,
        graceMs: 1000 * options.grace,
      },
    ],
    srtp: [],
    routes: [
      {
        name: ROUTE,
        direction: twoWay ? 'both' : seal ? 'outward' : 'inward',
        isShared,
        inside,
        outside,
      },
    ],
  };
  const faults = senseFaults(model, { routes: [{ inside: { clear: true }, outside: { channel: CHANNEL } }] });
  const line = (fault: Fault) => inOptions(fault, seal === true);
  return { model, faults: faults.map(line), line };
}

/** Where the far side listens: at the same sockets, or at free ports of the family that it sends in. */
function farListen(isShared: boolean, { listen, forward }: ShortForm): Pick<SideModel, 'listen' | 'from'> {
  if (isShared) return { listen };
  const isKnown = isIP(forward.host) !== 0;
  return {
    listen: { host: isIPv6(forward.host) ? '::' : '0.0.0.0', port: 0 },
    ...(isKnown && { from: [plainAddress(forward.host)] }),
  };
}

/** A fault in the words of the options. */
function inOptions({ path, message }: Fault, seal: boolean): string {
  const [, , side, field] = path;
  const isNear = (side === 'inside') === seal;
  const option = { listen: '--listen', peer: isNear ? '--listen' : '--forward', from: '--from' }[String(field)];
  return `${option === undefined ? '' : `${option}: `}${message.replace('from: [192.0.2.0/24], or from: any', '--from 192.0.2.0/24, or --from any')}`;
}

/** The counters of a one-way gateway, as the lines of --json have them. */
export interface ShortCounters {
  /** Datagrams that `from` allows, RTCP included. */
  readonly received: { readonly packets: number; readonly bytes: number };
  readonly forwarded: { readonly packets: number; readonly bytes: number };
  readonly rtcp: { readonly forwarded: number; readonly dropped: number };
  /** Packets that were dropped, by status; RTCP that stays in the clear is in `rtcp`. */
  readonly refused: Readonly<Record<string, number>>;
  readonly sourceRefused: number;
  /** Packets that sealing made longer than 1,500 bytes of IP. */
  readonly oversize: number;
  /** Datagrams that the system did not take. */
  readonly sendErrors: number;
  /** Datagrams that were dropped because the queue to the system was full. */
  readonly overruns: number;
  /** Errors that sockets reported by themselves, most often for lack of a receiver. These datagrams count as forwarded. */
  readonly socketErrors: number;
}

/** What passed from one side of the first route to the other. */
export function shortCounters({ routes }: GatewaySnapshot, from: SideName): ShortCounters {
  const [route] = routes;
  const [arrived, left]: [SideSnapshot, SideSnapshot] =
    from === 'inside' ? [route!.inside, route!.outside] : [route!.outside, route!.inside];
  const refused: Record<string, number> = {};
  for (const counts of [arrived.in.packets, left.out.packets]) {
    for (const [result, count] of Object.entries(counts)) {
      if (result !== 'ok' && result !== 'RTCP') refused[result] = (refused[result] ?? 0) + count;
    }
  }
  return {
    received: { packets: sum(arrived.in.packets), bytes: arrived.in.bytes },
    forwarded: { packets: left.out.packets['ok'] ?? 0, bytes: left.out.bytes },
    rtcp: {
      forwarded: left.out.rtcp['ok'] ?? 0,
      dropped: (arrived.in.packets['RTCP'] ?? 0) + (left.out.packets['RTCP'] ?? 0),
    },
    refused,
    sourceRefused: arrived.sourceRefused,
    oversize: left.oversize,
    sendErrors: sum(left.sendErrors),
    overruns: left.overruns,
    socketErrors: sum(left.socketErrors),
  };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
