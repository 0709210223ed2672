/** Snapshots of a gateway that never ran, for tests of what is drawn from them. */
import type {
  ChannelSnapshot,
  FlowCounters,
  GatewaySnapshot,
  RouteSnapshot,
  SideSnapshot,
} from '../../src/cli/gateway/snapshot.js';

export function flow(ok = 0, more: Readonly<Record<string, number>> = {}): FlowCounters {
  return { packets: { ...(ok > 0 && { ok }), ...more }, rtcp: {}, bytes: 100 * ok };
}

export function side(changes: Partial<SideSnapshot> = {}): SideSnapshot {
  return {
    rule: { kind: 'clear' },
    listen: '127.0.0.1:5004',
    peer: '127.0.0.1:7004',
    peerSetting: '127.0.0.1:7004',
    from: ['127.0.0.1'],
    in: flow(),
    out: flow(),
    sourceRefused: 0,
    sendErrors: {},
    socketErrors: {},
    overruns: 0,
    kernelDrops: 0,
    oversize: 0,
    ...changes,
  };
}

export function route(changes: Partial<RouteSnapshot> = {}): RouteSnapshot {
  return {
    name: 'camera-1',
    direction: 'both',
    thread: 0,
    inside: side(),
    outside: side({
      rule: { kind: 'channel', channel: 'studio' },
      listen: '127.0.0.1:6004',
      peer: '127.0.0.1:6104',
      peerSetting: 'gw.example.net:6104',
    }),
    senders: 0,
    sealers: 0,
    ...changes,
  };
}

export function channel(changes: Partial<ChannelSnapshot> = {}): ChannelSnapshot {
  return {
    name: 'studio',
    file: 'studio.json',
    mode: 'AES_256_GCM2',
    rtcp: 'sealed',
    bindHeader: true,
    fingerprint: 'a1b2-c3d4-e5f6-0718',
    opens: '1111-2222-3333-4444',
    keyId: 3,
    liveKeyIds: [3],
    keySinceMs: 1_000_000,
    rotations: {},
    ...changes,
  };
}

export function snapshot(changes: Partial<GatewaySnapshot> = {}): GatewaySnapshot {
  return {
    version: '0.1.0',
    timeMs: 1_060_000,
    startedMs: 1_000_000,
    engine: 'simd, wide',
    workers: 0,
    routes: [route()],
    channels: [channel()],
    reloads: {},
    crypt: { bounds: [1e-6, 1e-5], counts: [1, 2, 3], sumSeconds: 0.5 },
    unready: [],
    ...changes,
  };
}
