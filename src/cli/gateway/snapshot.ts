/**
 * What a gateway shows of itself: a snapshot of its state, and events as data. HTTP, logs and tables are drawn from these
 * types alone. All of it is plain data: JSON holds it, and threads send it to each other. No key, and nothing of a packet
 * but counts, is in it.
 *
 *     datagrams that a side receives  = sourceRefused + all results of `in`
 *     in.packets.ok of one side       = all results of `out` of the other side + its overruns + its sendErrors
 */

/** The two sides of a route. */
export type SideName = 'inside' | 'outside';

/** Which way packets may go: `outward` is from inside to outside. */
export type Direction = 'both' | 'outward' | 'inward';

/** Counts by name; names with count 0 are left out. */
export type Counts = Readonly<Record<string, number>>;

/**
 * Packets of one flow of a side. Results: `ok`; a status of FORMAT.md section 7 by its name; `NO_PEER`: a `learn` side has
 * no peer yet; `ONE_WAY`: the route's direction excludes the packet.
 */
export interface FlowCounters {
  /** All packets by result, RTCP included. */
  readonly packets: Counts;
  /** Those of them that are RTCP. */
  readonly rtcp: Counts;
  /** `in`: bytes of all packets of the flow. `out`: bytes that the system took. UDP payload, without headers. */
  readonly bytes: number;
}

/** How a side protects its packets. */
export type SideRule =
  | { readonly kind: 'clear' }
  | { readonly kind: 'channel'; readonly channel: string }
  | { readonly kind: 'srtp'; readonly send?: string; readonly receive?: string };

export interface SideSnapshot {
  readonly rule: SideRule;
  /** HOST:PORT as bound; `[::1]:5004` for IPv6. */
  readonly listen: string;
  /** Where RTCP arrives; undefined with `rtcpPort: mux`, or where that port could not be used. */
  readonly rtcpListen?: string;
  /** HOST:PORT where packets go now; undefined while a `learn` side has learned none. */
  readonly peer?: string;
  /** `peer` as the configuration has it: HOST:PORT or `learn`; `none` on a side that never sends. */
  readonly peerSetting: string;
  /** Addresses and prefixes that may send; `any` for all. */
  readonly from: readonly string[];
  readonly in: FlowCounters;
  readonly out: FlowCounters;
  /** Packets from a source that `from` excludes. */
  readonly sourceRefused: number;
  /** The newest such source. For people only: never a label of a metric. */
  readonly lastRefused?: string;
  /** The first byte of the newest packet that was not RTP, for words. */
  readonly lastForeignByte?: number;
  /** The key id that the newest packet under an unknown key names, for words. */
  readonly lastUnknownKeyId?: number;
  /** Packets that the system did not take, by error code. */
  readonly sendErrors: Counts;
  /** Errors that the sockets reported by themselves (a peer without a receiver), by error code. */
  readonly socketErrors: Counts;
  /** Packets that were dropped because the queue to the system was full. */
  readonly overruns: number;
  /** Datagrams that the system dropped because a receive buffer was full; 0 where the system has no table of them. */
  readonly kernelDrops: number;
  /** Packets that left with more than 1,500 bytes of IP. */
  readonly oversize: number;
  /** Milliseconds since the epoch of the newest packet that `from` allowed; undefined before the first. */
  readonly lastArrivalMs?: number;
}

export interface RouteSnapshot {
  readonly name: string;
  readonly direction: Direction;
  /** The worker thread that has the route; 0 is the main thread. */
  readonly thread: number;
  readonly inside: SideSnapshot;
  readonly outside: SideSnapshot;
  /** Senders that the route's openers remember. */
  readonly senders: number;
  /** Sealers that the route has open, one for each SSRC. */
  readonly sealers: number;
}

export interface ChannelSnapshot {
  readonly name: string;
  /** The key file, as the configuration names it; `nats BUCKET/KEY` for a store. */
  readonly file: string;
  readonly mode: string;
  readonly context?: string;
  readonly role?: 'a' | 'b';
  readonly rtcp: 'sealed' | 'clear';
  readonly bindHeader: boolean;
  /** Of what it seals. With a role the directions differ: `opens` is the fingerprint of what it opens. */
  readonly fingerprint: string;
  readonly opens: string;
  /** The key that seals; undefined in SM4 mode, which has no key ids. */
  readonly keyId?: number;
  /** All keys that open, the sealing one included. */
  readonly liveKeyIds: readonly number[];
  /** A key that opens already and is to seal at `sealsAtMs`. */
  readonly next?: { readonly keyId: number; readonly sealsAtMs: number };
  /** Milliseconds since the epoch when the sealing key was read. */
  readonly keySinceMs: number;
  /** By result: `ok`, `refused`. */
  readonly rotations: Counts;
  /** Where the keys come from a store. */
  readonly store?: StoreSnapshot;
}

export interface StoreSnapshot {
  /** `connected`, or why the store's keyset is not the one in use: `gone`, `missing`, `unreadable`, `rolled-back`, ... */
  readonly state: string;
  /** Of the keyset in use. */
  readonly revision?: number;
  /** When the store answered last, in milliseconds since the epoch. */
  readonly answeredMs?: number;
  /** How often each trouble began, by the names of `state`. */
  readonly troubles: Counts;
}

/** A sampled histogram of the time to open and seal a packet. */
export interface CryptTimes {
  /** Upper bounds in seconds; counts has one more, for what is above. Not cumulative. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sumSeconds: number;
}

export interface GatewaySnapshot {
  readonly version: string;
  readonly timeMs: number;
  readonly startedMs: number;
  /** Name of the engine in use: `simd`, `portable`, with its form. */
  readonly engine: string;
  /** Worker threads; 0: all routes on the main thread. */
  readonly workers: number;
  /** The configuration file; undefined with the short form. */
  readonly file?: string;
  readonly routes: readonly RouteSnapshot[];
  readonly channels: readonly ChannelSnapshot[];
  /** By result: `ok`, `refused`. */
  readonly reloads: Counts;
  readonly crypt: CryptTimes;
  /** Why it is not ready, one sentence each; empty when it is. */
  readonly unready: readonly string[];
}

/** Why a warning is given; one warning for each cause, route and side, and again with its count after a minute. */
export type WarningCause =
  | 'bad-tag'
  | 'unknown-key'
  | 'own-frame'
  | 'too-old'
  | 'replayed'
  | 'not-rtp'
  | 'clear-rtcp'
  | 'busy'
  | 'silence'
  | 'source-refused'
  | 'no-peer'
  | 'no-receiver'
  | 'send-error'
  | 'overrun'
  | 'kernel-drops'
  | 'oversize'
  | 'lookup'
  | 'rtcp-port'
  | 'root'
  | 'open-source'
  | 'srtp-key'
  | 'store'
  | 'other';

/** What happened: `type` first, then who. `timeMs`: milliseconds since the epoch. */
export type GatewayEvent = { readonly timeMs: number } & (
  | {
      readonly type: 'started';
      readonly version: string;
      readonly engine: string;
      readonly file?: string;
      readonly http?: string;
    }
  | { readonly type: 'channel'; readonly channel: ChannelSnapshot }
  | { readonly type: 'route-opened' | 'route-changed' | 'route-closed'; readonly route: RouteSnapshot }
  /** The first packet that `from` allowed on a side, and where it came from. */
  | { readonly type: 'first-packet'; readonly route: string; readonly side: SideName; readonly source: string }
  /** The first packet of a protected side that opened. */
  | {
      readonly type: 'first-opened';
      readonly route: string;
      readonly side: SideName;
      readonly source: string;
      readonly sender: string;
    }
  /** `before`: undefined for the first peer. `by`: a packet, or the name server. */
  | {
      readonly type: 'peer';
      readonly route: string;
      readonly side: SideName;
      readonly peer: string;
      readonly before?: string;
      readonly by: 'learned' | 'lookup';
    }
  /** A key was taken: it opens now, and seals after `sealAfterMs`; the old one ends `graceMs` after that. */
  | {
      readonly type: 'rotated';
      readonly channel: string;
      readonly mode: string;
      readonly keyId: number;
      readonly fingerprint: string;
      readonly opens: string;
      readonly sealAfterMs: number;
      readonly graceMs: number;
    }
  /** A key of a store opens from now on. */
  | {
      readonly type: 'key-opens';
      readonly channel: string;
      readonly keyId: number;
      readonly fingerprint: string;
      readonly opens: string;
    }
  /** A store is in use, after trouble or for the first time. */
  | { readonly type: 'store'; readonly channel: string; readonly message: string }
  /** The new key has begun to seal, or the old one has ended. */
  | { readonly type: 'key-seals' | 'key-ended'; readonly channel: string; readonly keyId: number }
  /** `faults`: why nothing changed, one line each with file, line and field; empty where the reload is in force. */
  | {
      readonly type: 'reloaded';
      readonly result: 'ok' | 'refused';
      readonly added: readonly string[];
      readonly changed: readonly string[];
      readonly removed: readonly string[];
      readonly faults: readonly string[];
    }
  /** `count`: how often the cause was met since it was last reported. `message`: what it means, and what to do. */
  | {
      readonly type: 'warning';
      readonly cause: WarningCause;
      readonly route?: string;
      readonly side?: SideName;
      readonly count: number;
      readonly message: string;
    }
  | { readonly type: 'stopping'; readonly signal: string }
);

/** An event before the clock is read. */
export type EventBody = GatewayEvent extends infer Event
  ? Event extends unknown
    ? Omit<Event, 'timeMs'>
    : never
  : never;

/** What HTTP and reporters see of a gateway. */
export interface GatewayView {
  snapshot(): Promise<GatewaySnapshot>;
}

/** Draws a gateway: log lines, JSON lines, or a live table. No call waits for a terminal, a disk or a reader. */
export interface Reporter {
  event(event: GatewayEvent): void;
  /** Once a second. */
  tick(snapshot: GatewaySnapshot): void;
  /** The totals, after the last packet. */
  end(snapshot: GatewaySnapshot): void;
  /** Waits until everything is written, one second at most. */
  flush(): Promise<void>;
}

/** The HTTP side: `http/server.ts` exports `serveHttp` of this type. Rejects with the system's error where it cannot listen. */
export type ServeHttp = (
  at: { readonly host: string; readonly port: number },
  view: GatewayView,
) => Promise<{ /** HOST:PORT as bound. */ readonly address: string; close(): Promise<void> }>;
